package catalogdb

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"thimble"
	"thimble/internal/catalog"
	"thimble/internal/sqldb"
)

const addDemandHead = `insert into catalog_demand (day, item_id, orders, units)`

const addDemandTail = ` on conflict (day, item_id) do update set
	orders = catalog_demand.orders + excluded.orders, units = catalog_demand.units + excluded.units`

// A count for an item that has no product yet makes one without name and price.
const addSoldHead = `insert into catalog_products (id, name, words, kind, price_minor, currency, category, sold_orders, sold_units, updated_at)`

const addSoldTail = ` on conflict (id) do update set
	sold_orders = catalog_products.sold_orders + excluded.sold_orders, sold_units = catalog_products.sold_units + excluded.sold_units`

// AddDemand adds to the counts per item and day.
func (s *Store) AddDemand(ctx context.Context, tx *sqldb.Tx, demand []catalog.Demand) error {
	for _, d := range demand {
		if d.Item == "" || d.Orders < 0 || d.Units < 0 {
			return fmt.Errorf("catalog: demand must name an item and count from zero up: %w", thimble.ErrInvalid)
		}
	}
	if len(demand) == 0 {
		return nil
	}
	touch(tx)
	perDay, perItem := sums(demand)
	err := insert(ctx, tx, addDemandHead, addDemandTail, 4, perDay, func(d catalog.Demand) []any {
		return []any{d.Day, string(d.Item), d.Orders, d.Units}
	})
	if err != nil {
		return fmt.Errorf("catalog: adding demand: %w", err)
	}
	err = insert(ctx, tx, addSoldHead, addSoldTail, 10, perItem, func(d catalog.Demand) []any {
		id := string(d.Item)
		return []any{id, id, catalog.Fold(id), string(catalog.Goods), 0, "", "", d.Orders, d.Units, 0}
	})
	if err != nil {
		return fmt.Errorf("catalog: adding sums of demand: %w", err)
	}
	return nil
}

// sums adds up per day and item, and per item alone, each in one order.
func sums(demand []catalog.Demand) (perDay, perItem []catalog.Demand) {
	total := map[thimble.ItemID]catalog.Demand{}
	daily := map[catalog.Demand]catalog.Demand{} // by day and item
	for _, d := range demand {
		add(total, d.Item, d)
		add(daily, catalog.Demand{Item: d.Item, Day: d.Day}, d)
	}
	for _, d := range daily {
		perDay = append(perDay, d)
	}
	for _, d := range total {
		perItem = append(perItem, d)
	}
	byDay := func(a, b catalog.Demand) int { return cmp.Or(cmp.Compare(a.Day, b.Day), cmp.Compare(a.Item, b.Item)) }
	slices.SortFunc(perDay, byDay)
	slices.SortFunc(perItem, func(a, b catalog.Demand) int { return cmp.Compare(a.Item, b.Item) })
	return perDay, perItem
}

func add[K comparable](sum map[K]catalog.Demand, key K, d catalog.Demand) {
	had := sum[key]
	sum[key] = catalog.Demand{Item: d.Item, Day: d.Day, Orders: had.Orders + d.Orders, Units: had.Units + d.Units}
}

// Demand returns the days on which the item was sold, the oldest first. Days
// without a sale are not listed.
func (s *Store) Demand(ctx context.Context, item thimble.ItemID) ([]catalog.Demand, error) {
	var series []catalog.Demand
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		series = nil
		return each(ctx, tx, func(rows *sql.Rows) error {
			d := catalog.Demand{Item: item}
			err := rows.Scan(&d.Day, &d.Orders, &d.Units)
			series = append(series, d)
			return err
		}, `select day, orders, units from catalog_demand where item_id = $1 order by day`, string(item))
	})
	if err != nil {
		return nil, fmt.Errorf("catalog: reading demand: %w", err)
	}
	return series, nil
}

// Popular ranks the items by the orders of the window that contained them, but
// for those of the kinds to skip. Equal ones rank by id.
func (s *Store) Popular(ctx context.Context, w catalog.Window, limit int, skip ...catalog.Kind) ([]catalog.Ranked, error) {
	from, before, err := s.days(ctx, w)
	if errors.Is(err, thimble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	query := `select d.item_id, cast(sum(d.orders) as bigint) as n from catalog_demand d
		join catalog_products p on p.id = d.item_id where d.day >= $1 and d.day < $2`
	args := []any{from, before, limit}
	for _, kind := range skip {
		args = append(args, string(kind))
		query += fmt.Sprintf(` and p.kind <> $%d`, len(args))
	}
	query += ` group by d.item_id having sum(d.orders) > 0 order by n desc, d.item_id limit $3`
	var ranked []catalog.Ranked
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		ranked = nil
		return each(ctx, tx, func(rows *sql.Rows) error {
			var r catalog.Ranked
			err := rows.Scan(&r.Item, &r.Orders)
			ranked = append(ranked, r)
			return err
		}, query, args...)
	})
	if err != nil {
		return nil, fmt.Errorf("catalog: ranking: %w", err)
	}
	return ranked, nil
}

// days returns the first day of the window and the first day after it.
func (s *Store) days(ctx context.Context, w catalog.Window) (from, before int64, err error) {
	if w.Before.IsZero() {
		latest, err := s.LatestDay(ctx)
		if err != nil {
			return 0, 0, err
		}
		before = latest + 1
	} else {
		before = catalog.Day(w.Before)
	}
	if w.Days <= 0 {
		return -1 << 40, before, nil
	}
	return before - int64(w.Days), before, nil
}
