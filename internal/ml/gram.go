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
// A Gram serves one goroutine.
type Gram struct {
	weights []uint16
	sums    []int32 // (Xᵀp) at each column in fixed point, zero between calls
	rows    []GramRow
	bound   int
	size    int // total length of rows
	fixed   []int32
	shift   int // p = fixed · 2^-shift
}

// A GramRow is one row of X with its share of the diagonal.
type GramRow struct {
	Columns []int32 // where the row has ones
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

// NewGram returns an operator over len(weights) columns. The slice is read until
// the last call.
func NewGram(weights []uint16) *Gram {
	return &Gram{weights: weights, sums: make([]int32, len(weights))}
}

// Restrict sets the rows, of which no column is in more than bound. They are read
// until the next call. A result does not show how a Degree is made up of weights
// and Pad, unless two rows share a column.
func (g *Gram) Restrict(rows []GramRow, bound int) {
	g.rows, g.bound = rows, max(1, min(bound, len(rows)))
	g.size = 0
	for k := range rows {
		g.size += len(rows[k].Columns)
	}
	g.fixed = grow(g.fixed, len(rows))
}

// Apply implements Operator.
func (g *Gram) Apply(dst, p []float64) {
	g.round(p)
	g.scatter()
	unit := math.Ldexp(1, -g.shift)
	sums, weights := g.sums, g.weights[:len(g.sums)]
	for k := range g.rows {
		row := &g.rows[k]
		sum := row.Pad * int64(g.fixed[k])
		for _, u := range row.Columns {
			sum += int64(sums[u]) * int64(weights[u])
		}
		dst[k] = float64(float64(sum)*unit) + float64(row.Ridge*p[k])
	}
	g.wipe()
}

// Energy implements Operator.
func (g *Gram) Energy(p []float64) float64 {
	g.round(p)
	energy := int64(0)
	sums, weights := g.sums, g.weights[:len(g.sums)]
	for k := range g.rows {
		row := &g.rows[k]
		d := g.fixed[k]
		if d == 0 {
			continue
		}
		gain := row.Pad * int64(d)
		for _, u := range row.Columns {
			// w·((s+d)² − s²) = d·w·(2s+d): the energy grows as the sums do.
			s := sums[u]
			gain += int64(weights[u]) * (2*int64(s) + int64(d))
			sums[u] = s + d
		}
		energy += int64(d) * gain
	}
	g.wipe()
	out := math.Ldexp(float64(energy), -2*g.shift)
	for k, v := range p {
		out += float64(float64(g.rows[k].Ridge*v) * v)
	}
	return out
}

// scatter sets each column's sum to (Xᵀp) in fixed point.
func (g *Gram) scatter() {
	sums := g.sums
	for k := range g.rows {
		row := &g.rows[k]
		d := g.fixed[k]
		if d == 0 {
			continue
		}
		for _, u := range row.Columns {
			sums[u] += d
		}
	}
}

// wipe sets the sums back to zero, by whichever way is quicker: clearing a run of
// memory costs about a tenth of visiting as many places.
func (g *Gram) wipe() {
	if 10*g.size > len(g.sums) {
		clear(g.sums)
		return
	}
	for k := range g.rows {
		for _, u := range g.rows[k].Columns {
			g.sums[u] = 0
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
