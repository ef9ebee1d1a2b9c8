package app_test

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/decision/decisiontest"
	"thimble/internal/ledger"
	"thimble/internal/retention"
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

// What a law keeps longer stands on the first page with the law and the day; what must not be
// told does not. What was done about somebody has a receipt of theirs alone, also an erasure
// that a law has stopped.
func TestTheFirstPageSaysWhatALawKeepsAndProvesWhatWasDone(t *testing.T) {
	s := thimbletest.Open(t, map[string]string{"data": t.TempDir(), "establishment": "DE"})
	ctx := t.Context()
	ada, bob := s.Subject("ada"), s.Subject("bob")
	s.BuysOn(ago(4), ada, "shirt")
	last := time.Now().UTC().Truncate(time.Microsecond)
	s.BuysOn(last, ada, "scarf")
	laws := func(w walker) []string { return webtest.Select(t, w.page("/privacy"), "#laws tbody tr") }
	w := browse(t, s, ada)
	if got := laws(w); len(got) != 0 {
		t.Fatalf("before any law keeps something: %q", got)
	}
	schedules(t, s, threeYears[:len(threeYears)-1]+`,"kept_here":["invoice"]}`)
	daily(t, s)
	h := holds(t, s, ada)
	_, err := s.Retention.Open(ctx, retention.Hold{Subject: ada, Categories: []thimble.Category{thimble.PurchaseHistory}, Law: "a secret law, section 1",
		Secret: "the law that forbids it", Reason: "a claim about parcels is before the court", Review: time.Now().AddDate(0, 6, 0)}, "mia")
	if err != nil {
		t.Fatal(err)
	}
	rows := laws(w)
	until := time.Date(last.Year()+9, 1, 1, 0, 0, 0, 0, time.UTC).Format("2 Jan 2006") // § 147(3), (4) AO: eight years from the end of the year
	if len(rows) != 2 || !strings.Contains(rows[0]+rows[1], until) || !strings.Contains(rows[0]+rows[1], "Germany: invoices for the tax office (§ 14b(1) UStG") ||
		!strings.Contains(rows[0]+rows[1], "GDPR Art. 17(3)(e)") || !strings.Contains(rows[0]+rows[1], "Nobody knows yet") {
		t.Errorf("what laws keep until %s is shown as %q", until, rows)
	}
	if strings.Contains(w.page("/privacy"), "secret law") {
		t.Error("the page tells of a hold that must not be told of")
	}
	if got := laws(browse(t, s, bob)); len(got) != 0 {
		t.Errorf("somebody of whom nothing is kept reads %q", got)
	}

	for _, kind := range []string{"restrict", "lift"} {
		if code, _ := w.sends("/privacy/limit", url.Values{"kind": {kind}}); code != http.StatusSeeOther {
			t.Fatalf("%s = %d", kind, code)
		}
	}
	report := s.Erase(ada)
	if !report.Held {
		t.Fatal("nothing is held")
	}
	done := func(who thimble.SubjectID) (w walker, files []string) {
		w = browse(t, s, who)
		for _, href := range webtest.SelectAttr(t, w.page("/privacy/receipts?kind=done"), "#receipts a[download], #receipts a", "href") {
			if strings.HasSuffix(href, "/file") {
				files = append(files, href)
			}
		}
		return w, files
	}
	w, files := done(ada)
	if page := w.page("/privacy/receipts?kind=done"); len(files) != 1 || !strings.Contains(page, "You were forgotten, but for a part") {
		t.Fatalf("after an erasure that left what a law keeps: %q", files)
	}
	if opened := receiptIn(t, s, w, files[0]); !strings.Contains(string(opened.Record), report.Request) {
		t.Errorf("the receipt says %s", opened.Record)
	}
	stranger, none := done(bob)
	if res := stranger.do(http.MethodGet, files[0], nil); res.StatusCode != http.StatusNotFound || len(none) != 0 {
		t.Errorf("somebody else's receipt = %d, and %q", res.StatusCode, none)
	}

	// Of who is there, each thing that was done has its own.
	for _, kind := range []string{"restrict", "lift"} {
		if code, _ := stranger.sends("/privacy/limit", url.Values{"kind": {kind}}); code != http.StatusSeeOther {
			t.Fatalf("%s = %d", kind, code)
		}
	}
	if _, files = done(bob); len(files) != 2 {
		t.Fatalf("a stop and its end have the receipts %q", files)
	}
	for _, f := range files {
		if opened := receiptIn(t, s, stranger, f); opened.Class != ledger.Request {
			t.Errorf("%s is of class %s", f, opened.Class)
		}
	}
	releases(t, s, h)
}

// receiptIn is the receipt at an address, checked with the log's key.
func receiptIn(t *testing.T, s *thimbletest.Shop, w walker, path string) ledger.Opened {
	t.Helper()
	s.Works()
	opened, err := ledger.Verify([]byte(w.page(path)), s.Ledger.VerifierKey())
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return opened
}

// Receipts and certificates are checked where they stand, by the browser: true ones pass, and
// with another log's key none does.
func TestWhatWasDoneIsCheckedInPlaceToTheCertificateOfAnErasure(t *testing.T) {
	browser := webtest.Start(t)
	h := open(t)
	ada := h.customers[0].Subject
	tab := browser.NewTab(webtest.Desk)
	tab.Cookie(h.url, "thimble_customer", h.cookie(t, session.Who{Audience: session.Customer, Subject: ada}))
	if _, err := h.Desk.Access(t.Context(), ada); err != nil {
		t.Fatal(err)
	}
	tab.Goto(h.url + "/privacy/receipts?kind=done")
	tab.Follow("#receipts tbody a")
	tab.Wait(`document.querySelector(".receipt.good")`)
	if said := tab.Text(".receipt.good .receiptsaid"); !strings.Contains(said, "access") {
		t.Errorf("the receipt says %q", said)
	}
	tab.Goto(h.url + "/privacy/forget")
	tab.Fill("#forget-word", "FORGET")
	tab.Follow("#forget .danger")
	tab.Wait(`document.querySelectorAll(".receipt.good").length === 2`)
	tab.Click("#certificate .receiptsaid summary")
	if said := strings.ToLower(tab.Text("#certificate .receiptsaid")); !strings.Contains(said, "what this does not cover") || !strings.Contains(said, "who you are") {
		t.Errorf("the certificate says %q", said)
	}
	for name, v := range map[string]webtest.Viewport{"desk-light": webtest.Desk, "desk-dark": {Width: 1280, Height: 800, Dark: true}, "phone-light": webtest.Phone, "phone-dark": {Width: 390, Height: 844, Dark: true}} {
		tab.Look(v)
		if dir := os.Getenv("THIMBLE_SCREENSHOTS"); dir != "" {
			tab.Screenshot(t, filepath.Join(dir, "privacy-forgotten-"+name+".png"))
		}
		tab.NoOverflow(t)
	}
	tab.Axe(t)
	tab.Clean(t, h.url)
	tab.Eval(`(() => { const box = document.querySelector("#certificate .receipt"); box.dataset.key = "shop.example/log+00000000+"+box.dataset.key.split("+")[2]; const b = box.querySelector("[data-check]"); b.hidden = false; b.click() })()`, nil)
	tab.Wait(`document.querySelector("#certificate .receipt.bad")`)
}
