package retentiondb

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"thimble"
	"thimble/internal/retention"
	"thimble/internal/sqldb"
)

// A Week is how many entries of each category expire within it.
type Week struct {
	From, Until time.Time
	Counts      []retention.Count // by category, those with any
}

// Weeks is how far ahead is looked.
const Weeks = 12

// Upcoming counts what expires in each of the coming weeks, by the schedules of now: what
// is due already is in the first. The log of events is not counted ahead.
func (s *Store) Upcoming(ctx context.Context, all []retention.Schedule) (weeks []Week, err error) {
	now := s.now()
	weeks = make([]Week, Weeks)
	for i := range weeks {
		weeks[i].From, weeks[i].Until = now.AddDate(0, 0, 7*i), now.AddDate(0, 0, 7*(i+1))
	}
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		for i := range weeks {
			weeks[i].Counts = nil
		}
		for _, sched := range all {
			if sched.Ends == nil {
				continue
			}
			last := int64(0)
			for i := range weeks {
				n, err := olderTx(ctx, tx, sched.Category, sched.Before(weeks[i].Until))
				if err != nil {
					return err
				}
				if n > last {
					weeks[i].Counts = append(weeks[i].Counts, retention.Count{Of: string(sched.Category), N: n - last})
				}
				last = n
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("retention: counting what expires next: %w", err)
	}
	return weeks, nil
}

func olderTx(ctx context.Context, tx *sqldb.Tx, c thimble.Category, before time.Time) (n int64, err error) {
	for _, a := range ages() {
		if a.Category != c {
			continue
		}
		var some int64
		if err := tx.QueryRow(ctx, `select count(*) from `+a.Table+` where `+a.older(), before.UnixMicro()).Scan(&some); err != nil {
			return 0, err
		}
		n += some
	}
	return n, nil
}

// A Term is how long what is held of a category of somebody is kept.
type Term struct {
	Category    thimble.Category
	Count       int64
	First, Last time.Time // when the oldest and the newest entry go; zero: with the person
	Source      *retention.Source
	Span        string
	Held        []Keeping // by what laws the shop keeps it beyond, without those that must not be told

	newest time.Time
}

// A Keeping is a law by which the shop keeps what is held of a category of somebody past its
// time, and when they ask to be forgotten.
type Keeping struct {
	Law string
	// Record names what a law's shortest period is about, such as "invoice"; "" for a hold
	// that a member of staff opened.
	Record string
	// Until is the first instant at which a shortest period is over for the newest entry; zero
	// for a hold, which ends when it is released.
	Until  time.Time
	Review time.Time // when somebody looks at a hold again; zero: nobody said
}

// TermsOf are how long what is held of a person is kept, by category. What is in the log
// of events and in tables without an age of their own is not in it: it goes with the
// person.
func (s *Store) TermsOf(ctx context.Context, who ...thimble.SubjectID) (terms []Term, err error) {
	plan, err := s.Plan(ctx)
	if err != nil {
		return nil, err
	}
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		terms = nil
		for _, sched := range plan.Schedules {
			t := Term{Category: sched.Category}
			var first, last int64
			for _, a := range ages() {
				if a.Category != sched.Category || a.Subject == "" {
					continue
				}
				for _, one := range who {
					if err := t.add(ctx, tx, a, one, &first, &last); err != nil {
						return err
					}
				}
			}
			if t.Count == 0 {
				continue
			}
			t.newest = instant(last)
			if sched.Ends != nil {
				t.Source, t.Span = &sched.Ends.Source, sched.Ends.Span.String()
				t.First, t.Last = retention.After(instant(first), sched.Ends.Span), retention.After(instant(last), sched.Ends.Span)
			}
			terms = append(terms, t)
		}
		return addHeld(ctx, tx, plan.Schedules, terms, who)
	})
	if err != nil {
		return nil, fmt.Errorf("retention: how long what somebody has is kept: %w", err)
	}
	return terms, nil
}

func (t *Term) add(ctx context.Context, tx *sqldb.Tx, a age, who thimble.SubjectID, first, last *int64) error {
	where := a.Subject + ` = $1`
	if a.Where != "" {
		where += ` and ` + a.Where
	}
	var n int64
	var from, to sql.Null[int64]
	if err := tx.QueryRow(ctx, `select count(*), min(`+a.At+`), max(`+a.At+`) from `+a.Table+` where `+where, who).Scan(&n, &from, &to); err != nil || n == 0 {
		return err
	}
	if t.Count == 0 || from.V < *first {
		*first = from.V
	}
	t.Count, *last = t.Count+n, max(*last, to.V)
	return nil
}

// addHeld adds the holds that the person may read of, each once.
func addHeld(ctx context.Context, tx *sqldb.Tx, all []retention.Schedule, terms []Term, who []thimble.SubjectID) error {
	seen := map[thimble.ID]bool{}
	for _, one := range who {
		found, err := holdsOn(ctx, tx, one)
		if err != nil {
			return err
		}
		for _, h := range found {
			if seen[h.ID] {
				continue
			}
			seen[h.ID] = true
			for i, t := range terms {
				if h.Of(t.Category) {
					terms[i].Held = append(terms[i].Held, Keeping{Law: h.Law, Record: h.Floor, Until: floorOf(all, t, h), Review: h.Review})
				}
			}
		}
	}
	return nil
}

// floorOf is when the shortest period behind a hold is over for the newest entry of a term:
// the longest of those for the record, zero when none made the hold.
func floorOf(all []retention.Schedule, t Term, h retention.Hold) (until time.Time) {
	for _, sched := range all {
		for _, f := range sched.Floors {
			if ends := retention.FloorUntil(t.newest, f.Span); h.Floor != "" && sched.Category == t.Category && f.Record == h.Floor && ends.After(until) {
				until = ends
			}
		}
	}
	return until
}
