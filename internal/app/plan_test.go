package app_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"thimble/internal/collect/intake"
	"thimble/internal/thimbletest"
)

func TestWhatComesInIsMeasuredByTheNumberOfItsSource(t *testing.T) {
	shop := thimbletest.New(t)
	shop.App.Watch.Tell(intake.Source{Number: 3, Name: "web shop"}, intake.Arrival{}, intake.Taken{Events: 5, Kept: 2, Dropped: map[intake.Drop]int{intake.Denied: 3}}, nil)
	h, err := shop.App.Handler(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(t.Context(), "GET", "/metrics", nil)
	r.RemoteAddr = "127.0.0.1:4711"
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	text := w.Body.String()
	for _, line := range []string{
		`thimble_collect_events_total{outcome="kept",source="3"} 2`, `thimble_collect_events_total{outcome="denied",source="3"} 3`,
		`thimble_collect_faults_total{fault="violation",source="3"} 0`, `thimble_collect_joins_total{became="apart"} 0`,
	} {
		if !strings.Contains(text, line) {
			t.Errorf("%s is missing", line)
		}
	}
	if strings.Contains(text, "web shop") {
		t.Error("the name of a source is in the metrics")
	}
}

func TestTheFirstVersionOfThePlanIsALeafThatTheAuditFinds(t *testing.T) {
	shop := thimbletest.New(t)
	all, err := shop.App.Plan.Versions(t.Context(), 10)
	if err != nil || len(all) != 1 {
		t.Fatalf("%d versions, %v, want the one that ships", len(all), err)
	}
	if _, err := shop.App.Ledger.Integrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	done, err := shop.App.Audit(t.Context())
	if err != nil || len(done.Findings) != 0 {
		t.Errorf("the audit finds %v, %v", done.Findings, err)
	}
}
