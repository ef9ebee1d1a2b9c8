package consentdb

import (
	"context"
	"fmt"
	"time"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/consent/signal"
	"thimble/internal/sqldb"
)

// Expire implements thimble.Holder. Nothing goes: the events prove what was allowed
// when, and the current state is what the gate obeys.
func (s *Store) Expire(ctx context.Context, c thimble.Category, before time.Time) (thimble.Erasure, error) {
	if !thimble.PrivacyPreferences.Within(c) {
		return thimble.Erasure{}, nil
	}
	var events int
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		return tx.QueryRow(ctx, `select count(*) from consent_events where at < $1`, before.UnixMicro()).Scan(&events)
	})
	if err != nil {
		return thimble.Erasure{}, fmt.Errorf("consent: counting what may not expire: %w", err)
	}
	if events == 0 {
		return thimble.Erasure{}, nil
	}
	return thimble.Erasure{Kept: []thimble.Kept{{Count: events, What: "choices, as the proof of consent", Law: "GDPR Art. 7(1)"}}}, nil
}

// Restrict implements thimble.Holder. It has nothing to do: choices are kept to be
// obeyed, and a restriction does not end that.
func (s *Store) Restrict(context.Context, thimble.SubjectID, bool) error { return nil }

// Object implements thimble.Holder: an objection to a purpose is recorded as a choice
// against it, so that the gate refuses from then on. The error for a purpose that
// nobody is asked about is of kind ErrInvalid: what rests on a contract or a law
// cannot be objected to.
func (s *Store) Object(ctx context.Context, who thimble.SubjectID, p thimble.Purpose) error {
	against := consent.Choice{Purpose: p, State: consent.Refused}
	if !signal.Ends(p) {
		return fmt.Errorf("consent: an objection: a purpose that rests on no contract and no law was expected: %w", thimble.ErrInvalid)
	}
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		st := consent.Standing{Purpose: p}
		if err := s.StandingTx(ctx, tx, who, &st); err != nil {
			return err
		}
		switch {
		case st.State.Refuses():
			return nil
		case st.State.Permits():
			against.State = consent.Withdrawn
		}
		return s.object(ctx, tx, who, []consent.Choice{against}, objected())
	})
	if err != nil {
		return fmt.Errorf("consent: recording an objection of a person: %w", err)
	}
	return nil
}

// objected is how an objection is recorded.
func objected() How {
	return How{Notice: consent.Current(), UI: consent.UI{Component: "rights", Path: []string{"object"}}, By: consent.By{Actor: "subject", Auth: "rights"}}
}

// Merge implements thimble.Holder. It has nothing to do: each one's choices stay
// their own, and who asks about the person asks about all its members.
func (s *Store) Merge(context.Context, thimble.Merge) error { return nil }

// Unmerge implements thimble.Holder. It has nothing to do: nothing was made of both.
func (s *Store) Unmerge(context.Context, thimble.Merge) error { return nil }
