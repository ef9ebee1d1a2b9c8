package recommend

import (
	"cmp"
	"slices"

	"thimble"
	"thimble/internal/ml"
)

// ScoreUnit is the integer score that stands for a regression weight of 1.
const ScoreUnit = ml.CompandUnit

// A Query says what a list should hold. The zero value asks for 20 new items.
type Query struct {
	// K is the length of the list at most; 0 means 20.
	K int
	// Exclude leaves an item out: no stock, wrong size, withdrawn, stale. It is
	// asked only about items that would otherwise enter the list.
	Exclude func(thimble.ItemID) bool
	// Repeat lets items of the history itself into the list.
	Repeat bool
	// NoTerms leaves the terms out, for a caller that shows no reasons.
	NoTerms bool
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
	i, ok := m.table.at[item]
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
	j, ok := m.table.at[item]
	if !ok {
		return nil
	}
	var out []Weight
	for i := range m.table.ids {
		if share := m.share(int32(i), j); share != 0 {
			out = append(out, Weight{m.table.ids[i], share})
		}
	}
	slices.SortStableFunc(out, func(a, b Weight) int { return cmp.Compare(abs(b.Value), abs(a.Value)) })
	return out
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

// A ranker is the scratch of one ranking. Its arrays are zero between calls.
type ranker struct {
	history []int32
	seen    []uint64 // one bit per item
	scores  []int32  // item → score so far, later place in the list
	found   []int32  // items with a score; some twice, when a sum passed zero
	top     ml.Top
	parts   []part
}

// A part is a term before it has an id.
type part struct {
	place, item int32
	share       int32
}

func (m *Model) ranker() *ranker {
	if r, ok := m.table.pool.Get().(*ranker); ok {
		return r
	}
	n := len(m.table.ids)
	return &ranker{seen: make([]uint64, bitWords(n)), scores: make([]int32, n)}
}

func (r *ranker) rank(m *Model, q Query) []Ranked {
	r.accumulate(m)
	if q.K == 0 {
		q.K = 20
	}
	r.choose(m, q)
	out := r.list(m)
	if !q.NoTerms && len(out) > 0 {
		r.explain(m, out)
	}
	return out
}

func (r *ranker) accumulate(m *Model) {
	r.found = r.found[:0]
	for _, i := range r.history {
		for _, c := range m.row(i) {
			j := c.item()
			if r.scores[j] == 0 {
				r.found = append(r.found, j)
			}
			r.scores[j] += c.share()
		}
	}
}

// choose keeps the best candidates and sets the scores back to zero.
func (r *ranker) choose(m *Model, q Query) {
	r.top.Reset(max(q.K, 0))
	if !q.Repeat {
		for _, i := range r.history {
			r.scores[i] = 0
		}
	}
	for _, j := range r.found {
		score := r.scores[j]
		r.scores[j] = 0
		if score <= 0 {
			continue
		}
		key := uint64(score)<<keyIDBits | uint64(maxItems-1-j)
		if r.top.Takes(key) && (q.Exclude == nil || !q.Exclude(m.table.ids[j])) {
			r.top.Push(key)
		}
	}
}

func (r *ranker) list(m *Model) []Ranked {
	keys := r.top.Sorted()
	if len(keys) == 0 {
		return nil
	}
	out := make([]Ranked, len(keys))
	for k, key := range keys {
		out[k] = Ranked{Item: m.table.ids[keyItem(key)], Score: int64(key >> keyIDBits)}
	}
	return out
}

// explain fills in the terms: the largest share first, then the smaller id.
func (r *ranker) explain(m *Model, out []Ranked) {
	keys := r.top.Sorted()
	for k, key := range keys {
		r.scores[keyItem(key)] = int32(k + 1)
	}
	r.parts = r.parts[:0]
	for _, i := range r.history {
		for _, c := range m.row(i) {
			if place := r.scores[c.item()]; place != 0 {
				r.parts = append(r.parts, part{place - 1, i, c.share()})
			}
		}
	}
	for _, key := range keys {
		r.scores[keyItem(key)] = 0
	}
	slices.SortFunc(r.parts, func(a, b part) int {
		return cmp.Or(cmp.Compare(a.place, b.place), cmp.Compare(b.share, a.share), cmp.Compare(a.item, b.item))
	})
	terms := make([]Term, len(r.parts))
	for k, p := range r.parts {
		terms[k] = Term{m.table.ids[p.item], int64(p.share)}
	}
	for from := 0; from < len(terms); {
		place, to := r.parts[from].place, from+1
		for to < len(terms) && r.parts[to].place == place {
			to++
		}
		out[place].Terms = terms[from:to:to]
		from = to
	}
}
