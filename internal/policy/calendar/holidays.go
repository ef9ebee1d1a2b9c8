package calendar

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"thimble"
)

// A Holiday is one rule for a public holiday. Exactly one of Day, Easter,
// Orthodox and Nth says when it is.
type Holiday struct {
	Name string `json:"name" yaml:"name"`
	// Day is a fixed day, "12-25".
	Day string `json:"day,omitempty" yaml:"day,omitempty"`
	// Easter and Orthodox are days after Easter Sunday, Western and Orthodox.
	Easter   *int `json:"easter,omitempty" yaml:"easter,omitempty"`
	Orthodox *int `json:"orthodox_easter,omitempty" yaml:"orthodox_easter,omitempty"`
	// Nth is the nth such weekday of a month: "1 monday 5"; -1 is the last.
	Nth string `json:"nth,omitempty" yaml:"nth,omitempty"`
	// Instead replaces the day when it falls on a weekday: "02-01 friday".
	Instead string `json:"instead,omitempty" yaml:"instead,omitempty"`
	// OnSunday moves a holiday that falls on a Sunday by so many days.
	OnSunday int `json:"on_sunday,omitempty" yaml:"on_sunday,omitempty"`
	// Substitute moves a holiday that falls on a weekend to the next working day.
	Substitute bool `json:"substitute,omitempty" yaml:"substitute,omitempty"`
	// From and To are the first and the last year.
	From int `json:"from,omitempty" yaml:"from,omitempty"`
	To   int `json:"to,omitempty" yaml:"to,omitempty"`
}

// Check returns what is wrong with the rule.
func (h Holiday) Check() error {
	ways := 0
	for _, said := range []bool{h.Day != "", h.Easter != nil, h.Orthodox != nil, h.Nth != ""} {
		if said {
			ways++
		}
	}
	if h.Name == "" || ways != 1 {
		return fmt.Errorf("a holiday needs a name and one of day, easter, orthodox_easter and nth: %w", thimble.ErrInvalid)
	}
	if h.To != 0 && h.To < h.From {
		return fmt.Errorf("holiday %s ends before it begins: %w", h.Name, thimble.ErrInvalid)
	}
	_, err := h.in(2024)
	return err
}

// in returns the day in a year; the zero Date when there is none.
func (h Holiday) in(year int) (d Date, err error) {
	switch {
	case year < h.From || h.To != 0 && year > h.To:
		return Date{}, nil
	case h.Easter != nil:
		d = Easter(year).Add(*h.Easter)
	case h.Orthodox != nil:
		d = OrthodoxEaster(year).Add(*h.Orthodox)
	case h.Nth != "":
		d, err = nth(h.Nth, year)
	default:
		d, err = fixed(h.Day, year)
	}
	if err != nil {
		return Date{}, err
	}
	if h.Instead != "" {
		day, weekday, _ := strings.Cut(h.Instead, " ")
		other, err := fixed(day, year)
		if _, known := weekdays[weekday]; err != nil || !known {
			return Date{}, fmt.Errorf("instead is %q; write \"02-01 friday\": %w", h.Instead, thimble.ErrInvalid)
		}
		if other.Weekday() == weekdays[weekday] {
			d = other
		}
	}
	if h.OnSunday != 0 && d.Weekday() == time.Sunday {
		d = d.Add(h.OnSunday)
	}
	return d, nil
}

var weekdays = map[string]time.Weekday{
	"sunday": time.Sunday, "monday": time.Monday, "tuesday": time.Tuesday, "wednesday": time.Wednesday,
	"thursday": time.Thursday, "friday": time.Friday, "saturday": time.Saturday,
}

func fixed(day string, year int) (Date, error) {
	t, err := time.Parse("2006-01-02", "2024-"+day) // a leap year, so that 02-29 can be written
	if err != nil {
		return Date{}, fmt.Errorf("day is %q; write 12-25: %w", day, thimble.ErrInvalid)
	}
	d := Date{year, t.Month(), t.Day()}
	if dateOf(d.utc()) != d {
		return Date{}, nil // 29 February, in a year without
	}
	return d, nil
}

func nth(rule string, year int) (Date, error) {
	words := strings.Fields(rule)
	bad := fmt.Errorf("nth is %q; write \"1 monday 5\", or -1 for the last: %w", rule, thimble.ErrInvalid)
	if len(words) != 3 {
		return Date{}, bad
	}
	n, err := strconv.Atoi(words[0])
	month, err2 := strconv.Atoi(words[2])
	weekday, known := weekdays[words[1]]
	if err != nil || err2 != nil || !known || n == 0 || n < -1 || n > 4 || month < 1 || month > 12 {
		return Date{}, bad
	}
	if n > 0 {
		d := Date{year, time.Month(month), 1}
		return d.Add((int(weekday-d.Weekday())+7)%7 + 7*(n-1)), nil
	}
	d := dateOf(time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC))
	return d.Add(-((int(d.Weekday()-weekday) + 7) % 7)), nil
}

// Easter returns Easter Sunday of the Western churches, by the anonymous
// Gregorian computus.
func Easter(year int) Date {
	a, b, c := year%19, year/100, year%100
	d, e, f := b/4, b%4, (b+8)/25
	g := (b - f + 1) / 3
	h := (19*a + b - d - g + 15) % 30
	i, k := c/4, c%4
	l := (32 + 2*e + 2*i - h - k) % 7
	m := (a + 11*h + 22*l) / 451
	n := h + l - 7*m + 114
	return Date{year, time.Month(n / 31), n%31 + 1}
}

// OrthodoxEaster returns Easter Sunday of the Orthodox churches as a Gregorian
// day, by Meeus' Julian computus.
func OrthodoxEaster(year int) Date {
	d := (19*(year%19) + 15) % 30
	e := (2*(year%4) + 4*(year%7) - d + 34) % 7
	n := d + e + 114
	julian := Date{year, time.Month(n / 31), n%31 + 1}
	return julian.Add(year/100 - year/400 - 2) // how far the Julian calendar is behind
}

// Holidays are the public holidays of one place.
type Holidays struct {
	rules   []Holiday
	weekend []time.Weekday
	years   sync.Map // int → []Date
}

// NewHolidays returns the holidays of the rules, which must be in order for
// substitutes. An empty weekend means Saturday and Sunday.
func NewHolidays(rules []Holiday, weekend ...string) (*Holidays, error) {
	h := &Holidays{rules: rules}
	for _, w := range weekend {
		day, known := weekdays[w]
		if !known {
			return nil, fmt.Errorf("%q is not a weekday: %w", w, thimble.ErrInvalid)
		}
		h.weekend = append(h.weekend, day)
	}
	if h.weekend == nil {
		h.weekend = []time.Weekday{time.Saturday, time.Sunday}
	}
	if len(h.weekend) > 3 {
		return nil, fmt.Errorf("a weekend has at most three days: %w", thimble.ErrInvalid)
	}
	for _, r := range rules {
		if err := r.Check(); err != nil {
			return nil, err
		}
	}
	return h, nil
}

// Working reports whether people work on the day.
func (h *Holidays) Working(d Date) bool {
	if h == nil {
		return d.Weekday() != time.Saturday && d.Weekday() != time.Sunday
	}
	return !slices.Contains(h.weekend, d.Weekday()) && !slices.Contains(h.In(d.Year), d)
}

// In returns the holidays of a year.
func (h *Holidays) In(year int) []Date {
	if all, ok := h.years.Load(year); ok {
		return all.([]Date)
	}
	var all []Date
	for _, r := range h.rules {
		d, err := r.in(year)
		if err != nil || d.IsZero() {
			continue // checked when built
		}
		for r.Substitute && (slices.Contains(h.weekend, d.Weekday()) || slices.Contains(all, d)) {
			d = d.Add(1)
		}
		all = append(all, d)
	}
	h.years.Store(year, all)
	return all
}
