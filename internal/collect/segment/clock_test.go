package segment

import (
	"math/rand/v2"
	"testing"
	"time"
)

func TestTheClientsClockIsCorrected(t *testing.T) {
	at := func(s string) int64 {
		if s == "" {
			return noTime
		}
		v, ok := readTime([]byte(s))
		if !ok {
			t.Fatalf("%q cannot be read", s)
		}
		return v
	}
	const came = "2026-11-29T12:00:00Z"
	for name, c := range map[string]struct{ client, sent, want string }{
		"a clock that is right":         {"2026-11-29T11:59:00Z", "2026-11-29T12:00:00Z", "2026-11-29T11:59:00Z"},
		"a clock an hour ahead":         {"2026-11-29T12:59:00Z", "2026-11-29T13:00:00Z", "2026-11-29T11:59:00Z"},
		"a clock years behind":          {"1999-01-01T00:00:00Z", "1999-01-01T00:01:00Z", "2026-11-29T11:59:00Z"},
		"no sentAt":                     {"2026-11-29T11:00:00Z", "", "2026-11-29T11:00:00Z"},
		"no sentAt and from the future": {"2026-11-30T11:00:00Z", "", came},
		"sent before it happened":       {"2026-11-29T12:00:01Z", "2026-11-29T12:00:00Z", came},
		"no time at all":                {"", "2026-11-29T12:00:00Z", came},
		"nothing":                       {"", "", came},
		"nanoseconds":                   {"2026-11-29T11:59:59.999999999Z", "2026-11-29T12:00:00.000000001Z", "2026-11-29T11:59:59.999999Z"},
		"another zone":                  {"2026-11-29T13:59:00+02:00", "2026-11-29T12:00:00Z", "2026-11-29T11:59:00Z"},
	} {
		if got := happened(at(came), at(c.client), at(c.sent)); got != at(c.want) {
			t.Errorf("%s: %v, want %s", name, time.UnixMicro(got).UTC(), c.want)
		}
	}
}

func TestTimesAreReadAsTheStandardLibraryReadsThem(t *testing.T) {
	const seed = 20261129
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 2))
	for range times(20_000, 2_000_000) {
		want := time.Unix(rng.Int64N(253402300799), rng.Int64N(1e9)).In(time.FixedZone("", (rng.IntN(2*14*60)-14*60)*60))
		if want.UTC().Year() > 9998 || want.UTC().Year() < 1 {
			continue
		}
		for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.000000-0700"} {
			text := want.Format(layout)
			if got, ok := readTime([]byte(text)); !ok || got != want.UnixMicro() {
				t.Fatalf("%s: %d, want %d", text, got, want.UnixMicro())
			}
		}
	}
	for _, bad := range []string{"", "2026", "2026-13-01", "2026-11-29T", "2026-11-29T25:00:00Z", "2026-11-29T12:00:00", "2026-11-29T12:00:00.Z", "2026-11-29T12:00:00+25:00", "yesterday..", "2026-11-29T12:00:00ZZ", "1764417600", "2026-11-29 12.00.00Z "} {
		if v, ok := readTime([]byte(bad)); ok {
			t.Errorf("%q is read as %d", bad, v)
		}
	}
}

func TestAnAgeIsABand(t *testing.T) {
	at := time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC).UnixMicro()
	for birthday, want := range map[string]string{
		"2008-11-29": "18-24", "2008-11-30": "under 18", "2020-01-01": "under 18", "1961-11-29": "65+", "1961-11-30": "55-64", "1990-02-29": "35-44", "2027-01-01": "", "1800-01-01": "",
	} {
		if got := band(age([]byte(birthday), at)); got != want {
			t.Errorf("born %s: %q, want %q", birthday, got, want)
		}
	}
}
