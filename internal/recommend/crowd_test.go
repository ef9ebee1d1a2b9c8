package recommend

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"thimble"
)

// bought is so many people of two items, from a number on.
func bought(into people, from, n int, trusted bool, items ...int) {
	for p := from; p < from+n; p++ {
		var h History
		for _, i := range items {
			h.Items = append(h.Items, itemName(i))
		}
		h.Trusted = trusted
		into[p] = h
	}
}

func buyersOf(t *testing.T, r Recipe, d *Dataset, item int) []thimble.SubjectID {
	t.Helper()
	var out []thimble.SubjectID
	for _, slot := range d.indexFor(r).buyers[item] {
		out = append(out, d.names()[slot])
	}
	slices.SortFunc(out, func(a, b thimble.SubjectID) int { return bytes.Compare(a[:], b[:]) })
	return out
}

func TestAnItemCountsAtMostSoManyWhoAreNotTrusted(t *testing.T) {
	now := people{}
	bought(now, 0, 10, true, 0, 1)
	bought(now, 10, 90, false, 0, 2)
	r := smallRecipe()
	r.UntrustedCap = 5
	d := now.dataset(t, 3, now.sorted())
	for item, want := range map[int]int{0: 10 + 5, 1: 10, 2: 5} {
		if got := len(buyersOf(t, r, d, item)); got != want {
			t.Errorf("item %d counts %d people, want %d", item, got, want)
		}
	}
}

func TestWhoIsNotTrustedCountsBesideWhoIs(t *testing.T) {
	now := people{}
	bought(now, 0, 8, true, 0, 1)
	bought(now, 10, 90, false, 0, 2)
	r := smallRecipe()
	r.UntrustedCap, r.UntrustedFloor, r.UntrustedMilli = 50, 1, 250
	d := now.dataset(t, 3, now.sorted())
	for item, want := range map[int]int{0: 8 + 1 + 2, 2: 1} {
		if got := len(buyersOf(t, r, d, item)); got != want {
			t.Errorf("item %d counts %d people, want %d", item, got, want)
		}
	}
	_ = d.Put(person(100), History{Items: shelf(1), Trusted: true})
	d.Forget(person(0))
	d.Forget(person(1))
	if got, want := len(buyersOf(t, r, d, 0)), 7+1+1; got != want {
		t.Errorf("with 7 who are trusted: %d people count, want %d", got, want)
	}
}

func TestWhoCountsDependsOnTheKeyAndNotOnWhoCameFirst(t *testing.T) {
	now := people{}
	bought(now, 0, 60, false, 0, 1)
	r := smallRecipe()
	r.UntrustedCap = 6
	first, last := now.sorted(), now.sorted()
	slices.Reverse(last)
	a, b := buyersOf(t, r, now.dataset(t, 2, first), 0), buyersOf(t, r, now.dataset(t, 2, last), 0)
	if !slices.Equal(a, b) {
		t.Errorf("%v count when they come in one order, %v in another", a, b)
	}
	r.ChoiceKey = 1
	if c := buyersOf(t, r, now.dataset(t, 2, first), 0); slices.Equal(a, c) {
		t.Error("another key chooses the same people")
	}
}

func TestOneWhoLeavesLetsAnotherIn(t *testing.T) {
	now := people{}
	bought(now, 0, 20, false, 0, 1)
	r := smallRecipe()
	r.UntrustedCap = 4
	d := now.dataset(t, 2, now.sorted())
	m := train(t, r, d)
	counted := buyersOf(t, r, d, 0)

	m, _, err := m.Forget(t.Context(), d, counted[0])
	if err != nil {
		t.Fatal(err)
	}
	after := buyersOf(t, r, d, 0)
	if len(after) != 4 || slices.Contains(after, counted[0]) {
		t.Errorf("%v count, want four and not %v", after, counted[0])
	}
	if n := differences(m, train(t, r, d)); n != 0 {
		t.Errorf("%d differences from a retrained model, want none", n)
	}
}

func TestWhoCameTooLateIsNotTrustedHoweverVerified(t *testing.T) {
	r := smallRecipe()
	r.TrustedBefore = 20
	for name, row := range map[string]struct {
		h    History
		want bool
	}{
		"old and verified":     {History{Since: 19, Trusted: true}, true},
		"new and verified":     {History{Since: 20, Trusted: true}, false},
		"old and not verified": {History{Since: 19}, false},
		"of no known age":      {History{Trusted: true}, false},
	} {
		if got := r.Trusts(row.h); got != row.want {
			t.Errorf("%s: trusted %v, want %v", name, got, row.want)
		}
	}
	if r.TrustedBefore = 0; !r.Trusts(History{Trusted: true}) {
		t.Error("a recipe that asks for no age asks for one")
	}
}

func TestAWeightIsHalvedForEachHalfLife(t *testing.T) {
	r := smallRecipe().Decayed(Month(time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)), 6)
	r.MostHalvings = 0
	for name, row := range map[string]struct {
		epoch int
		want  int64
	}{
		"this month": {Month(time.Date(2026, 5, 31, 0, 0, 0, 0, time.UTC)), 4096},
		"later":      {Month(time.Date(2027, 5, 1, 0, 0, 0, 0, time.UTC)), 4096},
		"not known":  {0, 4096},
		"5 months":   {Month(time.Date(2025, 12, 1, 0, 0, 0, 0, time.UTC)), 4096},
		"6 months":   {Month(time.Date(2025, 11, 30, 0, 0, 0, 0, time.UTC)), 2048},
		"a year":     {Month(time.Date(2025, 5, 1, 0, 0, 0, 0, time.UTC)), 1024},
		"ages":       {1, 0},
	} {
		d := people{1: {Items: shelf(1), Epoch: row.epoch, Trusted: true}}.dataset(t, 1, []int{1})
		if got := d.indexFor(r).degree[0]; got != row.want {
			t.Errorf("%s: weight %d, want %d", name, got, row.want)
		}
	}
}

func TestAWeightIsHalvedNoMoreThanARecipeSays(t *testing.T) {
	for most, want := range map[int]int64{0: 0, 1: 2048, 2: 1024, 12: 1, 13: 1} {
		r := smallRecipe().Decayed(2026*12, 1)
		r.MostHalvings = most
		if err := r.Check(); err != nil {
			t.Fatal(err)
		}
		d := people{1: {Items: shelf(1), Epoch: 2011 * 12, Trusted: true}}.dataset(t, 1, []int{1})
		if got := d.indexFor(r).degree[0]; got != want {
			t.Errorf("at most %d halvings: weight %d, want %d", most, got, want)
		}
	}
}

// Fifteen years later one order comes in on top. By the recipe that ships the others count.
func TestOneOrderOfTodayLeavesSomethingToLearnFrom(t *testing.T) {
	d := NewDataset(shelf(4))
	for n := range 30 {
		if err := d.Put(person(n), History{Items: shelf(3), Epoch: 2011*12 + n%3, Trusted: true}); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Put(person(99), History{Items: shelf(4)[3:], Epoch: 2026 * 12, Trusted: true}); err != nil {
		t.Fatal(err)
	}
	if got := d.LatestEpoch(10); got != 2011*12+2 {
		t.Errorf("one in ten came in %d or later, want %d", got, 2011*12+2)
	}
	r := DefaultRecipe()
	r.DecayEpoch = 2026 * 12
	if got := train(t, r, d).Stats().NonZeros; got != 6 {
		t.Errorf("%d weights among three products, want 6", got)
	}
	r.MostHalvings = 0
	if got := train(t, r, d).Stats().NonZeros; got != 0 {
		t.Errorf("%d weights without a floor, want none", got)
	}
}

func TestTheLatestEpochIsThatOfWhoIsTrusted(t *testing.T) {
	d := NewDataset(shelf(1))
	if got := d.LatestEpoch(10); got != 0 {
		t.Errorf("of nobody: %d, want 0", got)
	}
	for n, h := range []History{{Epoch: 5, Trusted: true}, {Epoch: 9}, {Trusted: true}} {
		h.Items = shelf(1)
		if err := d.Put(person(n), h); err != nil {
			t.Fatal(err)
		}
	}
	if got := d.LatestEpoch(10); got != 5 {
		t.Errorf("%d, want 5: the others are not trusted, or of no known time", got)
	}
}

func TestABoundedRecipeLetsOneInAHundredCount(t *testing.T) {
	for people, want := range map[int]int{0: 2, 99: 2, 1000: 10, 1999: 10, 22_363: 200, 10_000_000: 100_000} {
		r := DefaultRecipe().Bounded(people, 7)
		if r.UntrustedCap != want || r.Check() != nil {
			t.Errorf("of %d people %d count, want %d; check: %v", people, r.UntrustedCap, want, r.Check())
		}
	}
}

func TestARecipeRefusesWhatItCannotCount(t *testing.T) {
	for name, change := range map[string]func(*Recipe){
		"no half-life":      func(r *Recipe) { r.DecayEpoch, r.HalfLife = 5, 0 },
		"too many halvings": func(r *Recipe) { r.MostHalvings = 14 },
		"negative cap":      func(r *Recipe) { r.UntrustedCap = -1 },
		"floor above cap":   func(r *Recipe) { r.UntrustedCap, r.UntrustedFloor = 3, 4 },
		"negative revision": func(r *Recipe) { r.Quarantine = -1 },
	} {
		r := DefaultRecipe()
		change(&r)
		if err := r.Check(); !errors.Is(err, thimble.ErrInvalid) {
			t.Errorf("%s: error %v, want invalid", name, err)
		}
	}
}

// A recipe of before caps and decay keeps its bytes, and so does what names it.
func TestARecipeWithoutCapsSaysNothingOfThem(t *testing.T) {
	want := `{"name":"D200","k":200,"alpha_milli":500,"degree_bits":3,"lambda_milli":30000,"ridge_milli":500,` +
		`"neighbour_milli":300,"eta_milli":0,"steps":2,"last_step_milli":700,"prune_below":8,"history_cap":500}`
	if got := string(d200().JSON()); got != want {
		t.Errorf("recipe = %s, want %s", got, want)
	}
}
