package trial_test

import (
	"math/rand/v2"
	"testing"

	"thimble/internal/recommend/trial"
)

// seed is printed with each failure, and fixed.
const seed = 20261130

// A shopper draws what one person of a group does: what they spent, lists and clicks. Most
// buy nothing, and what is bought differs by much, as in shops.
type shopper func(r *rand.Rand, treated bool) (x, y int64)

// spends: one of five buys, for a log-normal amount, capped at 20,000. Who is treated buys
// for as much more as lift says, whoever they are.
func spends(lift int64) shopper {
	return func(r *rand.Rand, treated bool) (int64, int64) {
		x := int64(0)
		if r.Float64() < 0.2 {
			x = min(20_000, int64(3000*exp(r.NormFloat64()*0.8)))
		}
		if treated {
			x += lift
		}
		return x, 1
	}
}

// clicks: people see between 1 and 30 lists and differ in how gladly they click.
func clicks(base, lift float64) shopper {
	return func(r *rand.Rand, treated bool) (x, y int64) {
		y = 1 + r.Int64N(30)
		p := base * 2 * r.Float64()
		if treated {
			p += lift
		}
		for range y {
			if r.Float64() < p {
				x++
			}
		}
		return x, y
	}
}

// looked runs an experiment that is looked at after each 50 people, and reports whether
// the interval ever left the truth, and whether it ever left no difference.
func looked(r *rand.Rand, who shopper, truth float64, people int) (missed, found bool) {
	var a, b trial.Sums
	for n := 1; n <= people; n++ {
		a.Add(who(r, false))
		b.Add(who(r, true))
		if n%25 != 0 {
			continue
		}
		i := trial.Compare(a, b, trial.Alpha, 2*500)
		if !i.Known() {
			continue
		}
		missed = missed || truth < i.Low || truth > i.High
		found = found || i.Above() || i.Below()
	}
	return missed, found
}

const (
	experiments = 1000
	people      = 1500 // in each group
)

// TestWhoLooksEveryDayIsNotWrongMoreOften: a thousand experiments without an effect, each
// looked at sixty times..
func TestWhoLooksEveryDayIsNotWrongMoreOften(t *testing.T) {
	for name, who := range map[string]shopper{"revenue": spends(0), "clicks": clicks(0.05, 0)} {
		r := rand.New(rand.NewPCG(seed, 1))
		wrong := 0
		for range experiments {
			if _, found := looked(r, who, 0, people); found {
				wrong++
			}
		}
		t.Logf("%s: %d of %d experiments without an effect were called different at some look (seed %d)", name, wrong, experiments, seed)
		if wrong > experiments*5/100 {
			t.Errorf("%s: %d of %d false alarms, want at most 5 %% (seed %d)", name, wrong, experiments, seed)
		}
	}
}

// TestTheIntervalCoversAKnownEffect: at all looks at once.
func TestTheIntervalCoversAKnownEffect(t *testing.T) {
	for name, one := range map[string]struct {
		who   shopper
		truth float64
	}{"revenue": {spends(300), 300}, "clicks": {clicks(0.05, 0.02), 0.02}} {
		r := rand.New(rand.NewPCG(seed, 2))
		missed, found := 0, 0
		for range experiments {
			m, f := looked(r, one.who, one.truth, people)
			if m {
				missed++
			}
			if f {
				found++
			}
		}
		t.Logf("%s: the interval held the truth at every look in %d of %d experiments, and found it in %d (seed %d)", name, experiments-missed, experiments, found, seed)
		if missed > experiments*5/100 {
			t.Errorf("%s: missed in %d of %d, want at most 5 %% (seed %d)", name, missed, experiments, seed)
		}
		if found < experiments/2 {
			t.Errorf("%s: found in %d of %d only: the interval is of no use", name, found, experiments)
		}
	}
}

// TestAPlainIntervalIsWrongWhenPeekedAt shows that the test above can fail: the same looks
// with 1.96 standard errors.
func TestAPlainIntervalIsWrongWhenPeekedAt(t *testing.T) {
	r, wrong := rand.New(rand.NewPCG(seed, 3)), 0
	for range 300 {
		var a, b trial.Sums
		for n := 1; n <= people; n++ {
			a.Add(spends(0)(r, false))
			b.Add(spends(0)(r, true))
			if n%25 == 0 && n >= 50 {
				if i := trial.Compare(a, b, trial.Alpha, 1000); i.Diff > 1.96*i.SE || i.Diff < -1.96*i.SE {
					wrong++
					break
				}
			}
		}
	}
	if wrong < 300*15/100 {
		t.Errorf("%d of 300 only (seed %d): the looks would find nothing wrong with any interval", wrong, seed)
	}
}

// TestGroupsMadeByChanceAreNotCalledUneven: looked at after each hundred people.
func TestGroupsMadeByChanceAreNotCalledUneven(t *testing.T) {
	variants := []trial.Variant{{Share: 9000}, {Share: 1000}}
	run := func(r *rand.Rand, share float64) bool {
		counts := make([]int64, 2)
		for n := 1; n <= 5000; n++ {
			i := 0
			if r.Float64() < share {
				i = 1
			}
			counts[i]++
			if n%100 == 0 && trial.Uneven(counts, variants) > trial.UnevenAt {
				return true
			}
		}
		return false
	}
	r, fair, lost := rand.New(rand.NewPCG(seed, 4)), 0, 0
	for range experiments {
		if run(r, 0.1) {
			fair++
		}
	}
	for range 100 {
		if run(r, 0.075) { // a quarter of one group is not counted
			lost++
		}
	}
	t.Logf("%d of %d fair experiments called uneven, %d of 100 with a quarter of a group lost (seed %d)", fair, experiments, lost, seed)
	if fair > experiments*5/1000 || lost < 95 {
		t.Errorf("fair ones called uneven: %d of %d; lost ones found: %d of 100 (seed %d)", fair, experiments, lost, seed)
	}
}
