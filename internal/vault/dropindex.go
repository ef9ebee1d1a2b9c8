package vault

import (
	"context"
	"errors"
	"fmt"

	"thimble"
)

// DropIndex destroys the key of a kind of index: nobody can compute or compare its
// indexes any more. Another process that has it in memory keeps it until it ends.
// It is idempotent. A kind must not be used again: its next use makes a new key.
func (v *Vault) DropIndex(ctx context.Context, kind string) error {
	name := "index/" + kind
	sealed, err := v.store.Secret(ctx, name)
	if errors.Is(err, thimble.ErrNotFound) {
		v.indexes.Delete(kind)
		return nil
	}
	if err != nil {
		return fmt.Errorf("vault: dropping the index of kind %s: %w", kind, outage(err))
	}
	if err := v.store.DropSecret(ctx, name); err != nil {
		return fmt.Errorf("vault: dropping the index of kind %s: %w", kind, outage(err))
	}
	v.indexes.Delete(kind)
	found, _, err := v.store.Scrub(ctx, [][]byte{sealed})
	if err == nil && found > 0 {
		err = fmt.Errorf("the sealed key is still in %d files: %w", found, thimble.ErrUnavailable)
	}
	if err != nil {
		return fmt.Errorf("vault: dropping the index of kind %s: %w", kind, err)
	}
	return nil
}
