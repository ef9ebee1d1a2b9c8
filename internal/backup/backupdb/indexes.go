package backupdb

import (
	"context"
	"fmt"

	"thimble/internal/sqldb"
)

// Indexes returns the names of the keys of indexes in a database of keys, and checks that no
// epoch key lies in it: those belong in no backup.
func Indexes(ctx context.Context, keys *sqldb.DB) (names []string, err error) {
	err = keys.Read(ctx, func(tx *sqldb.Tx) error {
		epochs, err := sqldb.Column[int64](ctx, tx, `select number from vault_epochs`)
		if err == nil && len(epochs) > 0 && keys.Engine() == sqldb.SQLite { // of PostgreSQL the table is left out
			err = fmt.Errorf("%d keys of days lie in this database", len(epochs))
		}
		if err == nil {
			names, err = sqldb.Column[string](ctx, tx, `select name from vault_secrets where name like 'index/%' order by name`)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("backupdb: reading the names of indexes: %w", err)
	}
	return names, nil
}
