package vault

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"thimble"
)

// aads holds scratch for associated data, which names cells and no plain value.
var aads = sync.Pool{New: func() any { b := make([]byte, 0, 256); return &b }}

// Seal seals plain for its cell. The zero owner's cells are sealed by the
// installation's key. The error is of kind thimble.ErrNotFound when the owner has
// no key ([Vault.Ensure] makes it), thimble.ErrDenied when the cell's month has
// expired, thimble.ErrInvalid when the cell lacks a part.
func (v *Vault) Seal(ctx context.Context, c thimble.Cell, plain []byte) ([]byte, error) {
	sealed, err := v.seal(ctx, &c, plain)
	if err != nil {
		return nil, fmt.Errorf("vault: sealing %s.%s: %w", c.Table, c.Column, err)
	}
	return sealed, nil
}

func (v *Vault) seal(ctx context.Context, c *thimble.Cell, plain []byte) ([]byte, error) {
	month, err := cellMonth(c)
	if err != nil {
		return nil, err
	}
	ks, err := v.lookup(ctx, c.Owner, c.Class, month)
	if errors.Is(err, errNoKey) {
		ks, err = v.begin(ctx, c, month)
	}
	if err != nil {
		return nil, err
	}
	return v.sealWith(nil, &ks.keys[0], c, month, plain)
}

func (v *Vault) sealWith(dst []byte, k *dataKey, c *thimble.Cell, month int, plain []byte) ([]byte, error) {
	h := header{version: recordGCM, gen: k.gen, month: month}
	size := gcmNonce
	if k.xaes != nil {
		h.version, size = recordXAES, xaesNonce
	}
	start := len(dst)
	sealed := h.append(slices.Grow(dst, headerLen+size+len(plain)+tagLen))
	buf := aads.Get().(*[]byte)
	defer aads.Put(buf)
	aad := appendCell(append((*buf)[:0], sealed[start:]...), *v.installation.Load(), c)
	*buf = aad
	sealed = sealed[:start+headerLen+size]
	nonce := sealed[start+headerLen:]
	if _, err := io.ReadFull(v.cfg.Rand, nonce); err != nil {
		return nil, err
	}
	if k.xaes != nil {
		return k.xaes.seal(sealed[:start+headerLen], nonce, plain, aad)
	}
	return k.gcm.Seal(sealed, nonce, plain, aad), nil
}

// Open opens what [Vault.Seal] sealed for the same cell. The error is of kind
// thimble.ErrDenied when the cell is another, a bit was changed, or the key is lost,
// and thimble.ErrUnavailable when the root is asked and does not answer.
//
// Only the gate and the composition root call it; everybody else holds a
// thimble.Grant.
func (v *Vault) Open(ctx context.Context, c thimble.Cell, sealed []byte) ([]byte, error) {
	plain, err := v.open(ctx, &c, sealed)
	if err != nil {
		return nil, fmt.Errorf("vault: opening %s.%s: %w", c.Table, c.Column, err)
	}
	return plain, nil
}

func (v *Vault) open(ctx context.Context, c *thimble.Cell, sealed []byte) ([]byte, error) {
	month, err := cellMonth(c)
	if err != nil {
		return nil, err
	}
	h, size, err := parseHeader(sealed)
	if err != nil {
		return nil, err
	}
	// One owner's key is used with one algorithm: the version cannot be chosen.
	if h.month != month || (h.version == recordXAES) != c.Owner.IsZero() {
		return nil, errOther
	}
	ks, err := v.lookup(ctx, c.Owner, c.Class, month)
	if err != nil {
		return nil, err
	}
	for i := range ks.keys {
		if ks.keys[i].gen == h.gen {
			return v.openWith(&ks.keys[i], c, size, sealed)
		}
	}
	return nil, errNoKey
}

func (v *Vault) openWith(k *dataKey, c *thimble.Cell, size int, sealed []byte) ([]byte, error) {
	buf := aads.Get().(*[]byte)
	defer aads.Put(buf)
	aad := appendCell(append((*buf)[:0], sealed[:headerLen]...), *v.installation.Load(), c)
	*buf = aad
	body := sealed[headerLen:]
	plain := make([]byte, 0, len(body)-size-tagLen)
	var err error
	if k.xaes != nil {
		plain, err = k.xaes.open(plain, body, aad)
	} else {
		plain, err = k.gcm.Open(plain, body[:size], body[size:], aad)
	}
	if err != nil {
		return nil, errOther
	}
	return plain, nil
}

// cellMonth checks the cell and returns the month of its key, 0 for a base key.
// The base class does not expire, whenever its cells are dated.
func cellMonth(c *thimble.Cell) (int, error) {
	if err := checkCell(c); err != nil {
		return 0, err
	}
	if c.Class == "" {
		return 0, nil
	}
	return monthOf(c.At)
}
