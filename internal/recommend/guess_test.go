package recommend

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// A list of more than guessed entries is made without a guess.
func TestAGuessChangesNoList(t *testing.T) {
	m := train(t, DefaultRecipe(), clusteredShop(800, 400, 12))
	items := make([]int32, 400)
	for i := range items {
		items[i] = int32(i)
	}
	right, wrong := 0, 0 // of who had nearly all, little is left to list
	rapid.Check(t, func(rt *rapid.T) {
		r := m.ranker()
		n := rapid.OneOf(rapid.IntRange(1, 60), rapid.IntRange(385, 399)).Draw(rt, "items")
		r.history = rapid.Permutation(items).Draw(rt, "history")[:n]
		k := rapid.IntRange(1, guessed).Draw(rt, "length")
		want := r.rank(m, Query{K: guessed + 1})
		guess := r.guesser.least(m, r.history, Query{K: k})
		got := r.rank(m, Query{K: k})
		if diff := cmp.Diff(want[:min(k, len(want))], got); diff != "" {
			rt.Errorf("with a guess of %d the list differs (-want +got):\n%s", guess, diff)
		}
		if r.guesser.missed > 0 {
			wrong++
		} else if guess > 1 {
			right++
		}
	})
	if right == 0 || wrong == 0 {
		t.Errorf("%d guesses were right and %d wrong, both should come", right, wrong)
	}
}

func TestWhoGuessesWronglyStopsForAWhile(t *testing.T) {
	m := train(t, DefaultRecipe(), clusteredShop(800, 400, 12))
	r := m.ranker()
	r.history = append(r.history, 3, 60, 110, 160, 210, 260, 310, 360)
	if r.guesser.least(m, r.history, Query{}) == 1 {
		t.Fatal("nothing is guessed")
	}
	for range mostMissed {
		r.guesser.judge(false)
	}
	waits := 0
	for r.guesser.least(m, r.history, Query{}) == 1 {
		waits++
	}
	if want := mostMissed*missCosts - mostMissed; waits != want {
		t.Errorf("after %d wrong guesses %d rankings are without one, want %d", mostMissed, waits, want)
	}
}
