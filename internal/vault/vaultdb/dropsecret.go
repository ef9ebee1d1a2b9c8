package vaultdb

import (
	"context"

	"thimble/internal/sqldb"
)

// DropSecret implements vault.Store.
func (s *Store) DropSecret(ctx context.Context, name string) error {
	return wrap("deleting a secret", s.db.Write(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(ctx, `delete from vault_secrets where name = $1`, name)
		return err
	}))
}
