package collectdb

import (
	"context"
	"fmt"

	"thimble/internal/collect"
	"thimble/internal/sqldb"
)

// Shop implements [collect.Store]. The numbers of a shop that delivered before numbers had
// a shop before them stay as they are.
func (s *Store) Shop(ctx context.Context, name string) (prefix string, err error) {
	bare, known := false, false
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		bare, known, err = readShop(ctx, tx, name)
		return err
	})
	if err == nil && !known {
		err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
			if _, err := tx.Exec(ctx, `insert into collect_shops (name, bare, at) values ($1, 0, $2) on conflict (name) do nothing`, name, s.now().UnixMicro()); err != nil {
				return err
			}
			bare, _, err = readShop(ctx, tx, name)
			return err
		})
	}
	switch {
	case err != nil:
		return "", fmt.Errorf("collect: looking for a shop: %w", err)
	case bare:
		return "", nil
	}
	return collect.ShopPrefix(name), nil
}

func readShop(ctx context.Context, tx *sqldb.Tx, name string) (bare, known bool, err error) {
	rows, err := tx.Query(ctx, `select bare from collect_shops where name = $1`, name)
	if err != nil {
		return false, false, err
	}
	defer rows.Close()
	for rows.Next() {
		var b int64
		if err := rows.Scan(&b); err != nil {
			return false, false, err
		}
		bare, known = b == 1, true
	}
	return bare, known, rows.Err()
}

// Shops implements [collect.Store].
func (s *Store) Shops(ctx context.Context) (all []string, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		all, err = sqldb.Column[string](ctx, tx, `select name from collect_shops order by name`)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("collect: listing shops: %w", err)
	}
	return all, nil
}
