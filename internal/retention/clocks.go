package retention

import (
	"cmp"
	"slices"
	"time"
)

// Clocked are the rules that are counted for each person by itself: from when somebody was
// there last, and from when no purpose needed what is held of them any more. All of them are
// there, from strict to loose by clock, because each is for the people whose law it is: what
// goes is what any rule says of them. Rules that say the same of the same people are one
// ([Rule.Key]). Those of a category that nothing is held of, and that no part of anything
// held is of, are left out.
func Clocked(all []Schedule) (rules []Rule) {
	type key struct {
		c   string
		at  Clock
		key string
	}
	met := map[key]int{}
	for _, s := range all {
		for _, r := range s.Shown {
			if r.After != LastSeen && r.After != PurposeEnd {
				continue
			}
			k := key{string(r.Category), r.After, r.Key()}
			if i, known := met[k]; !known {
				met[k], rules = len(rules), append(rules, r)
			} else if r.order(rules[i]) < 0 {
				rules[i] = r
			}
		}
	}
	slices.SortFunc(rules, func(a, b Rule) int {
		clocks := []Clock{PurposeEnd, LastSeen}
		return cmp.Or(slices.Index(clocks, a.After)-slices.Index(clocks, b.After), a.order(b))
	})
	return rules
}

// Key tells the rules of a clock and a category from each other: by their period, from when it
// is counted at the earliest, and by whether a law says so, for its people, or the operator,
// for everybody.
func (r Rule) Key() string {
	kind, since := "operator", ""
	if r.Source.Kind == Law {
		kind = "law"
	}
	if !r.Since.IsZero() {
		since = " since " + r.Since.UTC().Format(time.DateOnly)
	}
	return r.Span.String() + " " + kind + since
}

// Executed reports whether a rule of a person's clock is executed: the end of a purpose, for
// what is in the log of events, and the last visit, for everything about somebody.
func (r Rule) Executed() bool { return r.After == PurposeEnd || r.Forgets() }

// Forgets reports whether a rule is one of people who have not been there for too long, and
// concerns everything about them.
func (r Rule) Forgets() bool { return r.After == LastSeen && r.Category == "*" }

// Unseen is the instant before which somebody must have been there last for a rule from the
// last visit to have run out at now; zero while it cannot have for anybody. A law's period
// does not begin before the law does (DPDP Rules 2025, Third Schedule: "or the commencement
// of the rules, whichever is latest").
func (r Rule) Unseen(now time.Time) time.Time {
	before := Before(now, r.Span)
	if !r.Since.Before(before) {
		return time.Time{}
	}
	return before
}
