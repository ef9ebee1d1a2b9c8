package retention

import (
	"cmp"
	"time"

	"thimble"
	"thimble/internal/policy/calendar"
)

// A Kind says what kind of source a rule has.
type Kind string

// The kinds of source.
const (
	Law      Kind = "law"
	Map      Kind = "data map"
	Operator Kind = "operator"
)

// A Source says where a rule is from: a law's pack and article, the data map's field, or
// the operator's document with its reason.
type Source struct {
	Kind Kind   `json:"kind"`
	Name string `json:"name"` // the pack, the field, or the version of the document
	Cite string `json:"cite"` // the article, the map's words, or the operator's reason
}

// A Clock says what a period is counted from.
type Clock string

// The clocks. Those of the last two run for each person by itself; see [Rule.Executed].
const (
	Collected  Clock = "collection"
	PurposeEnd Clock = "purpose_end"
	LastSeen   Clock = "last_interaction"
)

// A Rule is one bound of one source.
type Rule struct {
	Category thimble.Category `json:"category"` // with its parts; "*" is all
	// Purpose is what the data may be used for that long; "" bounds every purpose.
	Purpose thimble.Purpose `json:"purpose,omitempty"`
	Span    calendar.Span   `json:"span"`
	After   Clock           `json:"after"`
	// Record names what a law says must be kept that long at least; "" of a longest period.
	Record string `json:"record,omitempty"`
	// Since is from when a period is counted at the earliest: that of a law, from when it is
	// in force. Zero: from whenever its clock says.
	Since  time.Time `json:"since,omitzero"`
	Source Source    `json:"source"`
}

// Floor reports whether the rule is a shortest period.
func (r Rule) Floor() bool { return r.Record != "" }

func (r Rule) covers(c thimble.Category) bool { return r.Category == "*" || c.Within(r.Category) }

func (r Rule) about(p thimble.Purpose) bool { return r.Purpose == "" || p.Within(r.Purpose) }

// order sorts rules from strict to loose, and equals by their source.
func (r Rule) order(o Rule) int {
	return cmp.Or(r.Span.Compare(o.Span), cmp.Compare(r.Source.Kind, o.Source.Kind), cmp.Compare(r.Source.Name, o.Source.Name),
		cmp.Compare(r.Source.Cite, o.Source.Cite), cmp.Compare(r.Category, o.Category), cmp.Compare(r.Purpose, o.Purpose), cmp.Compare(r.Record, o.Record),
		cmp.Compare(r.After, o.After), r.Since.Compare(o.Since))
}

// Before returns the instant before which what was collected is older than a period at
// now. Days, months and years end with the day (UTC), so that an instant stays the same
// for a whole day; of a month that is too short the last day counts.
func Before(now time.Time, s calendar.Span) time.Time {
	now = now.UTC()
	day := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, time.UTC)
	switch s.Unit {
	case calendar.Hours:
		return now.Add(-time.Duration(s.N) * time.Hour).Truncate(time.Hour)
	case calendar.Days:
		return day.AddDate(0, 0, -s.N)
	case calendar.Months:
		return months(day, s.N)
	case calendar.Years:
		return months(day, 12*s.N)
	}
	return time.Time{}
}

func months(day time.Time, n int) time.Time {
	first := time.Date(day.Year(), day.Month()-time.Month(n), 1, 0, 0, 0, 0, time.UTC)
	last := first.AddDate(0, 1, -1).Day()
	return first.AddDate(0, 0, min(day.Day(), last)-1)
}

// FloorFrom returns since when a record must have been made to be kept still at now.
// Laws mostly count such periods from the end of the year in which the record was made
// (§ 147(4) AO); packs say so in words only, and too early could not be undone: all are
// counted so.
func FloorFrom(now time.Time, s calendar.Span) time.Time {
	at := Before(now, s)
	return time.Date(at.Year(), 1, 1, 0, 0, 0, 0, time.UTC)
}

// FloorUntil returns the first instant at which a record of an instant has not to be kept any
// more for a shortest period: [FloorFrom] is later than the record from then on.
func FloorUntil(at time.Time, s calendar.Span) time.Time {
	next := time.Date(at.UTC().Year()+1, 1, 1, 0, 0, 0, 0, time.UTC)
	switch s.Unit {
	case calendar.Hours:
		return next.Add(time.Duration(s.N) * time.Hour)
	case calendar.Days:
		return next.AddDate(0, 0, s.N)
	case calendar.Months:
		return next.AddDate(0, s.N, 0)
	case calendar.Years:
		return next.AddDate(s.N, 0, 0)
	}
	return time.Time{}
}

// After returns the day from which what was collected at an instant is older than a
// period: the first whose [Before] reaches past it.
func After(at time.Time, s calendar.Span) time.Time {
	at = at.UTC()
	day := time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, time.UTC)
	if s.Unit == calendar.Hours {
		return at.Add(time.Duration(s.N+1) * time.Hour).Truncate(time.Hour)
	}
	guess := day.AddDate(0, 0, 1)
	switch s.Unit {
	case calendar.Days:
		guess = guess.AddDate(0, 0, s.N)
	case calendar.Months:
		guess = guess.AddDate(0, s.N, 0)
	case calendar.Years:
		guess = guess.AddDate(s.N, 0, 0)
	}
	for guess = guess.AddDate(0, 0, -4); !Before(guess, s).After(at); {
		guess = guess.AddDate(0, 0, 1)
	}
	return guess
}
