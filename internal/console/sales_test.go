package console_test

import (
	"context"

	"thimble/internal/catalog"
	"thimble/internal/sqldb"
)

// sales sums demand per day, which catalogdb does not offer yet.
type sales struct{ db *sqldb.DB }

func (s sales) Days(ctx context.Context) (days []catalog.Demand, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		days = nil
		rows, err := tx.Query(ctx, `select day, cast(sum(orders) as bigint), cast(sum(units) as bigint) from catalog_demand group by day order by day`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var d catalog.Demand
			if err := rows.Scan(&d.Day, &d.Orders, &d.Units); err != nil {
				return err
			}
			days = append(days, d)
		}
		return rows.Err()
	})
	return days, err
}
