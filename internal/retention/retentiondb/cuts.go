package retentiondb

import (
	"context"
	"fmt"
	"time"

	"thimble"
	"thimble/internal/retention"
	"thimble/internal/sqldb"
)

// A cut is a category and a purpose for which its use is bounded.
type cut struct {
	category thimble.Category
	purpose  thimble.Purpose
}

// UsableSince is since when something of a category must have been collected to be used
// for a purpose; zero when nothing bounds that. It is what the last run found, so that who
// reads twice between two runs reads the same. What is older is kept, if at all, for a law,
// and is refused to every other purpose.
func (s *Store) UsableSince(c thimble.Category, p thimble.Purpose) (since time.Time) {
	cuts := s.cuts.Load()
	if cuts == nil {
		return since
	}
	for k, at := range *cuts {
		if k.category == c && (p.Within(k.purpose) || k.purpose.Within(p)) && at.After(since) {
			since = at
		}
	}
	return since
}

// Load reads since when what may be used. Each process does when it starts, and now and
// then: another may have run meanwhile.
func (s *Store) Load(ctx context.Context) error {
	var cuts map[cut]time.Time
	err := s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		cuts, err = readCuts(ctx, tx)
		return err
	})
	if err != nil {
		return fmt.Errorf("retention: reading what may be used: %w", err)
	}
	s.cuts.Store(&cuts)
	return s.remember(ctx)
}

func readCuts(ctx context.Context, tx *sqldb.Tx) (map[cut]time.Time, error) {
	cuts := map[cut]time.Time{}
	rows, err := tx.Query(ctx, `select category, purpose, since from retention_cuts order by category, purpose`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var k cut
		var at int64
		if err := rows.Scan(&k.category, &k.purpose, &at); err != nil {
			return nil, err
		}
		cuts[k] = instant(at)
	}
	return cuts, rows.Err()
}

// narrow writes down since when what may be used, by the schedules of now, and says so to
// who makes something of it when that leaves out or brings back anything.
func (s *Store) narrow(ctx context.Context, all []retention.Schedule) error {
	next, now := map[cut]time.Time{}, s.now()
	for _, sched := range all {
		for _, u := range sched.Uses {
			if u.Bound != nil {
				next[cut{sched.Category, u.Purpose}] = retention.Before(now, u.Bound.Span)
			}
		}
	}
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		old, err := readCuts(ctx, tx)
		if err != nil {
			return err
		}
		moved, err := s.moved(ctx, tx, old, next)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `delete from retention_cuts`); err != nil {
			return err
		}
		for k, at := range next {
			if _, err := tx.Exec(ctx, `insert into retention_cuts (category, purpose, since) values ($1, $2, $3)`, string(k.category), string(k.purpose), at.UnixMicro()); err != nil {
				return err
			}
		}
		tx.OnCommit(func() { s.cuts.Store(&next) })
		if moved && s.cfg.Narrowed != nil {
			return s.cfg.Narrowed(ctx, tx)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("retention: saying what may be used: %w", err)
	}
	return nil
}

// moved reports whether any row lies between an old cut and the new one.
func (s *Store) moved(ctx context.Context, tx *sqldb.Tx, old, next map[cut]time.Time) (bool, error) {
	between := func(c thimble.Category, a, b time.Time) (found bool, err error) {
		if a.Equal(b) {
			return false, nil
		}
		if a.After(b) {
			a, b = b, a
		}
		for _, t := range ages() {
			if t.Category != c || found {
				continue
			}
			var n int64
			err = tx.QueryRow(ctx, `select count(*) from `+t.Table+` where `+t.At+` >= $1 and `+t.At+` < $2`, micros(a), b.UnixMicro()).Scan(&n)
			if err != nil {
				return false, err
			}
			found = n > 0
		}
		return found, nil
	}
	for k, at := range next {
		if found, err := between(k.category, old[k], at); found || err != nil {
			return found, err
		}
	}
	for k, at := range old {
		if _, still := next[k]; still {
			continue
		}
		if found, err := between(k.category, time.Time{}, at); found || err != nil {
			return found, err
		}
	}
	return false, nil
}
