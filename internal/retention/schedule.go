package retention

import (
	"slices"
	"time"

	"thimble"
)

// A Use is how long data of a category may be used for a purpose.
type Use struct {
	Purpose thimble.Purpose `json:"purpose"`
	// Bound is the strictest rule that is executed; nil when no source bounds it.
	Bound *Rule `json:"bound,omitempty"`
	// Lost are the rules that ask for less, from strict to loose.
	Lost []Rule `json:"lost,omitempty"`
}

// A Schedule is how long what is held of a category is kept.
type Schedule struct {
	Category thimble.Category `json:"category"`
	Uses     []Use            `json:"uses"`
	// Ends is the rule by which records go: the bound of the purpose that needs them
	// longest. Nil says that a purpose has none: they are kept as long as the person is.
	Ends *Rule `json:"ends,omitempty"`
	// Floors are what laws say must be kept at least, the longest first.
	Floors []Rule `json:"floors,omitempty"`
	// Shown are rules of another clock, which runs for each person by itself; see [Clocked].
	Shown []Rule `json:"shown,omitempty"`
}

// Compose makes the schedule of a category that is held for purposes, of the rules of all
// sources. It is pure: neither the order of rules nor of purposes matters.
func Compose(c thimble.Category, purposes []thimble.Purpose, rules []Rule) Schedule {
	s := Schedule{Category: c}
	var bounds []Rule
	for _, r := range rules {
		switch {
		case !r.covers(c):
		case r.Floor():
			s.Floors = append(s.Floors, r)
		case r.After != Collected:
			s.Shown = append(s.Shown, r)
		default:
			bounds = append(bounds, r)
		}
	}
	slices.SortFunc(bounds, Rule.order)
	slices.SortFunc(s.Shown, Rule.order)
	slices.SortFunc(s.Floors, func(a, b Rule) int { return b.order(a) })
	purposes = slices.Clone(purposes)
	slices.Sort(purposes)
	open := len(purposes) == 0
	for _, p := range slices.Compact(purposes) {
		u := Use{Purpose: p}
		for _, r := range bounds {
			switch {
			case !r.about(p):
			case u.Bound == nil:
				u.Bound = &r
			default:
				u.Lost = append(u.Lost, r)
			}
		}
		s.Uses = append(s.Uses, u)
		switch {
		case u.Bound == nil:
			open = true
		case s.Ends == nil || s.Ends.order(*u.Bound) < 0:
			s.Ends = u.Bound
		}
	}
	if open {
		s.Ends = nil
	}
	return s
}

// Before is the instant before which records have no purpose any more; zero when they are
// kept as long as the person is.
func (s Schedule) Before(now time.Time) time.Time {
	if s.Ends == nil {
		return time.Time{}
	}
	return Before(now, s.Ends.Span)
}

// UsableSince is since when a record must have been made to be used for a purpose; zero
// when nothing bounds that.
func (s Schedule) UsableSince(p thimble.Purpose, now time.Time) (since time.Time) {
	for _, u := range s.Uses {
		if u.Bound != nil && (p.Within(u.Purpose) || u.Purpose.Within(p)) {
			if at := Before(now, u.Bound.Span); at.After(since) {
				since = at
			}
		}
	}
	return since
}

// Conflict returns the floor that keeps records longer than the schedule, and whether
// there is one: it wins, for what its law names and for that law alone.
func (s Schedule) Conflict(now time.Time) (Rule, bool) {
	if s.Ends == nil || len(s.Floors) == 0 {
		return Rule{}, false
	}
	longest := slices.MinFunc(s.Floors, func(a, b Rule) int { return FloorFrom(now, a.Span).Compare(FloorFrom(now, b.Span)) })
	return longest, FloorFrom(now, longest.Span).Before(s.Before(now))
}
