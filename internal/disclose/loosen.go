package disclose

import (
	"fmt"
	"slices"
	"time"
)

var severity = map[Act]int{Process: 0, Share: 1, Sale: 2}

// Loosens says in which ways a new agreement permits more than the one in force, nil
// being none: each is one line for who accepts it. None means that it only tightens. It
// is monotone: what the old one refuses and the new one permits is always named.
func Loosens(old *Agreement, a Agreement) (ways []string) {
	if old == nil {
		return []string{"it is the first agreement with this recipient"}
	}
	add := func(is bool, format string, args ...any) {
		if is {
			ways = append(ways, fmt.Sprintf(format, args...))
		}
	}
	add(severity[a.Act] > severity[old.Act], "handing over becomes a %s", a.Act)
	add(severity[a.Act] < severity[old.Act], "people are asked less: it was a %s", old.Act)
	add(a.From.Before(old.From), "it begins earlier, on %s", a.From.Format(time.DateOnly))
	add(a.Until.After(old.Until), "it ends later, on %s", a.Until.Format(time.DateOnly))
	for _, p := range a.Purposes {
		add(!has(old.Purposes, p), "new purpose %s", p)
	}
	ways = append(ways, looserFields(*old, a)...)
	for _, s := range a.Processors {
		add(!has(old.Processors, s), "new sub-processor %s", s.Name)
	}
	add(a.Transfer.Basis != old.Transfer.Basis, "another basis of transfer, %s", a.Transfer.Basis)
	for _, c := range a.Transfer.Countries {
		add(!has(old.Transfer.Countries, c), "new country %s", c)
	}
	add(a.Assessment.Expires.After(old.Assessment.Expires), "the assessment lasts longer, until %s", a.Assessment.Expires.Format(time.DateOnly))
	add(a.Retention > old.Retention, "the recipient keeps it longer, %d days", a.Retention/(24*time.Hour))
	add(old.Acknowledge > 0 && (a.Acknowledge == 0 || a.Acknowledge > old.Acknowledge), "the recipient confirms later or not at all")
	switch {
	case len(old.Brands) == 0:
	case len(a.Brands) == 0:
		ways = append(ways, "all brands instead of some")
	default:
		for _, b := range a.Brands {
			add(!has(old.Brands, b), "new brand %s", b)
		}
	}
	return ways
}

func looserFields(old, a Agreement) (ways []string) {
	for _, f := range a.Fields {
		before, known := old.Field(f.Name)
		switch {
		case !known:
			ways = append(ways, fmt.Sprintf("new field %s", f.Name))
		case f.Category != before.Category:
			ways = append(ways, fmt.Sprintf("field %s has another category", f.Name))
		case coarseness[f.Coarsen] < coarseness[before.Coarsen]:
			ways = append(ways, fmt.Sprintf("field %s gets finer times", f.Name))
		}
	}
	slices.Sort(ways)
	return ways
}
