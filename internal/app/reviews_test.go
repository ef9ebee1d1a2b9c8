package app_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/decision"
	"thimble/internal/decision/decisiondb"
	"thimble/internal/policy"
	"thimble/internal/policy/calendar"
	"thimble/internal/thimbletest"
)

// opened opens a decision as its person does.
func opened(t *testing.T, s *thimbletest.Shop, id thimble.ID) (decisiondb.Sealed, decision.Record) {
	t.Helper()
	d, err := s.Decisions.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	r, _, err := decisiondb.Open(t.Context(), whole{s, d.Subject}, d)
	if err != nil {
		t.Fatal(err)
	}
	return d, r
}

// whole lends the vault as a grant.
type whole struct {
	*thimbletest.Shop
	who thimble.SubjectID
}

// Subject implements thimble.Grant.
func (w whole) Subject() thimble.SubjectID { return w.who }

// Members implements thimble.Grant.
func (w whole) Members() []thimble.SubjectID { return []thimble.SubjectID{w.who} }

// Purpose implements thimble.Grant.
func (w whole) Purpose() thimble.Purpose { return thimble.LegalObligation }

// Open implements thimble.Grant.
func (w whole) Open(ctx context.Context, c thimble.Cell, sealed []byte) ([]byte, error) {
	return w.Vault.Open(ctx, c, sealed)
}

func TestAListThatAReviewFoundWrongIsNotShownAgain(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		crowd(s)
		ada := s.Subject("ada", thimbletest.Allows(personalize, train)...)
		s.Buys(ada, "shirt")
		s.Works()
		list := s.Sees(ada)
		if !list.Personal {
			t.Fatal("the list is not personal")
		}
		d, r := opened(t, s, list.Decision)
		c, err := s.Decisions.Contest(t.Context(), d, decisiondb.Wish{Reason: "wrong data", Text: thimble.Hide("That was a gift.")})
		if err != nil {
			t.Fatal(err)
		}
		if days := c.DueAt.Sub(c.OpenedAt).Hours() / 24; days < 14 || days > 45 || c.Rule == "" {
			t.Errorf("due in %.1f days by %q", days, c.Rule)
		}
		if list := s.Sees(ada); !list.Personal {
			t.Error("the wish alone ends the list")
		}
		err = errors.Join(s.Decisions.Claim(t.Context(), c.ID, "bob", r), s.Decisions.Answer(t.Context(), c.ID, "bob", r, decision.Overturned, thimble.Hide("You are right.")))
		if err != nil {
			t.Fatal(err)
		}
		after := s.Sees(ada)
		if after.Personal || !strings.Contains(after.Why, "reviewed") {
			t.Errorf("the list is personal: %v, because %q", after.Personal, after.Why)
		}
		s.Buys(ada, "belt")
		if _, err := s.App.Shop.Train(t.Context(), "an order", nil); err != nil {
			t.Fatal(err)
		}
		if again := s.Sees(ada); !again.Personal {
			t.Errorf("after the program has learned anew: %q", again.Why)
		}
		audit, err := s.Audit(t.Context())
		for _, f := range audit.Findings {
			if strings.HasPrefix(f.Table, "decision") || strings.Contains(f.Rule, "class batch") {
				t.Errorf("the audit finds %v", f)
			}
		}
		if err != nil {
			t.Error(err)
		}
	})
}

func TestAReviewIsDueByTheLawOfThePersonOrElseByTheStrictBaseline(t *testing.T) {
	library, err := policy.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	baseline, err := policy.Baseline()
	if err != nil {
		t.Fatal(err)
	}
	strict := policy.LawOf(calendar.On(at, time.UTC), baseline)
	for place, want := range map[string]struct {
		days int
		rule string
	}{
		"DE": {31, "eu.gdpr"}, "GB": {31, "uk.gdpr"}, "CN": {15, "the strict baseline"}, "": {15, "baseline.strict"},
	} {
		var lives []policy.Residence
		if place != "" {
			lives = []policy.Residence{{Place: place, Evidence: "declared"}}
		}
		law, err := library.Law(policy.Question{At: at, Residences: lives})
		if err != nil {
			t.Fatal(err)
		}
		for _, appeal := range []bool{false, true} {
			due, rule, err := decision.Due(law, strict, appeal, at)
			if days := due.Sub(at).Hours() / 24; err != nil || days < float64(want.days)-1.5 || days > float64(want.days)+4 || !strings.Contains(rule, want.rule) {
				t.Errorf("%q, appeal %v: %.1f days by %q, %v", place, appeal, days, rule, err)
			}
		}
	}
}
