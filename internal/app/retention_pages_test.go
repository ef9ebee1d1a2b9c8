package app_test

import (
	"fmt"
	"testing"
	"time"

	"thimble"
	"thimble/internal/retention"
	"thimble/internal/thimbletest"
	"thimble/internal/web/webtest"
)

// TestThePagesOfRetentionAreLookedAtFilled has runs, holds and somebody's data that a law
// keeps in a browser.
func TestThePagesOfRetentionAreLookedAtFilled(t *testing.T) {
	browser := webtest.Start(t)
	h := &house{Shop: thimbletest.New(t)}
	ada := h.Subject("ada")
	h.BuysOn(ago(4), ada, "shirt")
	h.BuysOn(ago(3).AddDate(0, 0, 9), ada, "scarf")
	h.Buys(ada, "hat")
	schedules(t, h.Shop, threeYears)
	daily(t, h.Shop)
	held := holds(t, h.Shop, ada)
	if err := h.Retention.AskRelease(t.Context(), held.ID, "nia", why); err != nil {
		t.Fatal(err)
	}
	_, err := h.Retention.Open(t.Context(), retention.Hold{Categories: []thimble.Category{"user.content.public"}, Law: "Product Safety Regulation (EU) 2023/988, Art. 20",
		Reason: "reports about one charger", Review: time.Now().AddDate(0, 1, 0)}, "mia")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Ledger.Integrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.serves(t)
	h.looks(t, browser, ada,
		shown{"/console/retention", "it is the first of this category"}, shown{"/console/retention/runs/" + runOf(t, h.Shop).ID.Token(retention.RunPrefix), "what a claim needs"},
		shown{"/console/holds", "Release asked for by nia"}, shown{"/privacy/data", "GDPR Art. 17(3)(e)"},
	)
}

// TestThePagesOfWhoStaysAwayAreLookedAtFilled has people of each state in a browser, and
// somebody who came back to what they were told.
func TestThePagesOfWhoStaysAwayAreLookedAtFilled(t *testing.T) {
	browser := webtest.Start(t)
	s := writes(t)
	h := &house{Shop: s.Shop}
	s.now = time.Now()
	var back thimble.SubjectID
	for i := range 5 {
		who := h.Subject(fmt.Sprint("p-", i))
		if i < 3 {
			mailed(t, h.Shop, who, fmt.Sprintf("p-%d@example.org", i))
			back = who
		}
		was(t, h.Shop, who, s.now.AddDate(-4, 0, -i))
	}
	schedules(t, h.Shop, `{"retention":"thimble.retention/v1","rules":[{"category":"*","max":"3y","after":"last_interaction","why":"who does not come back is forgotten"}]}`)
	daily(t, h.Shop)
	waits := runAfter(t, h.Shop, retention.LastSeen)
	if err := h.Retention.Confirm(t.Context(), waits.ID, "mia", why); err != nil {
		t.Fatal(err)
	}
	daily(t, h.Shop)
	for range 2 {
		if err := h.Retention.WriteWarnings(t.Context()); err != nil {
			t.Fatal(err)
		}
		sendAll(t, h.Shop)
		s.later(2 * time.Minute)
	}
	if _, err := h.Ledger.Integrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.serves(t)
	h.looks(t, browser, back,
		shown{"/console/retention", "Cannot be told"}, shown{"/console/retention/runs/" + runAfter(t, h.Shop, retention.LastSeen).ID.Token(retention.RunPrefix), "people who must be told first"},
		shown{"/privacy", "Good that you are back"},
	)
}
