package ml

import "math"

// Gram applies A = X·W·Xᵀ + diag(pad) + diag(ridge) without building it, for a sparse matrix
// X of zeros and ones given by the columns of each row, and integer column
// weights W. One application costs two passes over the lists.
//
// Sums are exact integers: p is rounded to fixed point at a power-of-two scale
// chosen so that nothing overflows, and A is applied to that p exactly. So the
// result does not depend on the order of a list, and a solver may permute
// columns at will.
//
// The columns are gone through in spans, each in both passes while what belongs to it is in the
// processor's second cache: with a million columns that is several times as quick
// as to go through all of them twice.
//
// A Gram serves one goroutine.
type Gram struct {
	weights    *Weights
	sums       []int32 // (Xᵀp) at each column of a span in fixed point, zero between spans
	rows       []GramRow
	bound      int
	size       int   // total length of rows
	span       int   // how many columns are gone through at a time
	from, next []int // row → where its columns of the span begin, and end
	fixed      []int32
	exact      []int64 // row → its sum so far
	shift      int     // p = fixed · 2^-shift
	known      []int64 // what exact was before, for the next application; nil when that is not known
	moved      []GramColumn
}

// A GramRow is one row of X with its share of the diagonal.
type GramRow struct {
	Columns []int32 // where the row has ones, ascending
	Pad     int64   // from 0, added on the diagonal in the exact integer sums
	Degree  float64 // the sum of the columns' weights, plus Pad
	Ridge   float64 // added on the diagonal in floating point
}

// MaxGramDegree bounds a row's sum of weights and pad, and MaxGramBound the rows
// that share a column. Within them nothing overflows.
const (
	MaxGramDegree = 1 << 32
	MaxGramBound  = 1 << 12
)

// NewGram returns an operator over as many columns as there are weights.
func NewGram(weights *Weights) *Gram { return &Gram{weights: weights} }

// Restrict sets the rows, of which no column is in more than bound. They are read
// until the next call. A result does not show how a Degree is made up of weights
// and Pad, unless two rows share a column.
func (g *Gram) Restrict(rows []GramRow, bound int) {
	g.rows, g.bound = rows, max(1, min(bound, len(rows)))
	g.size = 0
	for k := range rows {
		g.size += len(rows[k].Columns)
	}
	g.known, g.moved = nil, nil
	g.span = spanOf(len(g.weights.all), len(rows), g.size)
	g.fixed, g.exact = grow(g.fixed, len(rows)), grow(g.exact, len(rows))
	g.from, g.next = grow(g.from, len(rows)), grow(g.next, len(rows))
	g.sums = grow(g.sums, g.span)
}

// A GramColumn is a column that was added to X, or taken away.
type GramColumn struct {
	Rows   []int32 // where it has ones: positions among the rows
	Weight int64   // negative when it was taken away
}

// Visits is how many columns the rows have, each counted as often as a row has it.
func (g *Gram) Visits() int { return g.size }

// Exact returns the exact sums of the last application of g itself, which are good until the next.
func (g *Gram) Exact() []int64 { return g.exact }

// Resume spares the next application its passes: it starts from the exact sums that one of
// the same vector had before some columns moved. The rows' degrees must be what they were, so
// that their pads make up for the columns' weights.
func (g *Gram) Resume(before []int64, moved []GramColumn) { g.known, g.moved = before, moved }

// resumed sets the exact sums to those before, and what moved of them.
func (g *Gram) resumed() {
	copy(g.exact, g.known)
	for _, c := range g.moved {
		all := together(c.Rows, g.fixed)
		for _, k := range c.Rows {
			g.exact[k] += c.Weight * (all - int64(g.fixed[k]))
		}
	}
	g.known, g.moved = nil, nil
}

// A span is as wide as fits the cache, and wider where rows have so few columns in one that to
// find where they begin and end would take longer than it saves.
const (
	cachedSpan = 1 << 15
	rowVisits  = 4
)

func spanOf(columns, rows, size int) int {
	span := cachedSpan
	for span < columns && size/rowVisits < rows*((columns+span-1)/span) {
		span *= 2
	}
	return min(span, columns)
}

// Apply implements Operator.
func (g *Gram) Apply(dst, p []float64) {
	g.round(p)
	if g.known != nil {
		g.resumed()
	} else {
		for k := range g.rows {
			g.exact[k] = g.rows[k].Pad * int64(g.fixed[k])
		}
		g.eachSpan(g.applySpan)
	}
	unit := math.Ldexp(1, -g.shift)
	for k := range g.rows {
		dst[k] = float64(float64(g.exact[k])*unit) + float64(g.rows[k].Ridge*p[k])
	}
}

// Energy implements Operator.
func (g *Gram) Energy(p []float64) float64 {
	g.round(p)
	for k := range g.rows {
		g.exact[k] = g.rows[k].Pad * int64(g.fixed[k])
	}
	g.eachSpan(g.energySpan)
	energy := int64(0)
	for k, d := range g.fixed {
		energy += int64(d) * g.exact[k]
	}
	return g.energy(energy, p)
}

// energy scales one in fixed point, and adds what the ridges have of p's.
func (g *Gram) energy(exact int64, p []float64) float64 {
	out := math.Ldexp(float64(exact), -2*g.shift)
	for k, v := range p {
		out += float64(float64(g.rows[k].Ridge*v) * v)
	}
	return out
}

// eachSpan has every column gone through by f, which is given the first of a span and the first
// after it, finds the rows' columns from g.next on, and leaves it after them.
func (g *Gram) eachSpan(f func(first, after int32)) {
	clear(g.next)
	copy(g.from, g.next)
	for first, all := 0, len(g.weights.all); first < all; first += g.span {
		f(int32(first), int32(min(first+g.span, all)))
		g.wipe(int32(first))
		copy(g.from, g.next)
	}
}

// applySpan sets the sums of a span to (Xᵀp) in fixed point, and adds what each row has of them.
func (g *Gram) applySpan(first, after int32) {
	if int(after-first) == len(g.weights.all) {
		g.applyAll()
		return
	}
	sums, class, of := g.sums[:after-first], g.weights.class[first:after], &g.weights.of
	for k := range g.rows {
		list, n, d := g.rows[k].Columns, g.next[k], g.fixed[k]
		for ; n < len(list) && list[n] < after; n++ {
			sums[list[n]-first] += d
		}
		g.next[k] = n
	}
	for k := range g.rows {
		sum := g.exact[k]
		for _, u := range g.rows[k].Columns[g.from[k]:g.next[k]] {
			c := class[u-first]
			w := of[c]
			if c == rare {
				w = int64(g.weights.all[u])
			}
			sum += int64(sums[u-first]) * w
		}
		g.exact[k] = sum
	}
}

// applyAll is applySpan where one span has all columns, and they are in the cache anyhow.
func (g *Gram) applyAll() {
	sums, weights := g.sums, g.weights.all[:len(g.sums)]
	for k := range g.rows {
		list, d := g.rows[k].Columns, g.fixed[k]
		for _, u := range list {
			sums[u] += d
		}
		g.next[k] = len(list)
	}
	for k := range g.rows {
		sum := g.exact[k]
		for _, u := range g.rows[k].Columns {
			sum += int64(sums[u]) * int64(weights[u])
		}
		g.exact[k] = sum
	}
}

// energySpan adds, for each row, what the energy grows by as the row's part of the sums is added.
func (g *Gram) energySpan(first, after int32) {
	sums, weights := g.sums[:after-first], g.weights.all[first:after]
	for k := range g.rows {
		list, n, d, gain := g.rows[k].Columns, g.next[k], g.fixed[k], g.exact[k]
		for ; n < len(list) && list[n] < after; n++ {
			// w·((s+d)² − s²) = d·w·(2s+d)
			u := list[n] - first
			s := sums[u]
			gain += int64(weights[u]) * (2*int64(s) + int64(d))
			sums[u] = s + d
		}
		g.next[k], g.exact[k] = n, gain
	}
}

// wipe sets the sums of a span back to zero, by whichever way is quicker: clearing a run of
// memory costs about a tenth of visiting as many places.
func (g *Gram) wipe(first int32) {
	visits := 0
	for k := range g.next {
		visits += g.next[k] - g.from[k]
	}
	if 10*visits > len(g.sums) {
		clear(g.sums)
		return
	}
	for k := range g.rows {
		for _, u := range g.rows[k].Columns[g.from[k]:g.next[k]] {
			g.sums[u-first] = 0
		}
	}
}

const (
	fixedBits  = 19 // of |p|; times MaxGramBound it fits an int32
	energyBits = 60 // of the energy; rounding may double it
)

// round moves p to fixed point. By Cauchy and Schwarz the energy is at most
// bound · Σ deg·p², which sets the scale together with the largest |p|.
func (g *Gram) round(p []float64) {
	largest, energy := 0.0, 0.0
	for k, v := range p {
		largest = max(largest, math.Abs(v))
		energy += float64(float64(g.rows[k].Degree*v) * v)
	}
	_, e1 := math.Frexp(largest)
	_, e2 := math.Frexp(float64(energy * float64(g.bound)))
	g.shift = max(-500, min(fixedBits-1-e1, (energyBits-e2)>>1, 500))
	up, down := math.Ldexp(1, g.shift), math.Ldexp(1, -g.shift)
	for k, v := range p {
		g.fixed[k] = int32(Round(float64(v * up)))
		p[k] = float64(float64(g.fixed[k]) * down)
	}
}
