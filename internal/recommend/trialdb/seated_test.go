package trialdb_test

import (
	"testing"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/recommend/trial"
	"thimble/internal/sqldb"
)

// TestToAskWhereSomebodySitsSeatsNobody: staff who look at what somebody would see are told
// the seat that they would get, and it is not taken.
func TestToAskWhereSomebodySitsSeatsNobody(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		d := halves("home")
		d.Variants = []trial.Variant{{Name: "as it is", Serve: trial.Champion, Share: 3000}, {Name: "new", Serve: trial.Challenger, Share: 3000}}
		s.starts(d)
		people := func() (n, lists int64) {
			s.must(s.Core.Read(t.Context(), func(tx *sqldb.Tx) error {
				return tx.QueryRow(t.Context(), `select count(*), coalesce(sum(shown), 0) from recommend_trial_people`).Scan(&n, &lists)
			}))
			return n, lists
		}
		none := 0
		for range 12 { // some of whom are in no group
			ada := s.permits(t)
			n, lists := people()
			would := s.db.Seated(t.Context(), []thimble.SubjectID{ada}, "home")
			if after, shown := people(); after != n || shown != lists {
				t.Fatalf("%d people and %d lists after the question, want %d and %d", after, shown, n, lists)
			}
			if is := s.db.Assign(t.Context(), ada, "home"); is != would {
				t.Errorf("would sit at %+v, and sits at %+v", would, is)
			}
			if would.In.IsZero() {
				none++
			}
			if again := s.db.Seated(t.Context(), []thimble.SubjectID{ada}, "home"); again != would {
				t.Errorf("seated at %+v, and is said to sit at %+v", would, again)
			}
		}
		if elsewhere := s.db.Seated(t.Context(), []thimble.SubjectID{s.permits(t)}, "basket"); !elsewhere.In.IsZero() || !elsewhere.Counts {
			t.Errorf("where nothing runs: %+v", elsewhere)
		}
		quiet := s.Person(t)
		s.Chooses(t, quiet, consent.Choice{Purpose: thimble.PersonalizeContent, State: consent.Given})
		if seat := s.db.Seated(t.Context(), []thimble.SubjectID{quiet}, "home"); seat != (trial.Seat{}) {
			t.Errorf("who may not be counted sits at %+v", seat)
		}
		if none == 12 {
			t.Error("nobody of twelve would be in a group: the test sees nothing")
		}
	})
}
