package calendar

import (
	"fmt"
	"slices"
	"time"

	"thimble"
)

// A Rule is a named way to count.
type Rule string

// The rules.
const (
	// EU is Regulation (EEC, Euratom) No 1182/71, Art. 3.
	EU Rule = "eu-1182-71"
	// UK is how the Information Commissioner counts.
	UK Rule = "uk-ico"
	// US counts calendar days from the day of receipt, and moves nothing.
	US Rule = "us-calendar"
	// BR is Art. 132 of the Brazilian Civil Code.
	BR Rule = "br-bd"
)

// Rules lists them all.
var Rules = []Rule{EU, UK, US, BR}

// A Calendar counts by one rule, in one zone, with one place's holidays.
type Calendar struct {
	Rule     Rule
	Zone     *time.Location
	Holidays *Holidays // nil for weekends only
}

// A Pause is a time for which the clock stands still. Until is zero while it does.
type Pause struct {
	From, Until time.Time
}

// A Deadline is where a period ends.
type Deadline struct {
	LastDay Date      // zero for a period of hours
	By      time.Time // the first instant that is too late
}

// Due returns where the period ends that the event starts. Pauses must have
// ended; they may overlap.
func (c Calendar) Due(event time.Time, s Span, pauses ...Pause) (Deadline, error) {
	if event.IsZero() || c.Zone == nil {
		return Deadline{}, fmt.Errorf("calendar: the event needs an instant, the calendar a zone: %w", thimble.ErrInvalid)
	}
	if !slices.Contains(Rules, c.Rule) {
		return Deadline{}, fmt.Errorf("calendar: %q is not a rule: %w", c.Rule, thimble.ErrInvalid)
	}
	switch s.Unit {
	case Hours:
		// Art. 3(1) of Regulation 1182/71 would not count the hour of the
		// event. Counting from the instant ends earlier, so it is safe.
		return Deadline{By: stood(event.Add(time.Duration(s.N)*time.Hour), event, pauses)}, nil
	case Days, Business, Months, Years:
	default:
		return Deadline{}, fmt.Errorf("calendar: a period of %q has no last day: %w", s, thimble.ErrInvalid)
	}
	first := On(event, c.Zone)
	last := c.pause(c.count(first, s), event, s, pauses)
	last = c.settle(first, last, s)
	return Deadline{LastDay: last, By: last.Add(1).Start(c.Zone)}, nil
}

// count returns the last day before pauses and before it moves.
func (c Calendar) count(first Date, s Span) Date {
	switch s.Unit {
	case Business:
		// The day of the event never counts: 11 CCR 7021(a) "after receiving";
		// Civil Code Art. 132; Regulation 1182/71 Art. 3(1).
		return c.workingAfter(first, s.N)
	case Months, Years:
		n := s.N
		if s.Unit == Years {
			n *= 12
		}
		last, whole := first.addMonths(n)
		if !whole && c.Rule == BR {
			return last.Add(1) // Civil Code Art. 132 § 3: the day after, when the month has no such day
		}
		return last
	}
	if s.N > 0 && (c.Rule == US || c.Rule == UK) {
		// 11 CCR 7021(b): the period begins on the day of receipt. DPA 2018
		// s. 164A: "beginning when the complaint is received".
		return first.Add(s.N - 1)
	}
	return first.Add(s.N)
}

// settle moves a last day that nobody works, where the rule does.
func (c Calendar) settle(first, last Date, s Span) Date {
	moves := c.Rule == EU || c.Rule == BR || c.Rule == UK && (s.Unit == Months || s.Unit == Years)
	if !moves || s.N == 0 {
		return last
	}
	for !c.Holidays.Working(last) {
		last = last.Add(1)
	}
	// Regulation 1182/71 Art. 3(5): a period of two days or more has at least two
	// working days. It matters for periods of days only: months have more.
	if c.Rule == EU && s.Unit == Days && s.N >= 2 {
		if two := c.workingAfter(first, 2); last.Before(two) {
			return two
		}
	}
	return last
}

func (c Calendar) workingAfter(d Date, n int) Date {
	for n > 0 {
		if d = d.Add(1); c.Holidays.Working(d) {
			n--
		}
	}
	return d
}

// pause moves the last day by the days for which the clock stood still.
func (c Calendar) pause(last Date, event time.Time, s Span, pauses []Pause) Date {
	for _, p := range merged(event, pauses) {
		from, until := On(p.From, c.Zone), On(p.Until, c.Zone)
		if last.Before(from) {
			break // the period was over
		}
		if s.Unit != Business {
			last = last.Add(from.Days(until))
			continue
		}
		for d := from; d.Before(until); {
			if d = d.Add(1); c.Holidays.Working(d) {
				last = c.workingAfter(last, 1)
			}
		}
	}
	return last
}

// stood moves the end of a period of hours by how long the clock stood still in it.
func stood(end, event time.Time, pauses []Pause) time.Time {
	for _, p := range merged(event, pauses) {
		if !p.From.Before(end) {
			break // the period was over
		}
		end = end.Add(p.Until.Sub(p.From))
	}
	return end
}

// merged returns the pauses after the event, in order, none overlapping.
func merged(event time.Time, pauses []Pause) (all []Pause) {
	pauses = slices.Clone(pauses)
	slices.SortFunc(pauses, func(a, b Pause) int { return a.From.Compare(b.From) })
	for _, p := range pauses {
		if p.From.Before(event) {
			p.From = event
		}
		if n := len(all); n > 0 && p.From.Before(all[n-1].Until) {
			p.From = all[n-1].Until
		}
		if p.From.Before(p.Until) {
			all = append(all, p)
		}
	}
	return all
}

// Extended returns where the period ends when it is lengthened by more: one
// period when both are counted alike, else one after the other.
func (c Calendar) Extended(event time.Time, s, more Span, pauses ...Pause) (Deadline, error) {
	if whole, same := s.plus(more); same {
		return c.Due(event, whole, pauses...)
	}
	first, err := c.Due(event, s, pauses...)
	if err != nil {
		return Deadline{}, err
	}
	// The second part is counted from within the last day of the first.
	return c.Due(first.By.Add(-time.Nanosecond), more)
}
