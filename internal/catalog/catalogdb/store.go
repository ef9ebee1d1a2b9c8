package catalogdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"thimble"
	"thimble/internal/catalog"
	"thimble/internal/sqldb"
)

// A Store keeps products and demand.
type Store struct{ db *sqldb.DB }

// New returns the store on the core set.
func New(db *sqldb.DB) *Store { return &Store{db: db} }

// idsAtOnce is how many ids one look-up asks for.
const idsAtOnce = 100

const upsertHead = `insert into catalog_products (id, name, words, kind, price_minor, currency, category, updated_at)`

// What is unknown leaves what is stored: a name that is the id, a price of zero,
// no category.
const upsertTail = ` on conflict (id) do update set
	name = case when excluded.name = excluded.id then catalog_products.name else excluded.name end,
	words = case when excluded.name = excluded.id then catalog_products.words else excluded.words end,
	kind = excluded.kind,
	price_minor = case when excluded.price_minor = 0 then catalog_products.price_minor else excluded.price_minor end,
	currency = case when excluded.price_minor = 0 then catalog_products.currency else excluded.currency end,
	category = case when excluded.category = '' then catalog_products.category else excluded.category end,
	updated_at = excluded.updated_at
	where excluded.updated_at >= catalog_products.updated_at`

// Upsert writes products. An invalid one is an error of kind ErrInvalid, and
// none is written.
func (s *Store) Upsert(ctx context.Context, tx *sqldb.Tx, products []catalog.Product) error {
	for _, p := range products {
		if err := p.Validate(); err != nil {
			return err
		}
	}
	err := insert(ctx, tx, upsertHead, upsertTail, 8, last(products), func(p catalog.Product) []any {
		if p.Name == "" {
			p.Name = string(p.ID)
		}
		words := catalog.Fold(string(p.ID) + " " + p.Name)
		return []any{string(p.ID), p.Name, words, string(p.Kind), p.Price.Minor, p.Price.Currency, p.Category, p.UpdatedAt.UnixMicro()}
	})
	if err != nil {
		return fmt.Errorf("catalog: writing %d products: %w", len(products), err)
	}
	return nil
}

// last keeps one product of each id, in the order of ids: one statement must not
// meet a row twice, and writers that lock in one order do not deadlock.
func last(products []catalog.Product) []catalog.Product {
	sorted := slices.Clone(products)
	slices.SortStableFunc(sorted, func(a, b catalog.Product) int {
		return strings.Compare(string(a.ID), string(b.ID))
	})
	kept := sorted[:0]
	for _, p := range sorted {
		if n := len(kept); n > 0 && kept[n-1].ID == p.ID {
			kept[n-1] = p
			continue
		}
		kept = append(kept, p)
	}
	return kept
}

const columns = `id, name, kind, price_minor, currency, category, sold_orders, sold_units, updated_at`

func scan(rows *sql.Rows) (l catalog.Listed, err error) {
	var at int64
	err = rows.Scan(&l.ID, &l.Name, &l.Kind, &l.Price.Minor, &l.Price.Currency, &l.Category, &l.SoldOrders, &l.SoldUnits, &at)
	l.UpdatedAt = time.UnixMicro(at).UTC()
	return l, err
}

// Get returns the products with these ids; an unknown id is not in the map.
func (s *Store) Get(ctx context.Context, ids ...thimble.ItemID) (map[thimble.ItemID]catalog.Product, error) {
	found := make(map[thimble.ItemID]catalog.Product, len(ids))
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		for chunk := range slices.Chunk(ids, idsAtOnce) {
			args := make([]any, len(chunk))
			for i, id := range chunk {
				args[i] = string(id)
			}
			err := each(ctx, tx, func(rows *sql.Rows) error {
				l, err := scan(rows)
				found[l.ID] = l.Product
				return err
			}, `select `+columns+` from catalog_products where id in `+tuples(1, len(chunk)), args...)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("catalog: reading %d products: %w", len(ids), err)
	}
	return found, nil
}

// each runs a query and calls f on each of its rows.
func each(ctx context.Context, tx *sqldb.Tx, f func(*sql.Rows) error, query string, args ...any) error {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := f(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// one reads a single row.
func (s *Store) one(ctx context.Context, dest []any, query string, args ...any) error {
	return s.db.Read(ctx, func(tx *sqldb.Tx) error { return tx.QueryRow(ctx, query, args...).Scan(dest...) })
}

// Count returns how many products there are.
func (s *Store) Count(ctx context.Context) (n int64, err error) {
	if err := s.one(ctx, []any{&n}, `select count(*) from catalog_products`); err != nil {
		return 0, fmt.Errorf("catalog: counting: %w", err)
	}
	return n, nil
}

// LatestDay returns the latest day with a sale; the error is of kind ErrNotFound
// when nothing was sold.
func (s *Store) LatestDay(ctx context.Context) (day int64, err error) {
	var found sql.Null[int64]
	if err := s.one(ctx, []any{&found}, `select max(day) from catalog_demand`); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("catalog: finding the latest day: %w", err)
	}
	if !found.Valid {
		return 0, fmt.Errorf("catalog: nothing was sold yet: %w", thimble.ErrNotFound)
	}
	return found.V, nil
}
