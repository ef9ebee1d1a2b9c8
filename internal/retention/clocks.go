package retention

import "slices"

// Clocked are the rules that are counted for each person by itself, the strictest of each
// category and clock: from when somebody was there last, and from when no purpose needed
// what is held of them any more. Those of a category that nothing is held of, and that no
// part of anything held is of, are left out.
func Clocked(all []Schedule) (rules []Rule) {
	type key struct {
		c  string
		at Clock
	}
	best := map[key]int{}
	for _, s := range all {
		for _, r := range s.Shown {
			if r.After != LastSeen && r.After != PurposeEnd {
				continue
			}
			k := key{string(r.Category), r.After}
			if i, known := best[k]; !known {
				best[k], rules = len(rules), append(rules, r)
			} else if r.order(rules[i]) < 0 {
				rules[i] = r
			}
		}
	}
	slices.SortFunc(rules, func(a, b Rule) int {
		if a.After != b.After {
			return slices.Index([]Clock{PurposeEnd, LastSeen}, a.After) - slices.Index([]Clock{PurposeEnd, LastSeen}, b.After)
		}
		return a.order(b)
	})
	return rules
}

// Executed reports whether a rule of a person's clock is executed: the end of a purpose, for
// what is in the log of events.
func (r Rule) Executed() bool { return r.After == PurposeEnd }

// Forgets reports whether a rule is one of people who have not been there for too long, and
// concerns everything about them.
func (r Rule) Forgets() bool { return r.After == LastSeen && r.Category == "*" }
