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

const upsertHead = `insert into catalog_products (id, name, words, kind, price_minor, currency, category, updated_at,
	brand, colour, size, gender, age_group, material, season, item_group, adult, availability, since)`

// What is unknown leaves what is stored: a name that is the id, a price of zero,
// no category, no attribute. A product is for sale since the earliest time that it was seen.
const upsertTail = ` on conflict (id) do update set
	name = case when excluded.name = excluded.id then catalog_products.name else excluded.name end,
	words = case when excluded.name = excluded.id then catalog_products.words else excluded.words end,
	kind = excluded.kind,
	price_minor = case when excluded.price_minor = 0 then catalog_products.price_minor else excluded.price_minor end,
	currency = case when excluded.price_minor = 0 then catalog_products.currency else excluded.currency end,
	category = case when excluded.category = '' then catalog_products.category else excluded.category end,
	brand = case when excluded.brand = '' then catalog_products.brand else excluded.brand end,
	colour = case when excluded.colour = '' then catalog_products.colour else excluded.colour end,
	size = case when excluded.size = '' then catalog_products.size else excluded.size end,
	gender = case when excluded.gender = '' then catalog_products.gender else excluded.gender end,
	age_group = case when excluded.age_group = '' then catalog_products.age_group else excluded.age_group end,
	material = case when excluded.material = '' then catalog_products.material else excluded.material end,
	season = case when excluded.season = '' then catalog_products.season else excluded.season end,
	item_group = case when excluded.item_group = '' then catalog_products.item_group else excluded.item_group end,
	adult = case when excluded.adult = '' then catalog_products.adult else excluded.adult end,
	availability = case when excluded.availability = '' then catalog_products.availability else excluded.availability end,
	since = case when excluded.since > 0 and (catalog_products.since = 0 or excluded.since < catalog_products.since) then excluded.since else catalog_products.since end,
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
	if len(products) == 0 {
		return nil
	}
	touch(tx)
	err := insert(ctx, tx, upsertHead, upsertTail, 19, last(products), func(p catalog.Product) []any {
		if p.Name == "" {
			p.Name = string(p.ID)
		}
		words := catalog.Fold(string(p.ID) + " " + p.Name)
		since := p.UpdatedAt
		if !p.Since.IsZero() && (p.Since.Before(since) || since.IsZero()) {
			since = p.Since
		}
		return []any{
			string(p.ID), p.Name, words, string(p.Kind), p.Price.Minor, p.Price.Currency, p.Category, p.UpdatedAt.UnixMicro(),
			p.Brand, p.Colour, p.Size, p.Gender, p.AgeGroup, p.Material, p.Season, p.Group, string(p.Adult), string(p.Availability), max(since.UnixMicro(), 0),
		}
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

const columns = `id, name, kind, price_minor, currency, category, sold_orders, sold_units, updated_at,
	brand, colour, size, gender, age_group, material, season, item_group, adult, availability, since`

func scan(rows *sql.Rows) (l catalog.Listed, err error) {
	var at, since int64
	err = rows.Scan(&l.ID, &l.Name, &l.Kind, &l.Price.Minor, &l.Price.Currency, &l.Category, &l.SoldOrders, &l.SoldUnits, &at,
		&l.Brand, &l.Colour, &l.Size, &l.Gender, &l.AgeGroup, &l.Material, &l.Season, &l.Group, &l.Adult, &l.Availability, &since)
	l.UpdatedAt = time.UnixMicro(at).UTC()
	if since > 0 {
		l.Since = time.UnixMicro(since).UTC()
	}
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
