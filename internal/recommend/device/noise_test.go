package device_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"testing/iotest"

	"thimble"
	"thimble/internal/recommend/device"
)

// source is chance with a seed, for tests alone.
func source(seed byte) *rand.ChaCha8 { return rand.NewChaCha8([32]byte{seed}) }

// chiSquare compares draws with probabilities that are in proportion to weight. It returns
// the statistic over the values that are expected at least 20 times, the rest as one more,
// and its degrees of freedom.
func chiSquare(draws []int64, weight func(y int64) float64) (x float64, free int) {
	total := 0.0
	for y := int64(-20_000); y <= 20_000; y++ {
		total += weight(y)
	}
	seen := map[int64]float64{}
	for _, y := range draws {
		seen[y]++
	}
	n := float64(len(draws))
	restSeen, restWant := n, n
	for y := int64(-20_000); y <= 20_000; y++ {
		want := n * weight(y) / total
		if want < 20 {
			continue
		}
		x += (seen[y] - want) * (seen[y] - want) / want
		free++
		restSeen, restWant = restSeen-seen[y], restWant-want
	}
	if restWant >= 5 {
		x += (restSeen - restWant) * (restSeen - restWant) / restWant
		free++
	}
	return x, free - 1
}

// limit is the chi-square statistic that one in a hundred thousand exceeds, by Wilson and
// Hilferty's approximation.
func limit(free int) float64 {
	k := float64(free)
	c := 1 - 2/(9*k) + 4.265*math.Sqrt(2/(9*k))
	return k * c * c * c
}

func TestNoiseIsDrawnFromTheDiscreteGaussian(t *testing.T) {
	for _, variance := range []uint64{1, 2, 9, 400, 12_345} {
		noise := device.NewNoise(source(1))
		draws := make([]int64, 60_000)
		for i := range draws {
			draws[i] = noise.Gaussian(variance)
		}
		x, free := chiSquare(draws, func(y int64) float64 { return math.Exp(-float64(y*y) / float64(2*variance)) })
		t.Logf("variance %d: chi-square %.1f with %d degrees of freedom, limit %.1f", variance, x, free, limit(free))
		if x > limit(free) || noise.Err() != nil {
			t.Errorf("variance %d: chi-square %.1f, want at most %.1f; %v", variance, x, limit(free), noise.Err())
		}
	}
}

func TestTheStepBeforeIsDrawnFromTheDiscreteLaplace(t *testing.T) {
	for _, scale := range []uint64{1, 2, 7, 50} {
		noise := device.NewNoise(source(2))
		draws := make([]int64, 60_000)
		for i := range draws {
			draws[i] = noise.Laplace(scale)
		}
		x, free := chiSquare(draws, func(y int64) float64 { return math.Exp(-math.Abs(float64(y)) / float64(scale)) })
		if x > limit(free) {
			t.Errorf("scale %d: chi-square %.1f with %d degrees of freedom, want at most %.1f", scale, x, free, limit(free))
		}
	}
}

func TestWithoutChanceThereIsNoNoiseButAnError(t *testing.T) {
	noise := device.NewNoise(iotest.ErrReader(errors.New("no chance")))
	noise.Gaussian(100)
	if err := noise.Err(); !errors.Is(err, thimble.ErrUnavailable) {
		t.Errorf("the error = %v, want one of kind ErrUnavailable", err)
	}
}

func people(seed uint64, n, items int) (all [][]thimble.ItemID) {
	r := rand.New(rand.NewPCG(seed, 3))
	for range n {
		var one []thimble.ItemID
		for range r.IntN(40) {
			one = append(one, thimble.ItemID(fmt.Sprintf("ITEM-%04d", r.IntN(items+3)))) // some are not known
		}
		all = append(all, one)
	}
	return all
}

// One person more or less, whoever it is, changes the counts by at most the bound: each by
// one, and not more of them than Pairs. It changes none of what others add.
func TestOnePersonChangesTheCountsByTheBoundAtMost(t *testing.T) {
	for seed := range uint64(200) {
		bound := device.Bound{Items: 2 + int(seed%9)}
		items := random(t, 1, device.Noised, 30).Items()
		all := people(seed, 20, 30)
		with, without := device.NewPairs(items, bound), device.NewPairs(items, bound)
		for i, one := range all {
			with.Add(one)
			if i != int(seed)%len(all) {
				without.Add(one)
			}
		}
		a, b := with.Count(), without.Count()
		changed := uint64(0)
		for k, v := range a {
			switch v - b[k] {
			case 0:
			case 1:
				changed++
			default:
				t.Fatalf("seed %d: one person changed a count by %d", seed, v-b[k])
			}
		}
		for k := range b {
			if _, ok := a[k]; !ok {
				t.Fatalf("seed %d: one person took a pair of others away", seed)
			}
		}
		if changed > bound.Pairs() {
			t.Errorf("seed %d: one person changed %d counts, the bound is %d", seed, changed, bound.Pairs())
		}
	}
}

func TestAPairOfOnePersonIsNotNamed(t *testing.T) {
	bound, each := device.Bound{Items: 8}, device.TheBudget().Each()
	items := random(t, 1, device.Noised, 400).Items()
	pairs := device.NewPairs(items, bound)
	for i := range 49 { // 49 people with 8 items of their own each: 1,372 pairs of one person
		var one []thimble.ItemID
		for k := range 8 {
			one = append(one, items[8*i+k].ID)
		}
		pairs.Add(one)
	}
	out, err := pairs.Noised(each, source(3))
	if err != nil || out.Pairs() > 0 {
		t.Errorf("%d pairs of single persons were named, %v", out.Pairs(), err)
	}
	for range 5000 {
		pairs.Add([]thimble.ItemID{items[0].ID, items[1].ID})
	}
	out, err = pairs.Noised(each, source(3))
	rows := out.Rows(len(items), device.Width)
	if err != nil || out.Pairs() != 1 || len(rows[0]) != 1 || rows[0][0].Item != 1 {
		t.Errorf("of what 5,001 people have in common came %d pairs, row %v, %v", out.Pairs(), rows[0], err)
	}
}

func TestWhatFilesCostAddsUp(t *testing.T) {
	b := device.TheBudget()
	each, spent := b.Each(), device.Spend{}
	for n := 1; n <= b.Files; n++ {
		if err := b.Fits(spent, each); err != nil {
			t.Fatalf("file %d of %d: %v", n, b.Files, err)
		}
		spent = spent.Plus(each)
		g, err := spent.Guarantee(b.Delta)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%d files: ε %.3f at δ %g", n, g.Epsilon, g.Delta)
		if g.Epsilon > b.Epsilon+0.001 {
			t.Errorf("%d files come to ε %.3f, want at most %g", n, g.Epsilon, b.Epsilon)
		}
	}
	if err := b.Fits(spent, each); !errors.Is(err, thimble.ErrConflict) {
		t.Errorf("one file more than the budget has: %v, want a conflict", err)
	}
	// By hand: ρ = 0.5 and no probability to miss give 0.5 + 2·√(0.5·ln 10^6) = 5.757 at δ 1e-6.
	if g, err := (device.Spend{Rho: 500_000}).Guarantee(1e-6); err != nil || math.Abs(g.Epsilon-5.757) > 0.001 {
		t.Errorf("ρ 0.5 comes to ε %.4f, %v, want 5.757", g.Epsilon, err)
	}
	// 28 pairs under a variance of 28 cost ρ = 28/(2·28) = 0.5, and a spend of 0.5 asks for that variance.
	if v, err := (device.Bound{Items: 8}).Variance(device.Spend{Rho: 500_000}); err != nil || v != 28 {
		t.Errorf("the variance is %d, %v, want 28", v, err)
	}
}

func TestASmallShopIsToldWhy(t *testing.T) {
	bound, each := device.Bound{Items: 8}, device.TheBudget().Each()
	variance, err := bound.Variance(each)
	if err != nil {
		t.Fatal(err)
	}
	needs := bound.Needs(variance)
	t.Logf("a file of the budget needs noise of variance %d and about %d people", variance, needs)
	err = bound.Refuse(4_000, each)
	if !errors.Is(err, thimble.ErrConflict) || len(err.Error()) < 100 {
		t.Errorf("4,000 people: %v, want a reason", err)
	}
	if err := bound.Refuse(needs, each); err != nil {
		t.Errorf("%d people: %v", needs, err)
	}
}
