package consentdb_test

import (
	"testing"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/consent/consentdb"
	"thimble/internal/consent/signal"
	"thimble/internal/sqldb"
	"thimble/internal/thimbletest"
)

func TestASignalByOneMemberIsANoOfThePersonOnce(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		ctx, whole := t.Context(), consentdb.Whole{Store: s.Consent, Persons: s.Subjects}
		ada, eve := s.Subject("ada"), s.Subject("eve")
		since := s.Join(ada, eve).At
		// Nobody is asked for these purposes yet, so that a yes is written by hand.
		err := s.Core.Write(ctx, func(tx *sqldb.Tx) error {
			_, err := tx.Exec(ctx, `insert into consent_state (subject_id, purpose, scope, state, seq, at, expires_at) values ($1, $2, '', 'given', 0, $3, 0)`,
				ada, string(signal.OptedOut()[0]), since.UnixMicro()+1)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		gpc := how
		gpc.By = consent.By{Actor: signal.FromGPC.Actor(), Auth: "session"}

		first, err := whole.Signal(ctx, eve, signal.OptedOut(), gpc)
		if err != nil || first != len(signal.OptedOut())+1 {
			t.Errorf("%d events, %v, want one for each purpose, and one that withdraws the other's yes", first, err)
		}

		for _, p := range signal.OptedOut() {
			for _, who := range []thimble.SubjectID{ada, eve} {
				if st, err := whole.Standing(ctx, who, p); err != nil || !st.State.Refuses() {
					t.Errorf("%s: the person stands at %q, %v, want a no", p, st.State, err)
				}
			}
		}
		if again, err := whole.Signal(ctx, eve, signal.OptedOut(), gpc); err != nil || again != 0 {
			t.Errorf("the same signal adds %d events, %v", again, err)
		}
		s.Erase(eve)
		if _, err := whole.Signal(ctx, eve, signal.OptedOut(), gpc); err != nil {
			t.Errorf("the signal of somebody who was forgotten: %v", err)
		}
	})
}

func TestAnObjectionByOneMemberIsThePersons(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		ctx, whole := t.Context(), consentdb.Whole{Store: s.Consent, Persons: s.Subjects}
		ada, eve := s.Subject("ada"), s.Subject("eve", consent.Choice{Purpose: thimble.TrainAISystem, State: consent.Refused})
		s.Join(ada, eve)
		if _, err := whole.Record(ctx, eve, thimbletest.Allows(thimble.TrainAISystem), how); err != nil {
			t.Fatal(err)
		}
		if st, err := whole.Standing(ctx, eve, thimble.TrainAISystem); err != nil || !st.State.Permits() {
			t.Fatalf("what the person decided as one does not count: %q, %v", st.State, err)
		}
		if _, err := s.Desk.Object(ctx, eve, thimble.TrainAISystem); err != nil {
			t.Fatal(err)
		}
		if st, err := whole.Standing(ctx, ada, thimble.TrainAISystem); err != nil || !st.State.Refuses() {
			t.Errorf("after the objection the person stands at %q, %v", st.State, err)
		}
	})
}
