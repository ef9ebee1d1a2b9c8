package consentdb_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/consent/consentdb"
	"thimble/internal/gate"
	"thimble/internal/sqldb"
	"thimble/internal/thimbletest"
)

var how = consentdb.How{Notice: consent.Current(), UI: consent.UI{Component: "test"}, By: consent.By{Actor: "subject", Auth: "session"}}

func history(t interface{ Fatal(...any) }, s *thimbletest.Shop, who thimble.SubjectID) []consentdb.Recorded {
	ctx := s.TB.Context()
	grant, err := s.Gate.Open(ctx, gate.Request{Actor: gate.Actor{Kind: gate.Customer, Self: who}, Subject: who,
		Purpose: thimble.LegalObligation, Categories: []thimble.Category{thimble.PrivacyPreferences}})
	if err != nil {
		t.Fatal(err)
	}
	all, err := s.Consent.History(ctx, grant)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestTheStateIsAFunctionOfTheEvents records random choices and holds what is kept
// beside the events against what the events say.
func TestTheStateIsAFunctionOfTheEvents(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		n := 0
		rapid.Check(t, func(r *rapid.T) {
			n++
			who := s.Subject("person-" + time.Duration(n).String())
			for range rapid.IntRange(0, 4).Draw(r, "visits") {
				c := consent.Choice{
					Purpose: rapid.SampledFrom([]thimble.Purpose{thimble.PersonalizeContent, thimble.TrainAISystem}).Draw(r, "purpose"),
					State:   rapid.SampledFrom([]consent.State{consent.Given, consent.Refused, consent.Withdrawn, consent.Deferred}).Draw(r, "state"),
					Scope:   rapid.SampledFrom([]consent.Scope{{}, {Signal: "returns"}, {Brand: "b", Channel: "web"}}).Draw(r, "scope"),
				}
				s.Chooses(who, c)
			}
			events := []consent.Event{}
			prev := ""
			for _, h := range history(r, s, who) {
				if h.Event.Prev != prev {
					r.Fatalf("event %d names %q as the one before it, which is %q", h.Event.Seq, h.Event.Prev, prev)
				}
				sum := sha256.Sum256(h.Opening.Record)
				prev = hex.EncodeToString(sum[:])
				events = append(events, h.Event)
			}
			want := consent.Standings(events, time.Now())
			for _, p := range []thimble.Purpose{thimble.PersonalizeContent, thimble.TrainAISystem} {
				got, err := s.Consent.Standings(t.Context(), who, p)
				if err != nil {
					r.Fatal(err)
				}
				if diff := cmp.Diff(want[p], got); diff != "" {
					r.Fatalf("%s: the state is not what the events say:\n%s", p, diff)
				}
			}
		})
	})
}

func TestAYesToWhatIsAllowedRenewsIt(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		who := s.Subject("ada", thimbletest.Allows(thimble.TrainAISystem)...)
		r := s.Chooses(who, thimbletest.Allows(thimble.TrainAISystem)...)
		if r[0].Event.State != consent.Renewed || !r[0].Event.State.Permits() {
			t.Errorf("a yes said again is %q, want renewed", r[0].Event.State)
		}
		people, err := s.Consent.Permitting(t.Context(), thimble.TrainAISystem, time.Now(), thimble.SubjectID{}, 10)
		if err != nil || !slices.Contains(people, who) {
			t.Errorf("who renewed is not among those who permit: %v, %v", people, err)
		}
	})
}

func TestWhoWasForgottenCanOnlyForbid(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		who := s.Subject("ada", thimbletest.Allows(thimble.TrainAISystem)...)
		s.Erase(who)
		if _, err := s.Consent.Record(t.Context(), who, thimbletest.Allows(thimble.TrainAISystem), how); !errors.Is(err, thimble.ErrDenied) {
			t.Errorf("a yes of somebody who was forgotten: %v, want denied", err)
		}
		if got, err := s.Consent.Record(t.Context(), who, thimbletest.Withdraws(thimble.TrainAISystem), how); err != nil || len(got) != 0 {
			t.Errorf("a no of somebody who was forgotten: %v, %v, want it accepted and nothing written", got, err)
		}
	})
}

func TestContradictingChoicesAreRefusedWhole(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		who := s.Subject("ada")
		for name, choices := range map[string][]consent.Choice{
			"twice the same": append(thimbletest.Allows(thimble.TrainAISystem), thimbletest.Withdraws(thimble.TrainAISystem)...),
			"one is unknown": append(thimbletest.Allows(thimble.TrainAISystem), thimbletest.Allows("resell")...),
			"a broken scope": {{Purpose: thimble.TrainAISystem, State: consent.Given, Scope: consent.Scope{Brand: "A B"}}},
		} {
			if _, err := s.Consent.Record(t.Context(), who, choices, how); !errors.Is(err, thimble.ErrInvalid) {
				t.Errorf("%s: %v, want invalid", name, err)
			}
		}
		if got := history(t, s, who); len(got) != 0 {
			t.Errorf("%d events were written", len(got))
		}
	})
}

func TestAChildsYesIsRefusedInTheStore(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		who := s.Subject("ada")
		s.Consent.Ages(func(_ context.Context, _ *sqldb.Tx, _ thimble.SubjectID) (consent.Age, error) {
			return consent.Age{Known: true, Of: time.Now().AddDate(0, 1, 0)}, nil
		})
		if _, err := s.Consent.Record(t.Context(), who, thimbletest.Allows(thimble.TrainAISystem), how); !errors.Is(err, thimble.ErrDenied) {
			t.Errorf("a child's yes: %v, want denied", err)
		}
		guardian := how
		guardian.By = consent.By{Actor: "guardian", Auth: "session", Guardian: thimble.SubjectID{9}}
		r, err := s.Consent.Record(t.Context(), who, thimbletest.Allows(thimble.TrainAISystem), guardian)
		if err != nil || time.Until(r[0].Event.Expires) > 32*24*time.Hour {
			t.Errorf("a guardian's yes: %v, %v, want one that ends with childhood", r, err)
		}
	})
}

// TestTheDatabaseRefusesToChangeAnEvent: the guard against UPDATE and DELETE.
func TestTheDatabaseRefusesToChangeAnEvent(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		s.Subject("ada", thimbletest.Allows(thimble.TrainAISystem)...)
		for _, text := range []string{`update consent_events set at = 0`, `delete from consent_events`} {
			err := s.Core.Write(t.Context(), func(tx *sqldb.Tx) error {
				_, err := tx.Exec(t.Context(), text)
				return err
			})
			if err == nil {
				t.Errorf("%s was done", text)
			}
		}
	})
}
