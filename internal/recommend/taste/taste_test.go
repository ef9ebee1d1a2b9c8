package taste_test

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"thimble"
	"thimble/internal/recommend"
	"thimble/internal/recommend/taste"
)

var begin = time.Date(2026, 11, 1, 8, 0, 0, 0, time.UTC)

var choice = rapid.SampledFrom([]taste.Choice{
	{Kind: taste.Less, Item: "hat"}, {Kind: taste.Less, Category: "bags"}, {Kind: taste.Forget, Item: "hat"},
	{Kind: taste.Forget, Item: "socks"}, {Kind: taste.Never, Category: "bags"}, {Kind: taste.Never, Category: "toys"},
})

// events draws what two subjects of one person say, numbered as they said it.
func events(t *rapid.T) (all []taste.Event) {
	seqs := map[thimble.SubjectID]int64{}
	for i := range rapid.IntRange(0, 20).Draw(t, "events") {
		who := thimble.SubjectID{rapid.SampledFrom([]byte{1, 2}).Draw(t, "subject")}
		seqs[who]++
		all = append(all, taste.Event{V: 1, Subject: who, Seq: seqs[who], Choice: choice.Draw(t, "choice"), Undone: rapid.Bool().Draw(t, "undone"), At: begin.Add(time.Duration(i) * time.Hour)})
	}
	return all
}

func TestTheStateIsAFunctionOfTheEventsWhateverTheirOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := events(t)
		at := begin.Add(time.Duration(rapid.IntRange(-1, 21).Draw(t, "hours")) * time.Hour)
		want := taste.Fold(all, at)
		if diff := gocmp.Diff(want, taste.Fold(rapid.Permutation(all).Draw(t, "order"), at)); diff != "" {
			t.Fatalf("read in another order they say something else:\n%s", diff)
		}
		var one taste.State
		for _, e := range all {
			if !e.At.After(at) {
				one = one.With(e)
			}
		}
		got, _ := one.Marshal()
		if text, _ := want.Marshal(); string(got) != string(text) && !(want.Empty() && one.Empty()) {
			t.Fatalf("one after the other they say %s, together %s", got, text)
		}
	})
}

func TestOfAPersonWithTwoAccountsTheStricterHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := events(t)
		at := begin.Add(100 * time.Hour)
		of := func(who byte) taste.State {
			return taste.Fold(slices.DeleteFunc(slices.Clone(all), func(e taste.Event) bool { return e.Subject[0] != who }), at)
		}
		ada, other := of(1), of(2)
		both := ada.Join(other)
		for _, item := range []thimble.ItemID{"hat", "socks", "mug"} {
			for _, category := range []string{"", "bags", "toys"} {
				if both.Hides(item, category) != (ada.Hides(item, category) || other.Hides(item, category)) || both.Forgets(item, category) != (ada.Forgets(item, category) || other.Forgets(item, category)) {
					t.Fatalf("%s in %q: together they say something else than either", item, category)
				}
			}
		}
		if diff := gocmp.Diff(both, taste.Fold(all, at)); diff != "" && !(both.Empty() && taste.Fold(all, at).Empty()) {
			t.Fatalf("joined they are not what their events say:\n%s", diff)
		}
	})
}

func TestWhatIsNoChoiceIsRefused(t *testing.T) {
	for name, c := range map[string]taste.Choice{
		"nothing": {}, "no thing": {Kind: taste.Less}, "two things": {Kind: taste.Less, Item: "a", Category: "b"}, "a forgotten category": {Kind: taste.Forget, Category: "b"},
		"an item never": {Kind: taste.Never, Item: "a"}, "another kind": {Kind: "more", Item: "a"}, "a control character": {Kind: taste.Less, Item: "a\x00"},
	} {
		if err := c.Check(); !errors.Is(err, thimble.ErrInvalid) {
			t.Errorf("%s: %v, want invalid", name, err)
		}
	}
}

// A world is a ranking by whole numbers.
type world struct {
	score map[thimble.ItemID]int64
	pull  map[[2]thimble.ItemID]int64
	kind  map[thimble.ItemID]string
}

func drawn(t *rapid.T) world {
	w := world{map[thimble.ItemID]int64{}, map[[2]thimble.ItemID]int64{}, map[thimble.ItemID]string{}}
	items := rapid.IntRange(0, 60).Draw(t, "items")
	for i := range items {
		id := thimble.ItemID(fmt.Sprintf("i%02d", i))
		w.score[id] = rapid.Int64Range(1, 30).Draw(t, "score")
		w.kind[id] = rapid.SampledFrom([]string{"", "bags", "toys", "mugs"}).Draw(t, "category")
		for _, u := range []thimble.ItemID{"i00", "i01", "gone"} {
			w.pull[[2]thimble.ItemID{u, id}] = rapid.Int64Range(-9, 9).Draw(t, "pull")
		}
	}
	return w
}

func (w world) ranking() taste.Ranking {
	return taste.Ranking{
		Best: func(k int) (all []recommend.Ranked) {
			for id, s := range w.score {
				all = append(all, recommend.Ranked{Item: id, Score: s, Terms: []recommend.Term{{Item: "had", Share: s}}})
			}
			slices.SortFunc(all, func(a, b recommend.Ranked) int {
				return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Item, b.Item))
			})
			return all[:min(k, len(all))]
		},
		Speaks:   func(u, item thimble.ItemID) int64 { return w.pull[[2]thimble.ItemID{u, item}] },
		Category: func(id thimble.ItemID) string { return w.kind[id] },
	}
}

// TestAListIsWhatTheChoicesLeaveOfTheWholeRanking compares with a list that is picked from
// everything at once, and holds the promises against each entry.
func TestAListIsWhatTheChoicesLeaveOfTheWholeRanking(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawn(t)
		var state taste.State
		for i, c := range rapid.SliceOfNDistinct(rapid.SampledFrom([]taste.Choice{
			{Kind: taste.Less, Item: "i00"}, {Kind: taste.Less, Item: "i01"}, {Kind: taste.Less, Item: "gone"}, {Kind: taste.Forget, Item: "i02"},
			{Kind: taste.Never, Category: "toys"}, {Kind: taste.Less, Category: "bags"},
		}), 0, 6, rapid.ID).Draw(t, "choices") {
			state = state.With(taste.Event{Seq: int64(i + 1), Choice: c, At: begin})
		}
		n := rapid.IntRange(1, 12).Draw(t, "n")
		r := w.ranking()
		got := state.Pick(n, r).Entries
		best := r.Best
		r.Best = func(int) []recommend.Ranked { return best(len(w.score)) } // fewer than asked for: the whole
		if diff := gocmp.Diff(state.Pick(n, r).Entries, got); diff != "" {
			t.Fatalf("picked from the whole ranking it is another list:\n%s", diff)
		}
		bags := 0
		for i, e := range got {
			sum := recommend.Sum(e.Terms) + recommend.Sum(e.Against)
			if sum != e.Score || e.Score <= 0 || i > 0 && e.Score > got[i-1].Score {
				t.Fatalf("entry %d has the score %d, its terms sum to %d", i, e.Score, sum)
			}
			if state.Hides(e.Item, w.kind[e.Item]) {
				t.Fatalf("%s is shown", e.Item)
			}
			if w.kind[e.Item] == "bags" {
				bags++
			}
			for _, a := range e.Against {
				if most := w.pull[[2]thimble.ItemID{a.Item, e.Item}]; a.Share >= 0 || -a.Share > most {
					t.Fatalf("%s takes %d, more than the %d that it would give", a.Item, -a.Share, most)
				}
			}
		}
		if _, less := state.Holds(taste.Choice{Kind: taste.Less, Category: "bags"}); less && bags > 1 {
			t.Fatalf("%d bags in a list of somebody who wants less of them", bags)
		}
	})
}

func TestWhySaysThreeReasonsAndWhatSpeaksAgainst(t *testing.T) {
	for want, all := range map[string][]taste.Reason{
		"":                                     {{Name: "A", Share: -3}},
		"Because you bought A":                 {{Name: "A", Share: 3}},
		"Because you bought A and looked at B": {{Name: "B", Share: 2, Did: taste.Looked}, {Name: "A", Share: 3}},
		"Because you bought A and C and put into your bag B, and 2 more": {
			{Name: "A", Share: 9}, {Name: "B", Share: 8, Did: taste.Bagged}, {Name: "C", Share: 7}, {Name: "D", Share: 2}, {Name: "E", Share: 1},
		},
		"Because you wished for A, although you want less like B, and 1 more against it": {{Name: "A", Share: 9, Did: taste.Wished}, {Name: "B", Share: -3, Unwanted: true}, {Name: "C", Share: -1}},
		"Because you bought A, although that you looked at B speaks against it":          {{Name: "A", Share: 1}, {Name: "B", Share: -8, Did: taste.Looked}},
	} {
		if got := taste.Because(all); got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
}

func FuzzAnEventIsReadAsItWasWritten(f *testing.F) {
	b, _ := taste.Event{V: 1, Seq: 1, Choice: taste.Choice{Kind: taste.Less, Item: "a"}, At: begin}.Marshal()
	f.Add(b)
	f.Add([]byte(`{"v":1,"kind":"never","category":"bags"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := taste.Unmarshal(b)
		if err != nil {
			return
		}
		again, err := e.Marshal()
		if err != nil {
			return // a time beyond what JSON can say
		}
		got, err := taste.Unmarshal(again)
		if x, _ := json.Marshal(got); err != nil || string(x) != string(again) {
			t.Errorf("%s is read as %s: %v", again, x, err)
		}
	})
}
