package recommend

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"sync"

	"thimble"
)

// A Model is the weights of every pair of items that were kept, by past item, so
// that serving reads one row for each item of a history. It is immutable and
// safe for concurrent use.
type Model struct {
	recipe     Recipe
	table      *catalogue
	stats      Stats
	rows       [][]cell // past item → recommended items and codes, ascending by item
	thresholds []uint64 // item → key of its column's K-th neighbour, 0 when fewer
	guesses    guesses

	encodeOnce sync.Once
	encoded    []byte
	hash       [sha256.Size]byte
}

// Stats says how large a model and its data are.
type Stats struct {
	People       int `json:"people"`       // with at least one item
	Items        int `json:"items"`        // in the table
	Interactions int `json:"interactions"` // (person, item) pairs
	NonZeros     int `json:"non_zeros"`    // weights kept
}

// Recipe returns the recipe the model was trained with.
func (m *Model) Recipe() Recipe { return m.recipe }

// Stats returns the model's sizes.
func (m *Model) Stats() Stats { return m.stats }

// Items returns the item table in ascending order. The caller owns the slice.
func (m *Model) Items() []thimble.ItemID { return slices.Clone(m.table.ids) }

// Hash returns the SHA-256 of the model's bytes.
func (m *Model) Hash() [sha256.Size]byte {
	m.encode()
	return m.hash
}

// newModel lays solved columns out by row. Columns that were not solved again
// are taken from old, which may be nil when all were.
func newModel(r Recipe, d *Dataset, old *Model, solved solvedColumns) *Model {
	m := &Model{recipe: r, table: d.table, thresholds: make([]uint64, len(d.table.ids)), guesses: make(guesses, len(d.table.ids))}
	if old != nil {
		copy(m.thresholds, old.thresholds)
	}
	for k, j := range solved.items {
		m.thresholds[j] = solved.columns[k].threshold
	}
	m.rows = transpose(len(d.table.ids), solved)
	if old != nil {
		mergeRows(m.rows, old.rows, solved.items)
	}
	m.stats = Stats{People: d.People(), Items: len(d.table.ids), Interactions: d.Interactions()}
	for _, row := range m.rows {
		m.stats.NonZeros += len(row)
	}
	return m
}

// transpose turns columns into n rows, cut from one block.
func transpose(n int, solved solvedColumns) [][]cell {
	lengths, total := make([]int32, n), 0
	for _, column := range solved.columns {
		total += len(column.cells)
		for _, c := range column.cells {
			lengths[c.item()]++
		}
	}
	rows, block := make([][]cell, n), make([]cell, total)
	for i, length := range lengths {
		rows[i], block = block[:0:length], block[length:]
	}
	for k, j := range solved.items {
		for _, c := range solved.columns[k].cells {
			rows[c.item()] = append(rows[c.item()], newCell(j, c.code()))
		}
	}
	return rows
}

// mergeRows adds to fresh rows the cells of old ones whose columns were not
// solved again.
func mergeRows(fresh, old [][]cell, solved []int32) {
	stale := make([]bool, len(old))
	for _, j := range solved {
		stale[j] = true
	}
	parallel(len(fresh), 512, func() func(lo, hi int) {
		return func(lo, hi int) {
			room := 0
			for i := lo; i < hi; i++ {
				room += len(old[i]) + len(fresh[i])
			}
			block := make([]cell, room)
			for i := lo; i < hi; i++ {
				n := keepCells(block, old[i], stale)
				n += mergeInto(block, n, fresh[i])
				fresh[i], block = block[:n:n], block[n:]
			}
		}
	})
}

// keepCells copies the cells that are not stale and returns how many they are.
// dst has room for all of row.
func keepCells(dst, row []cell, stale []bool) int {
	n := 0
	for _, c := range row {
		dst[n] = c
		if !stale[c.item()] {
			n++
		}
	}
	return n
}

// mergeInto merges more into the first n cells of dst and returns how many it
// added. From the end, no cell is overwritten before it has moved.
func mergeInto(dst []cell, n int, more []cell) int {
	for left, at := len(more), n+len(more)-1; left > 0; at-- {
		if n > 0 && dst[n-1] > more[left-1] {
			n--
			dst[at] = dst[n]
			continue
		}
		left--
		dst[at] = more[left]
	}
	return len(more)
}

func (m *Model) row(i int32) []cell { return m.rows[i] }

// fits reports whether d is the data set m was trained on, as far as sizes and
// the item table can tell.
func (m *Model) fits(d *Dataset) error {
	same := m.table == d.table || slices.Equal(m.table.ids, d.table.ids)
	if !same || m.stats.People != d.People() || m.stats.Interactions != d.Interactions() {
		return fmt.Errorf("recommend: the model was trained on another data set: %w", thimble.ErrConflict)
	}
	return nil
}
