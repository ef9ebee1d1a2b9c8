package lettersdb

import (
	"context"
	"errors"
	"slices"

	"thimble"
	"thimble/internal/rights/cases"
	"thimble/internal/rights/letters"
)

// A reader is an address that a letter goes to.
type reader struct {
	who      thimble.SubjectID
	address  thimble.Personal[string]
	guardian bool
}

func (r Runner) guardians(ctx context.Context, c cases.Case) ([]thimble.SubjectID, error) {
	if r.Guardians == nil || c.Subject.IsZero() {
		return nil, nil
	}
	return r.Guardians(ctx, c.Subject)
}

// readers are the addresses that a letter goes to, those of the person first, with the grant
// that opens what was written in the case.
func (r Runner) readers(ctx context.Context, c cases.Case, k letters.Kind) (grant thimble.Grant, all []reader, err error) {
	add := func(who thimble.SubjectID, guardian bool) (thimble.Grant, error) {
		g, addresses, err := r.Addresses(ctx, who)
		for _, a := range addresses[:min(len(addresses), letters.MostAddresses)] {
			all = append(all, reader{who, a, guardian})
		}
		return g, err
	}
	if grant, err = add(c.Subject, false); err != nil {
		return nil, nil, err
	}
	answer, err := r.guardians(ctx, c)
	if err != nil || len(answer) == 0 {
		return grant, all, err
	}
	child, guardians := letters.Readers(k, c)
	if !child {
		all = nil
	}
	for _, g := range answer {
		if !guardians {
			break
		}
		// One who is gone, or whose address the gate does not give, keeps it from nobody.
		if _, err := add(g, true); err != nil && !errors.Is(err, thimble.ErrNotFound) && !errors.Is(err, thimble.ErrDenied) {
			return nil, nil, err
		}
	}
	return grant, all, nil
}

// besides are the messages of a letter that go to others than the person.
type besides struct {
	some bool         // there are any
	none []thimble.ID // the letter is not the one that was owed to them
}

// beside looks whom a letter that is on its way goes to. One to somebody who does not answer
// for the person any more, or about somebody who is forgotten, is taken out of the outbox:
// when the relation ends nobody learns more.
func (r Runner) beside(ctx context.Context, e Entry) (b besides, err error) {
	if r.Guardians == nil || e.Kind == letters.Farewell {
		return b, nil
	}
	c, err := r.Cases.Get(ctx, e.Case)
	if err != nil {
		return b, err
	}
	var own, answer []thimble.SubjectID
	if !c.Subject.IsZero() {
		if own, err = r.Members(ctx, c.Subject); err != nil {
			return b, err
		}
		if answer, err = r.guardians(ctx, c); err != nil {
			return b, err
		}
	}
	for _, id := range e.Messages {
		to, err := r.Outbox.LetterTo(ctx, id)
		if err != nil {
			return b, err
		}
		if slices.Contains(own, to) {
			continue
		}
		b.some = true
		if !to.IsZero() && !slices.Contains(answer, to) {
			if err := r.Outbox.DropLetter(ctx, id); err != nil {
				return b, err
			}
		}
		if to.IsZero() || c.Subject.IsZero() || !letters.Counts(e.Kind, c) { // nobody is there any more, or has only notice of it
			b.none = append(b.none, id)
		}
	}
	return b, nil
}

// queued is how many addresses of each reader a letter was queued for.
func (r Runner) queued(ctx context.Context, e Entry) (map[thimble.SubjectID]int, error) {
	n := map[thimble.SubjectID]int{}
	for _, id := range e.Messages {
		to, err := r.Outbox.LetterTo(ctx, id)
		if err != nil {
			return nil, err
		}
		n[to]++
	}
	return n, nil
}
