package recommend

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"thimble"
)

func TestSharesSumToTheScore(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		items, r := rapid.IntRange(2, 30).Draw(rt, "items"), drawRecipe(rt)
		c := drawPeople(rt, items)
		m := train(t, r, c.dataset(t, items, c.sorted()))
		past := history(drawHistory(rt, items).Items...)
		q := Query{K: rapid.IntRange(0, 12).Draw(rt, "length"), Repeat: rapid.Bool().Draw(rt, "repeat")}
		list := m.ForYou(past, q)
		if err := Replay(m, past, list); err != nil {
			rt.Error(err)
		}
		q.NoTerms = true
		if bare := m.ForYou(past, q); len(bare) != len(list) {
			rt.Errorf("%d entries without terms, %d with", len(bare), len(list))
		}
	})
}

// A ranking is what sorting every item's explained score gives.
func TestListHoldsTheBestItemsInOrder(t *testing.T) {
	m := train(t, DefaultRecipe(), clusteredShop(300, 160, 6))
	past := history(itemName(3), itemName(25), itemName(60))
	var want []Ranked
	for _, id := range m.Items() {
		if e := Explain(m, past, id); e.Score > 0 && !slices.ContainsFunc(past, func(p thimble.Interaction) bool { return p.Item == id }) {
			want = append(want, e)
		}
	}
	slices.SortStableFunc(want, func(a, b Ranked) int { return int(b.Score - a.Score) })
	if diff := cmp.Diff(want[:20], m.ForYou(past, Query{})); diff != "" {
		t.Errorf("list differs (-want +got):\n%s", diff)
	}
}

func TestExcludedItemsAreNotListed(t *testing.T) {
	m := train(t, DefaultRecipe(), clusteredShop(300, 160, 6))
	past := history(itemName(1), itemName(2))
	odd := func(i thimble.ItemID) bool { return strings.ContainsAny(string(i[len(i)-1:]), "13579") }
	list := m.ForYou(past, Query{K: 10, Exclude: odd})
	if len(list) != 10 {
		t.Fatalf("%d entries, want 10", len(list))
	}
	for _, e := range list {
		if odd(e.Item) {
			t.Errorf("%s was excluded and is listed", e.Item)
		}
	}
	if got := m.ForYou(past, Query{Exclude: func(thimble.ItemID) bool { return true }}); len(got) != 0 {
		t.Errorf("everything is excluded, the list is %v", got)
	}
}

func TestListLeavesOutTheHistoryUnlessAskedToRepeat(t *testing.T) {
	m := train(t, DefaultRecipe(), clusteredShop(300, 160, 6))
	past := history(itemName(0), itemName(1), itemName(2))
	has := func(list []Ranked) bool {
		return slices.ContainsFunc(list, func(e Ranked) bool { return e.Item <= itemName(2) })
	}
	if has(m.ForYou(past, Query{})) {
		t.Error("the list repeats the history")
	}
	if !has(m.ForYou(past, Query{Repeat: true})) {
		t.Error("asked to repeat, the list does not")
	}
}

func TestUnknownAndRepeatedItemsDoNotCount(t *testing.T) {
	m := train(t, DefaultRecipe(), clusteredShop(300, 160, 6))
	want := m.ForYou(history(itemName(5), itemName(6)), Query{})
	got := m.ForYou(history("?", itemName(5), itemName(6), itemName(5), "", itemName(6)), Query{})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("list differs (-want +got):\n%s", diff)
	}
	for name, past := range map[string][]thimble.Interaction{"nothing": nil, "unknown items": history("?", "")} {
		if got := m.ForYou(past, Query{}); len(got) != 0 {
			t.Errorf("history of %s gives %v, want an empty list", name, got)
		}
	}
}

func TestAMillionEventsCostNoMoreThanTheCap(t *testing.T) {
	m := train(t, smallRecipe(), clusteredShop(300, 160, 6))
	var events []thimble.ItemID
	for k := range 1_000_000 {
		events = append(events, itemName(k%160))
	}
	list := m.ForYou(history(events...), Query{K: 50})
	if len(list) == 0 {
		t.Error("the list is empty")
	}
	for _, e := range list {
		if len(e.Terms) > m.Recipe().HistoryCap {
			t.Errorf("%d terms, the cap is %d", len(e.Terms), m.Recipe().HistoryCap)
		}
	}
}

func TestGoesWithIsTheRowAndNeighboursTheColumn(t *testing.T) {
	m := train(t, DefaultRecipe(), clusteredShop(300, 160, 6))
	list := m.GoesWith(itemName(4), Query{})
	if len(list) == 0 {
		t.Fatal("nothing goes with the item")
	}
	if err := Replay(m, history(itemName(4)), list); err != nil {
		t.Error(err)
	}
	for _, e := range list {
		found := slices.Contains(m.Neighbours(e.Item), Weight{itemName(4), e.Score})
		if !found {
			t.Errorf("%s is not among the neighbours of %s with weight %d", itemName(4), e.Item, e.Score)
		}
	}
	row := m.Recommends(itemName(4))
	for k, w := range row {
		if !slices.Contains(m.Neighbours(w.Item), Weight{itemName(4), w.Value}) || k > 0 && abs(w.Value) > abs(row[k-1].Value) {
			t.Errorf("the row has %+v at %d, the column not, or it is out of order", w, k)
		}
	}
	for _, e := range m.GoesWith(itemName(4), Query{}) {
		if !slices.Contains(row, Weight{e.Item, e.Score}) {
			t.Errorf("%+v goes with it, and is not in its row", e)
		}
	}
	if m.Recommends("?") != nil || m.GoesWith("?", Query{}) != nil || m.Neighbours("?") != nil {
		t.Error("an unknown item goes with something")
	}
}

func TestReplayRefusesAnAlteredList(t *testing.T) {
	m := train(t, DefaultRecipe(), clusteredShop(300, 160, 6))
	past := history(itemName(1), itemName(2))
	for name, alter := range map[string]func([]Ranked){
		"score": func(l []Ranked) { l[1].Score++ },
		"share": func(l []Ranked) { l[1].Terms[0].Share++ },
		"item":  func(l []Ranked) { l[1].Item = itemName(159) },
	} {
		list := m.ForYou(past, Query{})
		alter(list)
		if Replay(m, past, list) == nil {
			t.Errorf("an altered %s passed", name)
		}
	}
}

func TestModelServesManyAtOnce(t *testing.T) {
	m := train(t, DefaultRecipe(), clusteredShop(300, 160, 6))
	want := m.ForYou(history(itemName(9)), Query{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 200 {
				m.ForYou(history(itemName(70), itemName(80)), Query{K: 3})
				if diff := cmp.Diff(want, m.ForYou(history(itemName(9)), Query{})); diff != "" {
					t.Error(diff)
					return
				}
			}
		})
	}
	wg.Wait()
}
