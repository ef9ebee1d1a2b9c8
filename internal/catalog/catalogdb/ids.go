package catalogdb

import (
	"context"
	"fmt"

	"thimble"
	"thimble/internal/catalog"
	"thimble/internal/sqldb"
)

// IDs returns the numbers of all products of a kind, in order.
func (s *Store) IDs(ctx context.Context, k catalog.Kind) ([]thimble.ItemID, error) {
	var ids []thimble.ItemID
	err := s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		ids, err = sqldb.Column[thimble.ItemID](ctx, tx, `select id from catalog_products where kind = $1 order by id`, string(k))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("catalog: listing numbers: %w", err)
	}
	return ids, nil
}
