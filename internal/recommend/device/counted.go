package device

import (
	"cmp"
	"slices"

	"thimble"
	"thimble/internal/ml"
	"thimble/internal/recommend"
)

// MostCells is how many cells fit into a counted file of two megabytes on the wire, by
// measurement: docs/device.md has it.
const MostCells = 960_000

// CountedRows makes the rows of a file from the model that serves: its strongest weights, as many
// as most, of pairs that at least so many people are behind.
func CountedRows(items []Item, m *recommend.Model, d *recommend.Dataset, behind, most int) [][]Cell {
	at := make(map[thimble.ItemID]int32, len(items))
	for i, it := range items {
		at[it.ID] = int32(i)
	}
	people := peopleOf(items, at, d)
	rows := make([][]Cell, len(items))
	for i, it := range items {
		if len(people[i]) < behind {
			continue
		}
		for _, w := range m.Row(it.ID) {
			j, ok := at[w.Item]
			if ok && j != int32(i) && together(people[i], people[j], behind) {
				rows[i] = append(rows[i], Cell{Item: j, Code: codeOf(w.Value)})
			}
		}
		slices.SortFunc(rows[i], func(a, b Cell) int { return cmp.Compare(a.Item, b.Item) })
	}
	often := make([]int, len(items))
	for i := range often {
		often[i] = i
	}
	slices.SortStableFunc(often, func(i, j int) int { return cmp.Compare(len(people[j]), len(people[i])) })
	return heaviest(rows, most, often)
}

// codeOf turns a weight back into the code that it was expanded from.
func codeOf(v int64) int8 {
	code := int8(isqrt(uint64(max(v, -v))))
	if v < 0 {
		return -code
	}
	return code
}

// peopleOf lists by item who had it, in ascending order.
func peopleOf(items []Item, at map[thimble.ItemID]int32, d *recommend.Dataset) [][]int32 {
	out := make([][]int32, len(items))
	who := int32(0)
	for history := range d.Histories() {
		for _, id := range history {
			if i, ok := at[id]; ok {
				out[i] = append(out[i], who)
			}
		}
		who++
	}
	return out
}

// together reports whether at least so many are in both of two ascending lists.
func together(a, b []int32, least int) bool {
	n := 0
	for len(a) > 0 && len(b) > 0 && n < least && n+min(len(a), len(b)) >= least {
		switch {
		case a[0] < b[0]:
			a = a[1:]
		case a[0] > b[0]:
			b = b[1:]
		default:
			a, b, n = a[1:], b[1:], n+1
		}
	}
	return n >= least
}

// heaviest keeps the cells whose codes are largest in all rows together: one threshold for
// all is far better than as many for each. Of those just below it, as many as there is room for
// stay: of the rows that come first in often, which most people's lists are made from.
func heaviest(rows [][]Cell, most int, often []int) [][]Cell {
	var of [ml.CompandMax + 1]int
	for _, row := range rows {
		for _, c := range row {
			of[size(c)]++
		}
	}
	least, n := ml.CompandMax+1, 0
	for least > 1 && n+of[least-1] <= most {
		least--
		n += of[least]
	}
	for _, i := range often {
		rows[i] = slices.Clip(slices.DeleteFunc(rows[i], func(c Cell) bool {
			switch s := size(c); {
			case s >= least:
				return false
			case s < least-1 || n == most:
				return true
			}
			n++
			return false
		}))
	}
	return rows
}
