package consentdb

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/sqldb"
	"thimble/internal/subject"
)

// Persons knows who is one person; *subjectdb.Store does.
type Persons interface {
	Person(ctx context.Context, s thimble.SubjectID) (subject.Person, error)
}

// A Whole is the store for whoever speaks with people and not with accounts: a
// person whom links join of several subjects stands, and chooses, once.
type Whole struct {
	*Store
	Persons Persons
}

// Standing returns where a person stands on a purpose, over all their subjects.
func (w Whole) Standing(ctx context.Context, who thimble.SubjectID, p thimble.Purpose) (consent.Standing, error) {
	person, err := w.Persons.Person(ctx, who)
	if err != nil {
		return consent.Standing{Purpose: p}, fmt.Errorf("consent: standing of a person: %w", err)
	}
	return consent.OfPerson(ctx, person, p, w.Store.Standing)
}

// StandingFor is Standing for a use of a scope.
func (w Whole) StandingFor(ctx context.Context, who thimble.SubjectID, p thimble.Purpose, q consent.Scope) (consent.Standing, error) {
	person, err := w.Persons.Person(ctx, who)
	if err != nil {
		return consent.Standing{Purpose: p}, fmt.Errorf("consent: standing of a person: %w", err)
	}
	return consent.OfPerson(ctx, person, p, func(ctx context.Context, s thimble.SubjectID, p thimble.Purpose) (consent.Standing, error) {
		return w.Store.StandingFor(ctx, s, p, q)
	})
}

// Record records a person's choices under their canonical subject, where they count
// for all. A no is recorded under every other subject too that had said yes: should
// the two turn out to be two people, neither says yes to what was answered with no.
// It returns what was recorded under the canonical subject.
func (w Whole) Record(ctx context.Context, who thimble.SubjectID, choices []consent.Choice, how How) ([]Recorded, error) {
	person, err := w.Persons.Person(ctx, who)
	if err != nil {
		return nil, fmt.Errorf("consent: recording a choice: %w", err)
	}
	var all []Recorded
	err = w.db.Write(ctx, func(tx *sqldb.Tx) (err error) {
		all, err = w.recordTx(ctx, tx, person, choices, how)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("consent: recording a choice: %w", err)
	}
	return all, nil
}

func (w Whole) recordTx(ctx context.Context, tx *sqldb.Tx, person subject.Person, choices []consent.Choice, how How) ([]Recorded, error) {
	all, err := w.RecordTx(ctx, tx, person.ID(), choices, how)
	if err != nil {
		return nil, err
	}
	for _, m := range person.Members[1:] {
		if err := w.refuse(ctx, tx, m.ID, choices, how); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Signal is [Store.Signal] for a person: it is recorded under the subject it came by,
// and what another subject of theirs permits is withdrawn, so that the person says no.
func (w Whole) Signal(ctx context.Context, who thimble.SubjectID, purposes []thimble.Purpose, how How) (int, error) {
	person, err := w.Persons.Person(ctx, who)
	if err != nil && !errors.Is(err, thimble.ErrNotFound) { // of somebody who was forgotten nothing is used
		return 0, fmt.Errorf("consent: recording a signal of a person: %w", err)
	}
	others := slices.DeleteFunc(person.IDs(), func(m thimble.SubjectID) bool { return m == who })
	return w.signal(ctx, who, others, purposes, how)
}

func (w Whole) refuse(ctx context.Context, tx *sqldb.Tx, who thimble.SubjectID, choices []consent.Choice, how How) error {
	var no []consent.Choice
	for _, c := range choices {
		st := consent.Standing{Purpose: c.Purpose, Scope: c.Scope}
		if err := w.StandingTx(ctx, tx, who, &st); err != nil {
			return err
		}
		if c.State.Refuses() && st.State.Permits() {
			no = append(no, consent.Choice{Purpose: c.Purpose, Scope: c.Scope, State: consent.Withdrawn})
		}
	}
	if no == nil {
		return nil
	}
	_, err := w.RecordTx(ctx, tx, who, no, how)
	return err
}
