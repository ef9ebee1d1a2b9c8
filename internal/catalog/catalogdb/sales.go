package catalogdb

import (
	"context"
	"database/sql"
	"fmt"

	"thimble/internal/catalog"
	"thimble/internal/sqldb"
)

// Days returns what was sold on each day, in order. Orders counts order lines,
// since an order with two items counts for each of them.
func (s *Store) Days(ctx context.Context) ([]catalog.Demand, error) {
	var days []catalog.Demand
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		days = nil
		return each(ctx, tx, func(rows *sql.Rows) error {
			var d catalog.Demand
			err := rows.Scan(&d.Day, &d.Orders, &d.Units)
			days = append(days, d)
			return err
		}, `select day, cast(sum(orders) as bigint), cast(sum(units) as bigint) from catalog_demand group by day order by day`)
	})
	if err != nil {
		return nil, fmt.Errorf("catalog: summing the days: %w", err)
	}
	return days, nil
}

// Categories returns the categories of what is sold, the one with most products first.
func (s *Store) Categories(ctx context.Context) ([]string, error) {
	var all []string
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		return each(ctx, tx, func(rows *sql.Rows) error {
			var c string
			err := rows.Scan(&c)
			all = append(all, c)
			return err
		}, `select category from catalog_products where kind = $1 and category <> '' group by category order by count(*) desc, category`, string(catalog.Goods))
	})
	if err != nil {
		return nil, fmt.Errorf("catalog: listing categories: %w", err)
	}
	return all, nil
}
