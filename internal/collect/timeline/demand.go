package timeline

import (
	"cmp"
	"slices"
	"time"

	"thimble/internal/collect/frame"
)

// A Demand is how often something happened to a product on one day. It leads to
// nobody.
type Demand struct {
	Day   int32  // since 1970, UTC
	Event string // of the plan
	Item  string // "" for what is about no product
	N     int64
}

// A Tally adds up demand.
type Tally map[Demand]int64 // by demand with N 0

// Count adds what was counted of somebody who permits nothing. A nil tally counts nothing.
func (t Tally) Count(c frame.Count) {
	if t == nil || c.Event == "" || len(c.Event) > maxName || len(c.Item) > maxItem {
		return
	}
	t[Demand{Day: c.Day, Event: c.Event, Item: c.Item}] += int64(c.N)
}

const maxName = 200

// Add counts an event that was kept, once for each of its products.
func (t Tally) Add(w *What) {
	if w.Name == "" || len(w.Name) > maxName || w.At.IsZero() {
		return
	}
	d := Demand{Day: int32(w.At.Unix() / int64(24*time.Hour/time.Second)), Event: w.Name}
	if len(w.Products) == 0 {
		t[d]++
	}
	for _, p := range w.Products {
		if len(p.Item) <= maxItem {
			d.Item = string(p.Item)
			t[d]++
		}
	}
}

// Sorted returns the counts, by day, event and item.
func (t Tally) Sorted() []Demand {
	all := make([]Demand, 0, len(t))
	for d, n := range t {
		d.N = n
		all = append(all, d)
	}
	slices.SortFunc(all, func(a, b Demand) int {
		return cmp.Or(cmp.Compare(a.Day, b.Day), cmp.Compare(a.Event, b.Event), cmp.Compare(a.Item, b.Item))
	})
	return all
}
