package casesdb_test

import (
	"testing"
	"time"

	"thimble/internal/rights/cases"
	"thimble/internal/rights/casesdb"
)

func TestWhatIsOpenIsNotHiddenByWhatWasAnsweredSince(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		ada := s.Person(t)
		open := s.asks(ada, cases.Rectify, "my size is wrong")
		for range 2 {
			s.ahead += time.Minute
			c, err := s.store.Open(t.Context(), casesdb.Asked{Subject: ada, Kind: cases.Access, Via: cases.Centre, Proof: cases.Session, By: cases.ThePerson})
			s.must(err)
			_, err = s.store.Do(t.Context(), c.ID, cases.Event{What: cases.Withdrawn, By: cases.ThePerson}, nothing)
			s.must(err)
		}
		got, err := s.store.OpenOf(t.Context(), ada, 1)
		s.must(err)
		if len(got) != 1 || got[0].ID != open.ID {
			t.Errorf("open are %+v, want the first", got)
		}
	})
}
