package js_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/collect/intake"
	"thimble/internal/collect/plan"
	"thimble/internal/collect/plandb"
	"thimble/internal/collect/source"
	"thimble/internal/policy"
	"thimble/internal/sqldb"
	"thimble/internal/subject"
	"thimble/internal/thimbletest"
	"thimble/internal/web/webtest"
	js "thimble/sdk/js"
)

// serve serves a whole installation with all its workers, and returns its address.
func serve(t *testing.T, s *thimbletest.Shop) string {
	t.Helper()
	h, err := s.Handler(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l, h) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("serving: %v", err)
		}
	})
	return "http://" + l.Addr().String()
}

// The whole way in a real browser: a page of a shop with one line of script, a real
// installation on another origin, the banner in the page's language, the receipt, an
// event in the log, and the withdrawal.
func TestAShopsPageAgainstARealInstallation(t *testing.T) {
	s := thimbletest.New(t)
	base := serve(t, s)
	var key string
	shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", "default-src 'none'; script-src "+base+"; connect-src "+base+"; img-src data:; require-trusted-types-for 'script'; trusted-types 'none'")
		_, _ = fmt.Fprintf(w, `<!doctype html><html lang="de"><head><meta charset="utf-8"><title>Leinenhemd</title><link rel="icon" href="data:,">
<script type="module" crossorigin integrity=%q src="%s%s?writeKey=%s"></script></head><body><main><h1>Leinenhemd</h1></main></body></html>`, js.Integrity(), base, js.Path(), key)
	}))
	t.Cleanup(shop.Close)
	draft, err := source.New("shop", intake.Browser, true, []string{shop.URL})
	if err != nil {
		t.Fatal(err)
	}
	if key, _, err = s.Sources.Add(t.Context(), draft, "owner"); err != nil {
		t.Fatal(err)
	}

	tab := webtest.Start(t).Open(shop.URL, webtest.Desk)
	tab.Wait(banner)
	var text string
	if tab.Eval(`document.querySelector("thimble-choices").shadowRoot.textContent`, &text); !strings.Contains(text, "Alle ablehnen") || !strings.Contains(text, "Alle erlauben") {
		t.Fatalf("the banner is not in the page's language: %q", text)
	}
	nothingStored(t, tab)
	press := func(label string) {
		tab.Eval(fmt.Sprintf(`(() => { %s button(%q).click(); })()`, in, label), nil)
	}
	press("Alle erlauben")
	tab.Wait(`thimble.consent().receipts.length === 2`)
	var receipt, id string
	tab.Eval(`thimble.consent().receipts[0]`, &receipt)
	tab.Eval(`thimble.anonymousId()`, &id)
	if !strings.HasPrefix(receipt, "c2sp.org/tlog-proof@v1\n") {
		t.Errorf("the receipt = %q", receipt)
	}
	device, err := subject.NewIdentifier(subject.Device, id)
	if err != nil {
		t.Fatal(err)
	}
	who, err := s.Subjects.Find(t.Context(), device)
	if err != nil {
		t.Fatalf("who allowed is nobody: %v", err)
	}
	permitted := func() bool {
		st, err := s.Consent.Standing(t.Context(), who, thimble.PersonalizeContent)
		if err != nil {
			t.Fatal(err)
		}
		return st.State.Permits()
	}
	if !permitted() {
		t.Error("what was allowed is not permitted")
	}

	tab.Eval(`thimble.on("drop", d => { window.dropped = d; }); thimble.track("Product Viewed", {sku: "LS-38", price: 19.95, currency: "EUR"}); thimble.flush()`, nil)
	kept := func() int { return keptOf(t, s, who) }
	await(t, "the event is in the log", func() bool { return kept() == 1 })

	tab.Eval(`thimble.withdraw()`, nil)
	await(t, "the withdrawal is recorded", func() bool { return !permitted() })
	tab.Wait(`!localStorage.thimble.includes("anonymousId")`)
	tab.Eval(`thimble.track("Product Viewed", {sku: "LS-40"}); thimble.flush()`, nil)
	settles()
	if n := kept(); n != 1 {
		t.Errorf("%d events are in the log, want the one from before the withdrawal", n)
	}
	tab.Quiet(t)
}

// lax is a law that asks nobody for a yes.
const lax = `pack: thimble.regpack/v1
id: zz.lax
version: "1"
title: A law that lets shops advertise
kind: privacy
status: in_force
applies: {residence: [NZ]}
effective: {from: 2026-01-01, cite: a test}
checked: 2026-11-21
reviewer: {name: "", date: ""}
sources:
  - {id: test, title: A test}
calendar: {rule: eu-1182-71, zone: Pacific/Auckland, cite: a test}
purposes:
  - {use: marketing, mode: notice, basis: notice, cite: a test}
  - {use: personalize, mode: notice, basis: notice, cite: a test}
`

// Global Privacy Control on the whole way: Chromium has no setting for it, so that the
// header is given to its network stack, and the page's script is told as browsers with one
// tell it. The banner asks what the signal leaves open, first-party use goes on, and what
// the law of where somebody lives would allow without their consent is dropped at the
// server as long as the signal comes.
func TestGlobalPrivacyControlOnTheWholeWay(t *testing.T) {
	folder := t.TempDir()
	law, err := policy.Parse([]byte(lax))
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, "zz.lax.yaml"), []byte(lax), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	hash := law.Hash()
	s := thimbletest.Open(t, map[string]string{"data": t.TempDir(), "packs": folder, "packs-accept": hex.EncodeToString(hash[:])})
	base := serve(t, s)
	text := strings.NewReplacer(
		"\nuses:\n", "\nuses:\n  advertising:\n    category: user.behavior.browsing_history\n    purposes: [marketing.advertising]\n",
		"\nevents:\n", "\nevents:\n  - {name: Ad Clicked, use: advertising}\n",
	).Replace(string(plan.DefaultText()))
	if _, err := s.Plan.Save(t.Context(), 1, []byte(text), plandb.Author{Name: "mara", Reason: "a test of signals", Accepts: true}); err != nil {
		t.Fatal(err)
	}
	heard := make(chan string, 100)
	var key string
	shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		heard <- r.Header.Get("Sec-GPC")
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = fmt.Fprintf(w, `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Shirt</title><link rel="icon" href="data:,">
<script>Object.defineProperty(navigator, "globalPrivacyControl", {value: true})</script>
<script type="module" src="%s%s?writeKey=%s"></script></head><body></body></html>`, base, js.Path(), key)
	}))
	t.Cleanup(shop.Close)
	draft, err := source.New("shop", intake.Browser, true, []string{shop.URL})
	if err == nil {
		key, _, err = s.Sources.Add(t.Context(), draft, "owner")
	}
	if err != nil {
		t.Fatal(err)
	}

	tab := webtest.Start(t).NewTab(webtest.Desk)
	tab.Sends("Sec-GPC", "1")
	tab.Goto(shop.URL)
	if got := <-heard; got != "1" {
		t.Fatalf("the page was asked for with Sec-GPC %q, want 1", got)
	}
	tab.Wait(banner)
	tab.Eval(fmt.Sprintf(`(() => { %s button("Allow all").click(); })()`, in), nil)
	tab.Wait(`thimble.consent().receipts.length === 2`)
	var id string
	tab.Eval(`thimble.anonymousId()`, &id)
	device, err := subject.NewIdentifier(subject.Device, id)
	if err != nil {
		t.Fatal(err)
	}
	who, err := s.Subjects.Find(t.Context(), device)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Core.Write(t.Context(), func(tx *sqldb.Tx) error {
		return s.Subjects.SetResidence(t.Context(), tx, who, subject.Residence{Country: "NZ", Evidence: "declared", At: time.Now()})
	}); err != nil {
		t.Fatal(err)
	}
	kept := func() int { return keptOf(t, s, who) }
	// What the shop itself does with what it was allowed goes on.
	tab.Eval(`thimble.track("Product Viewed", {sku: "LS-38"}); thimble.flush()`, nil)
	await(t, "the event is in the log", func() bool { return kept() == 1 })

	// Another sender on the page says nothing of consent.
	clicked := func(tab *webtest.Tab, message string) {
		var status int
		tab.Eval(fmt.Sprintf(`fetch(%q, {method: "POST", body: JSON.stringify({writeKey: %q, type: "track", event: "Ad Clicked", messageId: %q, anonymousId: %q})}).then(r => r.status)`, base+"/v1/t", key, message, id), &status)
		if status != http.StatusOK {
			t.Errorf("%s: %d", message, status)
		}
	}
	clicked(tab, "with-the-signal")
	if n := kept(); n != 1 {
		t.Errorf("%d events are in the log, want none that the signal ends", n)
	}
	other := tab.Beside() // whose network stack sends no signal
	other.Goto(shop.URL)
	clicked(other, "without-the-signal")
	if n := kept(); n != 2 {
		t.Errorf("%d events are in the log, want what nothing speaks against: the test shows nothing", n)
	}
}

// keptOf is how many records of somebody are in the log.
func keptOf(t *testing.T, s *thimbletest.Shop, who thimble.SubjectID) (n int) {
	t.Helper()
	frames, err := s.Frames.After(t.Context(), 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range frames {
		for _, r := range f.Records {
			if r.Subject == who {
				n++
			}
		}
	}
	return n
}
