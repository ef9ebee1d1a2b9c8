package recommend

import (
	"cmp"
	"slices"

	"thimble"
	"thimble/internal/ml"
)

// ScoreUnit is the integer score that stands for a regression weight of 1.
const ScoreUnit = ml.CompandUnit

// maxList bounds what one answer allocates.
const maxList = 10_000

// A Query says what a list should hold. The zero value asks for 20 new items.
type Query struct {
	// K is the length of the list at most, up to 10,000; 0 means 20.
	K int
	// Exclude leaves an item out: no stock, wrong size, withdrawn, stale. It is
	// asked only about items that would otherwise enter the list.
	Exclude func(thimble.ItemID) bool
	// Repeat lets items of the history itself into the list.
	Repeat bool
	// NoTerms leaves the terms out, for a caller that shows no reasons.
	NoTerms bool
}

// length returns how many entries the query asks for.
func (q Query) length() int {
	if q.K == 0 {
		return 20
	}
	return min(max(q.K, 0), maxList)
}

// A Ranked is one entry of a list. The shares of its terms sum to its score.
type Ranked struct {
	Item  thimble.ItemID
	Score int64 // in units of 1/ScoreUnit, positive
	Terms []Term
}

// A Term is what one past item added to a score, or took from it.
type Term struct {
	Item  thimble.ItemID
	Share int64
}

// A Weight is what an item in a history adds to another item's score.
type Weight struct {
	Item  thimble.ItemID
	Value int64 // in units of 1/ScoreUnit, not zero
}

// ForYou ranks items for a person by what they had, most recent last: higher
// score first, then smaller item id. The recipe's cap applies to the history,
// repeated items count once and unknown ones not at all. Only items with a
// positive score are listed, so a person without a history gets an empty list.
func (m *Model) ForYou(history []thimble.Interaction, q Query) []Ranked {
	r := m.ranker()
	defer m.table.pool.Put(r)
	r.history = m.table.lastDistinct(r.history[:0], len(history), m.recipe.HistoryCap,
		func(k int) thimble.ItemID { return history[k].Item }, r.seen)
	return r.rank(m, q)
}

// GoesWith ranks items for whoever looks at one item.
func (m *Model) GoesWith(item thimble.ItemID, q Query) []Ranked {
	i, ok := m.table.find(item)
	if !ok {
		return nil
	}
	r := m.ranker()
	defer m.table.pool.Put(r)
	r.history = append(r.history[:0], i)
	return r.rank(m, q)
}

// Neighbours returns the past items that speak for or against an item: its
// column, largest magnitude first, then by id. It reads every row, so it is for a
// page about the item and not for serving.
func (m *Model) Neighbours(item thimble.ItemID) []Weight {
	j, ok := m.table.find(item)
	if !ok {
		return nil
	}
	var out []Weight
	for i := range m.table.ids {
		if share := m.share(int32(i), j); share != 0 {
			out = append(out, Weight{m.table.ids[i], share})
		}
	}
	heaviest(out)
	return out
}

// Recommends returns the items for or against which an item in a history speaks: its row,
// largest magnitude first, then by id.
func (m *Model) Recommends(item thimble.ItemID) []Weight {
	i, ok := m.table.find(item)
	if !ok {
		return nil
	}
	var out []Weight
	for _, c := range m.row(i) {
		if share := int64(c.share()); share != 0 {
			out = append(out, Weight{m.table.ids[c.item()], share})
		}
	}
	heaviest(out)
	return out
}

// heaviest sorts by magnitude, and leaves what is alike in its order.
func heaviest(all []Weight) {
	slices.SortStableFunc(all, func(a, b Weight) int { return cmp.Compare(abs(b.Value), abs(a.Value)) })
}

// share returns the weight of past item i for item j.
func (m *Model) share(i, j int32) int64 {
	row := m.row(i)
	k, _ := slices.BinarySearchFunc(row, j, func(c cell, j int32) int { return cmp.Compare(c.item(), j) })
	if k == len(row) || row[k].item() != j {
		return 0
	}
	return int64(row[k].share())
}

func abs(v int64) int64 { return max(v, -v) }
