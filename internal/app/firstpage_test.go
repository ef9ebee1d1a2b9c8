package app_test

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"thimble"
	"thimble/internal/decision/decisiontest"
	"thimble/internal/rights/cases"
	"thimble/internal/rights/casesdb"
	"thimble/internal/session"
	"thimble/internal/sqldb"
	"thimble/internal/thimbletest"
	"thimble/internal/web/webtest"
)

// Everything about somebody is on one page: what is held, what they asked for, what they can
// do, and the newest proofs, each to be checked where it stands.
func TestTheFirstPageHasEverythingAboutSomebodyInPlainWords(t *testing.T) {
	s := thimbletest.New(t)
	ada := s.Subject("ada", thimbletest.Allows(personalize, train)...)
	s.Buys(ada, "shirt", "scarf")
	w := browse(t, s, ada)
	if page := w.page("/privacy"); strings.Contains(page, "What I asked for") {
		t.Error("who asked for nothing is shown requests")
	}
	if code, _ := w.sends("/privacy/requests", url.Values{"kind": {"rectify"}, "text": {"my size is wrong"}}); code != http.StatusSeeOther {
		t.Fatalf("asking = %d", code)
	}
	page := w.page("/privacy")
	held := strings.Join(webtest.Select(t, page, "#held"), " ")
	for _, want := range []string{"Orders", "Choices", "Who you are", "See it"} {
		if !strings.Contains(held, want) {
			t.Errorf("what is held does not name %q: %s", want, held)
		}
	}
	if !strings.Contains(held, "Kept until") || !strings.Contains(held, "you are forgotten") {
		t.Errorf("what is held does not say until when: %s", held)
	}
	if cards := strings.Join(webtest.Select(t, page, ".card"), " "); !strings.Contains(cards, "Nobody outside the shop.") {
		t.Errorf("the page does not say who got it: %s", cards)
	}
	if open := webtest.Select(t, page, "#asked"); len(open) != 1 || !strings.Contains(open[0], "A correction") || !strings.Contains(page, `hx-trigger="every 5s"`) {
		t.Errorf("what was asked for is %v", open)
	}
	// Reading that part again opens nothing, and ends once everything has its answer.
	uses := looksKept(t, s)
	if again := w.page("/privacy/open"); len(webtest.Select(t, again, "#asked[hx-get='/privacy/open']")) != 1 || !strings.Contains(again, "A correction") || strings.Contains(again, "<html") {
		t.Errorf("read again, what was asked for is %s", again)
	}
	if code, _ := w.sends("/privacy/requests/"+caseToken(caseOf(t, s, ada))+"/withdraw", url.Values{}); code != http.StatusSeeOther {
		t.Fatalf("withdrawing = %d", code)
	}
	if again := w.page("/privacy/open"); strings.TrimSpace(again) != `<section id="asked"></section>` {
		t.Errorf("with nothing open, that part is %s", again)
	}
	if n := looksKept(t, s); n != uses {
		t.Errorf("reading it again was written down as %d looks", n-uses)
	}
	if n := len(webtest.Select(t, page, ".receipt[data-receipt]")); n != 3 {
		t.Errorf("%d proofs are to be checked in place, want 3", n)
	}
	for _, href := range []string{"/privacy/data", "/privacy/data.json", "/privacy/limit", "/privacy/shared", "/privacy/forget", "/privacy/data?of=order"} {
		if !strings.Contains(page, `href="`+href+`"`) {
			t.Errorf("there is no way to %s", href)
		}
	}
	for _, part := range []string{"main > p, main section p", "#held td"} {
		text := strings.Join(webtest.Select(t, page, part), ". ")
		if grade, words := decisiontest.Grade(text); words == 0 || grade > 7 {
			t.Errorf("%s: %d words of grade %.1f, want at most 7: %s", part, words, grade, text)
		} else {
			t.Logf("%s: %d words of grade %.1f", part, words, grade)
		}
	}
}

// looksKept is how many looks at people are written down.
func looksKept(t *testing.T, s *thimbletest.Shop) (n int) {
	t.Helper()
	err := s.Core.Read(t.Context(), func(tx *sqldb.Tx) error {
		return tx.QueryRow(t.Context(), `select count(*) from gate_uses`).Scan(&n)
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// The same page in a browser: without a barrier, on a desk and a phone, in both colours, its
// proofs checked in place and its requests read again.
func TestTheFirstPageInABrowser(t *testing.T) {
	browser := webtest.Start(t)
	h := open(t)
	ada := h.customers[0].Subject
	c, err := h.Cases.Open(t.Context(), casesdb.Asked{Subject: ada, Kind: cases.Rectify, Via: cases.Centre, Proof: cases.Session, By: cases.ThePerson})
	if err != nil {
		t.Fatal(err)
	}
	tab := browser.NewTab(webtest.Desk)
	tab.Cookie(h.url, "thimble_customer", h.cookie(t, session.Who{Audience: session.Customer, Subject: ada}))
	tab.Goto(h.url + "/privacy")
	for name, v := range map[string]webtest.Viewport{"desk-light": webtest.Desk, "phone-dark": {Width: 390, Height: 844, Dark: true}} {
		tab.Look(v)
		if dir := os.Getenv("THIMBLE_SCREENSHOTS"); dir != "" {
			tab.Screenshot(t, filepath.Join(dir, "privacy-first-"+name+".png"))
		}
		tab.NoOverflow(t)
		tab.Axe(t)
	}
	tab.Look(webtest.Desk)
	tab.Click(".receipt [data-check]")
	tab.Wait(`document.querySelector(".receipt.good")`)
	if _, err := h.Cases.Do(t.Context(), c.ID, cases.Event{What: cases.Questioned, By: cases.TheStaff, Staff: "owner"}, thimble.Hide("which size?")); err != nil {
		t.Fatal(err)
	}
	tab.Wait(`document.querySelector("#asked").textContent.includes("Question asked") && document.querySelector(".receipt.good")`)
}
