package gatedb

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"thimble"
	"thimble/internal/sqldb"
)

// A Read is when a category was used last, by whoever keeps data of it. A look of the
// person at their own is none.
type Read struct {
	Category thimble.Category
	Holder   string
	At       time.Time
}

// Reads returns when each category of each holder was used last, and since when the use log
// knows; zero when it is empty.
func (l *Log) Reads(ctx context.Context) (all []Read, since time.Time, err error) {
	err = l.db.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		var first sql.Null[int64]
		if err := tx.QueryRow(ctx, `select min(at) from gate_uses`).Scan(&first); err != nil || !first.Valid {
			return err
		}
		since = time.UnixMicro(first.V).UTC()
		rows, err := tx.Query(ctx, `select categories, holders, max(at) from gate_uses where actor_kind <> $1 group by categories, holders order by 1, 2`, "customer")
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var categories, holders string
			var at int64
			if err := rows.Scan(&categories, &holders, &at); err != nil {
				return err
			}
			for _, c := range strings.Fields(categories) {
				for _, h := range strings.Fields(holders) {
					all = append(all, Read{thimble.Category(c), h, time.UnixMicro(at).UTC()})
				}
			}
		}
		return rows.Err()
	})
	if err != nil {
		return nil, since, fmt.Errorf("gate: asking what was used when: %w", err)
	}
	return all, since, nil
}
