package content

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"sync"

	"thimble"
	"thimble/internal/catalog"
)

// maxFeatures bounds what one product carries.
const maxFeatures = 64

// A Model ranks products by likeness. It does not change, and may be used by several
// goroutines at once.
type Model struct {
	total    int // products of the build
	known    []counted
	at       map[feature]int32
	common   map[feature]bool // what more than half of them have
	ids      []thimble.ItemID // in the order of the build, later ones after
	place    map[thimble.ItemID]int32
	rows     [][]cell // by product, ascending by feature
	postings [][]cell // by feature: cell.of is then the product
	scratch  sync.Pool
}

// A counted feature is in how many products of the build.
type counted struct {
	feature
	in int
}

// A cell is a weight in a row.
type cell struct {
	of     int32
	weight uint8
}

// Build makes the model of a catalogue. Services and what is withdrawn are left out.
func Build(products []catalog.Product) *Model {
	products = slices.Clone(products)
	slices.SortStableFunc(products, func(a, b catalog.Product) int { return cmp.Compare(a.ID, b.ID) })
	products = slices.CompactFunc(slices.DeleteFunc(products, left), func(a, b catalog.Product) bool { return a.ID == b.ID })
	m := &Model{total: len(products), at: map[feature]int32{}, common: map[feature]bool{}, place: map[thimble.ItemID]int32{}}
	in := map[feature]int{}
	for _, p := range products {
		for _, f := range features(p) {
			in[f]++
		}
	}
	for f, n := range in {
		switch {
		case 2*n > m.total && n > 1:
			m.common[f] = true
		case n > 1:
			m.known = append(m.known, counted{f, n})
		}
	}
	slices.SortFunc(m.known, func(a, b counted) int {
		return cmp.Or(cmp.Compare(a.field, b.field), strings.Compare(a.value, b.value))
	})
	for i, c := range m.known {
		m.at[c.feature] = int32(i)
	}
	m.postings = make([][]cell, len(m.known))
	for _, p := range products {
		m.add(p)
	}
	return m
}

// left reports whether a product is in no list.
func left(p catalog.Product) bool {
	return p.Kind == catalog.Service || p.Availability == catalog.Withdrawn
}

// With returns the model with further products, under the weights of the build. One
// that is there already stays as it is.
func (m *Model) With(products ...catalog.Product) *Model {
	out := &Model{total: m.total, known: m.known, at: m.at, common: m.common, ids: slices.Clone(m.ids), place: make(map[thimble.ItemID]int32, len(m.ids)), rows: slices.Clone(m.rows), postings: make([][]cell, len(m.postings))}
	for i, id := range out.ids {
		out.place[id] = int32(i)
	}
	for i, list := range m.postings {
		out.postings[i] = slices.Clip(list) // appending copies it
	}
	products = slices.Clone(products)
	slices.SortStableFunc(products, func(a, b catalog.Product) int { return cmp.Compare(a.ID, b.ID) })
	for _, p := range products {
		if _, had := out.place[p.ID]; !had && !left(p) {
			out.add(p)
		}
	}
	return out
}

// Items is how many products the model ranks.
func (m *Model) Items() int { return len(m.ids) }

// Has reports whether the model ranks a product.
func (m *Model) Has(id thimble.ItemID) bool { _, ok := m.place[id]; return ok }

func (m *Model) add(p catalog.Product) {
	i := int32(len(m.ids))
	m.ids, m.place[p.ID] = append(m.ids, p.ID), i
	row := m.row(p)
	m.rows = append(m.rows, row)
	for _, c := range row {
		m.postings[c.of] = append(m.postings[c.of], cell{i, c.weight})
	}
}

// row weighs the features of a product.
func (m *Model) row(p catalog.Product) []cell {
	type weighed struct {
		of     int32
		weight int64
	}
	var all []weighed
	var square uint64
	for _, f := range features(p) {
		if m.common[f] {
			continue
		}
		w := weighed{of: -1, weight: weights[f.field] * log2(uint64(max(m.total, 1)), 1)} // only this one has it
		if k, ok := m.at[f]; ok {
			w = weighed{k, weights[f.field] * log2(uint64(m.total), uint64(m.known[k].in))}
		}
		square += uint64(w.weight * w.weight)
		if w.of >= 0 {
			all = append(all, w)
		}
	}
	slices.SortFunc(all, func(a, b weighed) int { return cmp.Or(cmp.Compare(b.weight, a.weight), cmp.Compare(a.of, b.of)) })
	all = all[:min(len(all), maxFeatures)]
	slices.SortFunc(all, func(a, b weighed) int { return cmp.Compare(a.of, b.of) })
	length := max(int64(root(square)), 1)
	row := make([]cell, 0, len(all))
	for _, w := range all {
		row = append(row, cell{w.of, uint8(min(max(w.weight*math.MaxUint8/length, 1), math.MaxUint8))})
	}
	return row
}
