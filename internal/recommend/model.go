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
	starts     []int32  // item → where its row starts in cells; one more at the end
	cells      []cell   // rows: recommended item and code, ascending by item
	thresholds []uint64 // item → key of its column's K-th neighbour, 0 when fewer

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
	n := len(d.table.ids)
	m := &Model{recipe: r, table: d.table, thresholds: make([]uint64, n)}
	stale := make([]bool, n)
	m.starts = make([]int32, n+1)
	if old != nil {
		copy(m.thresholds, old.thresholds)
	}
	for k, j := range solved.items {
		stale[j] = true
		m.thresholds[j] = solved.columns[k].threshold
		for _, c := range solved.columns[k].cells {
			m.starts[c.item()+1]++
		}
	}
	fresh := transpose(m.starts, solved)
	if old != nil {
		m.starts, fresh = mergeRows(old, stale, m.starts, fresh)
	}
	m.cells = fresh
	m.stats = Stats{People: d.People(), Items: n, Interactions: d.Interactions(), NonZeros: len(m.cells)}
	return m
}

// transpose turns columns into rows. On entry starts[i+1] is the length of row
// i; on return starts is where each row starts.
func transpose(starts []int32, solved solvedColumns) []cell {
	for i := 1; i < len(starts); i++ {
		starts[i] += starts[i-1]
	}
	out := make([]cell, starts[len(starts)-1])
	at := slices.Clone(starts)
	for k, j := range solved.items {
		for _, c := range solved.columns[k].cells {
			out[at[c.item()]] = newCell(j, c.code())
			at[c.item()]++
		}
	}
	return out
}

// mergeRows joins the rows of old without its stale columns and fresh rows,
// both ascending.
func mergeRows(old *Model, stale []bool, starts []int32, fresh []cell) ([]int32, []cell) {
	out := make([]cell, len(old.cells)+len(fresh))
	outStarts := make([]int32, len(starts))
	n := 0
	for i := range len(starts) - 1 {
		from := n
		for _, c := range old.cells[old.starts[i]:old.starts[i+1]] {
			out[n] = c
			if !stale[c.item()] {
				n++
			}
		}
		n += mergeInto(out[from:], n-from, fresh[starts[i]:starts[i+1]])
		outStarts[i+1] = int32(n)
	}
	return outStarts, out[:n:n]
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

func (m *Model) row(i int32) []cell { return m.cells[m.starts[i]:m.starts[i+1]] }

// fits reports whether d is the data set m was trained on, as far as sizes and
// the item table can tell.
func (m *Model) fits(d *Dataset) error {
	same := m.table == d.table || slices.Equal(m.table.ids, d.table.ids)
	if !same || m.stats.People != d.People() || m.stats.Interactions != d.Interactions() {
		return fmt.Errorf("recommend: the model was trained on another data set: %w", thimble.ErrConflict)
	}
	return nil
}
