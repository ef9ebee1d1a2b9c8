package catalogdb

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"

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

// Mark is another number, a greater one, after each transaction that wrote products, stock
// or demand. It is for whoever keeps what was made of them.
func (s *Store) Mark(ctx context.Context) (n int64, err error) {
	if err := s.one(ctx, []any{&n}, `select cast(coalesce(sum(n), 0) as bigint) from catalog_revision`); err != nil {
		return 0, fmt.Errorf("catalog: looking for changes: %w", err)
	}
	return n, nil
}

// revisionParts is over how many rows the writers spread.
const revisionParts = 16

type touched struct{}

// touch has the mark change with the transaction, once.
func touch(tx *sqldb.Tx) {
	tx.Local(touched{}, func() any {
		tx.BeforeCommit(func(ctx context.Context) error {
			_, err := tx.Exec(ctx, `insert into catalog_revision (part, n) values ($1, 1)
				on conflict (part) do update set n = catalog_revision.n + 1`, rand.IntN(revisionParts))
			if err != nil {
				return fmt.Errorf("catalog: noting a change: %w", err)
			}
			return nil
		})
		return nil
	})
}
