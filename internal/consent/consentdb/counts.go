package consentdb

import (
	"context"
	"fmt"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/sqldb"
)

// count adds choices to the counts of the day, in the transaction that records them.
// Nobody can be told from a count; it stays when somebody is erased.
func (s *Store) count(ctx context.Context, tx *sqldb.Tx, events []consent.Event) error {
	for _, e := range events {
		_, err := tx.Exec(ctx, `insert into consent_counts (day, purpose, state, component, notice_version, n) values ($1, $2, $3, $4, $5, 1)
			on conflict (day, purpose, state, component, notice_version) do update set n = consent_counts.n + 1`,
			consent.Day(e.At), string(e.Purpose), string(e.State), consent.Counted(e.UI.Component), e.Notice.Version)
		if err != nil {
			return err
		}
	}
	return nil
}

// Made returns how many choices were made on a purpose, by day, state, component and
// notice, over the given number of finished days. The day under way is left out: its
// counts, read twice, would tell what somebody did in between.
func (s *Store) Made(ctx context.Context, p thimble.Purpose, days int) ([]consent.Count, error) {
	var all []consent.Count
	today := consent.Day(s.now())
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, `select day, state, component, notice_version, n from consent_counts
			where purpose = $1 and day >= $2 and day < $3 order by day, state, component, notice_version`, string(p), today-int64(days), today)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			c := consent.Count{Purpose: p}
			if err := rows.Scan(&c.Day, &c.State, &c.Component, &c.Notice, &c.N); err != nil {
				return err
			}
			all = append(all, c)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("consent: counting what was chosen on %s: %w", p, err)
	}
	return all, nil
}
