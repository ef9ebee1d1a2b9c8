package calendar

import (
	"fmt"
	"time"

	"thimble"
)

// A Date is a day of the civil calendar, in no zone. The zero Date is no day.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// ParseDate reads a day written "2026-11-21".
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil || t.Year() < 1900 || t.Year() > 2999 {
		return Date{}, fmt.Errorf("%q is not a day between 1900 and 2999, written 2026-11-21: %w", s, thimble.ErrInvalid)
	}
	return dateOf(t), nil
}

// On returns the day it is at t in the zone.
func On(t time.Time, zone *time.Location) Date { return dateOf(t.In(zone)) }

func dateOf(t time.Time) Date {
	y, m, d := t.Date()
	return Date{y, m, d}
}

func (d Date) utc() time.Time { return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC) }

// String returns "2026-11-21", or nothing for the zero Date.
func (d Date) String() string {
	if d.IsZero() {
		return ""
	}
	return fmt.Sprintf("%04d-%02d-%02d", d.Year, int(d.Month), d.Day)
}

// IsZero reports whether d is no day.
func (d Date) IsZero() bool { return d == Date{} }

// MarshalText implements encoding.TextMarshaler.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Date) UnmarshalText(text []byte) (err error) {
	if len(text) == 0 {
		*d = Date{}
		return nil
	}
	*d, err = ParseDate(string(text))
	return err
}

// Compare orders days.
func (d Date) Compare(e Date) int {
	if c := d.Year - e.Year; c != 0 {
		return c
	}
	if c := d.Month - e.Month; c != 0 {
		return int(c)
	}
	return d.Day - e.Day
}

// Before reports whether d comes before e.
func (d Date) Before(e Date) bool { return d.Compare(e) < 0 }

// Add returns the day n days later.
func (d Date) Add(n int) Date { return dateOf(d.utc().AddDate(0, 0, n)) }

// Days returns how many days e is after d.
func (d Date) Days(e Date) int { return int(e.utc().Sub(d.utc()) / (24 * time.Hour)) }

// Weekday returns the day of the week.
func (d Date) Weekday() time.Weekday { return d.utc().Weekday() }

// addMonths returns the same-numbered day n months later; whole is false when
// that month has no such day, and then the day is its last.
func (d Date) addMonths(n int) (later Date, whole bool) {
	first := time.Date(d.Year, d.Month+time.Month(n), 1, 0, 0, 0, 0, time.UTC)
	last := first.AddDate(0, 1, -1).Day()
	return Date{first.Year(), first.Month(), min(d.Day, last)}, d.Day <= last
}

// Start returns the first instant of the day in the zone: midnight, or what the
// clocks show first where they skip midnight, or the first of two midnights.
func (d Date) Start(zone *time.Location) time.Time {
	t := time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, zone)
	begin, end := t.ZoneBounds()
	if On(t, zone).Before(d) && !end.IsZero() {
		return end.In(zone) // midnight is in the gap
	}
	if !begin.IsZero() {
		// A first midnight may lie before the clocks went back over it, or
		// the day may begin at the very change.
		_, before := begin.Add(-time.Nanosecond).Zone()
		earlier := d.utc().Add(-time.Duration(before) * time.Second).In(zone)
		if On(earlier, zone) == d && earlier.Before(t) {
			return earlier
		}
		if t.After(begin) && On(begin, zone) == d && On(begin.Add(-time.Nanosecond), zone) != d {
			return begin.In(zone)
		}
	}
	return t
}
