package trialdb_test

import (
	"fmt"
	"testing"

	"thimble"
	"thimble/internal/holdertest"
	"thimble/internal/recommend/trial"
)

func TestTheStoreKeepsTheContractOfHolders(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		n := 0
		seated := func(tb testing.TB, who thimble.SubjectID) []string {
			tb.Helper()
			n++
			place := fmt.Sprintf("place-%d", n)
			s.starts(halves(place))
			if seat := s.db.Assign(tb.Context(), who, place); seat.In.IsZero() {
				tb.Fatal("nobody was seated")
			}
			return []string{"at " + place}
		}
		holdertest.Run(t, holdertest.Fixture{
			Holder: s.db, Core: s.Core, Keys: s.Keys, Tick: s.Tick, Person: s.permits, Keep: seated,
			Terms:    map[thimble.Category]holdertest.Term{trial.Behaviour: holdertest.Expires},
			WhileOne: func(tb testing.TB, who thimble.SubjectID) { seated(tb, who) }, Trace: holdertest.Both,
			Objects: trial.Analytics,
			Used: func(tb testing.TB, who thimble.SubjectID) bool {
				for _, err := range s.db.Export(tb.Context(), who) {
					return err == nil
				}
				return false
			},
		})
	})
}
