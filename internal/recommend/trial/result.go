package trial

import (
	"fmt"
	"math"
	"time"
)

// Alpha is how often an interval may be wrong: of all that are compared at once.
const Alpha = 0.05

// A Person is what is kept of somebody in an experiment.
type Person struct {
	Variant                int
	At                     time.Time // their first list
	Shown, Clicked, Added  int64
	Closed                 bool // their days are over, and what follows is known
	Orders, Units, Revenue int64
}

// Group is what is known of a variant. It holds counts and names nobody.
type Group struct {
	Assigned int64            `json:"assigned"`
	Sums     map[Measure]Sums `json:"sums"` // of those whose days are over
}

// Count adds a person to a group.
func (g *Group) Count(p Person, cap int64) {
	g.Assigned++
	if !p.Closed {
		return
	}
	if g.Sums == nil {
		g.Sums = map[Measure]Sums{}
	}
	add := func(m Measure, x, y int64) {
		s := g.Sums[m]
		s.Add(x, y)
		g.Sums[m] = s
	}
	add(Revenue, max(0, min(p.Revenue, cap)), 1)
	add(Orders, p.Orders, 1)
	add(Buyers, min(p.Orders, 1), 1)
	add(Clicks, min(p.Clicked, p.Shown), p.Shown)
	add(Adds, min(p.Added, p.Shown), p.Shown)
}

// A Comparison is one measure of one variant against the first.
type Comparison struct {
	Variant  int
	Measure  Measure
	A, B     float64
	Interval Interval
}

// A Result is what an experiment says at one look.
type Result struct {
	Groups   []Group
	Uneven   float64
	Compared []Comparison // the primary measure of each variant first
	Early    string       // why nothing is concluded yet; "" when something may be
}

// Judge says what an experiment says, after it has run for a time.
func (d Design) Judge(groups []Group, ran time.Duration) Result {
	r := Result{Groups: groups}
	counts := make([]int64, len(groups))
	least := int64(math.MaxInt64)
	for i, g := range groups {
		counts[i] = g.Assigned
		least = min(least, g.Sums[d.Primary].N)
	}
	r.Uneven = Uneven(counts, d.Variants)
	others := float64(len(groups) - 1)
	for _, m := range d.Measured() {
		for i := 1; i < len(groups); i++ {
			a, b := groups[0].Sums[m], groups[i].Sums[m]
			r.Compared = append(r.Compared, Comparison{Variant: i, Measure: m, A: a.Rate(), B: b.Rate(), Interval: Compare(a, b, Alpha/others, 2*d.MinPeople)})
		}
	}
	switch left := d.MinPeople - least; {
	case r.Uneven > UnevenAt:
		r.Early = "The sizes of the groups cannot be chance. Something keeps people of one group from being counted; find it before you believe a figure."
	case ran < time.Duration(d.MinDays)*24*time.Hour:
		r.Early = fmt.Sprintf("Nothing is concluded before day %d, as it was fixed at the start.", d.MinDays)
	case left > 0:
		r.Early = fmt.Sprintf("Nothing is concluded before %d people of each group have had their days, as it was fixed at the start; %d are missing.", d.MinPeople, left)
	}
	return r
}

// Verdict is what may be said of a comparison, in words.
func (r Result) Verdict(d Design, c Comparison) string {
	guard := c.Measure != d.Primary
	switch {
	case !c.Interval.Known():
		return "too few people"
	case guard && c.Interval.Below():
		return "worse: a guard is broken"
	case r.Early != "":
		return "not yet"
	case c.Interval.Above():
		return "better"
	case c.Interval.Below():
		return "worse"
	case guard:
		return "no harm seen"
	}
	return "no difference seen"
}

// A Value is what personal lists bring, in minor units.
type Value struct {
	PerPerson, Low, High float64 // of one person, within their days
	People               int64   // to whom it is applied
}

// Total is the value times people, from low to high.
func (v Value) Total() (mid, low, high float64) {
	n := float64(v.People)
	return n * v.PerPerson, n * v.Low, n * v.High
}

// Value reads what personal lists bring from an experiment with a holdout: the difference
// in revenue between who gets them and who gets the popular list. It is false when the
// experiment says nothing about it yet.
func (d Design) Value(r Result, people int64) (Value, bool) {
	if r.Early != "" {
		return Value{}, false
	}
	popular, served := -1, -1
	for i, v := range d.Variants {
		switch {
		case v.Serve == Popular:
			popular = i
		case v.Serve == Champion && v.Explore == nil:
			served = i
		}
	}
	if popular < 0 || served < 0 {
		return Value{}, false
	}
	i := Compare(r.Groups[popular].Sums[Revenue], r.Groups[served].Sums[Revenue], Alpha, 2*d.MinPeople)
	return Value{PerPerson: i.Diff, Low: i.Low, High: i.High, People: people}, i.Known()
}
