package recommend

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime/debug"
	"time"

	"thimble"
)

// A synthetic shop's synthAisles, and how people keep to them: an event is in the
// person's own synthAisles in seven of ten cases, and in an aisle the k-th item is as
// popular as Zipf's law has it, k^-0.8.
const (
	synthAisles = 200
	ownAisles   = 3
	ownTenths   = 7
	zipf        = 0.8
	synthetic   = 2026 // the seed
	mostItems   = 400  // of one person
)

// EvaluateSynthetic times training, ranking and deletion on a made-up shop of a
// given size: what a file of that size would take too long to read for. It says
// nothing about quality. The seed is fixed.
func EvaluateSynthetic(ctx context.Context, c EvalConfig, people, items, events int) (Metrics, error) {
	if people < 1 || items < synthAisles || events < people || items > maxItems {
		return Metrics{}, fmt.Errorf("recommend: a synthetic shop of %d people, %d items, %d events is too small, or too large: %w",
			people, items, events, thimble.ErrInvalid)
	}
	if c.Recipe == (Recipe{}) {
		c.Recipe = DefaultRecipe()
	}
	out := Metrics{Recipe: c.Recipe, ChosenOn: "nothing: the shop is made up, and this run tuned nothing"}
	d, err := syntheticShop(people, items, events, c.stage("make"))
	if err != nil {
		return out, err
	}
	if c.Forget > 0 {
		d.Quicken()
	}
	d.indexFor(c.Recipe)
	debug.FreeOSMemory() // what making the shop left over is none of the training's
	wall, cpu := time.Now(), cpuSeconds()
	m, err := Train(ctx, c.Recipe, d, c.stage("train"))
	if err != nil {
		return out, err
	}
	out.TrainSeconds, out.TrainCPUSeconds = time.Since(wall).Seconds(), cpuSeconds()-cpu
	out.PeakRSSMB = peakRSSMB()
	out.Stats = m.Stats()
	if c.Forget > 0 {
		_, err = out.forgetOneByOne(ctx, m, d, c)
	}
	return out, err
}

// syntheticShop makes the shop, person by person.
func syntheticShop(people, items, events int, tell func(done, total int)) (*Dataset, error) {
	ids := make([]thimble.ItemID, items)
	for i := range ids {
		ids[i] = thimble.ItemID(fmt.Sprintf("sku-%07d", i))
	}
	d := NewDataset(ids)
	rng := rand.New(rand.NewPCG(synthetic, synthetic))
	mean := float64(events) / float64(people)
	seen := make([]uint64, bitWords(items))
	for p := range people {
		// Lengths fall off like an exponential, from 1.
		n := min(mostItems, 1+int(-math.Log(1-rng.Float64())*(mean-0.5)))
		had := syntheticHistory(rng, n, items, seen)
		names := make([]thimble.ItemID, len(had))
		for k, i := range had {
			names[k] = ids[i]
		}
		if err := d.Put(evalPerson(p), History{Items: names, Trusted: true}); err != nil {
			return nil, err
		}
		if tell != nil && p%100_000 == 0 {
			tell(p, people)
		}
	}
	return d, nil
}

// syntheticHistory draws n items, no item twice, fewer when that is hard. seen holds
// one bit per item, zero before and after.
func syntheticHistory(rng *rand.Rand, n, items int, seen []uint64) []int {
	var own [ownAisles]int
	for k := range own {
		own[k] = rng.IntN(synthAisles)
	}
	had := make([]int, 0, n)
	for tries := 4 * n; tries > 0 && len(had) < n; tries-- {
		aisle := rng.IntN(synthAisles)
		if rng.IntN(10) < ownTenths {
			aisle = own[rng.IntN(ownAisles)]
		}
		i := syntheticItem(rng, aisle, items/synthAisles)
		if bit := uint64(1) << (i & 63); seen[i>>6]&bit == 0 {
			seen[i>>6] |= bit
			had = append(had, i)
		}
	}
	for _, i := range had {
		seen[i>>6] = 0
	}
	return had
}

// syntheticItem draws from an aisle by inverting the integral of Zipf's law.
func syntheticItem(rng *rand.Rand, aisle, size int) int {
	const e = 1 - zipf
	u := rng.Float64() * (math.Pow(float64(size)+1, e) - 1)
	return aisle*size + min(size-1, int(math.Pow(u+1, 1/e))-1)
}
