package webtest_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"thimble/internal/web/webtest"
)

func TestMain(m *testing.M) { os.Exit(webtest.Main(m)) }

// recorder is a test that may fail.
type recorder struct {
	testing.TB
	failures []string
}

func (r *recorder) Errorf(format string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

func TestABadPageIsFoundOut(t *testing.T) {
	elsewhere := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(elsewhere.Close)
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `<!doctype html><title>x</title><img src="`+elsewhere.URL+`/pixel"><script>throw new Error("oh")</script><p style="width:900px">wide</p>`)
	}))
	t.Cleanup(site.Close)
	tab := webtest.Start(t).Open(site.URL+"/", webtest.Phone)
	found := &recorder{TB: t}

	tab.Axe(found)
	tab.Clean(found, site.URL)
	tab.NoOverflow(found)

	all := strings.Join(found.failures, "\n")
	for _, want := range []string{"image-alt", "html-has-lang", "/pixel", "oh", "wider than 390"} {
		if !strings.Contains(all, want) {
			t.Errorf("not found out: %s, in\n%s", want, all)
		}
	}
}

func TestACookieBelongsToItsTab(t *testing.T) {
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who := "nobody"
		if c, err := r.Cookie("who"); err == nil {
			who = c.Value
		}
		_, _ = fmt.Fprintf(w, "<p>%s</p>", who)
	}))
	t.Cleanup(site.Close)
	browser := webtest.Start(t)
	tab := browser.NewTab(webtest.Desk)
	tab.Cookie(site.URL, "who", "ada")

	tab.Goto(site.URL)

	if got := tab.Text("p"); got != "ada" {
		t.Errorf("cookie = %q", got)
	}
	if got := browser.Open(site.URL, webtest.Desk).Text("p"); got != "nobody" {
		t.Errorf("cookie in another tab = %q, want nobody", got)
	}
}
