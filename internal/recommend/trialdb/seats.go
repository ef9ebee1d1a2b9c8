package trialdb

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"time"

	"thimble"
	"thimble/internal/gate"
	"thimble/internal/recommend/trial"
	"thimble/internal/sqldb"
)

// counts is who asks the gate when people are counted.
var counts = gate.Actor{Kind: gate.Machine, Name: "experiments"}

// opens asks whether somebody may be counted.
func opens(who thimble.SubjectID, more ...thimble.Category) gate.Request {
	return gate.Request{Actor: counts, Subject: who, Purpose: trial.Analytics, Categories: append([]thimble.Category{trial.Behaviour}, more...)}
}

// Assign gives somebody who is about to see a personal list their seat, and counts the
// list. It is asked before it is known which list it will be, so that groups are alike but
// for that. What fails gives the list as it is, uncounted.
func (s *Store) Assign(ctx context.Context, who thimble.SubjectID, placement string) trial.Seat {
	seat, err := s.assign(ctx, who, placement)
	if err != nil && ctx.Err() == nil {
		s.Log.ErrorContext(ctx, "somebody was not counted in an experiment", slog.String("placement", placement), slog.String("cause", err.Error()))
	}
	return seat
}

func (s *Store) assign(ctx context.Context, who thimble.SubjectID, placement string) (trial.Seat, error) {
	g, err := s.Gate.Open(ctx, opens(who))
	if errors.Is(err, thimble.ErrDenied) || errors.Is(err, thimble.ErrNotFound) {
		return trial.Seat{}, nil
	}
	if err != nil {
		return trial.Seat{}, err
	}
	seat := trial.Seat{Counts: true, Placement: placement}
	e, ok, err := s.running(ctx, placement)
	if err != nil || !ok {
		return seat, err
	}
	key, err := s.Key(ctx)
	if err != nil {
		return trial.Seat{}, err
	}
	drawn := trial.Assign(key, e.ID, g.Subject(), e.Design.Variants)
	variant, err := s.sit(ctx, e, g, drawn)
	if err != nil || variant == trial.None {
		return seat, err
	}
	return at(seat, e, variant), nil
}

func at(seat trial.Seat, e trial.Experiment, variant int) trial.Seat {
	v := e.Design.Variants[variant]
	seat.In, seat.Variant, seat.Serve, seat.Explore = e.ID, variant, v.Serve, v.Explore
	return seat
}

// Seated is the seat that Assign would give somebody now, for who wants to know what they
// would see. It only reads: nobody is seated, counted or recorded as used.
func (s *Store) Seated(ctx context.Context, members []thimble.SubjectID, placement string) trial.Seat {
	seat, err := s.seated(ctx, members, placement)
	if err != nil && ctx.Err() == nil {
		s.Log.ErrorContext(ctx, "where somebody sits in an experiment is not known", slog.String("placement", placement), slog.String("cause", err.Error()))
	}
	return seat
}

func (s *Store) seated(ctx context.Context, members []thimble.SubjectID, placement string) (seat trial.Seat, err error) {
	v, err := s.Gate.Decide(ctx, opens(members[0]))
	if err != nil || !v.Allowed {
		return seat, err
	}
	seat = trial.Seat{Counts: true, Placement: placement}
	e, ok, err := s.running(ctx, placement)
	if err != nil || !ok {
		return seat, err
	}
	key, err := s.Key(ctx)
	if err != nil {
		return trial.Seat{}, err
	}
	variant := trial.Assign(key, e.ID, members[0], e.Design.Variants)
	err = s.DB.Read(ctx, func(tx *sqldb.Tx) error {
		row, found, err := earliest(ctx, tx, e.ID, members)
		if found {
			variant = row.Variant
		}
		return err
	})
	if err != nil || variant == trial.None {
		return seat, err
	}
	return at(seat, e, variant), nil
}

// sit finds a person's group, or puts them into the one that was drawn, and counts a list.
func (s *Store) sit(ctx context.Context, e trial.Experiment, g *gate.Grant, drawn int) (variant int, err error) {
	err = s.DB.Write(ctx, func(tx *sqldb.Tx) error {
		if _, err := s.People.Alive(ctx, tx, g.Subject()); err != nil {
			return err
		}
		if err := g.Live(ctx); err != nil { // took it back since they were asked
			return err
		}
		row, found, err := earliest(ctx, tx, e.ID, g.Members())
		if err != nil {
			return err
		}
		if !found && drawn == trial.None {
			variant = trial.None
			return nil
		}
		if !found {
			variant = drawn
			_, err := tx.Exec(ctx, `insert into recommend_trial_people (subject_id, trial_id, variant, at, shown, clicked, added, closed, orders, revenue) values ($1, $2, $3, $4, 1, 0, 0, 0, 0, 0)`,
				g.Subject(), e.ID, drawn, s.Now().UnixMicro())
			return err
		}
		variant = row.Variant
		if row.Closed || !s.Now().Before(row.At.Add(e.Design.DaysOf())) {
			return nil // their days are over: they see the same, and count no more
		}
		_, err = tx.Exec(ctx, `update recommend_trial_people set shown = shown + 1 where subject_id = $1 and trial_id = $2`, row.who, e.ID)
		return err
	})
	if errors.Is(err, thimble.ErrDenied) || errors.Is(err, thimble.ErrNotFound) {
		return trial.None, nil
	}
	if err != nil {
		return trial.None, err
	}
	return variant, nil
}

// A row is what is kept of somebody.
type row struct {
	trial.Person
	who thimble.SubjectID
}

const rowColumns = `subject_id, variant, at, shown, clicked, added, closed, orders, revenue`

func scanRow(rows interface{ Scan(...any) error }) (r row, err error) {
	var at, closed int64
	err = rows.Scan(&r.who, &r.Variant, &at, &r.Shown, &r.Clicked, &r.Added, &closed, &r.Orders, &r.Revenue)
	r.At, r.Closed = time.UnixMicro(at).UTC(), closed != 0
	return r, err
}

// before reports whether a row is the one that counts, of two of one person.
func (r row) before(o row) bool {
	if !r.At.Equal(o.At) {
		return r.At.Before(o.At)
	}
	return string(r.who[:]) < string(o.who[:])
}

// earliest returns the row of a person that counts: the first of their members'.
func earliest(ctx context.Context, tx *sqldb.Tx, in thimble.ID, members []thimble.SubjectID) (first row, found bool, err error) {
	for _, who := range members {
		r, err := scanRow(tx.QueryRow(ctx, `select `+rowColumns+` from recommend_trial_people where subject_id = $1 and trial_id = $2`, who, in))
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return first, false, err
		}
		if !found || r.before(first) {
			first, found = r, true
		}
	}
	return first, found, nil
}

// Shown counts that a list was shown, by day and version; 0 is the popular list. Nobody is
// in what is counted.
func (s *Store) Shown(ctx context.Context, seat trial.Seat, version int64) {
	if !seat.Counts {
		return
	}
	now := s.Now()
	if !s.shown.add(slot{dayOf(now), seat.Placement, version}, now) {
		return
	}
	if err := s.Flush(ctx); err != nil && ctx.Err() == nil {
		s.Log.ErrorContext(ctx, "counts of lists were not written, and are tried again", slog.String("cause", err.Error()))
	}
}
