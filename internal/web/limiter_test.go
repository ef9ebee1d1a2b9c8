package web

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

func TestALimiterPermitsABurstAndThenOneAtEachInterval(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	l := NewLimiter(10*time.Second, 3, func() time.Time { return now })
	for i := range 3 {
		if _, ok := l.Allow("ada"); !ok {
			t.Fatalf("number %d of the burst was refused", i+1)
		}
	}
	if wait, ok := l.Allow("ada"); ok || wait != 10*time.Second {
		t.Errorf("after the burst: %v, %v, want to wait ten seconds", wait, ok)
	}
	if _, ok := l.Allow("bob"); !ok {
		t.Error("one key used up another's burst")
	}
	now = now.Add(10 * time.Second)
	if _, ok := l.Allow("ada"); !ok {
		t.Error("nothing was permitted after the interval")
	}
	if _, ok := l.Allow("ada"); ok {
		t.Error("two were permitted after one interval")
	}
	now = now.Add(-time.Hour)
	if _, ok := l.Allow("ada"); !ok {
		t.Error("a clock that was set back locks a key out")
	}
}

// However it is asked, a limiter permits no more than the burst and one for each
// interval that has passed.
func TestALimiterNeverPermitsMoreThanItsRate(t *testing.T) {
	const seed = 20261129
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	for range 200 {
		now := time.Unix(1_800_000_000, 0)
		start, every, burst := now, time.Duration(1+rng.IntN(20))*time.Second, 1+rng.IntN(6)
		l := NewLimiter(every, burst, func() time.Time { return now })
		permitted := 0
		for range 300 {
			now = now.Add(time.Duration(rng.Int64N(int64(2 * every))))
			if _, ok := l.Allow("k"); ok {
				permitted++
			}
			if most := burst + int(now.Sub(start)/every); permitted > most {
				t.Fatalf("permitted %d within %v, at most %d were expected", permitted, now.Sub(start), most)
			}
		}
	}
}

func TestALimiterHoldsABoundedNumberOfKeys(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	l := NewLimiter(time.Hour, 1, func() time.Time { return now })
	for i := range limiterKeys + 1000 {
		l.Allow(fmt.Sprint(i))
	}
	if len(l.due) > limiterKeys {
		t.Errorf("%d keys are held, at most %d were expected", len(l.due), limiterKeys)
	}
}

func TestANetworkIsThatOfTheNeighbours(t *testing.T) {
	for addr, want := range map[string]string{
		"192.0.2.17:4000": "192.0.2.0/24", "[2001:db8:1:2ff::9]:80": "2001:db8:1:200::/56", "[::ffff:192.0.2.9]:1": "192.0.2.0/24",
		"[fe80::1%eth0]:1": "fe80::/56", "@": "@",
	} {
		if got := Network(addr); got != want {
			t.Errorf("Network(%q) = %q, want %q", addr, got, want)
		}
	}
}
