package suspect

import (
	"cmp"
	"math"
	"slices"
)

// spans are the days of a burst at most, the shortest first.
var spans = []int32{1, 3, 7}

// rushed is how many of an item's accounts that are not trusted must be in a burst at
// least: three of four. Of a product of which one hears for weeks fewer are.
const rushed = 0.75

// A calendar counts, of all accounts that are not trusted, how many have each day.
type calendar struct {
	first int32
	upTo  []int // days since the first → how many are before
}

func newCalendar(accounts []account, day func(account) int32) calendar {
	var c calendar
	last := int32(0)
	for _, a := range accounts {
		d := day(a)
		if d <= 0 || a.out {
			continue
		}
		if c.first == 0 || d < c.first {
			c.first = d
		}
		last = max(last, d)
	}
	if c.first == 0 {
		return c
	}
	c.upTo = make([]int, last-c.first+2)
	for _, a := range accounts {
		if d := day(a); d > 0 && !a.out {
			c.upTo[d-c.first+1]++
		}
	}
	for i := 1; i < len(c.upTo); i++ {
		c.upTo[i] += c.upTo[i-1]
	}
	return c
}

// within returns how many accounts have one of so many days from a day on, which is one of
// the calendar's.
func (c calendar) within(from, days int32) int {
	lo := from - c.first
	return c.upTo[min(lo+days, int32(len(c.upTo)-1))] - c.upTo[lo]
}

func (c calendar) all() int { return c.upTo[len(c.upTo)-1] }

// A burst is the days in which an item's accounts crowd together most.
type burst struct {
	item     int32
	from     int32
	days     int32
	people   int // in it
	of       int // the item's accounts
	expected int
	surprise float64
}

// bursts takes out the accounts of one item after the other that came, or were last here, within
// days of each other, where all others who are not trusted did not.
func (s *Search) bursts(had [][]int32) []Finding {
	first := func(a account) int32 { return a.first }
	last := func(a account) int32 { return a.last }
	var out []Finding
	for len(out) < most {
		var best burst
		by := first
		for _, day := range []func(account) int32{first, last} {
			if b := s.burst(had, day); b.surprise > best.surprise {
				best, by = b, day
			}
		}
		if best.people == 0 {
			return out
		}
		f := Finding{Kind: Pull, Item: s.names[best.item], Trusted: s.trusted[best.item], Expected: best.expected, Of: best.of, Days: int(best.days)}
		for _, k := range had[best.item] {
			a := &s.accounts[k]
			if d := by(*a); !a.out && d >= best.from && d < best.from+best.days {
				a.out = true
				f.People = append(f.People, a.person)
			}
		}
		out = append(out, f)
	}
	return out
}

// burst returns the clearest of all items, by one of the days of an account; none that is
// clear enough is the zero burst.
func (s *Search) burst(had [][]int32, day func(account) int32) burst {
	c := newCalendar(s.accounts, day)
	if len(c.upTo) == 0 {
		return burst{}
	}
	least := max(fewest, s.people*perMille/1000)
	best := burst{surprise: chance}
	var days []int32
	for i, accounts := range had {
		if len(accounts) < least {
			continue
		}
		days = days[:0]
		for _, k := range accounts {
			if a := s.accounts[k]; !a.out && day(a) > 0 {
				days = append(days, day(a))
			}
		}
		if len(days) < least {
			continue
		}
		slices.Sort(days)
		for _, span := range spans {
			b := c.crowded(days, span)
			if b.people < least || b.surprise < best.surprise {
				continue
			}
			if b.item = int32(i); b.surprise > best.surprise || best.people > 0 && s.names[i] < s.names[best.item] {
				best = b
			}
		}
	}
	if best.people == 0 {
		return burst{}
	}
	return best
}

// crowded finds, of days in order, the span with most of them, and says how unlikely that is:
// the tail of the binomial distribution, by the share of all others that is in the same span.
func (c calendar) crowded(days []int32, span int32) (best burst) {
	k := len(days)
	hi := 0
	for lo := range days {
		if lo > 0 && days[lo] == days[lo-1] {
			continue
		}
		for hi < k && days[hi] < days[lo]+span {
			hi++
		}
		in := hi - lo
		others, all := c.within(days[lo], span)-in, c.all()-k
		p := (float64(others) + 0.5) / (float64(all) + 1)
		q := float64(in) / float64(k)
		if q < rushed || q <= p {
			continue
		}
		v := float64(k) * divergence(q, p)
		if cmp.Or(cmp.Compare(v, best.surprise), cmp.Compare(in, best.people)) > 0 {
			best = burst{from: days[lo], days: span, people: in, of: k, expected: int(math.Round(p * float64(k))), surprise: v}
		}
	}
	return best
}

// divergence is the Kullback-Leibler distance of the share q from p, both of which are above 0,
// and p below 1.
func divergence(q, p float64) float64 {
	d := q * math.Log(q/p)
	if q < 1 {
		d += (1 - q) * math.Log((1-q)/(1-p))
	}
	return d
}
