package recommend

import (
	"math/bits"
	"slices"

	"thimble/internal/ml"
)

// A cell is one stored weight: an item's number in the high 24 bits, an 8-bit
// companded code in the low ones.
type cell uint32

func newCell(item int32, code int8) cell { return cell(item)<<8 | cell(uint8(code)) }

func (c cell) item() int32  { return int32(c >> 8) }
func (c cell) code() int8   { return int8(uint8(c)) }
func (c cell) share() int32 { return ml.Expand(c.code()) }

// A column is one item's weights: a cell for each past item that speaks for or
// against it, ascending, and the key of its K-th neighbour, 0 when it has fewer
// than K. It is a function of the item's co-occurrence counts, its neighbours'
// popularity and the baskets of the neighbours' buyers, and of nothing else.
type column struct {
	cells     []cell
	threshold uint64
}

// A solver computes columns. Each worker has its own.
type solver struct {
	recipe  Recipe
	x       *index
	popular *popularity
	sharp   *sharp
	counts  []uint32 // item → co-occurrence with the column's item; zero between calls
	found   []int32  // items with counts
	keys    []uint64
	chosen  []uint64 // one bit per item; zero between calls
	gram    *ml.Gram
	built   ml.Gathered
	heavier ml.Heavier
	cg      ml.CG

	neighbours     []int32 // ascending
	rows           []ml.GramRow
	codes          []int8
	diag, rhs, fit []float64

	task
	place  []int32 // item → its place among the neighbours, from 1; zero between columns
	exact  []int64
	moved  []ml.GramColumn
	places []int32
	block  []sum // what is left of it
}

func newSolver(r Recipe, x *index, p *popularity, of task) *solver {
	n := len(x.degree)
	s := &solver{
		recipe: r, x: x, popular: p, sharp: r.sharp(),
		counts: make([]uint32, n), chosen: make([]uint64, bitWords(n)),
		gram: ml.NewGram(p.weights), task: of,
	}
	if of.light != nil || r.OwnMilli > 0 {
		s.place = make([]int32, n)
	}
	return s
}

// neighbourKey orders candidate neighbours: by count times affinity, then by the
// smaller item number. No two items of a column have the same key. With counts
// below 2^32 the score fits into 40 bits.
func neighbourKey(count, affinity uint32, item int32) uint64 {
	return uint64(count)*uint64(affinity)>>keyShift<<keyIDBits | uint64(maxItems-1-item)
}

func keyItem(key uint64) int32 { return maxItems - 1 - int32(key&(maxItems-1)) }

// solve computes the column of item j. The cells are appended to dst.
func (s *solver) solve(dst []cell, j int32) column {
	threshold, applied := s.system(j), 0
	if len(s.neighbours) > 0 {
		if s.light != nil && s.light[j] {
			s.resume(j, s.trail)
		}
		applied = s.cg.Solve(s.weighted(j), s.diag, s.rhs, s.fit, s.recipe.steps())
		dst = s.quantise(dst, s.popular.damp[j])
	}
	s.keep(j, applied)
	return column{cells: dst, threshold: threshold}
}

// system sets up the ridge system of item j, and returns the column's threshold.
func (s *solver) system(j int32) uint64 {
	s.count(j)
	threshold := uint64(0)
	if s.light != nil && s.light[j] {
		threshold = s.before.thresholds[j]
		s.chooseFrom(threshold)
	} else {
		threshold = s.choose(s.popular.room[j])
	}
	s.restrict()
	return threshold
}

// chooseFrom marks the neighbours whose keys are not below a threshold.
func (s *solver) chooseFrom(threshold uint64) {
	for _, i := range s.found {
		if n := s.counts[i]; n > 0 && neighbourKey(n, s.popular.affinity[i], i) >= threshold {
			s.chosen[i>>6] |= 1 << (i & 63)
		}
	}
}

// operator returns the neighbours' matrix, built where it is applied so often that this takes
// less time. A column's bytes do not depend on it.
func (s *solver) operator() ml.Operator {
	if n := s.recipe.applications(); n > 1 && s.built.Gather(s.gram, n) {
		return &s.built
	}
	return s.gram
}

// count finds every item that shares a customer with j and sums those customers'
// weights.
func (s *solver) count(j int32) {
	s.found = s.x.together(j, s.counts, s.found[:0])
	s.counts[j] = 0
}

// choose marks the k neighbours with the largest keys and returns the smallest
// of those, or 0 when there are fewer than k.
func (s *solver) choose(k int) uint64 {
	s.keys = s.keys[:0]
	for _, i := range s.found {
		if n := s.counts[i]; n > 0 {
			s.keys = append(s.keys, neighbourKey(n, s.popular.affinity[i], i))
		}
	}
	threshold := uint64(0)
	if len(s.keys) >= k {
		s.keys = ml.Largest(s.keys, k)
		threshold = s.keys[0]
		for _, key := range s.keys {
			threshold = min(threshold, key)
		}
	}
	for _, key := range s.keys {
		i := keyItem(key)
		s.chosen[i>>6] |= 1 << (i & 63)
	}
	return threshold
}

// restrict builds the ridge system of the chosen neighbours, in ascending order,
// and clears the scratch.
func (s *solver) restrict() {
	s.neighbours, s.rows, s.diag, s.rhs = s.neighbours[:0], s.rows[:0], s.diag[:0], s.rhs[:0]
	for word, set := range s.chosen {
		if set == 0 {
			continue
		}
		s.chosen[word] = 0
		for ; set != 0; set &= set - 1 {
			s.addRow(int32(word<<6 + bits.TrailingZeros64(set)))
		}
	}
	for _, i := range s.found {
		s.counts[i] = 0
	}
	s.fit = slices.Grow(s.fit[:0], len(s.neighbours))[:len(s.neighbours)]
	s.gram.Restrict(s.rows, s.recipe.HistoryCap)
}

func (s *solver) addRow(i int32) {
	row := &s.popular.rows[i]
	s.neighbours = append(s.neighbours, i)
	s.rows = append(s.rows, *row)
	s.diag = append(s.diag, row.Degree+row.Ridge)
	s.rhs = append(s.rhs, float64(s.counts[i]))
}

// quantise appends the cells whose codes are large enough to keep, and of columns that have few
// of these the largest of the others: of alike ones the items that come first.
func (s *solver) quantise(dst []cell, damp float64) []cell {
	var small [ml.CompandMax + 1]int // code → how many are pruned
	kept := 0
	s.codes = s.codes[:0]
	for _, v := range s.fit {
		code := s.sharp.code(float64(v * damp))
		s.codes = append(s.codes, code)
		switch {
		case s.recipe.keeps(code):
			kept++
		case code > 0:
			small[code]++
		}
	}
	least, some := s.recipe.PruneBelow, 0 // what stays of those with the least code
	for room := s.recipe.KeepLeast - kept; room > 0 && least > 1; room -= some {
		least--
		some = min(small[least], room)
	}
	for k, i := range s.neighbours {
		code := s.codes[k]
		stays := s.recipe.keeps(code) || int(code) > least
		if !stays && int(code) == least && some > 0 {
			stays, some = true, some-1
		}
		if stays {
			dst = append(dst, newCell(i, code))
		}
	}
	return dst
}
