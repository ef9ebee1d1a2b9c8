package calendar

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"

	"thimble"
)

// A Unit is what a period is counted in.
type Unit string

// The units. Prompt is no number: the law says "without undue delay".
const (
	Hours    Unit = "h"
	Days     Unit = "d"
	Business Unit = "bd"
	Months   Unit = "mo"
	Years    Unit = "y"
	Prompt   Unit = "undue_delay"
)

// A Span is a length of time as a law writes it. The zero Span is none.
type Span struct {
	N    int
	Unit Unit
}

var spans = regexp.MustCompile(`^(\d{1,4})(h|d|bd|mo|y)$`)

// ParseSpan reads "72h", "45d", "10bd", "1mo", "2y" or "undue_delay".
func ParseSpan(s string) (Span, error) {
	if s == string(Prompt) {
		return Span{Unit: Prompt}, nil
	}
	m := spans.FindStringSubmatch(s)
	if m == nil {
		return Span{}, fmt.Errorf("%q is not a period; write 72h, 45d, 10bd, 1mo, 2y or undue_delay: %w", s, thimble.ErrInvalid)
	}
	n, _ := strconv.Atoi(m[1]) // at most four digits
	return Span{N: n, Unit: Unit(m[2])}, nil
}

// String returns the pack's word for s.
func (s Span) String() string {
	switch s.Unit {
	case "":
		return ""
	case Prompt:
		return string(Prompt)
	}
	return strconv.Itoa(s.N) + string(s.Unit)
}

// IsZero reports whether s is no period.
func (s Span) IsZero() bool { return s == Span{} }

// MarshalText implements encoding.TextMarshaler.
func (s Span) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Span) UnmarshalText(text []byte) (err error) {
	if len(text) == 0 {
		*s = Span{}
		return nil
	}
	*s, err = ParseSpan(string(text))
	return err
}

// hoursOf are the least and the most hours a unit can last, the fewest a
// business day can stand for being one day.
var hoursOf = map[Unit][2]int64{
	Hours: {1, 1}, Days: {24, 24}, Business: {24, 96}, Months: {28 * 24, 31 * 24}, Years: {365 * 24, 366 * 24},
}

// Bounds returns the least and the most hours that s can last.
func (s Span) Bounds() (least, most int64) {
	u := hoursOf[s.Unit]
	return int64(s.N) * u[0], int64(s.N) * u[1]
}

// Compare orders periods by their usual length: a total order to show one first.
// Which date comes first is for the calendar to say.
func (s Span) Compare(t Span) int {
	return cmp.Or(cmp.Compare(s.Usual(), t.Usual()), cmp.Compare(s.Unit, t.Unit), cmp.Compare(s.N, t.N))
}

// Usual returns how many minutes s usually lasts: a month is a twelfth of
// 365.25 days, a business day seven fifths of a day.
func (s Span) Usual() int64 {
	per := map[Unit]int64{Hours: 60, Days: 1440, Business: 2016, Months: 43830, Years: 525960}[s.Unit]
	return int64(s.N) * per
}

// plus returns s and t as one period, when both count the same unit.
func (s Span) plus(t Span) (Span, bool) {
	return Span{s.N + t.N, s.Unit}, s.Unit == t.Unit
}
