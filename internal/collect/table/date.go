package table

import (
	"strconv"
	"strings"
	"time"
)

// A Layout is one way to write a date, as people name it.
type Layout string

// Auto stands for the forms that can be read in one way only: those of ISO 8601.
const Auto Layout = "iso"

// layouts has the layouts of package time behind each name.
var layouts = map[Layout][]string{
	Auto: {
		"2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02T15:04:05", time.RFC3339Nano, "2006-01-02", "2006-01-02 15:04:05 -0700",
		"2006-01-02 15:04:05 MST", "2006-01-02T15:04:05-0700", "2006-01-02T15:04", "20060102",
	},
	"DD/MM/YYYY":   day("02/01/2006", "2/1/2006"),
	"MM/DD/YYYY":   day("01/02/2006", "1/2/2006"),
	"DD.MM.YYYY":   day("02.01.2006", "2.1.2006"),
	"DD-MM-YYYY":   day("02-01-2006", "2-1-2006"),
	"MM-DD-YYYY":   day("01-02-2006", "1-2-2006"),
	"YYYY/MM/DD":   day("2006/01/02", "2006/1/2"),
	"YYYY.MM.DD":   day("2006.01.02", "2006.1.2"),
	"DD/MM/YY":     day("02/01/06", "2/1/06"),
	"MM/DD/YY":     day("01/02/06", "1/2/06"),
	"DD.MM.YY":     day("02.01.06", "2.1.06"),
	"DD MON YYYY":  day("2 Jan 2006", "2 January 2006", "2-Jan-2006", "Mon, 02 Jan 2006", "Mon, 2 Jan 2006"),
	"MON DD, YYYY": day("Jan 2, 2006", "January 2, 2006"),
	"unix":         nil,
	"unix-ms":      nil,
}

// day returns layouts of a day, alone and with a time behind it.
func day(days ...string) (all []string) {
	for _, d := range days {
		for _, t := range []string{"", " 15:04", " 15:04:05", " 3:04 PM", " 3:04:05 PM", " 15:04:05 -0700", " 15:04:05 MST", ", 15:04", ", 15:04:05"} {
			all = append(all, d+t)
		}
	}
	return all
}

// Layouts lists the names of all layouts; Auto is the first.
func Layouts() []Layout {
	names := sortedKeys(layouts)
	all := []Layout{Auto}
	for _, n := range names {
		if n != Auto {
			all = append(all, n)
		}
	}
	return all
}

// Known reports whether there is a layout of the name.
func (l Layout) Known() bool { _, ok := layouts[l]; return ok }

// Parse reads a date; where it names no zone it is one of zone.
func (l Layout) Parse(s string, zone *time.Location) (time.Time, bool) {
	if l == "unix" || l == "unix-ms" {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil || n < 0 || n > 1<<47 {
			return time.Time{}, false
		}
		if l == "unix" {
			n *= 1000
		}
		return sane(time.UnixMilli(n))
	}
	for _, layout := range layouts[l] {
		if at, err := time.ParseInLocation(layout, s, zone); err == nil {
			return sane(at)
		}
	}
	return time.Time{}, false
}

func sane(at time.Time) (time.Time, bool) {
	at = at.UTC().Truncate(time.Microsecond)
	return at, at.Year() >= 1900 && at.Year() <= 9999
}

// datelike is a cheap look before all layouts are tried.
func datelike(s string) bool {
	if len(s) < 6 || len(s) > 40 || s[0] < '0' {
		return false
	}
	digits := 0
	for i := range len(s) {
		if s[i] >= '0' && s[i] <= '9' {
			digits++
		}
	}
	return digits >= 4 && strings.ContainsAny(s, "-/.,: ") || digits == 8 && len(s) == 8
}

// layoutsOf returns the layouts that a value fits. Times that count seconds look like any
// number, and are not among them.
func layoutsOf(s string) (all []Layout) {
	if !datelike(s) {
		return nil
	}
	for _, l := range Layouts() {
		if _, ok := l.Parse(s, time.UTC); ok && l != "unix" && l != "unix-ms" {
			all = append(all, l)
		}
	}
	return all
}
