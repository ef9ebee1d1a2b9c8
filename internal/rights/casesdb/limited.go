package casesdb

import (
	"context"
	"fmt"
	"slices"

	"thimble"
	"thimble/internal/rights/cases"
	"thimble/internal/sqldb"
	"thimble/internal/subject"
)

// limits notes that a limit goes with a case that is opened. Of somebody who has the use of
// their data restricted already, for as long as they like, nothing is to be lifted later.
func (s *Store) limits(ctx context.Context, tx *sqldb.Tx, a Asked, c *cases.Case) error {
	if !a.Limit || a.fix() == nil {
		return nil
	}
	person, err := s.parts.Subjects.PersonTx(ctx, tx, a.Subject)
	if err != nil {
		return err
	}
	if person.Restricted {
		others, err := limited(ctx, tx, person.IDs())
		if err != nil || len(others) == 0 {
			return err
		}
	}
	c.Limited = cases.LimitAsked
	return nil
}

// limitAgain is limits for what is asked again while it is open: with the box this time, or by
// the person where the program had asked. Who is not shown to be the person changes nothing.
func (s *Store) limitAgain(ctx context.Context, tx *sqldb.Tx, a Asked, old *cases.Case) error {
	if a.Proof == "" || a.By == cases.TheProgram {
		return nil
	}
	if a.Kind == cases.Restrict || a.Kind == cases.Lift {
		return s.unlimit(ctx, tx, a.Subject)
	}
	if old.Limited != cases.NotLimited {
		return nil
	}
	err := s.limits(ctx, tx, a, old)
	if err == nil && old.Limited != cases.NotLimited {
		_, err = tx.Exec(ctx, `update cases_requests set limited = $1 where id = $2`, int64(old.Limited), old.ID)
	}
	return err
}

// unlimit ends what goes with the cases of a person, whose use is restricted or permitted for
// itself from now on: when that begins, and not when anybody asks for it.
func (s *Store) unlimit(ctx context.Context, tx *sqldb.Tx, who thimble.SubjectID) error {
	person, err := s.parts.Subjects.PersonTx(ctx, tx, who)
	if err != nil {
		return err
	}
	for _, m := range person.IDs() {
		if _, err := tx.Exec(ctx, `update cases_requests set limited = 3 where subject_id = $1 and limited in (1, 2)`, m[:]); err != nil {
			return err
		}
	}
	return nil
}

// limited are the cases of a person with which a limit goes.
func limited(ctx context.Context, tx *sqldb.Tx, members []thimble.SubjectID) (all []cases.Case, err error) {
	for _, m := range members {
		some, err := list(ctx, tx, `where subject_id = $1 and limited in (1, 2) order by at, id`, m[:])
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}

// Limits are the cases whose limit is still to come into force, and those whose limit is to
// be lifted now.
func (s *Store) Limits(ctx context.Context) (begin, end []cases.Case, err error) {
	if begin, err = s.list(ctx, `where limited = 1 and closed_at is null and subject_id is not null order by id limit 1000`); err != nil {
		return nil, nil, err
	}
	end, err = s.list(ctx, `where limited in (1, 2) and closed_at <= $1 and subject_id is not null order by id limit 1000`, s.cfg.Now().Add(-cases.LimitNotice).UnixMicro())
	return begin, end, err
}

// Limit opens what puts the limit of a case into force, and returns it; the zero case when it
// is in force already, or ended. It is the program's to begin.
func (s *Store) Limit(ctx context.Context, id thimble.ID) (cases.Case, error) {
	return s.limitBy(ctx, id, cases.Restrict)
}

// Unlimit opens what lifts the limit of a case that was closed, and returns it; the zero case
// when another case of the person has a limit still, or nothing is to be lifted.
func (s *Store) Unlimit(ctx context.Context, id thimble.ID) (cases.Case, error) {
	return s.limitBy(ctx, id, cases.Lift)
}

func (s *Store) limitBy(ctx context.Context, id thimble.ID, kind cases.Kind) (opened cases.Case, err error) {
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		opened = cases.Case{}
		all, err := list(ctx, tx, `where id = $1 and limited in (1, 2)`, id)
		if err != nil || len(all) == 0 || all[0].Subject.IsZero() {
			return err
		}
		person, err := s.parts.Subjects.PersonTx(ctx, tx, all[0].Subject)
		if err != nil {
			return err
		}
		others, err := limited(ctx, tx, person.IDs())
		if err != nil {
			return err
		}
		now, next := s.cfg.Now(), cases.LimitHolds
		due := func(c cases.Case) bool { return !c.LimitEnds().IsZero() && !c.LimitEnds().After(now) }
		needed := !person.Restricted
		if kind == cases.Lift {
			if !due(all[0]) {
				return fmt.Errorf("it was looked at again: %w", thimble.ErrConflict)
			}
			next = cases.LimitIsEnded
			needed = person.Restricted && !broughtAStop(person, all[0]) && !slices.ContainsFunc(others, func(c cases.Case) bool { return c.ID != id })
		}
		if _, err := tx.Exec(ctx, `update cases_requests set limited = $1 where id = $2`, int64(next), id); err != nil || !needed {
			return err
		}
		opened, err = s.OpenTx(ctx, tx, Asked{Subject: all[0].Subject, Kind: kind, Via: cases.Centre, Proof: all[0].Proof, By: cases.TheProgram}) // who asks was shown with the dispute
		if err != nil || !opened.May(cases.Accepted) {
			return err
		}
		opened, err = s.accept(ctx, tx, opened, cases.TheProgram, "")
		return err
	})
	if err != nil {
		return opened, fmt.Errorf("cases: the limit of %s: %w", id.Token(cases.TokenPrefix), err)
	}
	return opened, nil
}

// broughtAStop says that an account whose use was stopped became one with the person after a
// case was opened: that stop is not of the case, and does not end with it.
func broughtAStop(person subject.Person, c cases.Case) bool {
	own := slices.IndexFunc(person.Members, func(m subject.Member) bool { return m.ID == c.Subject })
	return own >= 0 && slices.ContainsFunc(person.Members, func(m subject.Member) bool {
		return m.Stopped && m.Since(person.Members[own]).After(c.At)
	})
}
