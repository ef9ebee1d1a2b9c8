package catalogdb

import (
	"context"
	"database/sql"
	"fmt"

	"thimble"
	"thimble/internal/catalog"
	"thimble/internal/sqldb"
)

// All returns every product, in the order of ids.
func (s *Store) All(ctx context.Context) ([]catalog.Product, error) {
	var all []catalog.Product
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		return each(ctx, tx, func(rows *sql.Rows) error {
			l, err := scan(rows)
			all = append(all, l.Product)
			return err
		}, `select `+columns+` from catalog_products order by id`)
	})
	if err != nil {
		return nil, fmt.Errorf("catalog: reading all products: %w", err)
	}
	return all, nil
}

// Levels returns how much there is of each product whose stock is known, in all places
// together.
func (s *Store) Levels(ctx context.Context) (map[thimble.ItemID]int64, error) {
	var levels map[thimble.ItemID]int64
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		levels = map[thimble.ItemID]int64{}
		return each(ctx, tx, func(rows *sql.Rows) error {
			var id thimble.ItemID
			var units int64
			err := rows.Scan(&id, &units)
			levels[id] = units
			return err
		}, `select item_id, cast(sum(units) as bigint) from catalog_stock group by item_id`)
	})
	if err != nil {
		return nil, fmt.Errorf("catalog: adding up stock: %w", err)
	}
	return levels, nil
}

// Mark changes when a product, its stock or its demand does. It is for whoever keeps
// what was made of them.
func (s *Store) Mark(ctx context.Context) (string, error) {
	var n, seen, sold, levels, counted, units int64
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		err := tx.QueryRow(ctx, `select count(*), coalesce(max(updated_at), 0), cast(coalesce(sum(sold_orders + sold_units), 0) as bigint) from catalog_products`).Scan(&n, &seen, &sold)
		if err != nil {
			return err
		}
		return tx.QueryRow(ctx, `select count(*), coalesce(max(at), 0), cast(coalesce(sum(units), 0) as bigint) from catalog_stock`).Scan(&levels, &counted, &units)
	})
	if err != nil {
		return "", fmt.Errorf("catalog: looking for changes: %w", err)
	}
	return fmt.Sprint(n, seen, sold, levels, counted, units), nil
}
