package gate

import (
	"testing"
	"time"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/policy"
)

// What is closed is closed on each way on which a verdict is made: judged afresh, by the
// compiled state, and at the door.
func TestWhoLimitsSensitiveDataIsReadForWhatTheyAskedForAlone(t *testing.T) {
	const body, lists = thimble.Category("user.biometric"), thimble.PersonalizeContent
	l := law("law", []policy.Rule{
		{Use: lists, Mode: policy.Notice, Basis: "notice", Source: policy.Source{Cite: "1"}},
		{Use: thimble.EssentialService, Mode: policy.Allow, Basis: "contract", Source: policy.Source{Cite: "2"}},
	}, policy.Sensitive{Category: body, Mode: policy.Notice, Source: policy.Source{Cite: "3"}})
	ada := thimble.SubjectID{1}
	w, m := newWorld(l), NewMoves()
	g := w.gate(m, func() time.Time { return now })
	asks := func(p thimble.Purpose, c ...thimble.Category) Verdict {
		t.Helper()
		v, err := g.Decide(t.Context(), Request{Actor: machine, Subject: ada, Purpose: p, Categories: c})
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, step := range []struct {
		name    string
		said    consent.State
		allowed bool
	}{
		{"before", "", true}, {"limited", consent.Refused, false}, {"let go again", consent.Given, true}, {"limited again", consent.Withdrawn, false},
	} {
		w.says(ada, consent.Standing{Purpose: thimble.SensitiveBeyond, State: step.said, Seq: 1, At: now})
		m.Move(ada)
		for range 2 { // the second answer is the compiled state's
			if v := asks(lists, body); v.Allowed != step.allowed {
				t.Errorf("%s: a list from %s: %t, %s", step.name, body, v.Allowed, v.Why)
			}
			if v := asks(lists, thimble.PurchaseHistory, body); v.Allowed != step.allowed {
				t.Errorf("%s: a list from orders and %s: %t, %s", step.name, body, v.Allowed, v.Why)
			}
			if v := asks(lists, thimble.PurchaseHistory); !v.Allowed {
				t.Errorf("%s: a list from orders: %s", step.name, v.Why)
			}
			if v := asks(thimble.SupportOperations, body); !v.Allowed {
				t.Errorf("%s: what was asked for: %s", step.name, v.Why)
			}
		}
	}
	if v := asks(lists, body); v.Cite != "3" || v.Why != "the person limits what is done with sensitive data" {
		t.Errorf("the refusal says %q by %q", v.Why, v.Cite)
	}
}
