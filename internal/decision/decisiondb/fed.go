package decisiondb

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"thimble"
	"thimble/internal/decision"
	"thimble/internal/sqldb"
)

// A Fed is a decision that data of some category went into, with what it takes to ask for
// the same again.
type Fed struct {
	Sealed
	Placement string
	Results   int
}

const fedPage = 500

// Fed returns the decisions about a person's subjects, the newest first, that data of a
// category went into since an instant and before another, by what their own records say.
// Those that no longer count are left out, but for those that count no more because of the
// given request.
func (s *Store) Fed(ctx context.Context, members []thimble.SubjectID, c thimble.Category, since, until time.Time, cause string) (all []Fed, err error) {
	for _, who := range members {
		before, id := until, thimble.ID(bytes.Repeat([]byte{0xff}, len(thimble.ID{}))) // behind every decision of that instant
		for {
			page, err := s.list(ctx, `where subject_id = $1 and at >= $2 and (standing = 'stands' or cause = $3) and (at < $4 or at = $4 and id > $5) order by at desc, id limit $6`,
				who, since.UnixMicro(), cause, before.UnixMicro(), id[:], fedPage)
			if err != nil {
				return nil, err
			}
			for _, d := range page {
				before, id = d.At, d.ID
				r, _, err := open(ctx, s.vault, d)
				if err != nil {
					return nil, err
				}
				if slices.ContainsFunc(r.Inputs, func(in decision.Input) bool { return in.Category.Within(c) || c.Within(in.Category) }) {
					all = append(all, Fed{d, r.Placement, len(r.Results)})
				}
			}
			if len(page) < fedPage {
				break
			}
		}
	}
	slices.SortStableFunc(all, func(a, b Fed) int { return b.At.Compare(a.At) })
	return all, nil
}

// A Superseded is a decision that counts no more, and the one in its place; zero for none.
type Superseded struct{ ID, Again thimble.ID }

// Supersede has decisions count no more because of a request. One that did not count
// before is left as it is.
func (s *Store) Supersede(ctx context.Context, cause string, all ...Superseded) error {
	for some := range slices.Chunk(all, fedPage) {
		err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
			for _, d := range some {
				var again any
				if !d.Again.IsZero() {
					again = d.Again[:]
				}
				if _, err := tx.Exec(ctx, `update decision_decisions set standing = 'superseded', cause = $1, again = $2 where id = $3 and standing = 'stands'`, cause, again, d.ID); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("decision: writing down what counts no more: %w", err)
		}
	}
	return nil
}

// Ended returns the decisions that count no more because of a request.
func (s *Store) Ended(ctx context.Context, cause string) (all []thimble.ID, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all, err = sqldb.Column[thimble.ID](ctx, tx, `select id from decision_decisions where standing = 'superseded' and cause = $1`, cause)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("decision: what a request ended: %w", err)
	}
	return all, nil
}

// Causes returns the requests because of which decisions count no more. A review, which
// can end one too, is none.
func (s *Store) Causes(ctx context.Context) (all []string, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all, err = sqldb.Column[string](ctx, tx, `select distinct cause from decision_decisions where standing = 'superseded' and cause <> ''`)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("decision: what ended decisions: %w", err)
	}
	return all, nil
}

// Same reports whether two decisions chose the same, in the same order.
func (s *Store) Same(ctx context.Context, a, b thimble.ID) (bool, error) {
	var items [2][]thimble.ItemID
	for i, id := range []thimble.ID{a, b} {
		d, err := s.Get(ctx, id)
		if err != nil {
			return false, err
		}
		r, _, err := open(ctx, s.vault, d)
		if err != nil {
			return false, err
		}
		for _, res := range r.Results {
			items[i] = append(items[i], res.Item)
		}
	}
	return slices.Equal(items[0], items[1]), nil
}
