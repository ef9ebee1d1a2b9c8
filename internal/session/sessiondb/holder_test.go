package sessiondb_test

import (
	"testing"

	"thimble"
	"thimble/internal/holdertest"
	"thimble/internal/session"
	"thimble/internal/session/sessiondb"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
)

func TestTheStoreKeepsTheContractOfHolders(t *testing.T) {
	sqldbtest.Each(t, sqldb.Core, func(t *testing.T, db *sqldb.DB) {
		clock := holdertest.NewClock()
		s := sessiondb.New(db, everybody{}, clock.Now)
		keep := func(tb testing.TB, who thimble.SubjectID) []string {
			w := session.Who{Audience: session.Customer, Subject: who}
			if _, err := s.Link(tb.Context(), w); err != nil {
				tb.Fatal(err)
			}
			if _, err := s.Begin(tb.Context(), w, session.UnknownDevice); err != nil {
				tb.Fatal(err)
			}
			return nil
		}
		holdertest.Run(t, holdertest.Fixture{
			Holder: s, Core: db, Tick: clock.Tick, Keep: keep,
			Person: func(tb testing.TB) thimble.SubjectID {
				who, err := thimble.NewSubjectID(nil)
				if err != nil {
					tb.Fatal(err)
				}
				return who
			},
			Terms:    map[thimble.Category]holdertest.Term{thimble.Credentials: holdertest.Expires},
			WhileOne: func(tb testing.TB, who thimble.SubjectID) { keep(tb, who) }, Trace: holdertest.Gone,
		})
	})
}
