package vault

import (
	"context"
	"errors"
	"fmt"
	"io"

	"thimble"
)

// Secret returns n random bytes that belong to the installation under a name, such
// as "ledger-signing-seed". They are made on first use, sealed at rest, and the same
// ever after. The error is of kind thimble.ErrConflict when the secret is there with
// another length.
func (v *Vault) Secret(ctx context.Context, name string, n int) ([]byte, error) {
	if name == "" || len(name) > 128 || n < 16 || n > 1024 {
		return nil, fmt.Errorf("vault: a secret needs a name of at most 128 bytes and 16 to 1024 bytes: %w", thimble.ErrInvalid)
	}
	plain, err := v.secret(ctx, name, n)
	if err != nil {
		return nil, fmt.Errorf("vault: secret %s: %w", name, err)
	}
	if len(plain) != n {
		return nil, fmt.Errorf("vault: secret %s has %d bytes, not %d: %w", name, len(plain), n, thimble.ErrConflict)
	}
	return plain, nil
}

func (v *Vault) secret(ctx context.Context, name string, n int) ([]byte, error) {
	cell := thimble.Cell{Table: "vault_secrets", Column: "sealed", Row: []byte(name)}
	sealed, err := v.store.Secret(ctx, name)
	if errors.Is(err, thimble.ErrNotFound) {
		if err := v.makeSecret(ctx, name, cell, n); err != nil {
			return nil, err
		}
		// Another process may have been first: what is stored counts.
		sealed, err = v.store.Secret(ctx, name)
	}
	if err != nil {
		return nil, outage(err)
	}
	return v.open(ctx, &cell, sealed)
}

func (v *Vault) makeSecret(ctx context.Context, name string, cell thimble.Cell, n int) error {
	plain := make([]byte, n)
	defer clear(plain)
	if _, err := io.ReadFull(v.cfg.Rand, plain); err != nil {
		return err
	}
	sealed, err := v.seal(ctx, &cell, plain)
	if err != nil {
		return err
	}
	return outage(v.store.PutSecret(ctx, name, sealed, v.cfg.Now()))
}
