package app_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"thimble"
	"thimble/internal/gate"
	"thimble/internal/sqldb"
	"thimble/internal/subject"
	"thimble/internal/thimbletest"
)

// TestAWithdrawalDuringTrainingKeepsThePersonOutOfTheModel is privacy case 2: the
// person leaves between the snapshot and the release.
func TestAWithdrawalDuringTrainingKeepsThePersonOutOfTheModel(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		crowd(s)
		ada := someone(t, s, "ada")
		s.Works()
		before, _ := s.Shop.Version()

		var once sync.Once
		v, err := s.App.Shop.Train(t.Context(), "test", func(int, int) {
			once.Do(func() { s.Chooses(ada, thimbletest.Withdraws(train)...) })
		})
		if err != nil {
			t.Fatal(err)
		}
		if v.Card.Data.People != before.Card.Data.People-1 {
			t.Errorf("released with %d people, want one less than %d", v.Card.Data.People, before.Card.Data.People)
		}
		again, err := s.App.Shop.Train(t.Context(), "test", nil)
		if err != nil || again.Hash != v.Hash {
			t.Errorf("the model is not that of a training that never saw them: %v", err)
		}
	})
}

// TestTheLawIsThatOfWhereThePersonLives: the law comes from evidence of residence,
// and the strict baseline holds where there is none.
func TestTheLawIsThatOfWhereThePersonLives(t *testing.T) {
	s := thimbletest.New(t)
	ada := s.Subject("ada", thimbletest.Allows(personalize)...)
	lives := func(country, evidence string) {
		t.Helper()
		err := s.Core.Write(t.Context(), func(tx *sqldb.Tx) error {
			return s.Subjects.SetResidence(t.Context(), tx, ada, subject.Residence{Country: country, Evidence: evidence, At: time.Now()})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	verdict := func() gate.Verdict {
		t.Helper()
		v, err := s.Gate.Decide(t.Context(), gate.Request{Actor: gate.Actor{Kind: gate.Machine, Name: "test"}, Subject: ada, Purpose: personalize, Categories: []thimble.Category{thimble.PurchaseHistory}})
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	if v := verdict(); !strings.HasPrefix(v.Pack, "baseline.strict") || !v.Allowed {
		t.Errorf("residence unknown: %s, %s", v.Pack, v.Why)
	}
	for _, c := range []struct{ country, evidence, pack string }{
		{"GB", "order", "uk.gdpr"}, {"DE", "declared", "eu.gdpr.de"}, {"DE", "a guess", "baseline.strict"}, {"AQ", "order", "baseline.strict"},
	} {
		before := verdict()
		lives(c.country, c.evidence)
		if v := verdict(); !strings.HasPrefix(v.Pack, c.pack) || !v.Allowed || v.Epoch <= before.Epoch || v.Policy == [8]byte{} {
			t.Errorf("%s by %s: %s (epoch %d after %d), want %s", c.country, c.evidence, v.Pack, v.Epoch, before.Epoch, c.pack)
		}
	}
}

// TestEveryKindOfChangeEndsTheGrantsThatAreOut: what enters a verdict moves the epoch.
func TestEveryKindOfChangeEndsTheGrantsThatAreOut(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		ctx := t.Context()
		write := func(f func(*sqldb.Tx, thimble.SubjectID) error) func(thimble.SubjectID) error {
			return func(who thimble.SubjectID) error {
				return s.Core.Write(ctx, func(tx *sqldb.Tx) error { return f(tx, who) })
			}
		}
		for name, change := range map[string]func(thimble.SubjectID) error{
			"consent": func(who thimble.SubjectID) error { s.Chooses(who, thimbletest.Withdraws(personalize)...); return nil },
			"residence": write(func(tx *sqldb.Tx, who thimble.SubjectID) error {
				return s.Subjects.SetResidence(ctx, tx, who, subject.Residence{Country: "FR", Evidence: "order", At: time.Now()})
			}),
			"age": write(func(tx *sqldb.Tx, who thimble.SubjectID) error {
				return s.Subjects.SetAge(ctx, tx, who, subject.Age{State: subject.AgeMinor, Evidence: "declared", At: time.Now()})
			}),
			"restriction": write(func(tx *sqldb.Tx, who thimble.SubjectID) error { return s.Subjects.SetRestricted(ctx, tx, who, true) }),
			"erasure":     func(who thimble.SubjectID) error { s.Erase(who); return nil },
			"pack": func(thimble.SubjectID) error {
				return s.Core.Write(ctx, func(tx *sqldb.Tx) error { s.Node.Moving(tx, thimble.SubjectID{}); return nil })
			},
		} {
			who := s.Subject("of "+name, thimbletest.Allows(personalize)...)
			g, err := s.Gate.Open(ctx, gate.Request{Actor: gate.Actor{Kind: gate.Machine, Name: "test"}, Subject: who, Purpose: personalize, Categories: []thimble.Category{thimble.PurchaseHistory}})
			if err != nil {
				t.Fatal(err)
			}
			if err := change(who); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			err = g.Output(ctx, func(context.Context) error { t.Errorf("%s: output after it", name); return nil })
			if !errors.Is(err, thimble.ErrDenied) {
				t.Errorf("%s: %v, want a denial", name, err)
			}
		}
	})
}

// TestAChoiceNamesTheLawItWasMadeUnder: the event, which is the proof, names the packs of
// where the person lives and not those of a baseline.
func TestAChoiceNamesTheLawItWasMadeUnder(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		ada := s.Subject("ada")
		said := func() (string, string) {
			e := s.Chooses(ada, thimbletest.Allows(personalize)...)[0].Event
			return strings.Join(e.Packs, " "), e.Basis
		}
		if packs, basis := said(); !strings.Contains(packs, "baseline.strict") || basis != "consent" {
			t.Errorf("of unknown residence: packs %q, basis %q, want the strict baseline and consent", packs, basis)
		}
		err := s.Core.Write(t.Context(), func(tx *sqldb.Tx) error {
			return s.Subjects.SetResidence(t.Context(), tx, ada, subject.Residence{Country: "DE", Evidence: "order", At: time.Now()})
		})
		if err != nil {
			t.Fatal(err)
		}
		if packs, basis := said(); !strings.Contains(packs, "eu.gdpr.de") || strings.Contains(packs, "baseline") || basis != "consent" {
			t.Errorf("in Germany: packs %q, basis %q, want the GDPR's and consent", packs, basis)
		}
	})
}
