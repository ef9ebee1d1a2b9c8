package recommend

import (
	"cmp"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// columns are a model's cells by recommended item, each with its past item.
func columns(m *Model) [][]cell {
	out := make([][]cell, len(m.rows))
	for i, row := range m.rows {
		for _, c := range row {
			out[c.item()] = append(out[c.item()], newCell(int32(i), c.code()))
		}
	}
	return out
}

// A column has the weights that pruning leaves, and of the others the largest until it has as
// many as are kept at least: of alike ones those of the items that come first.
func TestAColumnKeepsItsLargestWeightsHoweverSmall(t *testing.T) {
	added := 0
	rapid.Check(t, func(rt *rapid.T) {
		items, r := rapid.IntRange(2, 30).Draw(rt, "items"), drawRecipe(rt)
		c := drawPeople(rt, items)
		whole := r
		whole.PruneBelow, whole.KeepLeast = 1, 0
		r.KeepLeast = rapid.IntRange(0, 9).Draw(rt, "at least")
		all, got := columns(train(t, whole, c.dataset(t, items, c.sorted()))), columns(train(t, r, c.dataset(t, items, c.sorted())))
		for j, column := range all {
			var want, small []cell
			for _, c := range column {
				if r.keeps(c.code()) {
					want = append(want, c)
				} else if c.code() > 0 {
					small = append(small, c)
				}
			}
			slices.SortStableFunc(small, func(a, b cell) int { return cmp.Compare(b.code(), a.code()) })
			small = small[:min(len(small), max(0, r.KeepLeast-len(want)))]
			added += len(small)
			want = append(want, small...)
			slices.Sort(want)
			if !slices.Equal(want, got[j]) {
				rt.Errorf("column %d of %v has %v, want %v", j, column, got[j], want)
			}
		}
	})
	if added == 0 {
		t.Error("no column kept a small weight")
	}
}
