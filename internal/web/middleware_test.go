package web_test

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"thimble/internal/web"
)

func TestTheLogNamesTheRouteAndNeverThePerson(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, nil))
	mux := http.NewServeMux()
	mux.HandleFunc("GET /people/{name}", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hi") })
	session := func(next http.Handler) http.Handler { // works on a copy, as session middleware does
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(w, r.Clone(r.Context())) })
	}
	h := web.RequestID(web.AccessLog(session(web.Routed(mux)), log))
	r := httptest.NewRequest("GET", "/people/ada?mail=ada@example.org", nil)
	r.Header.Set("User-Agent", "Babbage/1")
	r.Header.Set("X-Request-Id", "an id with spaces in it")
	w := httptest.NewRecorder()

	h.ServeHTTP(w, r)

	line := out.String()
	for _, want := range []string{`route="GET /people/{name}"`, "status=200", "bytes=2", "request_id=" + w.Header().Get("X-Request-Id")} {
		if !strings.Contains(line, want) {
			t.Errorf("log %q lacks %q", line, want)
		}
	}
	for _, secret := range []string{"ada", "Babbage", "192.0.2", "spaces"} {
		if strings.Contains(line, secret) {
			t.Errorf("log %q names %q", line, secret)
		}
	}
}

func TestARequestIDOfTheRightFormIsKept(t *testing.T) {
	const id = "0b5e6c1a-7a0d-4c39-9f2e-3c1d5e7f9a2b"
	var seen string
	h := web.RequestID(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = web.RequestIDFrom(r.Context()) }))
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("X-Request-Id", id)

	h.ServeHTTP(httptest.NewRecorder(), r)

	if seen != id {
		t.Errorf("id = %q, want %q", seen, id)
	}
}

func TestAPanicShowsNothingOfItself(t *testing.T) {
	var out bytes.Buffer
	h := web.Recover(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("ada@example.org") }), slog.New(slog.NewTextHandler(&out, nil)), nil)
	w := httptest.NewRecorder()

	h.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))

	if w.Code != 500 || strings.Contains(w.Body.String()+out.String(), "ada@") {
		t.Errorf("answer %d %s, log %s", w.Code, w.Body, out.String())
	}
}

func TestALongBodyIsRefused(t *testing.T) {
	h := web.Limit(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err != nil {
			web.WriteProblem(w, r, web.ProblemOf(err))
		}
	}), 4)
	for name, body := range map[string]io.Reader{"announced": strings.NewReader("12345"), "streamed": io.MultiReader(strings.NewReader("12345"))} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("POST", "/", body))
		if w.Code != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: %d, want 413", name, w.Code)
		}
	}
}

func TestAnotherSiteMayNotPost(t *testing.T) {
	reached := errors.New("not reached")
	h, err := web.Secure(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = nil }), web.SecureOptions{TLS: true})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("POST", "https://shop.example/erase", nil)
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	w := httptest.NewRecorder()

	h.ServeHTTP(w, r)

	if w.Code != 403 || reached == nil {
		t.Errorf("cross-site post = %d, handler %v", w.Code, reached)
	}
	for _, name := range []string{"Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy", "Permissions-Policy", "Strict-Transport-Security", "Cross-Origin-Opener-Policy", "Cross-Origin-Resource-Policy"} {
		if w.Header().Get(name) == "" {
			t.Errorf("no %s", name)
		}
	}
}
