package device_test

import (
	"cmp"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"thimble/internal/recommend/device"
)

// Of cells of one weight those stay whose row is used most, and as many as there is room for.
func TestTheHeaviestCellsStayAndOfAlikeOnesThoseThatAreUsedMost(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 6).Draw(t, "rows")
		rows, often := make([][]device.Cell, n), make([]int, n)
		for i := range rows {
			often[i] = i
			for j, code := range rapid.SliceOfN(rapid.SampledFrom([]int8{-9, -8, 7, 8, 9}), 0, 8).Draw(t, "codes") {
				rows[i] = append(rows[i], device.Cell{Item: int32(j), Code: code})
			}
		}
		often = rapid.Permutation(often).Draw(t, "often")

		type one struct {
			row  int
			cell device.Cell
		}
		var all []one
		for _, i := range often {
			for _, c := range rows[i] {
				all = append(all, one{i, c})
			}
		}
		slices.SortStableFunc(all, func(a, b one) int {
			return cmp.Compare(max(b.cell.Code, -b.cell.Code), max(a.cell.Code, -a.cell.Code))
		})
		most := rapid.IntRange(0, len(all)+2).Draw(t, "most")
		want := make([][]device.Cell, n)
		for _, o := range all[:min(most, len(all))] {
			want[o.row] = append(want[o.row], o.cell)
		}
		got := device.Heaviest(rows, most, often)
		for i := range want {
			slices.SortFunc(want[i], func(a, b device.Cell) int { return cmp.Compare(a.Item, b.Item) })
			if !slices.Equal(want[i], got[i]) {
				t.Errorf("of %v in the order %v, row %d has %v, want %v", all, often, i, got[i], want[i])
			}
		}
	})
}
