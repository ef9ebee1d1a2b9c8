package trialdb

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"thimble"
	"thimble/internal/decision"
	"thimble/internal/decision/decisiondb"
	"thimble/internal/gate"
	"thimble/internal/recommend/trial"
	"thimble/internal/sqldb"
)

// Feedback counts what came of an entry of a list. Of who does not permit analytics, and of
// who is not known, nothing is counted and nothing is said. The error is a [*trial.Fault]
// for what cannot be, of kind ErrNotFound for a decision that is not there.
func (s *Store) Feedback(ctx context.Context, f trial.Feedback) error {
	err := s.report(ctx, f)
	if (errors.Is(err, thimble.ErrDenied) || errors.Is(err, thimble.ErrNotFound)) && !errors.Is(err, errNoDecision) {
		return nil
	}
	return err
}

// Hear counts what an event says came of a list, by the same rules as [Store.Feedback], for whose
// list it was. Nothing is counted of a list that is not there, of somebody else's, of what was not
// in it, and of a place at which no list was shown of late: whoever can send events can name
// anything. An error says that it is to be told again.
func (s *Store) Hear(ctx context.Context, e trial.Event) error {
	f, ours := e.Feedback()
	if !ours {
		return nil
	}
	if f.Decision.IsZero() {
		if shows, err := s.shows(ctx, f.Placement); err != nil || !shows {
			return err
		}
	}
	err := s.report(ctx, f)
	if errors.Is(err, thimble.ErrUnavailable) {
		return err
	}
	if _, fault := errors.AsType[*trial.Fault](err); fault || errors.Is(err, thimble.ErrDenied) || errors.Is(err, thimble.ErrNotFound) || errors.Is(err, thimble.ErrInvalid) {
		return nil
	}
	return err
}

// shownLately is how many days ago a list must have been shown at a place for events to speak of it.
const shownLately = 2

// shows reports whether lists are shown at a placement.
func (s *Store) shows(ctx context.Context, placement string) (shows bool, err error) {
	if err := s.Flush(ctx); err != nil {
		return false, err
	}
	err = s.DB.Read(ctx, func(tx *sqldb.Tx) error {
		var n int64
		err := tx.QueryRow(ctx, `select count(*) from recommend_days where day >= $1 and placement = $2 and shown > 0`, dayOf(s.Now())-shownLately, placement).Scan(&n)
		shows = n > 0
		return err
	})
	if err != nil {
		return false, fmt.Errorf("trial: asking where lists are shown: %w", err)
	}
	return shows, nil
}

func (s *Store) report(ctx context.Context, f trial.Feedback) (err error) {
	if err := f.Check(); err != nil {
		return err
	}
	if f.At.IsZero() {
		f.At = s.Now()
	}
	var model int64
	var g *gate.Grant
	if f.Decision.IsZero() {
		g, err = s.Gate.Open(ctx, opens(f.Subject))
	} else {
		g, model, err = s.listed(ctx, &f)
	}
	if err != nil {
		return err
	}
	if err := s.count(ctx, g, f, model); err != nil {
		return fmt.Errorf("trial: counting what came of a list: %w", err)
	}
	return nil
}

var errNoDecision = errors.New("trial: no such decision")

// listed finds the list that a decision was about: whose, where, and of which version.
func (s *Store) listed(ctx context.Context, f *trial.Feedback) (*gate.Grant, int64, error) {
	sealed, err := s.Decisions.Get(ctx, f.Decision)
	if errors.Is(err, thimble.ErrNotFound) {
		return nil, 0, fmt.Errorf("%w: %w", errNoDecision, err)
	}
	if err != nil {
		return nil, 0, err
	}
	g, err := s.Gate.Open(ctx, opens(sealed.Subject, thimble.AutomatedDecision))
	if err != nil {
		return nil, 0, err
	}
	if !f.Of.IsZero() && !slices.Contains(g.Members(), f.Of) {
		return nil, 0, fmt.Errorf("%w: %w", errNoDecision, thimble.ErrNotFound)
	}
	record, _, err := decisiondb.Open(ctx, g, sealed)
	if err != nil {
		return nil, 0, err
	}
	if !slices.ContainsFunc(record.Results, func(r decision.Result) bool { return r.Item == f.Item }) {
		return nil, 0, &trial.Fault{Field: "item", Rule: "it was not in the list of this decision"}
	}
	f.Placement = record.Placement
	return g, record.Model.Version, nil
}

// columns are where what happened is counted by day.
var columns = map[trial.What]string{trial.Clicked: "clicked", trial.Added: "added", trial.Bought: "bought", trial.Returned: "returned"}

func (s *Store) count(ctx context.Context, g *gate.Grant, f trial.Feedback, model int64) error {
	mark, err := s.mark(ctx, g.Subject(), f)
	if err != nil {
		return err
	}
	e, in, err := s.running(ctx, f.Placement)
	if err != nil {
		return err
	}
	return s.DB.Write(ctx, func(tx *sqldb.Tx) error {
		_, err := s.People.Alive(ctx, tx, g.Subject())
		if err == nil {
			err = g.Live(ctx)
		}
		if errors.Is(err, thimble.ErrNotFound) || errors.Is(err, thimble.ErrDenied) {
			return nil // gone, or took it back, since they were asked
		}
		if err != nil {
			return err
		}
		n, err := tx.Exec(ctx, `insert into recommend_trial_marks (subject_id, mark, at) values ($1, $2, $3) on conflict (subject_id, mark) do nothing`, g.Subject(), mark, s.Now().UnixMicro())
		if err != nil || n == 0 {
			return err
		}
		if err := count(ctx, tx, slot{dayOf(f.At), f.Placement, model}, columns[f.What], 1); err != nil {
			return err
		}
		if !in || f.What != trial.Clicked && f.What != trial.Added {
			return nil // of purchases the orders count
		}
		row, found, err := earliest(ctx, tx, e.ID, g.Members())
		if err != nil || !found || row.Closed || f.At.Before(row.At) || !f.At.Before(row.At.Add(e.Design.DaysOf())) {
			return err
		}
		_, err = tx.Exec(ctx, `update recommend_trial_people set `+columns[f.What]+` = `+columns[f.What]+` + 1 where subject_id = $1 and trial_id = $2`, row.who, e.ID)
		return err
	})
}

// mark tells a report again: a keyed hash of the list, the item and what happened. A list
// without a decision is the one of its day.
func (s *Store) mark(ctx context.Context, who thimble.SubjectID, f trial.Feedback) ([]byte, error) {
	key, err := s.Key(ctx)
	if err != nil {
		return nil, err
	}
	h := hmac.New(sha256.New, key)
	part := func(b []byte) {
		var n [4]byte
		binary.BigEndian.PutUint32(n[:], uint32(len(b)))
		h.Write(n[:])
		h.Write(b)
	}
	part([]byte("feedback"))
	part(who[:])
	if f.Decision.IsZero() {
		part([]byte(f.Placement))
		part(binary.BigEndian.AppendUint64(nil, uint64(dayOf(f.At))))
	} else {
		part(f.Decision[:])
	}
	part([]byte(f.Item))
	part([]byte(f.What))
	return h.Sum(nil)[:16], nil
}
