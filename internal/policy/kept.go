package policy

import "thimble/internal/policy/calendar"

// A LongestKept is a longest period, with where it is from.
type LongestKept struct {
	Ceiling
	Origin Origin
	From   calendar.Date // since when its pack is in force
}

// A ShortestKept is a duty to keep, with where it is from.
type ShortestKept struct {
	Keep
	Origin Origin
}

// Kept returns each rule of retention of the law's packs, none of them left out for a
// stricter one: who makes a schedule joins them with what is no law.
func (l *Law) Kept() (longest []LongestKept, shortest []ShortestKept) {
	for _, p := range l.parts {
		for i := range p.pack.Retention {
			c := p.pack.Retention[i]
			longest = append(longest, LongestKept{c, p.pack.origin(&c.Source), p.pack.Effective.From})
		}
		for i := range p.pack.Keep {
			k := p.pack.Keep[i]
			shortest = append(shortest, ShortestKept{k, p.pack.origin(&k.Source)})
		}
	}
	return longest, shortest
}
