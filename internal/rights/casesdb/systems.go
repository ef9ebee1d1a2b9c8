package casesdb

import (
	"context"
	"errors"
	"fmt"

	"thimble"
	"thimble/internal/rights/cases"
	"thimble/internal/sqldb"
)

// Systems are those outside of Thimble that take part in what people ask for;
// *systemsdb.Store keeps what they are asked.
type Systems interface {
	// AskTx opens a task for each system that takes part in a case that begins, and takes
	// from the members what those have to be told. The work is what does it here.
	AskTx(ctx context.Context, tx *sqldb.Tx, c cases.Case, work []cases.Work, members []thimble.SubjectID) ([]cases.Task, error)
	// StandingTx says how far they are.
	StandingTx(ctx context.Context, tx *sqldb.Tx, id thimble.ID) (cases.Standing, error)
	// EndTx destroys what they were to be told, of a case that is closed, and calls off
	// what is not to be done any more.
	EndTx(ctx context.Context, tx *sqldb.Tx, id thimble.ID, off bool) error
}

// fanOut asks the systems that take part, in the transaction that begins the case: neither
// is ever there without the other.
func (s *Store) fanOut(ctx context.Context, tx *sqldb.Tx, c cases.Case, work []cases.Work) ([]cases.Task, error) {
	person, err := s.parts.Subjects.PersonTx(ctx, tx, c.Subject)
	if err != nil {
		return nil, err
	}
	return s.parts.Systems.AskTx(ctx, tx, c, work, person.IDs())
}

// ending makes a completion the beginning of a wait, when a system has still to answer.
func (s *Store) ending(ctx context.Context, tx *sqldb.Tx, c cases.Case, e cases.Event) (cases.Event, error) {
	if c.Tasks == 0 || e.What != cases.Completed {
		return e, nil
	}
	var err error
	if e.Waits, err = s.parts.Systems.StandingTx(ctx, tx, c.ID); err == nil && e.Waits.Open > 0 {
		e.What = cases.Awaited
	}
	return e, err
}

// HeardTx keeps the step that something happened to a task of a case, in the transaction
// in which it did, and closes the case when it was the last that was waited for. A case
// that is closed already stays as it is.
func (s *Store) HeardTx(ctx context.Context, tx *sqldb.Tx, id thimble.ID, t cases.Task, by, staff string) error {
	all, err := list(ctx, tx, `where id = $1`, id)
	if err != nil || len(all) == 0 || !all[0].May(cases.Heard) {
		return err
	}
	c, err := s.next(ctx, tx, all[0], cases.Event{What: cases.Heard, By: by, Staff: staff, Tasks: []cases.Task{t}}, thimble.Hide(""))
	if err == nil {
		_, err = s.answeredTx(ctx, tx, c)
	}
	return err
}

// answered closes a case when all systems have answered.
func (s *Store) answered(ctx context.Context, c cases.Case) (moved bool, err error) {
	_, err = s.change(ctx, c.ID, func(tx *sqldb.Tx, c cases.Case) (_ cases.Case, err error) {
		moved, err = s.answeredTx(ctx, tx, c)
		return c, err
	})
	return moved, err
}

func (s *Store) answeredTx(ctx context.Context, tx *sqldb.Tx, c cases.Case) (bool, error) {
	if c.State != cases.Waiting || s.parts.Systems == nil {
		return false, nil
	}
	waits, err := s.parts.Systems.StandingTx(ctx, tx, c.ID)
	if err != nil || waits.Open > 0 {
		return false, err
	}
	_, err = s.next(ctx, tx, c, cases.Event{What: cases.AllAnswered, By: cases.TheProgram, Waits: waits}, thimble.Hide(""))
	return err == nil, err
}

// InPart closes a case of which a system did not do its part, and is not expected to any
// more. The error is of kind ErrConflict while one may still answer in time.
func (s *Store) InPart(ctx context.Context, id thimble.ID, staff string, part cases.Part, words thimble.Personal[string]) (cases.Case, error) {
	if err := cases.CheckText(words.Reveal()); err != nil { // to measure it
		return cases.Case{}, err
	}
	return s.change(ctx, id, func(tx *sqldb.Tx, c cases.Case) (cases.Case, error) {
		if !c.May(cases.InPart) || s.parts.Systems == nil {
			return c, fmt.Errorf("it is %s: %w", c.State, thimble.ErrConflict)
		}
		e := cases.Event{What: cases.InPart, By: cases.TheStaff, Staff: staff, Part: part}
		var err error
		if e.Waits, err = s.parts.Systems.StandingTx(ctx, tx, c.ID); err != nil {
			return c, err
		}
		return s.next(ctx, tx, c, e, words)
	})
}

// vouched begins what a controller has vouched for, who has looked at who asks: the laws
// and the wait after a new e-mail address count as for everybody. What is nobody's is
// closed.
func (s *Store) vouched(ctx context.Context, c cases.Case) (bool, error) {
	if c.Subject.IsZero() {
		_, err := s.Do(ctx, c.ID, cases.Event{What: cases.Gone, By: cases.TheProgram}, thimble.Hide(""))
		return true, err
	}
	var err error
	if c.NeedsProof() {
		if c, err = s.Do(ctx, c.ID, cases.Event{What: cases.Proved, By: cases.TheController, Proof: cases.Vouched}, thimble.Hide("")); err != nil {
			return false, err
		}
	}
	if c.Cools.After(s.cfg.Now()) {
		return false, nil
	}
	_, err = s.Accept(ctx, c.ID, cases.TheController, "")
	if errors.Is(err, thimble.ErrNotFound) { // they were erased meanwhile
		return false, nil
	}
	return err == nil, err
}
