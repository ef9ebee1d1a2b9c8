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
	top     ml.Top
	guesser guesser
	loose   []loosePart
	parts   []part
	ends    []int // place in the list → where its parts end
	touched cell  // of no meaning
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
	least := r.guesser.least(m, r.history, q)
	full := r.choose(m, q, least)
	if least > 1 {
		r.guesser.judge(full)
		if !full {
			r.accumulate(m)
			r.choose(m, q, 1)
		}
	}
	out, keys := r.list(m)
	if !q.NoTerms && len(out) > 0 {
		r.explain(m, keys, out)
	}
	return out
}

// cacheLine is how many cells a processor fetches at once.
const cacheLine = 64 / 4

// accumulate adds up the rows of the history. Nothing overflows: a sum has at most
// ml.MaxGramBound shares of at most ScoreUnit.
func (r *ranker) accumulate(m *Model) {
	for _, i := range r.history {
		// The rows are asked for together, so that waiting for one is waiting for all.
		for row := m.row(i); len(row) > 0; row = row[min(len(row), cacheLine):] {
			r.touched ^= row[0]
		}
	}
	for _, i := range r.history {
		addRow(r.scores, m.row(i))
	}
}

// addRow adds a row's shares to the scores. It and best are functions of their own, so
// that all of their loops stays in registers.
//
//go:noinline
func addRow(scores []int32, row []cell) {
	for _, c := range row {
		scores[c>>8] += expanded[uint8(c)]
	}
}

// expanded has what a code stands for at the place of its bits: 16 lines of cache, which stay
// near while rows are added, as they would not for who looks up a few.
var expanded = func() (all [1 << 8]int32) {
	for bits := range all {
		all[bits] = cell(bits).share()
	}
	return all
}()

// choose keeps the best candidates with at least a score, sets the scores back to zero, and
// reports whether there are as many as were asked for.
func (r *ranker) choose(m *Model, q Query, least int32) (full bool) {
	r.top.Reset(q.length())
	if !q.Repeat {
		for _, i := range r.history {
			r.scores[i] = 0
		}
	}
	floor := uint64(least) << keyIDBits // that score and the largest item
	for _, i := range r.history {
		// The rows say again which items have a score: to read them twice costs less than
		// to write down what was found. The second time an item comes its score is zero.
		for row := m.row(i); len(row) > 0; {
			n, score := best(r.scores, row, int32(floor>>keyIDBits))
			if n == len(row) {
				break
			}
			j := row[n].item()
			key := uint64(score)<<keyIDBits | uint64(maxItems-1-j)
			if key >= floor && (q.Exclude == nil || !q.Exclude(m.table.ids[j])) {
				floor = max(floor, r.top.Push(key)+1)
			}
			row = row[n+1:]
		}
	}
	return r.top.Full()
}

// best returns the first place in a row of an item with at least this score, and the
// score; the row's length when there is none. The scores until there are zero afterwards.
//
//go:noinline
func best(scores []int32, row []cell, least int32) (place int, score int32) {
	for k, c := range row {
		j := c >> 8
		score := scores[j]
		scores[j] = 0
		if score >= least {
			return k, score
		}
	}
	return len(row), 0
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

// A part is a term on its way into a list: from the high bits down the share
// counted down from the largest, and the item.
type part uint64

const shareBits = 16

func newPart(item, share int32) part {
	return part(ScoreUnit-share)<<keyIDBits | part(item)
}

func (p part) share() int64 { return ScoreUnit - int64(p>>keyIDBits&(1<<shareBits-1)) }
func (p part) item() int32  { return int32(p & (maxItems - 1)) }

// explain fills in the terms: the largest share first, then the smaller id.
func (r *ranker) explain(m *Model, keys []uint64, out []Ranked) {
	r.collect(m, keys)
	terms := make([]Term, len(r.parts))
	from := 0
	for k := range out {
		to := r.ends[k]
		parts := r.parts[from:to]
		sortParts(parts)
		for n, p := range parts {
			terms[from+n] = Term{m.table.ids[p.item()], p.share()}
		}
		out[k].Terms = terms[from:to:to]
		from = to
	}
}

// collect lays the listed items' parts out by place: r.ends has where each ends.
// seen marks the listed items; it is small enough to stay near the processor.
func (r *ranker) collect(m *Model, keys []uint64) {
	for k, key := range keys {
		j := keyItem(key)
		r.seen[j>>6] |= 1 << (j & 63)
		r.scores[j] = int32(k)
	}
	r.ends = append(r.ends[:0], make([]int, len(keys)+1)...)
	r.loose = r.loose[:0]
	for _, i := range r.history {
		for _, c := range m.row(i) {
			if j := c.item(); r.seen[j>>6]>>(j&63)&1 != 0 {
				place := r.scores[j]
				r.ends[place+1]++
				r.loose = append(r.loose, loosePart{place, newPart(i, c.share())})
			}
		}
	}
	for k, key := range keys {
		j := keyItem(key)
		r.seen[j>>6], r.scores[j] = 0, 0
		r.ends[k+1] += r.ends[k]
	}
	r.parts = slices.Grow(r.parts[:0], len(r.loose))[:len(r.loose)]
	for _, l := range r.loose {
		r.parts[r.ends[l.place]] = l.part
		r.ends[l.place]++
	}
}

// A loosePart is a part that has not found its place.
type loosePart struct {
	place int32
	part  part
}

// sortParts sorts few parts, as most entries have, by insertion.
func sortParts(parts []part) {
	if len(parts) > 24 {
		slices.Sort(parts)
		return
	}
	for k := 1; k < len(parts); k++ {
		p, at := parts[k], k
		for ; at > 0 && parts[at-1] > p; at-- {
			parts[at] = parts[at-1]
		}
		parts[at] = p
	}
}
