package trialdb

import (
	"context"
	"fmt"
	"time"

	"thimble/internal/recommend/trial"
	"thimble/internal/sqldb"
)

// A Line is what came of the lists of one version on one day, at all placements.
type Line struct {
	trial.Day
	Model int64 // 0: the popular list
}

// Days returns what came of lists since a day, the oldest first.
func (s *Store) Days(ctx context.Context, since time.Time) (all []Line, err error) {
	err = s.DB.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, `select day, model, sum(shown), sum(clicked), sum(added), sum(bought), sum(returned) from recommend_days where day >= $1 group by day, model order by day, model`, dayOf(since))
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var l Line
			var day int64
			if err := rows.Scan(&day, &l.Model, &l.Shown, &l.Clicked, &l.Added, &l.Bought, &l.Returned); err != nil {
				return err
			}
			l.Day.Day = time.Unix(day*24*60*60, 0).UTC()
			all = append(all, l)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("trial: reading counts of lists: %w", err)
	}
	return all, nil
}

// Personal sums what came of personal lists by day, whatever the version.
func Personal(lines []Line) (days []trial.Day) {
	for _, l := range lines {
		if l.Model == 0 {
			continue
		}
		n := len(days)
		if n == 0 || !days[n-1].Day.Equal(l.Day.Day) {
			days = append(days, l.Day)
			continue
		}
		d := &days[n-1]
		d.Shown, d.Clicked, d.Added, d.Bought, d.Returned = d.Shown+l.Shown, d.Clicked+l.Clicked, d.Added+l.Added, d.Bought+l.Bought, d.Returned+l.Returned
	}
	return days
}
