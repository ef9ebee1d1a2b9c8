package intake

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"thimble/internal/collect/plan"
	"thimble/internal/collect/segment"
	"thimble/internal/gate"
)

// Whoever sends a consent object puts into it what they like: of none of them anything is
// kept, however many come and however long they are.
func TestOfConsentObjectsABoundedNumberOfKeyedHashesIsRemembered(t *testing.T) {
	c, err := plan.Compile(plan.Default())
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	read := segment.NewReader(c)
	remembered := func(objects ...string) *readings {
		r := newReadings(&gate.Door{}, nil, func() time.Time { return now })
		h := newKeyring([]byte("a secret of the log")).hasher()
		for _, object := range objects {
			b, err := read.Read([]byte(`{"batch":[{"type":"track","messageId":"m","event":"Product Viewed","anonymousId":"a","properties":{"product_id":"1"},"context":{"consent":`+object+`}}]}`), segment.Batch, segment.Arrival{At: now})
			if err != nil {
				t.Fatal(err)
			}
			r.of(h, b, &b.Events[0].Signals)
		}
		return r
	}
	object := func(of string) string {
		return `{"categoryPreferences":{"Training":true},"note":"` + of + `"}`
	}
	const value = "ada@example.org"
	one := remembered(object(value), object(value))
	if held := fmt.Sprint(one.held); len(one.held) != 1 || strings.Contains(held, value) {
		t.Errorf("remembered: %s, want one hash", held)
	}
	other := remembered(object(value))
	for n := range one.held {
		if _, same := other.held[n]; same {
			t.Error("two processes remember an object by the same hash: it is not keyed")
		}
	}
	var many []string
	for i := range readingLimit + 100 {
		many = append(many, object(fmt.Sprint(value, i)))
	}
	if n := len(remembered(many...).held); n != readingLimit {
		t.Errorf("%d objects are remembered, want %d", n, readingLimit)
	}
	if n := len(remembered(object(strings.Repeat("a", 8<<10))).held); n != 1 {
		t.Errorf("%d are remembered of one that is long, want its hash", n)
	}
}
