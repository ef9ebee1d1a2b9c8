package recommend

import (
	"slices"

	"thimble/internal/ml"
)

// A ranker is the scratch of one ranking. Its arrays are zero between calls.
type ranker struct {
	history []int32
	seen    []uint64 // one bit per item
	scores  []int32  // item → score so far, later place in the list
	found   []int32  // items with a score; some twice, when a sum passed zero
	top     ml.Top
	parts   []part
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
	r.choose(m, q)
	out, keys := r.list(m)
	if !q.NoTerms && len(out) > 0 {
		r.explain(m, keys, out)
	}
	return out
}

// accumulate adds up the rows of the history. Nothing overflows: a sum has at most
// ml.MaxGramBound shares of at most ScoreUnit.
func (r *ranker) accumulate(m *Model) {
	found, scores := r.found[:0], r.scores
	for _, i := range r.history {
		for _, c := range m.row(i) {
			j := c.item()
			score := scores[j]
			if score == 0 {
				found = append(found, j)
			}
			scores[j] = score + c.share()
		}
	}
	r.found = found
}

// choose keeps the best candidates and sets the scores back to zero.
func (r *ranker) choose(m *Model, q Query) {
	r.top.Reset(q.length())
	if !q.Repeat {
		for _, i := range r.history {
			r.scores[i] = 0
		}
	}
	floor := uint64(0)
	for _, j := range r.found {
		score := r.scores[j]
		r.scores[j] = 0
		if score <= 0 {
			continue
		}
		key := uint64(score)<<keyIDBits | uint64(maxItems-1-j)
		if key > floor && (q.Exclude == nil || !q.Exclude(m.table.ids[j])) {
			floor = r.top.Push(key)
		}
	}
}

func (r *ranker) list(m *Model) ([]Ranked, []uint64) {
	keys := r.top.Sorted()
	if len(keys) == 0 {
		return nil, nil
	}
	out := make([]Ranked, len(keys))
	for k, key := range keys {
		out[k] = Ranked{Item: m.table.ids[keyItem(key)], Score: int64(key >> keyIDBits)}
	}
	return out, keys
}

// A part is a term on its way into a list: from the high bits down the place in
// the list, the share counted down from the largest, and the item.
type part uint64

const shareBits = 16

func newPart(place, item, share int32) part {
	return part(place)<<(shareBits+keyIDBits) | part(ScoreUnit-share)<<keyIDBits | part(item)
}

func (p part) place() int   { return int(p >> (shareBits + keyIDBits)) }
func (p part) share() int64 { return ScoreUnit - int64(p>>keyIDBits&(1<<shareBits-1)) }
func (p part) item() int32  { return int32(p & (maxItems - 1)) }

// explain fills in the terms: the largest share first, then the smaller id.
func (r *ranker) explain(m *Model, keys []uint64, out []Ranked) {
	for k, key := range keys {
		r.scores[keyItem(key)] = int32(k + 1)
	}
	parts, scores := r.parts[:0], r.scores
	for _, i := range r.history {
		for _, c := range m.row(i) {
			if place := scores[c.item()]; place != 0 {
				parts = append(parts, newPart(place-1, i, c.share()))
			}
		}
	}
	for _, key := range keys {
		r.scores[keyItem(key)] = 0
	}
	slices.Sort(parts)
	terms := make([]Term, len(parts))
	for k, p := range parts {
		terms[k] = Term{m.table.ids[p.item()], p.share()}
	}
	for from := 0; from < len(terms); {
		place, to := parts[from].place(), from+1
		for to < len(terms) && parts[to].place() == place {
			to++
		}
		out[place].Terms = terms[from:to:to]
		from = to
	}
	r.parts = parts
}
