package js_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"thimble"
	"thimble/internal/collect/intake"
	"thimble/internal/collect/source"
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
	kept := func() (n int) {
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

// The lines that the console offers are pasted into a page as they stand: the visitor is
// asked, and when they allow it the event is stored.
func TestTheLinesOfTheConsoleAskAndThenSend(t *testing.T) {
	s := thimbletest.New(t)
	base := serve(t, s)
	var lines string
	shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = fmt.Fprintf(w, `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Linen shirt</title><link rel="icon" href="data:,"></head><body><main><h1>Linen shirt</h1>%s</main></body></html>`, lines)
	}))
	t.Cleanup(shop.Close)
	draft, err := source.New("shop", intake.Browser, true, []string{shop.URL})
	if err != nil {
		t.Fatal(err)
	}
	key, made, err := s.Sources.Add(t.Context(), draft, "owner")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range source.Snippets(made.Source, base, key) {
		if p.Name == "sdk" {
			lines = p.Code
		}
	}
	if !strings.Contains(lines, js.Integrity()) || !strings.Contains(lines, key) {
		t.Fatalf("the lines hold no hash or no key:\n%s", lines)
	}
	stored := func() (n int) {
		frames, err := s.Frames.After(t.Context(), 0, 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range frames {
			for i := range f.Records {
				if len(f.Records[i].Parts) > 0 {
					n++
				}
			}
		}
		return n
	}

	tab := webtest.Start(t).Open(shop.URL, webtest.Desk)
	tab.Wait(banner)
	nothingStored(t, tab)
	if n := stored(); n != 0 {
		t.Errorf("%d events are stored before anybody was asked", n)
	}
	tab.Eval(fmt.Sprintf(`(() => { %s button("Allow all").click(); })()`, in), nil)
	await(t, "the event of the page is in the log", func() bool { return stored() == 1 })
	tab.Goto(shop.URL)
	await(t, "on the next page it is sent at once", func() bool { return stored() == 2 })
	tab.Quiet(t)
}
