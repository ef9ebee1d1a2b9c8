package vault

import (
	"context"
	"fmt"
	"io"
)

// A Perishable is sealed by the day's epoch key itself and by nothing else, so that it
// opens until that key is destroyed and to nobody afterwards, the installation included.
// A data key could not do that: it is wrapped anew each day.
type Perishable struct {
	Installation []byte `json:"installation"`
	Epoch        int64  `json:"epoch"`
	Sealed       []byte `json:"sealed"`
}

// SealPerishable seals bytes under the newest epoch key, for what is named.
func (v *Vault) SealPerishable(ctx context.Context, what string, plain []byte) (Perishable, error) {
	p, err := v.sealPerishable(ctx, what, plain)
	if err != nil {
		return p, fmt.Errorf("vault: sealing %s until its epoch ends: %w", what, outage(err))
	}
	return p, nil
}

func (v *Vault) sealPerishable(ctx context.Context, what string, plain []byte) (p Perishable, err error) {
	if p.Installation, err = v.id(ctx); err != nil {
		return p, err
	}
	if p.Epoch, err = v.ring.newest(ctx, p.Installation); err != nil {
		return p, err
	}
	x, err := v.ring.get(ctx, p.Installation, p.Epoch)
	if err != nil {
		return p, err
	}
	nonce := make([]byte, xaesNonce)
	if _, err := io.ReadFull(v.cfg.Rand, nonce); err != nil {
		return p, err
	}
	p.Sealed, err = x.seal(nil, nonce, plain, p.aad(what))
	return p, err
}

// OpenPerishable opens what SealPerishable has sealed in this installation.
func (v *Vault) OpenPerishable(ctx context.Context, what string, p Perishable) ([]byte, error) {
	return v.ring.openPerishable(ctx, what, p)
}

// OpenPerishable opens with a root and its epoch keys alone, before there is a vault: what
// a vault is put back from is sealed so.
func OpenPerishable(ctx context.Context, root Root, epochs Epochs, what string, p Perishable) ([]byte, error) {
	return newRing(root, epochs, Config{}.withDefaults()).openPerishable(ctx, what, p)
}

func (r *ring) openPerishable(ctx context.Context, what string, p Perishable) ([]byte, error) {
	x, err := r.get(ctx, p.Installation, p.Epoch)
	var plain []byte
	if err == nil {
		if plain, err = x.open(nil, p.Sealed, p.aad(what)); err != nil {
			err = errOther
		}
	}
	if err != nil {
		return nil, fmt.Errorf("vault: opening %s, sealed in epoch %d: %w", what, p.Epoch, outage(err))
	}
	return plain, nil
}

func (p Perishable) aad(what string) []byte {
	aad := appendPart(nil, "thimble perishable 1")
	aad = appendPart(aad, what)
	aad = appendPart(aad, p.Installation)
	return appendNumber(aad, p.Epoch)
}

// EpochKeys returns the wrapped epoch keys that live, the oldest first: for a copy that is
// kept apart, with the root's own rules. What is destroyed here must be destroyed there.
func (v *Vault) EpochKeys(ctx context.Context) ([]Epoch, error) {
	if v.ring.epochs == nil {
		return nil, fmt.Errorf("vault: listing epoch keys: %w", errNew)
	}
	all, err := v.ring.epochs.Epochs(ctx)
	if err != nil {
		return nil, fmt.Errorf("vault: listing epoch keys: %w", outage(err))
	}
	return all, nil
}

// Installation returns the random number of this installation, which is no secret.
func (v *Vault) Installation(ctx context.Context) ([]byte, error) { return v.id(ctx) }
