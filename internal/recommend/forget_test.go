package recommend

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"math"
	"runtime"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"thimble"
)

// Whatever sequence of additions, changes and deletions, the model at hand is
// byte for byte what training on the people who are left gives.
func TestNoSequenceOfChangesLeavesATrace(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		items, r := rapid.IntRange(1, 30).Draw(rt, "items"), drawRecipe(rt)
		now := drawPeople(rt, items)
		d := now.dataset(t, items, now.sorted())
		if rapid.Bool().Draw(rt, "quick") {
			d.Quicken()
			r.Steps, r.LastStepMilli = 2, 900
		}
		m := train(t, r, d)
		for range rapid.IntRange(1, 6).Draw(rt, "rounds") {
			var changes []Change
			for range rapid.IntRange(1, 3).Draw(rt, "batch") {
				p := rapid.IntRange(0, 30).Draw(rt, "person")
				if rapid.Bool().Draw(rt, "forget") {
					delete(now, p)
					changes = append(changes, Change{Person: person(p)})
					continue
				}
				now[p] = drawHistory(rt, items)
				changes = append(changes, Change{Person: person(p), History: now[p]})
			}
			next, _, err := m.Update(t.Context(), d, changes)
			if err != nil {
				rt.Fatal(err)
			}
			m = next
			anew := now.dataset(t, items, now.sorted())
			if d.quick != nil {
				anew.Quicken()
			}
			want := train(t, r, anew)
			if d.quick != nil && !slices.EqualFunc(d.quick.sums, anew.quick.sums, slices.Equal) {
				rt.Fatalf("after %v: other sums are kept than a training without them keeps", changes)
			}
			if !bytes.Equal(modelBytes(t, m), modelBytes(t, want)) {
				rt.Fatalf("after %v: %d differences from a retrained model", changes, differences(m, want))
			}
		}
	})
}

// Larger data, where most columns stay as they are.
func TestForgettingResolvesSomeColumnsAndEqualsRetraining(t *testing.T) {
	d := clusteredShop(600, 800, 3)
	r := smallRecipe()
	m := train(t, r, d)
	for p := range 20 {
		before := m
		next, affected, err := m.Forget(t.Context(), d, person(7*p))
		if err != nil {
			t.Fatal(err)
		}
		if affected == 0 || affected > 600 {
			t.Errorf("person %d: %d columns solved again, want some of 800", p, affected)
		}
		if before.Stats().People-1 != next.Stats().People {
			t.Errorf("people = %d after %d", next.Stats().People, before.Stats().People)
		}
		m = next
	}
	if n := differences(m, train(t, r, d)); n != 0 {
		t.Errorf("%d differences from a retrained model, want none", n)
	}
}

// What is kept of a training makes most columns of a deletion cheap. It is looked at by what
// comes of it when it is wrong.
func TestAStaleColumnIsSolvedFromTheSumsThatAreKept(t *testing.T) {
	r := smallRecipe()
	r.K, r.HistoryCap = 30, 12
	forgets := func(spoil func(*Dataset)) (wrong int) {
		d := clusteredShop(1500, 160, 3)
		d.Quicken()
		m := train(t, r, d)
		spoil(d)
		for p := range 10 {
			next, _, err := m.Forget(t.Context(), d, person(11*p))
			if err != nil {
				t.Fatal(err)
			}
			m = next
		}
		return differences(m, train(t, r, d))
	}
	if n := forgets(func(*Dataset) {}); n != 0 {
		t.Errorf("%d differences from a retrained model, want none", n)
	}
	spoil := func(d *Dataset) {
		for _, column := range d.quick.sums {
			for k := range column {
				column[k][4] ^= 0x40
			}
		}
	}
	if forgets(spoil) == 0 {
		t.Error("sums that are wrong do not show: nothing is solved from them")
	}
	for name, change := range map[string]func(*Dataset){
		"somebody was put in beside": func(d *Dataset) {
			spoil(d)
			_ = d.Put(person(7000), History{Items: []thimble.ItemID{itemName(1), itemName(2)}})
			d.Forget(person(7000))
		},
		"another recipe was trained": func(d *Dataset) {
			spoil(d)
			o := r
			o.K++
			train(t, o, d)
		},
	} {
		if n := forgets(change); n != 0 {
			t.Errorf("%s: %d differences from a retrained model, want none", name, n)
		}
	}
}

func TestKeptSumsAreWhatTheyWere(t *testing.T) {
	for _, v := range []int64{0, 1, -1, 1<<39 - 1, -1 << 39, 123_456_789_012, -123_456_789_012} {
		kept := keep(make([]sum, 2), []int64{7, v})
		if len(kept) != 2 || kept[0].value() != 7 || kept[1].value() != v {
			t.Errorf("%d is kept as %v", v, kept)
		}
	}
	for _, v := range []int64{1 << 39, -1<<39 - 1, math.MaxInt64, math.MinInt64} {
		if kept := keep(make([]sum, 1), []int64{v}); kept != nil {
			t.Errorf("%d, which has no room, is kept as %v", v, kept)
		}
	}
}

func TestDecodedModelForgetsLikeTheOriginal(t *testing.T) {
	d := clusteredShop(300, 160, 4)
	trained := train(t, smallRecipe(), d)
	m, err := UnmarshalModel(modelBytes(t, trained))
	if err != nil {
		t.Fatal(err)
	}
	got, _, err := m.Forget(t.Context(), d, person(3))
	if err != nil {
		t.Fatal(err)
	}
	if n := differences(got, train(t, smallRecipe(), d)); n != 0 {
		t.Errorf("%d differences from a retrained model, want none", n)
	}
}

func TestModelDoesNotDependOnTheNumberOfWorkers(t *testing.T) {
	d := clusteredShop(300, 160, 6)
	want := modelBytes(t, train(t, DefaultRecipe(), d))
	for _, workers := range []int{1, 3, 7} {
		before := runtime.GOMAXPROCS(workers)
		got := modelBytes(t, train(t, DefaultRecipe(), d))
		runtime.GOMAXPROCS(before)
		if !bytes.Equal(got, want) {
			t.Errorf("%d workers give other bytes", workers)
		}
	}
}

func TestStaleColumnsAreNamedWithoutChangingAnything(t *testing.T) {
	d := clusteredShop(600, 800, 3)
	m := train(t, smallRecipe(), d)
	stale, err := m.Stale(d, []Change{{Person: person(5)}})
	if err != nil {
		t.Fatal(err)
	}
	if !d.Has(person(5)) {
		t.Error("asking removed the person")
	}
	after, affected, err := m.Forget(t.Context(), d, person(5))
	if err != nil || affected != len(stale) {
		t.Fatalf("%d columns were solved again, %d were named, error %v", affected, len(stale), err)
	}
	named := map[thimble.ItemID]bool{}
	for _, i := range stale {
		named[i] = true
	}
	for i := range m.table.ids {
		for _, c := range differingCells(m.row(int32(i)), after.row(int32(i))) {
			if !named[m.table.ids[c.item()]] {
				t.Errorf("column %s changed and was not named", m.table.ids[c.item()])
			}
		}
	}
}

func differingCells(a, b []cell) []cell {
	seen := map[cell]int{}
	for _, c := range a {
		seen[c]++
	}
	for _, c := range b {
		seen[c]--
	}
	maps.DeleteFunc(seen, func(_ cell, n int) bool { return n == 0 })
	var out []cell
	for c := range seen {
		out = append(out, c)
	}
	return out
}

func TestForgettingRefusesADataSetOfAnotherModel(t *testing.T) {
	m := train(t, smallRecipe(), clusteredShop(50, 80, 4))
	_, _, err := m.Forget(t.Context(), clusteredShop(60, 80, 4), person(1))
	if !errors.Is(err, thimble.ErrConflict) {
		t.Errorf("error = %v, want a conflict", err)
	}
}

func TestForgettingAStrangerChangesNothing(t *testing.T) {
	d := clusteredShop(50, 80, 4)
	m := train(t, smallRecipe(), d)
	got, affected, err := m.Forget(t.Context(), d, person(1000))
	if got != m || affected != 0 || err != nil {
		t.Errorf("model changed: %v, %d columns, error %v", got != m, affected, err)
	}
}

func TestCancelledForgettingStillRemovesThePerson(t *testing.T) {
	d := clusteredShop(50, 80, 4)
	m := train(t, smallRecipe(), d)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err := m.Forget(ctx, d, person(1))
	if !errors.Is(err, context.Canceled) || d.Has(person(1)) {
		t.Errorf("error = %v, person still there: %v", err, d.Has(person(1)))
	}
}
