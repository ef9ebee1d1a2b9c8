package trialdb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"thimble"
	"thimble/internal/gate"
	"thimble/internal/order"
	"thimble/internal/recommend/trial"
	"thimble/internal/sqldb"
)

// The spans of counting.
const (
	// late is how long orders may take to arrive after they were placed.
	late = 24 * time.Hour
	// recount is how old a count may be.
	recount = 20 * time.Hour
	// marksFor is how long a report is told again.
	marksFor = 48 * time.Hour
	page     = 500
)

// Tally ends what has come to its end, and counts what is to be counted: it asks the gate
// about each person anew, and reads the orders of those whose days are over.
func (s *Store) Tally(ctx context.Context) error {
	if err := s.Flush(ctx); err != nil {
		return err
	}
	now := s.Now().UTC()
	if _, err := s.DB.Drain(ctx, `delete from recommend_trial_marks where mark in (select mark from recommend_trial_marks where at < $1 order by at limit 1000) and at < $1`, now.Add(-marksFor).UnixMicro()); err != nil {
		return fmt.Errorf("trial: deleting old marks: %w", err)
	}
	all, err := s.read(ctx, `order by started_at, id`)
	if err != nil {
		return err
	}
	for _, e := range all {
		if e.Ended.IsZero() && !now.Before(e.Until()) {
			if err := s.end(ctx, Act{Trial: e.ID, Act: End, Reason: "its longest duration was reached", At: now.Truncate(time.Microsecond)}); err != nil && !errors.Is(err, thimble.ErrConflict) {
				return err
			}
			e.Ended = now
		}
		if !e.Counted.IsZero() && now.Sub(e.Counted) < recount || !e.Ended.IsZero() && !e.Counted.IsZero() && e.Counted.After(e.Ended.Add(late)) {
			continue
		}
		if err := s.Count(ctx, e.ID); err != nil {
			return err
		}
	}
	return nil
}

// Count counts one experiment afresh.
func (s *Store) Count(ctx context.Context, id thimble.ID) error {
	e, err := s.Get(ctx, id)
	if err != nil {
		return err
	}
	var changes int64
	if err := s.DB.Read(ctx, func(tx *sqldb.Tx) error {
		return tx.QueryRow(ctx, `select changes from recommend_trials where id = $1`, id).Scan(&changes)
	}); err != nil {
		return err
	}
	people, err := s.people(ctx, e)
	if err != nil {
		return fmt.Errorf("trial: counting %s: %w", id.Token(trial.TokenPrefix), err)
	}
	groups := make([]trial.Group, len(e.Design.Variants))
	for _, r := range people {
		groups[r.Variant].Count(r.Person, e.Design.CapMinor)
	}
	text, err := json.Marshal(groups)
	if err != nil {
		return err
	}
	// Whoever left meanwhile is in these sums: then it is counted again.
	return s.DB.Write(ctx, func(tx *sqldb.Tx) error {
		n, err := tx.Exec(ctx, `update recommend_trials set counted = $1, counted_at = $2 where id = $3 and changes = $4`, string(text), s.Now().UnixMicro(), id, changes)
		if err != nil || n > 0 {
			return err
		}
		return s.Ask(ctx, tx)
	})
}

// people returns who counts, by person: of several subjects of one, the earlier row.
func (s *Store) people(ctx context.Context, e trial.Experiment) (map[thimble.SubjectID]row, error) {
	found := map[thimble.SubjectID]row{}
	var after thimble.SubjectID
	for {
		rows, err := s.page(ctx, e.ID, after)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			after = r.who
			g, err := s.Gate.Open(ctx, opens(r.who, thimble.PurchaseHistory))
			if err == nil {
				err = s.close(ctx, e, g, &r)
			}
			if errors.Is(err, thimble.ErrDenied) || errors.Is(err, thimble.ErrNotFound) {
				continue
			}
			if err != nil {
				return nil, err
			}
			person := g.Members()[0]
			if first, ok := found[person]; !ok || r.before(first) {
				found[person] = r
			}
		}
		if len(rows) < page {
			return found, nil
		}
	}
}

func (s *Store) page(ctx context.Context, in thimble.ID, after thimble.SubjectID) (all []row, err error) {
	err = s.DB.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, `select `+rowColumns+` from recommend_trial_people where trial_id = $1 and subject_id > $2 order by subject_id limit $3`, in, after[:], page)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			r, err := scanRow(rows)
			if err != nil {
				return err
			}
			all = append(all, r)
		}
		return rows.Err()
	})
	return all, err
}

// close reads what somebody bought in their days, once these and a day for orders to
// arrive are over.
func (s *Store) close(ctx context.Context, e trial.Experiment, g *gate.Grant, r *row) error {
	until := r.At.Add(e.Design.DaysOf())
	if r.Closed || s.Now().Before(until.Add(late)) {
		return nil
	}
	for _, who := range g.Members() {
		sealed, err := s.Orders.Of(ctx, who, 0)
		if err != nil {
			return err
		}
		for _, one := range sealed {
			if one.PlacedAt.Before(r.At) || !one.PlacedAt.Before(until) {
				continue
			}
			o, err := order.Open(ctx, g, one)
			if err != nil {
				return err
			}
			r.buys(o, e.Design.Currency)
		}
	}
	r.Closed, r.Revenue = true, max(0, min(r.Revenue, e.Design.CapMinor))
	return s.DB.Write(ctx, func(tx *sqldb.Tx) error {
		if err := g.Live(ctx); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `update recommend_trial_people set closed = 1, orders = $1, revenue = $2 where subject_id = $3 and trial_id = $4 and closed = 0`, r.Orders, r.Revenue, r.who, e.ID)
		return err
	})
}

// most bounds a sum of orders, far above every cap.
const most = 1 << 50

func (r *row) buys(o order.Order, currency string) {
	sign := int64(1)
	if o.Return {
		sign = -1
	} else {
		r.Orders++
	}
	for _, l := range o.Lines {
		if l.Price.Currency != currency || l.Price.Minor == 0 {
			continue
		}
		value := min(l.Units, most/l.Price.Minor) * l.Price.Minor
		r.Revenue = max(-most, min(most, r.Revenue+sign*value))
	}
}
