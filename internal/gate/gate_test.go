package gate

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/policy"
)

var now = time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)

func pack(t interface{ Fatal(...any) }) *policy.Pack {
	p, err := policy.Baseline()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestVerdictIsNeverLooserThanItsParts draws requests and facts at random and
// holds each yes against the conditions of a yes, written down a second time.
func TestVerdictIsNeverLooserThanItsParts(t *testing.T) {
	p := pack(t)
	rapid.Check(t, func(t *rapid.T) {
		ada, bob := thimble.SubjectID{1}, thimble.SubjectID{2}
		purposes := []thimble.Purpose{thimble.EssentialService, thimble.LegalObligation, thimble.SupportOperations, thimble.PersonalizeContent, thimble.TrainAISystem, "personalize", "resell", ""}
		categories := []thimble.Category{thimble.PurchaseHistory, thimble.Country, "user.biometric", "user.social", "user.financial"}
		r := Request{
			Actor: Actor{
				Kind: rapid.SampledFrom([]Kind{Customer, Staff, Machine, Client, ""}).Draw(t, "kind"),
				Self: rapid.SampledFrom([]thimble.SubjectID{{}, ada, bob, {3}}).Draw(t, "self"),
			},
			Subject:    ada,
			Purpose:    rapid.SampledFrom(purposes).Draw(t, "purpose"),
			Categories: rapid.SliceOfN(rapid.SampledFrom(categories), 0, 3).Draw(t, "categories"),
		}
		f := Facts{
			Known: rapid.Bool().Draw(t, "known"), Silent: rapid.Bool().Draw(t, "silent"),
			Restricted: rapid.Bool().Draw(t, "restricted"),
			Members:    rapid.SliceOf(rapid.SampledFrom([]thimble.SubjectID{ada, {3}})).Draw(t, "members"),
			Standing: consent.Standing{
				Purpose: rapid.SampledFrom(purposes).Draw(t, "said about"),
				State:   rapid.SampledFrom([]consent.State{"", consent.Given, consent.Refused, consent.Withdrawn, consent.Expired}).Draw(t, "said"),
				Expires: now.Add(time.Duration(rapid.IntRange(-1, 1).Draw(t, "expires")) * time.Hour),
			},
		}
		v := Judge(r, p, f, now)
		if v.Why == "" || v.Pack == "" || v.Cite == "" {
			t.Fatalf("a verdict without its reasons: %+v", v)
		}
		if !v.Allowed {
			return
		}
		mode := p.Find(r.Purpose, r.Categories...).Mode
		consented := f.Standing.Purpose == r.Purpose && f.Standing.State == consent.Given && now.Before(f.Standing.Expires)
		switch {
		case f.Silent, !f.Known, len(r.Categories) == 0, r.Actor.Kind == "":
			t.Fatalf("allowed in doubt: %+v %+v", r, f)
		case f.Restricted && r.Purpose != thimble.LegalObligation:
			t.Fatalf("used although the use is restricted: %+v %+v", r, f)
		case r.Actor.Kind == Customer && r.Actor.Self != r.Subject && (r.Actor.Self.IsZero() || !slices.Contains(f.Members, r.Actor.Self)):
			t.Fatalf("a customer is shown another's data: %+v", r)
		case mode > policy.OptIn:
			t.Fatalf("allowed although the law says %s: %+v", mode, r)
		case mode > policy.Notice && !consented:
			t.Fatalf("allowed without consent: %+v %+v", r, f)
		}
	})
}

func TestRefusalSaysWhatThePersonSaid(t *testing.T) {
	r := Request{Actor: Actor{Kind: Machine, Name: "m"}, Subject: thimble.SubjectID{1}, Purpose: thimble.TrainAISystem, Categories: []thimble.Category{thimble.PurchaseHistory}}
	for state, want := range map[consent.State]string{
		"":                "the person was not asked, or has not answered, about train_ai_system",
		consent.Refused:   "the person's answer to train_ai_system is: refused",
		consent.Withdrawn: "the person's answer to train_ai_system is: withdrawn",
		consent.Given:     "the person permits train_ai_system",
	} {
		f := Facts{Known: true, Standing: consent.Standing{Purpose: thimble.TrainAISystem, State: state}}
		if got := Judge(r, pack(t), f, now); got.Why != want || got.Allowed != (state == consent.Given) {
			t.Errorf("%q: got %t, %q, want %q", state, got.Allowed, got.Why, want)
		}
	}
}

func BenchmarkJudge(b *testing.B) {
	p := pack(b)
	r := Request{Actor: Actor{Kind: Machine, Name: "m"}, Subject: thimble.SubjectID{1}, Purpose: thimble.TrainAISystem, Categories: []thimble.Category{thimble.PurchaseHistory}}
	f := Facts{Known: true, Standing: consent.Standing{Purpose: thimble.TrainAISystem, State: consent.Given}}
	b.ReportAllocs()
	for b.Loop() {
		if v := Judge(r, p, f, now); !v.Allowed {
			b.Fatal(v.Why)
		}
	}
}

func TestARestrictedPersonsDataServesTheLawAndThePersonOnly(t *testing.T) {
	ada := thimble.SubjectID{1}
	f := Facts{Known: true, Restricted: true, Members: []thimble.SubjectID{ada}}
	for _, c := range []struct {
		name    string
		kind    Kind
		purpose thimble.Purpose
		allowed bool
	}{
		{"the person's own look", Customer, thimble.LegalObligation, true},
		{"a duty", Client, thimble.LegalObligation, true},
		{"support", Staff, thimble.SupportOperations, false},
		{"service", Client, thimble.EssentialService, false},
		{"a list", Machine, thimble.PersonalizeContent, false},
	} {
		r := Request{Actor: Actor{Kind: c.kind, Name: "n", Self: ada}, Subject: ada, Purpose: c.purpose, Categories: []thimble.Category{thimble.PurchaseHistory}}
		f.Standing = consent.Standing{Purpose: c.purpose, State: consent.Given}
		if v := Judge(r, pack(t), f, now); v.Allowed != c.allowed {
			t.Errorf("%s: %t, %s", c.name, v.Allowed, v.Why)
		}
	}
}
