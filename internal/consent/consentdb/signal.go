package consentdb

import (
	"context"
	"fmt"
	"slices"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/sqldb"
)

// Signal records that a signal says no to some purposes, for somebody who is known.
// It is recorded once: a purpose to which the person has said no already gets no
// further event, so that a signal on every request is one on the first. The purposes
// need not be among those people are asked for. It returns how many events were added.
func (s *Store) Signal(ctx context.Context, who thimble.SubjectID, purposes []thimble.Purpose, how How) (int, error) {
	return s.signal(ctx, who, nil, purposes, how)
}

// signal records a signal under the subject it came by. What other subjects of the
// person permit is withdrawn.
func (s *Store) signal(ctx context.Context, who thimble.SubjectID, others []thimble.SubjectID, purposes []thimble.Purpose, how How) (n int, err error) {
	open := func(tx *sqldb.Tx, do func(thimble.SubjectID, []consent.Choice) error) error {
		n = 0
		for i, m := range append([]thimble.SubjectID{who}, others...) {
			no, err := s.objections(ctx, tx, m, purposes)
			if i > 0 {
				no = slices.DeleteFunc(no, func(c consent.Choice) bool { return c.State != consent.Withdrawn })
			}
			if n += len(no); err == nil && len(no) > 0 && do != nil {
				err = do(m, no)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error { return open(tx, nil) })
	if err == nil && n > 0 {
		err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
			// What another request has recorded meanwhile is left out.
			return open(tx, func(m thimble.SubjectID, no []consent.Choice) error { return s.object(ctx, tx, m, no, how) })
		})
	}
	if err != nil {
		return 0, fmt.Errorf("consent: recording a signal of a person: %w", err)
	}
	return n, nil
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
