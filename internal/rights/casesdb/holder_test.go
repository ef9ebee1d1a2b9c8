package casesdb_test

import (
	"context"
	"testing"
	"time"

	"thimble"
	"thimble/internal/holdertest"
	"thimble/internal/policy"
	"thimble/internal/rights/cases"
	"thimble/internal/rights/casesdb"
	"thimble/internal/rights/letters"
	"thimble/internal/rights/lettersdb"
	"thimble/internal/rights/rightsdb"
	"thimble/internal/sqldb"
)

// A shop is a store of cases with what it needs, and a rights desk that does at once
// what is asked of it.
type shop struct {
	*holdertest.Kernel
	t        *testing.T
	store    *casesdb.Store
	remake   func(casesdb.Parts) *casesdb.Store
	ahead    time.Duration // of the kernel's clock
	requests *rightsdb.Store
	letters  *lettersdb.Store
	place    string                // where everybody lives
	looked   []thimble.SubjectID   // whose law was asked for
	mailed   time.Time             // when everybody's newest address was added
	proves   map[string]cases.Verb // what has a record
}

func open(t *testing.T, k *holdertest.Kernel) *shop {
	s := &shop{Kernel: k, t: t, place: "DE", proves: map[string]cases.Verb{}}
	s.requests = rightsdb.New(k.Core, k.Ledger, k.Subjects, k.Now)
	packs, err := policy.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	law := func(place string, at time.Time) (*policy.Law, error) {
		q := policy.Question{At: at}
		if place != "" {
			q.Residences = []policy.Residence{{Place: place, Evidence: policy.Declared}}
		}
		return packs.Law(q)
	}
	config := casesdb.Config{
		Now: func() time.Time { return k.Now().Add(s.ahead) },
		Dates: func(_ context.Context, _ *sqldb.Tx, who thimble.SubjectID, at time.Time) (cases.Dates, error) {
			s.looked = append(s.looked, who)
			place := s.place
			if who.IsZero() {
				place = ""
			}
			theirs, err := law(place, at)
			if err != nil {
				return nil, err
			}
			general, err := law("DE", at)
			return cases.Deadlines(theirs, general), err
		},
		Confirms: func(_ context.Context, _ *sqldb.Tx, who thimble.SubjectID, k cases.Kind, at time.Time) (cases.Receipt, error) {
			place := s.place
			if who.IsZero() {
				place = ""
			}
			theirs, err := law(place, at)
			if err != nil {
				return cases.Receipt{}, err
			}
			return cases.Confirms(theirs, k, at)
		},
		Mailed: func(context.Context, *sqldb.Tx, thimble.SubjectID) (time.Time, error) { return s.mailed, nil },
		Proves: func(_ context.Context, v cases.Verb, _ []thimble.SubjectID, ref string) error {
			if s.proves[ref] != v {
				return thimble.ErrConflict
			}
			return nil
		},
	}
	s.remake = func(p casesdb.Parts) *casesdb.Store { return casesdb.New(k.Core, p, config) }
	s.store = s.remake(s.parts())
	return s
}

func (s *shop) parts() casesdb.Parts {
	s.letters = lettersdb.New(s.Core, func() time.Time { return s.Now().Add(s.ahead) }, func(context.Context, *sqldb.Tx, cases.Case, cases.Event) ([]thimble.ID, letters.Why, error) {
		return nil, letters.NoServer, nil
	})
	return casesdb.Parts{Ledger: s.Ledger, Vault: s.Vault, Subjects: s.Subjects, Requests: s.requests, Letters: s.letters}
}

func (s *shop) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *shop) asks(who thimble.SubjectID, k cases.Kind, words string) cases.Case {
	s.t.Helper()
	c, err := s.store.Open(s.t.Context(), casesdb.Asked{Subject: who, Kind: k, Via: cases.Centre, Proof: cases.Session, By: cases.ThePerson, Words: thimble.Hide(words)})
	s.must(err)
	return c
}

// works has the rights desk do what was opened.
func (s *shop) works() {
	s.t.Helper()
	open, err := s.requests.Open(s.t.Context())
	s.must(err)
	for _, r := range open {
		s.must(s.requests.Finish(s.t.Context(), r))
	}
	_, err = s.store.Settle(s.t.Context())
	s.must(err)
}

func (s *shop) get(c cases.Case) cases.Case {
	s.t.Helper()
	c, err := s.store.Get(s.t.Context(), c.ID)
	s.must(err)
	return c
}

func each(t *testing.T, f func(t *testing.T, s *shop)) {
	holdertest.Each(t, func(t *testing.T, k *holdertest.Kernel) { f(t, open(t, k)) })
}

func TestTheStoreKeepsTheContractOfHolders(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		holdertest.Run(t, holdertest.Fixture{
			Holder: s.store, Core: s.Core, Tick: s.Tick, Person: s.Person,
			Keep: func(tb testing.TB, who thimble.SubjectID) []string {
				c := s.asks(who, cases.Complain, "nobody answers")
				c, err := s.store.Accept(tb.Context(), c.ID, cases.TheStaff, "zoe")
				if err == nil {
					_, err = s.store.Complete(tb.Context(), c.ID, cases.TheStaff, "zoe", "", thimble.Hide("we do now"))
				}
				if err != nil {
					tb.Fatal(err)
				}
				return []string{"nobody answers", "we do now", c.ID.Token(cases.TokenPrefix)}
			},
			Terms: map[thimble.Category]holdertest.Term{thimble.PrivacyPreferences: holdertest.Expires},
			Stays: []string{"cases_requests", "cases_steps"},
		})
	})
}
