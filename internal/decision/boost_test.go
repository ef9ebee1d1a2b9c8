package decision_test

import (
	"errors"
	"math/rand/v2"
	"testing"

	"thimble"
	"thimble/internal/decision"
	"thimble/internal/decision/decisiontest"
)

// Whatever the rules of a shop: terms and boosts are all there is of a place, and the
// boosts together are within the bound that the record states.
func TestTermsAndBoostsSumToWhatAPlaceIsWonBy(t *testing.T) {
	rng, runs := seeded(t, 5000, 200_000)
	moved := 0
	for i := range runs {
		r := decisiontest.Arranged(rng, 1+rng.IntN(10), 1+rng.IntN(10))
		if err := r.Check(); err != nil {
			t.Fatalf("run %d: %v", i, err)
		}
		for _, res := range r.Results {
			terms, boosts := int64(0), int64(0)
			for _, term := range res.Terms {
				terms += term.Share
			}
			for _, b := range res.Boosts {
				boosts += b.Share
			}
			if terms != res.Score || boosts != res.Moved {
				t.Fatalf("run %d: %d and %d, the record says %d and %d", i, terms, boosts, res.Score, res.Moved)
			}
			if most := max(res.Score, -res.Score) * r.Boosting.Most / 100; boosts > most || boosts < -most {
				t.Fatalf("run %d: %d moves by %d, the bound is %d", i, res.Score, boosts, most)
			}
			if boosts != 0 {
				moved++
			}
		}
	}
	if moved == 0 {
		t.Error("no boost moved anything")
	}
}

func TestWhatABoostMovesIsHeldAgainstTheReplay(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 0))
	for name, change := range map[string]func(*decision.Record) bool{
		"a share": func(r *decision.Record) bool {
			r.Results[0].Boosts[0].Share++
			r.Results[0].Moved++
			return true
		},
		"a percent": func(r *decision.Record) bool {
			b := &r.Boosting.Boosts[0]
			b.Percent *= -1
			return r.Results[0].Boosts[0].Boost == b.Name && r.Results[0].Boosts[0].Share != 0
		},
		"past the bound": func(r *decision.Record) bool {
			r.Boosting.Boosts[0].Percent = r.Boosting.Most + 1
			return true
		},
		"a boost left out": func(r *decision.Record) bool {
			gone := r.Results[0].Boosts[0].Share
			r.Results[0].Boosts = r.Results[0].Boosts[1:]
			return gone != 0
		},
		"one twice": func(r *decision.Record) bool {
			r.Results[0].Boosts = append(r.Results[0].Boosts, r.Results[0].Boosts[0])
			return true
		},
		"nobody's": func(r *decision.Record) bool { r.Results[0].Boosts[0].Boost = "boost-9"; return true },
		"a campaign on a place that was won": func(r *decision.Record) bool {
			r.Results[0].Held = "Advertisement: spring"
			return true
		},
	} {
		for tried := 0; tried < 100; {
			r := decisiontest.Arranged(rng, 3, 6)
			if r.Results[0].Held != "" || len(r.Results[0].Boosts) == 0 || r.Results[0].Score == 0 || !change(&r) {
				continue
			}
			tried++
			if err := r.Check(); !errors.Is(err, thimble.ErrInvalid) {
				t.Fatalf("%s: %v, want ErrInvalid", name, err)
			}
		}
	}
}
