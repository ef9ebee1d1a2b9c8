package consentdb

import (
	"context"
	"errors"
	"fmt"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/sqldb"
	"thimble/internal/subject"
)

// Heard is what somebody said to a source of events that asks for consent.
type Heard struct {
	Who     thimble.SubjectID
	Yes, No []thimble.Purpose
	// Chosen says that they have just chosen. Else it is what the source remembers of
	// them: such a yes counts only for what they were never asked here, so that what a
	// browser has stored undoes no withdrawal.
	Chosen bool
	How    How
}

// Hear records what people said to sources of events, in one durable transaction, and
// returns how many events were added. What is recorded already is left: it comes with
// each event. Of several subjects of a person a yes counts for all and is under the
// canonical one; a no is under the one it came by, and takes back what another permits.
// A no is always taken down; a yes of somebody who may not give it, or of before a no
// that is recorded, is left out, as is everything of who is not there.
func (w Whole) Hear(ctx context.Context, all []Heard) (n int, err error) {
	people := make([]subject.Person, len(all))
	for i, h := range all {
		if people[i], err = w.Persons.Person(ctx, h.Who); err != nil && !errors.Is(err, thimble.ErrNotFound) {
			return 0, fmt.Errorf("consent: hearing: %w", err)
		}
	}
	hear := func(tx *sqldb.Tx, record bool) error {
		n = 0
		for i, h := range all {
			if len(people[i].Members) == 0 {
				continue
			}
			added, err := w.hear(ctx, tx, people[i], h, record)
			if err != nil {
				return err
			}
			n += added
		}
		return nil
	}
	// Most of what is heard is known.
	if err = w.db.Read(ctx, func(tx *sqldb.Tx) error { return hear(tx, false) }); err == nil && n > 0 {
		err = w.db.Write(ctx, func(tx *sqldb.Tx) error { return hear(tx, true) })
	}
	if err != nil {
		return 0, fmt.Errorf("consent: hearing: %w", err)
	}
	return n, nil
}

// hear counts what is new of what was heard, and records it if it is to.
func (w Whole) hear(ctx context.Context, tx *sqldb.Tx, who subject.Person, h Heard, record bool) (n int, err error) {
	for _, m := range who.IDs() {
		no, err := w.objections(ctx, tx, m, h.No)
		if err != nil {
			return n, err
		}
		if m != h.Who { // of the others what they permit ends
			kept := no[:0]
			for _, c := range no {
				if c.State == consent.Withdrawn {
					kept = append(kept, c)
				}
			}
			no = kept
		}
		if n += len(no); record && len(no) > 0 {
			if err := w.object(ctx, tx, m, no, h.How); err != nil {
				return n, err
			}
		}
	}
	for _, p := range h.Yes {
		fresh, err := w.fresh(ctx, tx, who, p, h.Chosen)
		if err != nil {
			return n, err
		}
		if !fresh {
			continue
		}
		if n++; !record {
			continue
		}
		_, err = w.RecordTx(ctx, tx, who.ID(), []consent.Choice{{Purpose: p, State: consent.Given}}, h.How)
		switch {
		case errors.Is(err, thimble.ErrDenied), errors.Is(err, thimble.ErrConflict), errors.Is(err, thimble.ErrInvalid):
			n--
		case err != nil:
			return n, err
		}
	}
	return n, nil
}

// fresh reports whether a yes is one that is not recorded.
func (w Whole) fresh(ctx context.Context, tx *sqldb.Tx, who subject.Person, p thimble.Purpose, chosen bool) (bool, error) {
	if _, asked := consent.AskOf(p); !asked {
		return false, nil
	}
	never := true
	st, err := consent.OfPerson(ctx, who, p, func(ctx context.Context, s thimble.SubjectID, p thimble.Purpose) (consent.Standing, error) {
		st := consent.Standing{Purpose: p}
		err := w.StandingTx(ctx, tx, s, &st)
		never = never && st.State == ""
		return st, err
	})
	return !st.Now(w.now()).Permits() && (chosen || never), err
}
