package vault

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"io"

	"thimble"
)

// commitment returns 16 bytes that fit key and no other: GCM alone would let one
// ciphertext open under two keys.
func commitment(key *[32]byte) []byte {
	const domain = "thimble vault commitment"
	buf := make([]byte, 0, len(domain)+len(key))
	sum := sha256.Sum256(append(append(buf, domain...), key[:]...))
	return sum[:16]
}

func committed(key *[32]byte, want []byte) bool {
	return subtle.ConstantTimeCompare(commitment(key), want) == 1
}

func appendNumber(dst []byte, n int64) []byte {
	return binary.BigEndian.AppendUint64(dst, uint64(n))
}

func keyAAD(dst, installation []byte, k *Key) []byte {
	dst = appendPart(dst, "thimble key 1")
	dst = appendPart(dst, installation)
	dst = appendPart(dst, k.Owner[:])
	dst = appendPart(dst, k.Class)
	chain := byte(0)
	if k.Chain {
		chain = 1
	}
	dst = append(dst, chain)
	dst = appendNumber(dst, int64(k.Gen))
	dst = appendNumber(dst, int64(k.Month))
	return appendNumber(dst, k.Epoch)
}

// wrapKey wraps plain under k.Epoch and sets k.Wrapped and k.Commitment.
func (v *Vault) wrapKey(ctx context.Context, k *Key, plain *[32]byte) error {
	id, err := v.id(ctx)
	if err != nil {
		return err
	}
	x, err := v.ring.get(ctx, id, k.Epoch)
	if err != nil {
		return err
	}
	var nonce [xaesNonce]byte
	if _, err := io.ReadFull(v.cfg.Rand, nonce[:]); err != nil {
		return err
	}
	k.Commitment = commitment(plain)
	var buf [256]byte
	k.Wrapped, err = x.seal(make([]byte, 0, xaesOverhead+len(plain)), nonce[:], plain[:], keyAAD(buf[:0], id, k))
	return err
}

// unwrapKey opens a stored key.
func (v *Vault) unwrapKey(ctx context.Context, k *Key) (plain [32]byte, err error) {
	id, err := v.id(ctx)
	if err != nil {
		return plain, err
	}
	x, err := v.ring.get(ctx, id, k.Epoch)
	if err != nil {
		return plain, err
	}
	var buf [256]byte
	got, err := x.open(plain[:0], k.Wrapped, keyAAD(buf[:0], id, k))
	if err != nil || len(got) != len(plain) || !committed(&plain, k.Commitment) {
		clear(plain[:])
		return plain, errWrapped
	}
	return plain, nil
}

// newKey draws a key and wraps it under the newest epoch.
func (v *Vault) newKey(ctx context.Context, owner thimble.SubjectID, class string, chain bool, month int) (Key, error) {
	k, _, err := v.drawKey(ctx, owner, class, chain, month)
	return k, err
}

func (v *Vault) drawKey(ctx context.Context, owner thimble.SubjectID, class string, chain bool, month int) (k Key, plain [32]byte, err error) {
	id, err := v.id(ctx)
	if err != nil {
		return k, plain, err
	}
	epoch, err := v.ring.newest(ctx, id)
	if err != nil {
		return k, plain, err
	}
	if _, err := io.ReadFull(v.cfg.Rand, plain[:]); err != nil {
		return k, plain, err
	}
	k = Key{Owner: owner, Class: class, Chain: chain, Gen: 1, Month: month, Epoch: epoch, CreatedAt: v.cfg.Now()}
	return k, plain, v.wrapKey(ctx, &k, &plain)
}

// nextLink is the one-way step from a month to the next. Who has a link has all
// later ones and no earlier one.
func nextLink(link *[32]byte) [32]byte { return hashed("thimble vault next link", link) }

// monthKey is what seals in a month: not the link itself, which is hashed on.
func monthKey(link *[32]byte) [32]byte { return hashed("thimble vault month key", link) }

// hashed costs one compression of SHA-256: the domains have 23 bytes, so that with
// the key and the padding they fill one block.
func hashed(domain string, link *[32]byte) [32]byte {
	var block [55]byte
	copy(block[:], domain)
	copy(block[23:], link[:])
	defer clear(block[:])
	return sha256.Sum256(block[:])
}

func advance(link [32]byte, steps int) [32]byte {
	for range steps {
		link = nextLink(&link)
	}
	return link
}

// A keyset is what seals and opens the cells of one owner, class and month.
type keyset struct {
	keys []dataKey // the newest first
}

type dataKey struct {
	gen  int
	gcm  cipher.AEAD
	xaes *xaes // the installation's
}

func newDataKey(owner thimble.SubjectID, gen int, plain *[32]byte) (dataKey, error) {
	if owner.IsZero() {
		x, err := newXAES(plain)
		return dataKey{gen: gen, xaes: x}, err
	}
	block, err := aes.NewCipher(plain[:])
	if err != nil {
		return dataKey{}, err
	}
	gcm, err := cipher.NewGCM(block)
	return dataKey{gen: gen, gcm: gcm}, err
}

// lookup returns the keys of an owner, class and month (0: the base key).
func (v *Vault) lookup(ctx context.Context, owner thimble.SubjectID, class string, month int) (*keyset, error) {
	if _, err := v.id(ctx); err != nil {
		return nil, err
	}
	now := v.cfg.Now()
	if err := v.feelPulse(ctx, now); err != nil {
		return nil, err
	}
	at := place{owner, class, month}
	if ks := v.cache.get(at, now); ks != nil {
		return ks, nil
	}
	turn := v.cache.turn()
	ks, err := v.load(ctx, at)
	if err != nil {
		return nil, err
	}
	v.cache.put(at, ks, now, turn)
	return ks, nil
}

func (v *Vault) load(ctx context.Context, at place) (*keyset, error) {
	rows, err := v.store.Keys(ctx, at.owner, at.class, at.month > 0)
	if err != nil {
		return nil, outage(err)
	}
	return v.unwrapAll(ctx, at, rows)
}

// unwrapAll returns the keys of one owner, class and month; rows are the newest first.
func (v *Vault) unwrapAll(ctx context.Context, at place, rows []Key) (*keyset, error) {
	missing := errNoKey
	ks := &keyset{}
	for i := range rows {
		plain, err := v.unwrapKey(ctx, &rows[i])
		if err != nil {
			return nil, err
		}
		k, err := rowKey(&rows[i], at, &plain)
		clear(plain[:])
		if errors.Is(err, errExpired) {
			missing = err
			continue
		}
		if err != nil {
			return nil, err
		}
		ks.keys = append(ks.keys, k)
	}
	if len(ks.keys) == 0 {
		return nil, missing
	}
	return ks, nil
}

func rowKey(row *Key, at place, plain *[32]byte) (dataKey, error) {
	if !row.Chain {
		return newDataKey(at.owner, row.Gen, plain)
	}
	if at.month < row.Month {
		return dataKey{}, errExpired
	}
	link := advance(*plain, at.month-row.Month)
	key := monthKey(&link)
	defer clear(key[:])
	return newDataKey(at.owner, row.Gen, &key)
}
