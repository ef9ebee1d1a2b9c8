package segment

import (
	"math"
	"time"
)

// noTime stands for a time that was not given.
const noTime = math.MinInt64

// happened corrects the client's clock (Segment's spec, "Timestamps"): what the
// client's clock said when it sent, less what it said when it happened, is how long
// ago it was. Without sentAt the client's time is taken as it is. Nothing lies in the
// future of its arrival, so that nothing outlives a deletion by its date.
func happened(arrived, client, sent int64) int64 {
	switch {
	case client == noTime:
		return arrived
	case sent != noTime:
		client = arrived - (sent - client)
	}
	return min(client, arrived)
}

// readTime reads an ISO 8601 time with its zone, or a date alone, as micros since 1970.
// Digits beyond micros are cut off.
func readTime(s []byte) (int64, bool) {
	if len(s) < 10 || !isDate(s) {
		return noTime, false
	}
	year, month, day := digits(s[:4]), digits(s[5:7]), digits(s[8:10])
	t := days(year, month, day) * 86400
	if len(s) == 10 {
		return t * 1e6, true
	}
	if len(s) < 20 || s[10]|0x20 != 't' && s[10] != ' ' || s[13] != ':' || s[16] != ':' {
		return noTime, false
	}
	hour, minute, second := digits(s[11:13]), digits(s[14:16]), digits(s[17:19])
	if hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60 {
		return noTime, false
	}
	t += int64(hour*3600 + minute*60 + second)
	i, micros := 19, int64(0)
	if s[i] == '.' {
		scale := int64(100_000)
		for i++; i < len(s) && s[i]-'0' < 10; i++ {
			micros += int64(s[i]-'0') * scale
			scale /= 10
		}
		if i == 20 {
			return noTime, false
		}
	}
	offset, ok := zone(s[i:])
	return (t-offset)*1e6 + micros, ok
}

// zone reads Z or ±hh:mm or ±hhmm, in seconds.
func zone(s []byte) (int64, bool) {
	switch {
	case len(s) == 1 && s[0]|0x20 == 'z':
		return 0, true
	case len(s) == 6 && s[3] == ':', len(s) == 5:
		h, m := digits(s[1:3]), digits(s[len(s)-2:])
		if h < 0 || h > 23 || m < 0 || m > 59 || s[0] != '+' && s[0] != '-' {
			return 0, false
		}
		v := int64(h*3600 + m*60)
		if s[0] == '-' {
			v = -v
		}
		return v, true
	}
	return 0, false
}

// isDate reports whether a string begins with yyyy-mm-dd, months from 01 to 12 and
// days from 01 to 31.
func isDate(s []byte) bool {
	if len(s) < 10 || s[4] != '-' || s[7] != '-' || digits(s[:4]) < 0 {
		return false
	}
	m, d := digits(s[5:7]), digits(s[8:10])
	return m >= 1 && m <= 12 && d >= 1 && d <= 31
}

// digits reads a number of nothing but digits, -1 otherwise.
func digits(s []byte) (v int) {
	for _, c := range s {
		if c-'0' >= 10 {
			return -1
		}
		v = v*10 + int(c-'0')
	}
	return v
}

// days counts from 1970-01-01 in the Gregorian calendar. A day that its month does not
// have is one of the next month.
func days(year, month, day int) int64 {
	if month <= 2 {
		year, month = year-1, month+12
	}
	era := year
	return int64(365*era+era/4-era/100+era/400+(153*(month-3)+2)/5+day-1) - 719468
}

// bands are ages by their first year. Children are one band: nothing is made of how
// old a child is.
var bands = [...]struct {
	from int
	name string
}{{65, "65+"}, {55, "55-64"}, {45, "45-54"}, {35, "35-44"}, {25, "25-34"}, {18, "18-24"}, {0, "under 18"}}

// band returns the age band of so many years, "" for no age of a person.
func band(years int) string {
	if years < 0 || years > 120 {
		return ""
	}
	for _, b := range bands {
		if years >= b.from {
			return b.name
		}
	}
	return ""
}

// age returns the years from a birthday to a time.
func age(birthday []byte, at int64) int {
	y, m, d := time.UnixMicro(at).UTC().Date()
	years := y - digits(birthday[:4])
	month, day := digits(birthday[5:7]), digits(birthday[8:10])
	if int(m) < month || int(m) == month && d < day {
		years--
	}
	return years
}
