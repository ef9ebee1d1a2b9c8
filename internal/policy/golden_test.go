package policy

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"thimble/internal/policy/calendar"
)

var update = flag.Bool("update", false, "write the stepped golden dates again, by stepping; never by the code under test")

// A goldenCase is one line of a golden file.
type goldenCase struct {
	line                              int
	pack, received, span, pauses, due string
	why                               string
}

func golden(t *testing.T, name string) (all []goldenCase) {
	t.Helper()
	for i, line := range strings.Split(string(readFile(t, name)), "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Split(line, "|")
		if len(f) != 6 {
			t.Fatalf("%s:%d: %d fields", name, i+1, len(f))
		}
		for j := range f {
			f[j] = strings.TrimSpace(f[j])
		}
		if f[5] == "" {
			t.Fatalf("%s:%d: no derivation", name, i+1)
		}
		all = append(all, goldenCase{i + 1, f[0], f[1], f[2], f[3], f[4], f[5]})
	}
	return all
}

// run asks the calendar of the pack.
func (c goldenCase) run(t *testing.T, l *Library) string {
	t.Helper()
	p, err := l.Pack(c.pack)
	if err != nil {
		t.Fatal(err)
	}
	span, err := calendar.ParseSpan(c.span)
	if err != nil {
		t.Fatal(err)
	}
	var pauses []calendar.Pause
	for _, s := range strings.Split(c.pauses, ",") {
		if from, until, ok := strings.Cut(strings.TrimSpace(s), "/"); ok {
			pauses = append(pauses, calendar.Pause{From: instant(t, from), Until: instant(t, until)})
		}
	}
	d, err := p.compute.Due(instant(t, c.received), span, pauses...)
	if err != nil {
		t.Fatal(err)
	}
	if span.Unit == calendar.Hours {
		if want := instant(t, c.due); d.By.Equal(want) {
			return c.due
		}
		return d.By.Format(time.RFC3339)
	}
	if got := d.By.In(p.compute.Zone); calendar.On(got.Add(-time.Nanosecond), p.compute.Zone) != d.LastDay {
		t.Errorf("line %d: the last day is %s, but what is too late begins %s", c.line, d.LastDay, got)
	}
	return d.LastDay.String()
}

func TestDatesDerivedByHand(t *testing.T) {
	l := library(t)
	all := golden(t, "testdata/golden_hand.txt")
	if len(all) < 100 {
		t.Fatalf("only %d dates", len(all))
	}
	for _, c := range all {
		if got := c.run(t, l); got != c.due {
			t.Errorf("line %d: %s received %s, %s: due %s, want %s: %s", c.line, c.pack, c.received, c.span, got, c.due, c.why)
		}
	}
}

// free lists the public holidays of 2026 to 2028 by date, and not
// by the rules of the packs.
var free = map[string]string{
	"eu.gdpr": "", "us.ca.ccpa": "",
	"eu.gdpr.de": "2026-01-01 2026-04-03 2026-04-06 2026-05-01 2026-05-14 2026-05-25 2026-10-03 2026-12-25 2026-12-26 " +
		"2027-01-01 2027-03-26 2027-03-29 2027-05-01 2027-05-06 2027-05-17 2027-10-03 2027-12-25 2027-12-26 " +
		"2028-01-01 2028-04-14 2028-04-17 2028-05-01 2028-05-25 2028-06-05 2028-10-03 2028-12-25 2028-12-26",
	"eu.gdpr.fr": "2026-01-01 2026-04-06 2026-05-01 2026-05-08 2026-05-14 2026-05-25 2026-07-14 2026-08-15 2026-11-01 2026-11-11 2026-12-25 " +
		"2027-01-01 2027-03-29 2027-05-01 2027-05-06 2027-05-08 2027-05-17 2027-07-14 2027-08-15 2027-11-01 2027-11-11 2027-12-25 " +
		"2028-01-01 2028-04-17 2028-05-01 2028-05-08 2028-05-25 2028-06-05 2028-07-14 2028-08-15 2028-11-01 2028-11-11 2028-12-25",
	"eu.gdpr.ie": "2026-01-01 2026-02-02 2026-03-17 2026-04-06 2026-05-04 2026-06-01 2026-08-03 2026-10-26 2026-12-25 2026-12-26 " +
		"2027-01-01 2027-02-01 2027-03-17 2027-03-29 2027-05-03 2027-06-07 2027-08-02 2027-10-25 2027-12-25 2027-12-26 " +
		"2028-01-01 2028-02-07 2028-03-17 2028-04-17 2028-05-01 2028-06-05 2028-08-07 2028-10-30 2028-12-25 2028-12-26",
	"uk.gdpr": "2026-01-01 2026-04-03 2026-04-06 2026-05-04 2026-05-25 2026-08-31 2026-12-25 2026-12-28 " +
		"2027-01-01 2027-03-26 2027-03-29 2027-05-03 2027-05-31 2027-08-30 2027-12-27 2027-12-28 " +
		"2028-01-03 2028-04-14 2028-04-17 2028-05-01 2028-05-29 2028-08-28 2028-12-25 2028-12-26",
	"br.lgpd": "2026-01-01 2026-04-21 2026-05-01 2026-09-07 2026-10-12 2026-11-02 2026-11-15 2026-11-20 2026-12-25 " +
		"2027-01-01 2027-04-21 2027-05-01 2027-09-07 2027-10-12 2027-11-02 2027-11-15 2027-11-20 2027-12-25 " +
		"2028-01-01 2028-04-21 2028-05-01 2028-09-07 2028-10-12 2028-11-02 2028-11-15 2028-11-20 2028-12-25",
}

// A stepper counts day by day with the standard library's dates only, and writes
// down what it does.
type stepper struct {
	pack, rule string
	day        time.Time
	said       []string
}

func (s *stepper) works() bool {
	w := s.day.Weekday()
	return w != time.Saturday && w != time.Sunday && !strings.Contains(free[s.pack], s.day.Format(time.DateOnly))
}

func (s *stepper) say(format string, args ...any) {
	s.said = append(s.said, fmt.Sprintf(format, args...))
}

func (s *stepper) next() { s.day = s.day.Add(24 * time.Hour) }

func (s *stepper) roll() {
	for !s.works() {
		why := s.day.Weekday().String()
		if strings.Contains(free[s.pack], s.day.Format(time.DateOnly)) {
			why += " and holiday"
		}
		s.say("%s is a %s", s.day.Format("2 Jan"), why)
		s.next()
	}
}

// step returns the last day of a period that begins with the event's day.
func (s *stepper) step(n int, unit string) string {
	event := s.day
	switch unit {
	case "bd":
		for done := 0; done < n; {
			s.next()
			if s.works() {
				done++
			}
		}
		s.say("working day %d after receipt", n)
	case "d":
		count := 0
		if s.rule == "us" || s.rule == "uk" {
			count = 1 // the day of receipt is the first
		}
		for ; count < n; count++ {
			s.next()
		}
		s.say("day %d is %s", n, s.day.Format("Mon 2 Jan"))
	case "mo":
		year, month := s.day.Year(), int(s.day.Month())
		for range n {
			if month++; month > 12 {
				year, month = year+1, 1
			}
		}
		want := s.day.Day()
		s.day = time.Date(year, time.Month(month), 1, 0, 0, 0, 0, time.UTC)
		for s.day.Day() < want {
			if s.next(); int(s.day.Month()) != month {
				s.say("that month has no %d", want)
				if s.rule != "br" {
					s.day = s.day.Add(-24 * time.Hour)
				}
				break
			}
		}
		s.say("%s is a %s", s.day.Format("2 Jan 2006"), s.day.Weekday())
	}
	if s.rule == "eu" || s.rule == "br" || s.rule == "uk" && unit == "mo" {
		s.roll()
	}
	if s.rule == "eu" && unit == "d" && n >= 2 {
		last := s.day
		worked := 0
		for s.day = event; s.day.Before(last) || worked < 2; {
			if s.next(); s.works() {
				worked++
			}
		}
		if s.day != last {
			s.say("two working days are needed: %s", s.day.Format("Mon 2 Jan"))
		}
	}
	return s.day.Format(time.DateOnly)
}

// stepped steps through a grid of days on which rules differ.
func stepped(t *testing.T, l *Library) string {
	rules := map[string]string{"eu.gdpr": "eu", "eu.gdpr.de": "eu", "eu.gdpr.fr": "eu", "eu.gdpr.ie": "eu", "uk.gdpr": "uk", "us.ca.ccpa": "us", "br.lgpd": "br"}
	days := strings.Fields("2026-01-29 2026-01-31 2026-02-28 2026-03-31 2026-04-01 2026-04-30 2026-05-13 2026-07-31 2026-08-14 2026-10-31 2026-11-20 2026-12-24 2026-12-30 2027-02-28 2027-03-25 2027-12-23 2028-01-31 2028-02-28 2028-02-29 2028-05-31")
	spans := []struct {
		n    int
		unit string
	}{{1, "mo"}, {3, "mo"}, {2, "d"}, {15, "d"}, {45, "d"}, {3, "bd"}, {10, "bd"}}
	var b strings.Builder
	b.WriteString("# Derived by stepping day by day through a calendar with holidays listed by date (golden_test.go), not by the code under test.\n")
	b.WriteString("# pack | received | period | | last day | derivation\n")
	for _, pack := range sorted(rules) {
		zone := l.packs[pack].compute.Zone
		for i, day := range days {
			for j, span := range spans {
				if (i+j)%2 != 0 {
					continue // every other one
				}
				at, err := time.Parse(time.DateOnly, day)
				if err != nil {
					t.Fatal(err)
				}
				s := &stepper{pack: pack, rule: rules[pack], day: at}
				due := s.step(span.n, span.unit)
				noon := time.Date(at.Year(), at.Month(), at.Day(), 12, 0, 0, 0, zone).Format(time.RFC3339)
				fmt.Fprintf(&b, "%s | %s | %d%s | | %s | %s\n", pack, noon, span.n, span.unit, due, strings.Join(s.said, "; "))
			}
		}
	}
	return b.String()
}

func TestDatesDerivedByStepping(t *testing.T) {
	const name = "testdata/golden_stepped.txt"
	l := library(t)
	text := stepped(t, l)
	if *update {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got := string(readFile(t, name)); got != text {
		t.Error("the file is not what stepping gives; look, and run with -update")
	}
	all := golden(t, name)
	if len(all) < 300 {
		t.Fatalf("only %d dates", len(all))
	}
	for _, c := range all {
		if got := c.run(t, l); got != c.due {
			t.Errorf("line %d: %s received %s, %s: due %s, want %s: %s", c.line, c.pack, c.received, c.span, got, c.due, c.why)
		}
	}
}
