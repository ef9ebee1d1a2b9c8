package recommend

import (
	"math/rand/v2"
	"os"
	"testing"

	"thimble"
)

const walkSeed = 20

// A walk changes a shop at random, step by step.
type walk struct {
	rng   *rand.Rand
	items int
	now   people
}

func (w *walk) history() History {
	h := History{Epoch: w.rng.IntN(60), Since: w.rng.IntN(60), Trusted: w.rng.IntN(3) > 0}
	home := w.rng.IntN(w.items)
	for range 1 + w.rng.IntN(8) {
		// Most items are near home, so that items have people in common.
		h.Items = append(h.Items, itemName((home+w.rng.IntN(1+w.rng.IntN(w.items)))%w.items))
	}
	return h
}

// change makes one step: somebody comes, goes, buys, is put in another order, grows
// older, gains trust or loses it.
func (w *walk) change() Change {
	p := w.rng.IntN(60)
	h, there := w.now[p]
	h.Items = append([]thimble.ItemID{}, h.Items...)
	switch kind := w.rng.IntN(7); {
	case !there || kind == 0:
		h = w.history()
	case kind <= 2:
		delete(w.now, p)
		return Change{Person: person(p)}
	case kind == 3:
		w.rng.Shuffle(len(h.Items), func(a, b int) { h.Items[a], h.Items[b] = h.Items[b], h.Items[a] })
	case kind == 4:
		h.Items = append(h.Items, itemName(w.rng.IntN(w.items)))
	case kind == 5:
		h.Epoch, h.Since = w.rng.IntN(60), w.rng.IntN(60)
	default:
		h.Trusted = !h.Trusted
	}
	w.now[p] = h
	return Change{Person: person(p), History: h}
}

// shuffled is the shop as a data set that somebody fills in another order.
func (w *walk) shuffled(t *testing.T) *Dataset {
	order := w.now.sorted()
	w.rng.Shuffle(len(order), func(a, b int) { order[a], order[b] = order[b], order[a] })
	return w.now.dataset(t, w.items, order)
}

// walkRecipes are recipes whose rules all bite on a shop of 60 people.
func walkRecipes() map[string]Recipe {
	plain := smallRecipe()
	plain.MostHalvings, plain.CrowdedMilli = 0, 1300
	caps := plain
	caps.UntrustedCap, caps.UntrustedFloor, caps.UntrustedMilli, caps.ChoiceKey = 4, 1, 400, 77
	all := caps.Decayed(50, 7)
	all.K, all.DegreeBits, all.TrustedBefore = 8, 5, 40
	all.MostHalvings = 2
	return map[string]Recipe{"plain": plain, "decay": plain.Decayed(50, 7), "caps": caps, "caps and decay to a floor": all}
}

// Additions, deletions, re-orderings, other times and other trust, one after the other:
// after each step the model is that of training anew, in whatever order people come.
// THIMBLE_SOAK=1 makes 10,000 steps of each recipe.
func TestALongWalkNeverLeavesTheRetrainedModel(t *testing.T) {
	steps := 1000
	if os.Getenv("THIMBLE_SOAK") != "" {
		steps = 10_000
	}
	t.Logf("seed %d, %d steps", walkSeed, steps)
	for name, r := range walkRecipes() {
		t.Run(name, func(t *testing.T) {
			w := &walk{rng: rand.New(rand.NewPCG(walkSeed, 0)), items: 80, now: people{}}
			for p := range 40 {
				w.now[p] = w.history()
			}
			d := w.shuffled(t)
			d.Quicken()
			m, partly := train(t, r, d), 0
			kept, all := sumsKept(d), w.shuffled(t)
			all.Quicken()
			two := r
			two.CrowdedMilli = 0
			train(t, two, all)
			if most := sumsKept(all); kept == 0 || kept == most {
				t.Errorf("sums of %d columns are kept, and of %d where none counts as crowded: one of the two ways is not tried", kept, most)
			}
			for step := range steps {
				changes := []Change{w.change()}
				for w.rng.IntN(4) == 0 {
					changes = append(changes, w.change())
				}
				next, solved, err := m.Update(t.Context(), d, changes)
				if err != nil {
					t.Fatal(err)
				}
				if solved < w.items {
					partly++
				}
				m = next
				if n := differences(m, train(t, r, w.shuffled(t))); n != 0 {
					t.Fatalf("step %d, %v: %d differences from a retrained model, want none", step, changes, n)
				}
			}
			if partly < steps/4 {
				t.Errorf("%d of %d steps solved some columns only: the rest shows nothing about stale columns", partly, steps)
			}
		})
	}
}

// sumsKept is of how many columns a data set keeps sums: not of those that are crowded.
func sumsKept(d *Dataset) (n int) {
	for _, sums := range d.quick.sums {
		if sums != nil {
			n++
		}
	}
	return n
}
