package js_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"thimble/internal/collect/intake"
	"thimble/internal/collect/source"
	"thimble/internal/thimbletest"
	"thimble/internal/web/webtest"
	js "thimble/sdk/js"
)

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
