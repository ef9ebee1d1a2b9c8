package app_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"thimble"
	"thimble/internal/app"
	"thimble/internal/web"
)

// measured is a door with one operation behind a context of its own, as the real
// doors are.
func measured(t *app.Telemetry) http.Handler {
	inner := http.NewServeMux()
	inner.HandleFunc("GET /console/customers/{subject}", func(w http.ResponseWriter, r *http.Request) {
		if r.PathValue("subject") == "broken" {
			w.WriteHeader(http.StatusInternalServerError)
		}
	})
	type key struct{}
	door := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		web.Routed(inner).ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), key{}, 1)))
	})
	mux := http.NewServeMux()
	mux.Handle("/console/", door)
	mux.Handle("GET /metrics", t.Handler())
	return web.RequestID(t.Middleware(web.Routed(mux)))
}

func send(t *testing.T, h http.Handler, method, path string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, nil)
	r.Header.Set("User-Agent", "AdasBrowser/1.0")
	r.Header.Set("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	r.Header.Set("Tracestate", "mail=ada@example.org")
	r.RemoteAddr = "203.0.113.7:4711"
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

var personal = []string{"sub_1vz3m8t6q4c0k7d9h2x5r8w3ya", "ada@", "AdasBrowser", "203.0.113.7"}

func clean(t *testing.T, where, text string) {
	t.Helper()
	for _, secret := range personal {
		if strings.Contains(text, secret) {
			t.Errorf("%s has %q:\n%s", where, secret, text)
		}
	}
}

func requests(t *testing.T, h http.Handler) {
	t.Helper()
	send(t, h, "GET", "/console/customers/sub_1vz3m8t6q4c0k7d9h2x5r8w3ya?q=ada@example.org")
	send(t, h, "GET", "/console/customers/broken")
	send(t, h, "GET", "/ada@example.org")
	send(t, h, "ADA", "/console/ada@example.org")
}

func TestMetricsNameRoutesAndNobody(t *testing.T) {
	var log bytes.Buffer
	tel, err := app.NewTelemetry(t.Context(), app.TelemetryConfig{
		Log: slog.New(slog.NewTextHandler(&log, nil)),
		Gauges: []app.Gauge{
			{Name: "ledger_leaves", Help: "Leaves.", Read: func(context.Context) (float64, error) { return 42, nil }},
			{Name: "ledger_lag_seconds", Help: "Lag.", Read: func(context.Context) (float64, error) { return 0, errors.New("no database") }},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	h := measured(tel)
	requests(t, h)
	text := send(t, h, "GET", "/metrics").Body.String()
	for _, want := range []string{
		`thimble_http_requests_total{method="GET",route="/console/customers/{subject}",status="200"} 1`,
		`thimble_http_requests_total{method="GET",route="/console/customers/{subject}",status="500"} 1`,
		`thimble_http_requests_total{method="GET",route="none",status="404"} 1`,
		`thimble_http_request_seconds_count{route="/console/customers/{subject}"} 2`,
		`method="other"`,
		"thimble_ledger_leaves 42", "thimble_ledger_lag_seconds NaN", "go_goroutines",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is not there:\n%s", want, text)
		}
	}
	clean(t, "/metrics", text)
	if clean(t, "the log", log.String()); strings.Count(log.String(), "msg=request") != 5 {
		t.Errorf("the access log: %s", log.String())
	}
	if err := tel.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestAGaugeTwiceIsARefusalToStart(t *testing.T) {
	g := app.Gauge{Name: "x", Read: func(context.Context) (float64, error) { return 0, nil }}
	if _, err := app.NewTelemetry(t.Context(), app.TelemetryConfig{Gauges: []app.Gauge{g, g}}); err == nil {
		t.Error("got no error")
	}
}

// A collector is an OTLP endpoint that keeps what it gets.
type collector struct {
	mu   sync.Mutex
	got  []byte
	path string
	err  error
}

func (c *collector) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	var body io.Reader = r.Body
	var err error
	if r.Header.Get("Content-Encoding") == "gzip" {
		body, err = gzip.NewReader(r.Body)
	}
	b, readErr := io.ReadAll(body)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.path = r.URL.Path
	c.got, c.err = append(c.got, b...), errors.Join(c.err, err, readErr)
}

func TestTracesNameRoutesAndNobody(t *testing.T) {
	c := &collector{}
	server := httptest.NewServer(c)
	defer server.Close()
	tel, err := app.NewTelemetry(t.Context(), app.TelemetryConfig{Traces: server.URL, Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	requests(t, measured(tel))
	if err := tel.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil || c.path != "/v1/traces" {
		t.Fatalf("the endpoint got %q: %v", c.path, c.err)
	}
	// Protocol buffers write strings as they are.
	text := string(c.got)
	for want, n := range map[string]int{
		"GET /console/customers/{subject}": 2, "http.request.method": 4, "http.route": 4,
		"http.response.status_code": 4, "thimble.request_id": 4, "server error": 1,
		"\x0a\xf7\x65\x19\x16\xcd\x43\xdd\x84\x48\xeb\x21\x1c\x80\x31\x9c": 4, // the caller's trace
		"http.": 12, "url.": 0, "client.": 0, "user_agent": 0, "host.": 0, "process.": 0,
	} {
		if got := strings.Count(text, want); got != n {
			t.Errorf("%q is there %d times, want %d", want, got, n)
		}
	}
	clean(t, "the trace", text)
}

func TestABadEndpointIsARefusalToStart(t *testing.T) {
	for _, bad := range []string{"::not a url", "localhost:4318", "ftp://localhost", "http://"} {
		if _, err := app.NewTelemetry(t.Context(), app.TelemetryConfig{Traces: bad}); !errors.Is(err, thimble.ErrInvalid) || !strings.Contains(err.Error(), "traces") {
			t.Errorf("%q: got %v, want a refusal that names the key", bad, err)
		}
	}
}
