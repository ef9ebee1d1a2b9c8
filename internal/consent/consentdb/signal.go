package consentdb

import (
	"context"
	"fmt"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/sqldb"
)

// Signal records that a signal says no to some purposes, for somebody who is known.
// It is recorded once: a purpose to which the person has said no already gets no
// further event, so that a signal on every request is one on the first. The purposes
// need not be among those people are asked for. It returns how many events were added.
func (s *Store) Signal(ctx context.Context, who thimble.SubjectID, purposes []thimble.Purpose, how How) (int, error) {
	var open []consent.Choice
	err := s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		open, err = s.objections(ctx, tx, who, purposes)
		return err
	})
	if err == nil && len(open) > 0 {
		err = s.db.Write(ctx, func(tx *sqldb.Tx) (err error) {
			// What another request has recorded meanwhile is left out.
			if open, err = s.objections(ctx, tx, who, purposes); err != nil || len(open) == 0 {
				return err
			}
			return s.object(ctx, tx, who, open, how)
		})
	}
	if err != nil {
		return 0, fmt.Errorf("consent: recording a signal of %s: %w", who, err)
	}
	return len(open), nil
}

// objections are the choices that are not recorded yet: whoever said yes withdraws.
func (s *Store) objections(ctx context.Context, tx *sqldb.Tx, who thimble.SubjectID, purposes []thimble.Purpose) (open []consent.Choice, err error) {
	for _, p := range purposes {
		st := consent.Standing{Purpose: p}
		if err := s.StandingTx(ctx, tx, who, &st); err != nil {
			return nil, err
		}
		switch {
		case st.State.Permits():
			open = append(open, consent.Choice{Purpose: p, State: consent.Withdrawn})
		case !st.State.Refuses():
			open = append(open, consent.Choice{Purpose: p, State: consent.Refused})
		}
	}
	return open, nil
}

func (s *Store) object(ctx context.Context, tx *sqldb.Tx, who thimble.SubjectID, open []consent.Choice, how How) error {
	// Not RecordTx, which checks that people are asked: nobody is asked for these.
	_, err := s.write(ctx, tx, who, open, how)
	return err
}
