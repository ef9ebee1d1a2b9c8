package device

import (
	"slices"
	"time"

	"thimble"
	"thimble/internal/ml"
)

// What a file without noise needs.
const (
	// LeastBehind is how many people have to be behind a pair.
	LeastBehind = 20
	// CountedLife is how long such a file is valid at most.
	CountedLife = 24 * time.Hour
	// Width is how many cells a row has at most: those that weigh most.
	Width = 25
)

// A Neighbour is an item that may follow another.
type Neighbour struct {
	Item   thimble.ItemID
	Weight float64 // of at most 1 in magnitude
	Fields uint8   // of a content model: which fields are alike, by bits
}

// Rows makes the rows of a file from what follows each item. Unknown items, the item itself
// and weights of nothing are left out; of the others the strongest stay.
func Rows(items []Item, width int, of func(thimble.ItemID) []Neighbour) [][]Cell {
	at := make(map[thimble.ItemID]int32, len(items))
	for i, it := range items {
		at[it.ID] = int32(i)
	}
	rows := make([][]Cell, len(items))
	for i, it := range items {
		seen := map[int32]bool{int32(i): true}
		var row []Cell
		for _, n := range of(it.ID) {
			j, ok := at[n.Item]
			code := ml.Compand(n.Weight)
			if !ok || code == 0 || seen[j] {
				continue
			}
			seen[j] = true
			row = append(row, Cell{j, code, n.Fields})
		}
		rows[i] = strongest(row, width)
	}
	return rows
}

// Sorted returns items in ascending order, each once.
func Sorted(items []Item) []Item {
	out := slices.Clone(items)
	slices.SortFunc(out, func(a, b Item) int { return compare(a.ID, b.ID) })
	return slices.CompactFunc(out, func(a, b Item) bool { return a.ID == b.ID })
}

func compare(a, b thimble.ItemID) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
