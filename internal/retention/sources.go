package retention

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"thimble"
	"thimble/internal/datamap"
	"thimble/internal/policy"
	"thimble/internal/policy/calendar"
)

// OfLaw are the rules of a law's packs. A longest period that is counted in nothing, such
// as "without undue delay", is none that a clock could execute, and is left to the law's
// own page.
func OfLaw(l *policy.Law) (rules []Rule) {
	ceilings, keeps := l.Kept()
	for _, c := range ceilings {
		if c.Max.Unit != calendar.Prompt {
			r := Rule{Category: c.Category, Span: c.Max, After: Clock(c.After), Source: Source{Law, c.Origin.Pack, c.Origin.Cite}}
			if r.After == LastSeen && !c.From.IsZero() {
				r.Since = time.Date(c.From.Year, c.From.Month, c.From.Day, 0, 0, 0, 0, time.UTC)
			}
			rules = append(rules, r)
		}
	}
	for _, k := range keeps {
		rules = append(rules, Rule{Category: k.Category, Span: k.Min, After: Collected, Record: k.Record, Source: Source{Law, k.Origin.Pack, k.Origin.Cite}})
	}
	return rules
}

// stated is how the data map says a period that a clock can execute.
var stated = regexp.MustCompile(`^(\d{1,4}) days$`)

// OfMap are the rules of the data map: where each field of a category states a period in
// days, the shortest holds for the category. Where one does not, such as "until the person
// is erased", the map bounds nothing.
func OfMap(entries []datamap.Entry) (rules []Rule) {
	at := map[thimble.Category]int{}
	open := map[thimble.Category]bool{}
	for _, e := range entries {
		m := stated.FindStringSubmatch(e.Retention)
		if m == nil {
			open[e.Category] = true
			continue
		}
		span, err := calendar.ParseSpan(m[1] + "d")
		if err != nil {
			continue
		}
		r := Rule{Category: e.Category, Span: span, After: Collected, Source: Source{Map, e.Name(), e.Retention}}
		if i, known := at[e.Category]; !known {
			at[e.Category], rules = len(rules), append(rules, r)
		} else if r.order(rules[i]) < 0 {
			rules[i] = r
		}
	}
	kept := rules[:0]
	for _, r := range rules {
		if !open[r.Category] {
			kept = append(kept, r)
		}
	}
	return kept
}

// Plan are the schedules of every category that the data map holds of customers, and of
// each part of one that a rule names, in the order of their names.
func Plan(entries []datamap.Entry, rules []Rule) (all []Schedule) {
	stored := Categories(entries)
	every := slices.Clone(stored)
	for _, r := range rules {
		within := func(c thimble.Category) bool { return r.Category.Within(c) }
		if r.Category != "*" && !slices.Contains(every, r.Category) && slices.ContainsFunc(stored, within) {
			every = append(every, r.Category)
		}
	}
	slices.Sort(every)
	for _, c := range every {
		all = append(all, Compose(c, purposesOf(entries, c), rules))
	}
	return all
}

// Categories are those that are held of customers, beside what only points at somebody:
// who somebody is, is kept as long as anything else of theirs.
func Categories(entries []datamap.Entry) (all []thimble.Category) {
	seen := map[thimble.Category]bool{}
	for _, e := range entries {
		if !seen[e.Category] && !strings.HasPrefix(string(e.Category), "user.unique_id") && e.Category != thimble.AccountIdentifier {
			seen[e.Category] = true
			all = append(all, e.Category)
		}
	}
	slices.Sort(all)
	return all
}

// purposesOf are what a category is held for; of a part, what the nearest whole is.
func purposesOf(entries []datamap.Entry, c thimble.Category) (all []thimble.Purpose) {
	for len(all) == 0 && c != "" {
		for _, e := range entries {
			if e.Category == c {
				all = append(all, e.Purposes...)
			}
		}
		c = c[:max(strings.LastIndexByte(string(c), '.'), 0)]
	}
	return all
}
