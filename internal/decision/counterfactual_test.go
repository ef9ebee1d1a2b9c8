package decision_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"thimble"
	"thimble/internal/decision"
	"thimble/internal/decision/decisiontest"
)

// fewest tries every combination of changes, and returns how many the smallest one has that
// leads to the goal; -1 when none does. It knows nothing of the solver.
func fewest(r decision.Record, goal int) int {
	best := -1
	values := slices.Clone(r.Features)
	var try func(at, changed int)
	try = func(at, changed int) {
		if best >= 0 && changed >= best {
			return
		}
		if at == len(values) {
			if reached(r, values) >= goal {
				best = changed
			}
			return
		}
		try(at+1, changed)
		f := values[at]
		if !f.Actionable() {
			return
		}
		for _, o := range f.Options {
			values[at].Value, values[at].Weight = o.Value, o.Weight
			try(at+1, changed+1)
		}
		values[at] = f
	}
	try(0, 0)
	return best
}

// reached is the band that comes out with other values of the features.
func reached(r decision.Record, values []decision.Feature) int {
	again := r
	again.Counter, again.Features, again.Results = nil, values, []decision.Result{{Base: r.Results[0].Base}}
	for _, t := range r.Results[0].Terms {
		i := slices.IndexFunc(values, func(f decision.Feature) bool { return f.Key == t.Because })
		again.Results[0].Terms = append(again.Results[0].Terms, decision.Term{Because: t.Because, Weight: values[i].Weight, Value: values[i].Value})
	}
	out := again.Settle().Results[0].Outcome
	return slices.IndexFunc(r.Bands, func(b decision.Band) bool { return b.Outcome == out })
}

func TestTheCounterfactualIsTheSmallestThereIs(t *testing.T) {
	rng, runs := seeded(t, 1500, 100_000)
	found, short := 0, 0
	for i := range runs {
		n := 1 + rng.IntN(6)
		if i%100 == 0 {
			n = 12
		}
		r := decisiontest.Scored(rng, n)
		at := slices.IndexFunc(r.Bands, func(b decision.Band) bool { return b.Outcome == r.Results[0].Outcome })
		if at == len(r.Bands)-1 {
			if r.Counter.None != decision.Best {
				t.Fatalf("run %d: the best outcome has the counterfactual %+v", i, r.Counter)
			}
			continue
		}
		want, got := fewest(r, at+1), len(r.Counter.Changes)
		if r.Counter.None != "" {
			got = -1
		}
		if got != want {
			t.Fatalf("run %d of %d features: %d changes (%+v), the smallest has %d", i, n, got, r.Counter, want)
		}
		if got > 0 {
			found++
			if got <= 3 {
				short++
			}
		}
		for _, c := range r.Counter.Changes {
			f := r.Features[slices.IndexFunc(r.Features, func(f decision.Feature) bool { return f.Key == c.Key })]
			if f.Category.Within("user.demographic") {
				t.Fatalf("run %d: somebody is told to change %s", i, f.Category)
			}
		}
	}
	t.Logf("%d counterfactuals, %.1f %% with at most three changes", found, 100*float64(short)/float64(max(found, 1)))
}

// without is whether a list is led by another when purchases are left out.
func without(r decision.Record, out map[thimble.ItemID]bool) bool {
	score := func(res decision.Result) (sum int64) {
		for _, t := range res.Terms {
			if !out[t.Because] {
				sum += t.Share
			}
		}
		return sum
	}
	return slices.ContainsFunc(r.Results[1:], func(res decision.Result) bool { return score(res) > score(r.Results[0]) })
}

func TestNoFewerPurchasesLeftOutWouldChangeTheFirstPlace(t *testing.T) {
	rng, runs := seeded(t, 1500, 100_000)
	for i := range runs {
		had := 1 + rng.IntN(12)
		r := decisiontest.List(rng, 1+rng.IntN(8), had)
		best := -1
		for set := range 1 << had {
			out := map[thimble.ItemID]bool{}
			for j := range had {
				if set&(1<<j) != 0 {
					out[thimble.ItemID("had-"+itoa(j))] = true
				}
			}
			if (best < 0 || len(out) < best) && without(r, out) {
				best = len(out)
			}
		}
		got := len(r.Counter.Changes)
		if r.Counter.None != "" {
			got = -1
		}
		if got != best {
			t.Fatalf("run %d: %d purchases (%+v), the smallest set has %d", i, got, r.Counter, best)
		}
	}
}

func itoa(n int) string {
	if n > 9 {
		return string(rune('0'+n/10)) + string(rune('0'+n%10))
	}
	return string(rune('0' + n))
}

func BenchmarkCounterfactualOfTwelveFeatures(b *testing.B) {
	r := decisiontest.Scored(rand.New(rand.NewPCG(1, 0)), 12)
	b.ReportAllocs()
	for b.Loop() {
		r.WithCounterfactual()
	}
}
