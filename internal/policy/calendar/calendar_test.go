package calendar

import (
	"errors"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"thimble"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// TestADayBeginsWithItsFirstInstant walks over every quarter of an hour of years
// in which clocks skip midnight, or show it twice, and holds Start against it.
func TestADayBeginsWithItsFirstInstant(t *testing.T) {
	for name, year := range map[string]int{
		"America/Sao_Paulo": 2018, "Africa/Cairo": 2023, "America/Havana": 2024, "Asia/Beirut": 2022, "Asia/Amman": 2013,
		"Europe/Berlin": 2026, "Australia/Lord_Howe": 2026, "Asia/Kathmandu": 2026, "America/Asuncion": 2023, "Asia/Tehran": 2021,
	} {
		z := zone(t, name)
		first := map[Date]time.Time{}
		begin := time.Date(year, 1, 2, 0, 0, 0, 0, time.UTC)
		for at := begin.AddDate(0, 0, -1); at.Year() <= year; at = at.Add(15 * time.Minute) {
			if d := On(at, z); first[d].IsZero() {
				first[d] = at
			}
		}
		for d, want := range first {
			if want.Before(begin) {
				continue // the walk began within that day
			}
			if got := d.Start(z); !got.Equal(want) {
				t.Errorf("%s in %s starts at %s, want %s", d, name, got.UTC(), want)
			}
		}
	}
}

// The days of Easter are from published tables.
func TestEasterFallsWhereTheTablesSay(t *testing.T) {
	western := []Date{{2000, 4, 23}, {2008, 3, 23}, {2011, 4, 24}, {2019, 4, 21}, {2024, 3, 31}, {2025, 4, 20}, {2026, 4, 5}, {2027, 3, 28}, {2028, 4, 16}, {2038, 4, 25}}
	for _, want := range western {
		if got := Easter(want.Year); got != want {
			t.Errorf("Easter(%d) = %s, want %s", want.Year, got, want)
		}
	}
	orthodox := []Date{{2000, 4, 30}, {2019, 4, 28}, {2021, 5, 2}, {2024, 5, 5}, {2025, 4, 20}, {2026, 4, 12}, {2027, 5, 2}, {2028, 4, 16}}
	for _, want := range orthodox {
		if got := OrthodoxEaster(want.Year); got != want {
			t.Errorf("OrthodoxEaster(%d) = %s, want %s", want.Year, got, want)
		}
	}
}

func TestHolidaysMoveAsTheirRulesSay(t *testing.T) {
	h, err := NewHolidays([]Holiday{
		{Name: "Brigid", Nth: "1 monday 2", Instead: "02-01 friday"},
		{Name: "King", Day: "04-27", OnSunday: -1},
		{Name: "last Monday of May", Nth: "-1 monday 5"},
		{Name: "Christmas", Day: "12-25", Substitute: true},
		{Name: "Boxing Day", Day: "12-26", Substitute: true},
		{Name: "new", Day: "10-04", From: 2026},
		{Name: "leap", Day: "02-29"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for day, want := range map[Date]bool{
		{2024, 2, 5}: true, {2030, 2, 1}: true, {2030, 2, 4}: false, // 1 February 2030 is a Friday
		{2025, 4, 26}: true, {2025, 4, 27}: false, {2026, 4, 27}: true, // 27 April 2025 is a Sunday
		{2026, 5, 25}: true, {2026, 5, 18}: false,
		{2027, 12, 27}: true, {2027, 12, 28}: true, {2027, 12, 25}: false, // Saturday and Sunday become Monday and Tuesday
		{2026, 12, 25}: true, {2026, 12, 28}: true, // Friday stays, Saturday becomes Monday
		{2025, 10, 4}: false, {2026, 10, 4}: true,
		{2028, 2, 29}: true,
	} {
		if got := slices.Contains(h.In(day.Year), day); got != want {
			t.Errorf("holiday on %s = %v, want %v", day, got, want)
		}
	}
}

func TestBadHolidayIsRefused(t *testing.T) {
	n := 1
	for _, h := range []Holiday{
		{Name: "none"}, {Day: "12-25"}, {Name: "two", Day: "12-25", Easter: &n}, {Name: "x", Day: "13-01"}, {Name: "x", Nth: "5 monday 1"},
		{Name: "x", Nth: "1 Monday 1"}, {Name: "x", Nth: "1 monday 13"}, {Name: "x", Day: "01-01", Instead: "02-01 fryday"}, {Name: "x", Day: "01-01", From: 2027, To: 2026},
	} {
		if _, err := NewHolidays([]Holiday{h}); !errors.Is(err, thimble.ErrInvalid) {
			t.Errorf("NewHolidays(%+v) = %v, want ErrInvalid", h, err)
		}
	}
	if _, err := NewHolidays(nil, "funday"); !errors.Is(err, thimble.ErrInvalid) {
		t.Error("a weekend of no weekday is taken")
	}
}

func TestAnEventWithoutInstantOrZoneIsRefused(t *testing.T) {
	at := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	for name, f := range map[string]func() (Deadline, error){
		"no event": func() (Deadline, error) { return Calendar{Rule: EU, Zone: time.UTC}.Due(time.Time{}, Span{1, Months}) },
		"no zone":  func() (Deadline, error) { return Calendar{Rule: EU}.Due(at, Span{1, Months}) },
		"no rule":  func() (Deadline, error) { return Calendar{Rule: "x", Zone: time.UTC}.Due(at, Span{1, Months}) },
		"promptly": func() (Deadline, error) { return Calendar{Rule: EU, Zone: time.UTC}.Due(at, Span{Unit: Prompt}) },
		"no span":  func() (Deadline, error) { return Calendar{Rule: EU, Zone: time.UTC}.Due(at, Span{}) },
	} {
		if d, err := f(); !errors.Is(err, thimble.ErrInvalid) {
			t.Errorf("%s: Due = %+v, %v, want ErrInvalid", name, d, err)
		}
	}
}

// TestDeadlinesAreMonotone holds what every rule owes, whatever is drawn: a later
// event, a longer period and a longer pause never end earlier, and a holiday
// never makes a date earlier.
func TestDeadlinesAreMonotone(t *testing.T) {
	names := []string{"UTC", "Europe/Berlin", "Pacific/Auckland", "America/Los_Angeles", "America/Sao_Paulo", "Asia/Kolkata"}
	christmas, err := NewHolidays([]Holiday{{Name: "a", Day: "12-25", Substitute: true}, {Name: "b", Day: "12-26", Substitute: true}, {Name: "c", Easter: new(int)}, {Name: "d", Nth: "1 monday 5"}})
	if err != nil {
		t.Fatal(err)
	}
	var zones []*time.Location
	for _, n := range names {
		zones = append(zones, zone(t, n))
	}
	rapid.Check(t, func(t *rapid.T) {
		c := Calendar{Rule: rapid.SampledFrom(Rules).Draw(t, "rule"), Zone: rapid.SampledFrom(zones).Draw(t, "zone"), Holidays: christmas}
		bare := c
		bare.Holidays = nil
		s := Span{rapid.IntRange(0, 70).Draw(t, "n"), rapid.SampledFrom([]Unit{Hours, Days, Business, Months}).Draw(t, "unit")}
		at := time.Unix(rapid.Int64Range(1_600_000_000, 1_900_000_000).Draw(t, "at"), 0)
		later := at.Add(time.Duration(rapid.Int64Range(0, 5_000_000).Draw(t, "later")) * time.Second)
		pause := Pause{at.Add(time.Hour), at.Add(time.Hour + time.Duration(rapid.IntRange(0, 400).Draw(t, "pause"))*time.Hour)}
		due := func(c Calendar, at time.Time, s Span, p ...Pause) time.Time {
			d, err := c.Due(at, s, p...)
			if err != nil {
				t.Fatal(err)
			}
			return d.By
		}
		by := due(c, at, s)
		if by.Before(at) || s.Unit != Hours && !by.After(at) {
			t.Fatalf("due %s before the event %s", by, at)
		}
		if got := due(c, later, s); got.Before(by) {
			t.Fatalf("received later, due earlier: %s < %s", got, by)
		}
		if got := due(c, at, Span{s.N + 1, s.Unit}); got.Before(by) {
			t.Fatalf("longer period, due earlier: %s < %s", got, by)
		}
		if got := due(c, at, s, pause); got.Before(by) {
			t.Fatalf("paused, due earlier: %s < %s", got, by)
		}
		if got := due(bare, at, s); got.After(by) {
			t.Fatalf("without holidays due later: %s > %s", got, by)
		}
	})
}

func TestPausesDoNotCountTwice(t *testing.T) {
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	hour := func(n int) time.Time { return at.Add(time.Duration(n) * time.Hour) }
	c := Calendar{Rule: EU, Zone: time.UTC}
	for name, p := range map[string]struct {
		pauses []Pause
		want   time.Time
	}{
		"none":                                   {nil, hour(72)},
		"one":                                    {[]Pause{{hour(1), hour(4)}}, hour(75)},
		"overlapping":                            {[]Pause{{hour(1), hour(4)}, {hour(2), hour(6)}}, hour(77)},
		"within":                                 {[]Pause{{hour(1), hour(9)}, {hour(2), hour(6)}}, hour(80)},
		"before it":                              {[]Pause{{hour(-9), hour(2)}}, hour(74)},
		"after it":                               {[]Pause{{hour(72), hour(99)}}, hour(72)},
		"turned around":                          {[]Pause{{hour(5), hour(3)}}, hour(72)},
		"one more in the time that another gave": {[]Pause{{hour(1), hour(4)}, {hour(74), hour(75)}}, hour(76)},
	} {
		d, err := c.Due(at, Span{72, Hours}, p.pauses...)
		if err != nil || !d.By.Equal(p.want) {
			t.Errorf("%s: %s %v, want %s", name, d.By, err, p.want)
		}
	}
}

func FuzzParseSpanAndDate(f *testing.F) {
	for _, s := range []string{"1mo", "72h", "10bd", "undue_delay", "2y", "-1d", "2026-11-21", "2026-02-29", "1e9d", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if span, err := ParseSpan(s); err == nil {
			if again, err := ParseSpan(span.String()); err != nil || again != span {
				t.Errorf("ParseSpan(%q) = %v, again %v, %v", s, span, again, err)
			}
		}
		if d, err := ParseDate(s); err == nil && d.String() != s {
			t.Errorf("ParseDate(%q) = %s", s, d)
		}
	})
}
