package policy

import (
	"errors"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/policy/calendar"
)

func dueOf(t *testing.T, l *Law, key, received string, h History) Due {
	t.Helper()
	all, err := l.Due(key, instant(t, received), h)
	if err != nil {
		t.Fatal(err)
	}
	return all[0]
}

func lawIn(t *testing.T, l *Library, place string) *Law {
	t.Helper()
	law, err := l.Law(Question{Residences: lives(place), On: calendar.Date{Year: 2026, Month: 11, Day: 21}})
	if err != nil {
		t.Fatal(err)
	}
	return law
}

func TestALateExtensionIsVoidAndTheDateStands(t *testing.T) {
	law := lawIn(t, library(t), "PT")
	const received = "2026-09-15T12:00:00+01:00" // due 15 October, a Thursday
	for told, want := range map[string]string{
		"":                          "2026-10-15",
		"2026-10-01T12:00:00+01:00": "2026-12-15",
		"2026-10-15T23:59:59+01:00": "2026-12-15", // the last second of the month
		"2026-10-16T00:00:00+01:00": "2026-10-15", // one second late
	} {
		h := History{}
		if told != "" {
			h.Told = instant(t, told)
		}
		d := dueOf(t, law, "access", received, h)
		if d.LastDay.String() != want || d.Extended != (want == "2026-12-15") || (len(d.Void) > 0) != (told > "2026-10-16") {
			t.Errorf("told %q: due %s, extended %v, void %q; want %s", told, d.LastDay, d.Extended, d.Void, want)
		}
	}
}

func TestAnExtensionHelpsOnlyWhenEveryLawAllowsIt(t *testing.T) {
	l := library(t)
	const received = "2026-09-15T12:00:00+01:00"
	told := History{Told: instant(t, "2026-09-20T12:00:00+01:00")}
	quebec := lawIn(t, l, "CA-QC") // Canada allows thirty days more, Quebec none
	if d := dueOf(t, quebec, "access", received, told); d.LastDay.String() != "2026-10-14" || d.Extended || d.Clock.Origin.Pack != "ca.qc.law25@2026.11.0" {
		t.Errorf("in Quebec: %s, extended %v, by %s", d.LastDay, d.Extended, d.Clock.Origin.Pack)
	}
	if d := dueOf(t, lawIn(t, l, "CA-ON"), "access", received, told); d.LastDay.String() != "2026-11-13" || !d.Extended {
		t.Errorf("in Ontario: %s, extended %v", d.LastDay, d.Extended)
	}
}

func TestTheEarliestDateOfAllLawsIsTheDate(t *testing.T) {
	l := library(t)
	both := Join(lawIn(t, l, "DE"), lawIn(t, l, "US-CA"))
	all, err := both.Due("access", instant(t, "2026-02-01T12:00:00Z"), History{})
	if err != nil || len(all) != 2 {
		t.Fatal(all, err)
	}
	if all[0].LastDay.String() != "2026-03-02" || all[1].LastDay.String() != "2026-03-17" {
		t.Errorf("due %s and %s", all[0].LastDay, all[1].LastDay)
	}
}

func TestTheClockStandsStillOnceForEachReasonTheLawNames(t *testing.T) {
	l := library(t)
	const received = "2026-11-02T09:00:00Z"
	stop := func(reason, from, until string) Standstill {
		s := Standstill{Reason: reason, From: instant(t, from)}
		if until != "" {
			s.Until = instant(t, until)
		}
		return s
	}
	first := stop("clarification", "2026-11-04T09:00:00Z", "2026-11-07T09:00:00Z")
	again := stop("clarification", "2026-11-10T09:00:00Z", "2026-11-20T09:00:00Z")
	doubt := stop("identity_doubt", "2026-11-09T09:00:00Z", "2026-11-10T09:00:00Z")
	open := stop("identity_doubt", "2026-11-09T09:00:00Z", "")
	for name, c := range map[string]struct {
		place  string
		stops  []Standstill
		want   string
		void   string
		paused bool
	}{
		"none":                        {"GB", nil, "2026-12-02", "", false},
		"one":                         {"GB", []Standstill{first}, "2026-12-07", "", false},
		"the same reason again":       {"GB", []Standstill{first, again}, "2026-12-07", "already", false},
		"in the other order":          {"GB", []Standstill{again, first}, "2026-12-07", "already", false},
		"another reason":              {"GB", []Standstill{first, doubt}, "2026-12-07", "", false}, // four days: Sunday 6, so Monday 7
		"still waiting":               {"GB", []Standstill{open}, "2026-12-02", "", true},
		"a reason the law lacks":      {"DE", []Standstill{first}, "2026-12-02", "does not let the clock stand still", false},
		"doubt in Germany":            {"DE", []Standstill{doubt}, "2026-12-03", "", false},
		"nothing stops in California": {"US-CA", []Standstill{first, doubt}, "2026-12-16", "does not let", false},
	} {
		t.Run(name, func(t *testing.T) {
			d := dueOf(t, lawIn(t, l, c.place), "access", received, History{Stops: c.stops})
			if d.LastDay.String() != c.want || d.Paused != c.paused || !strings.Contains(strings.Join(d.Void, " "), c.void) || c.void == "" && len(d.Void) > 0 {
				t.Errorf("due %s, paused %v, void %q; want %s, %v, %q", d.LastDay, d.Paused, d.Void, c.want, c.paused, c.void)
			}
		})
	}
}

func TestWithoutADateThereIsNoDueDate(t *testing.T) {
	law := lawIn(t, library(t), "DE")
	at := instant(t, "2026-11-21T12:00:00Z")
	for key, want := range map[string]string{"breach/persons": "without undue delay", "teleport": "no law"} {
		if _, err := law.Due(key, at, History{}); !errors.Is(err, thimble.ErrNotFound) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want ErrNotFound with %q", key, err, want)
		}
	}
	if _, err := law.Due("access", time.Time{}, History{}); !errors.Is(err, thimble.ErrInvalid) {
		t.Errorf("a request that was never received: %v", err)
	}
}
