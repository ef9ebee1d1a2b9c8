package vault

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"hash"
	"sync"

	"thimble"
)

// IndexLen is the length of a blind index in bytes.
const IndexLen = 16

// index computes the blind indexes of one kind.
type index struct{ macs sync.Pool }

type mac struct {
	hash.Hash
	buf []byte
}

// Index returns 16 bytes that stand for a value among the values of a kind: HMAC-
// SHA256 under the kind's own key, cut. Who lacks the key can neither compute nor
// invert it. A value with few possibilities (a birthday, a size) must have no index:
// whoever can ask for many would find it.
func (v *Vault) Index(ctx context.Context, kind, value string) ([]byte, error) {
	ix, err := v.index(ctx, kind)
	if err != nil {
		return nil, fmt.Errorf("vault: index of kind %s: %w", kind, err)
	}
	return ix.sum(value), nil
}

func (ix *index) sum(value string) []byte {
	m := ix.macs.Get().(*mac)
	m.Reset()
	m.buf = append(m.buf[:0], value...)
	m.Write(m.buf) //nolint:errcheck // a hash takes all it is given
	clear(m.buf)
	m.buf = m.Sum(m.buf[:0])
	out := make([]byte, IndexLen)
	copy(out, m.buf)
	ix.macs.Put(m)
	return out
}

func (v *Vault) index(ctx context.Context, kind string) (*index, error) {
	if ix, ok := v.indexes.Load(kind); ok {
		return ix.(*index), nil
	}
	if kind == "" || len(kind) > 64 {
		return nil, fmt.Errorf("a kind of 1 to 64 bytes was expected: %w", thimble.ErrInvalid)
	}
	key, err := v.Secret(ctx, "index/"+kind, 32)
	if err != nil {
		return nil, err
	}
	ix := &index{}
	ix.macs.New = func() any { return &mac{Hash: hmac.New(sha256.New, key)} }
	got, _ := v.indexes.LoadOrStore(kind, ix)
	return got.(*index), nil
}

// mark is the owner's name among the tombstones.
func (v *Vault) mark(ctx context.Context, owner thimble.SubjectID) ([]byte, error) {
	ix, err := v.index(ctx, "vault-tombstone")
	if err != nil {
		return nil, err
	}
	return ix.sum(string(owner[:])), nil
}
