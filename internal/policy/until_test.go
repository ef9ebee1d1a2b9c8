package policy

import (
	"testing"
	"time"
)

// TestNothingChangesBeforeTheLibrarySaysSo walks three years in steps of seven hours: between
// an instant and what Until says, no law of any place changes.
func TestNothingChangesBeforeTheLibrarySaysSo(t *testing.T) {
	l, err := Shipped()
	if err != nil {
		t.Fatal(err)
	}
	places := []string{"GB", "DE", "US-CA", "US-CT", "IN"}
	digests := func(at time.Time) (all [][8]byte) {
		for _, p := range places {
			law, err := l.Law(Question{At: at, Residences: []Residence{{Place: p, Evidence: Declared}}})
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, law.Digest())
		}
		return all
	}
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	changes, last, until := 0, digests(at), l.Until(at)
	for ; at.Year() < 2029; at = at.Add(7 * time.Hour) {
		now := digests(at)
		for i := range now {
			if now[i] == last[i] {
				continue
			}
			changes++
			if until.IsZero() || at.Before(until) {
				t.Fatalf("the law of %s changed at %s, before %s", places[i], at, until)
			}
		}
		if !until.IsZero() && !at.Before(until) {
			until = l.Until(at)
		}
		last = now
	}
	if changes == 0 {
		t.Error("no law changed in three years: the test sees nothing")
	}
}
