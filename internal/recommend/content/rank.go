package content

import (
	"cmp"
	"slices"

	"thimble"
	"thimble/internal/recommend"
)

// MaxSeen is how many products that were seen count: the last ones.
const MaxSeen = 50

// A Ranked is one entry of a list. The shares of its terms sum to its score.
type Ranked struct {
	Item  thimble.ItemID
	Score int64
	Terms []Term // largest share first, then as they were seen, the last first, then by feature
}

// A Term is what one field that a ranked and a seen product share adds to the score.
type Term struct {
	Because thimble.ItemID
	Field   Field
	Value   string
	Share   int64
}

// A seen product counts by how long ago it was seen.
type seen struct {
	item   int32
	weight int64
}

// seen returns the last distinct products that the model knows, the last first.
func (m *Model) seen(items []thimble.ItemID) []seen {
	var all []seen
	for _, id := range slices.Backward(items) {
		i, ok := m.place[id]
		if !ok || slices.ContainsFunc(all, func(s seen) bool { return s.item == i }) {
			continue
		}
		if all = append(all, seen{i, max(int64(8)>>len(all), 1)}); len(all) == MaxSeen {
			break
		}
	}
	return all
}

// scores is the scratch of one ranking, zero between calls.
type scores struct {
	sum   []int64
	found []int32
}

// Rank returns the products most like those that were seen, the last of which is seen
// last. What was seen is not in the list unless the query repeats; a product that shares
// nothing with any of them is not either.
func (m *Model) Rank(items []thimble.ItemID, q recommend.Query) []Ranked {
	had := m.seen(items)
	if len(had) == 0 {
		return nil
	}
	s, _ := m.scratch.Get().(*scores)
	if s == nil {
		s = &scores{sum: make([]int64, len(m.ids))}
	}
	defer m.scratch.Put(s)
	for _, h := range had {
		for _, f := range m.rows[h.item] {
			w := h.weight * int64(f.weight)
			for _, c := range m.postings[f.of] {
				if s.sum[c.of] == 0 {
					s.found = append(s.found, c.of)
				}
				s.sum[c.of] += w * int64(c.weight)
			}
		}
	}
	if !q.Repeat {
		for _, id := range items {
			if i, ok := m.place[id]; ok {
				s.sum[i] = 0
			}
		}
	}
	out := m.best(s, q)
	if !q.NoTerms {
		for i := range out {
			out[i].Terms = m.terms(had, m.place[out[i].Item])
		}
	}
	return out
}

// best takes the highest scores, and leaves the scratch as it found it.
func (m *Model) best(s *scores, q recommend.Query) []Ranked {
	n := q.K
	if n == 0 {
		n = 20
	}
	var out []Ranked
	for _, i := range s.found {
		score := s.sum[i]
		s.sum[i] = 0
		if score <= 0 || n <= 0 || len(out) == n && score < out[n-1].Score {
			continue
		}
		r := Ranked{Item: m.ids[i], Score: score}
		if len(out) == n && before(out[n-1], r) < 0 || q.Exclude != nil && q.Exclude(r.Item) {
			continue
		}
		at, _ := slices.BinarySearchFunc(out, r, before)
		if len(out) == n {
			out = out[:n-1]
		}
		out = slices.Insert(out, at, r)
	}
	s.found = s.found[:0]
	return out
}

// before orders a list: higher score first, then smaller id.
func before(a, b Ranked) int {
	return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Item, b.Item))
}

// Explain is the score of one product for those that were seen, whatever its place in
// the list.
func (m *Model) Explain(items []thimble.ItemID, item thimble.ItemID) Ranked {
	r := Ranked{Item: item}
	i, ok := m.place[item]
	if !ok {
		return r
	}
	r.Terms = m.terms(m.seen(items), i)
	for _, t := range r.Terms {
		r.Score += t.Share
	}
	return r
}

func (m *Model) terms(had []seen, item int32) []Term {
	var all []Term
	for _, h := range had {
		other := m.rows[h.item]
		for _, c := range m.rows[item] {
			for len(other) > 0 && other[0].of < c.of {
				other = other[1:]
			}
			if len(other) == 0 {
				break
			}
			if other[0].of == c.of {
				f := m.known[c.of]
				all = append(all, Term{m.ids[h.item], f.field, f.value, h.weight * int64(other[0].weight) * int64(c.weight)})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b Term) int { return cmp.Compare(b.Share, a.Share) })
	return all
}
