package ml

import "math"

// Gathered is the matrix of a [Gram], built: an application costs as much as the matrix has
// numbers, where a Gram's costs two passes over its rows' columns. It pays where many rows
// share few columns, or a matrix is applied often. Results have the same bits.
//
// Like its Gram it serves one goroutine. The zero value is ready; it keeps its buffers.
type Gathered struct {
	gram   *Gram
	matrix []int64 // row by row, without the ridge
	met    []meeting
	left   int // of the visits that it saves
}

// A meeting is a row that has a column, and the place of the one before it that has it; 0 is
// nobody.
type meeting struct{ row, before int32 }

// What things take, in visits to a column: a pair that meets there, and a number of the matrix
// that is made, or applied.
const (
	pairVisits  = 4
	madeVisits  = 4
	applyVisits = 0.25
)

// Gather builds the matrix of the rows to which g is restricted, and reports whether it did: it
// does not where so many applications of g itself take less time. The matrix is good until g
// is restricted anew.
func (a *Gathered) Gather(g *Gram, applications int) bool {
	n := len(g.rows)
	// Columns are visited twice at each application but one. Half of what that saves may be lost.
	a.left = (2*g.size*(applications-1) - int(float64(n*n)*(madeVisits+applyVisits*float64(applications)))) / 2
	if a.left <= 0 {
		return false
	}
	a.gram, a.matrix = g, grow(a.matrix, n*n)
	clear(a.matrix)
	g.eachSpan(a.gatherSpan)
	if a.left <= 0 {
		return false
	}
	for k := range n {
		a.matrix[k*n+k] = int64(g.rows[k].Degree)
		for l := range k {
			a.matrix[l*n+k] = a.matrix[k*n+l]
		}
	}
	return true
}

// gatherSpan adds each column's weight where two rows have it. The sums hold who came last.
func (a *Gathered) gatherSpan(first, after int32) {
	g := a.gram
	n, last := len(g.rows), g.sums[:after-first]
	a.met = append(a.met[:0], meeting{})
	for k := 0; k < n && a.left > 0; k++ {
		list, at, row := g.rows[k].Columns, g.next[k], a.matrix[k*n:(k+1)*n]
		for ; at < len(list) && list[at] < after; at++ {
			u := list[at]
			w := int64(g.weights.all[u])
			for m := last[u-first]; m != 0; m = a.met[m].before {
				row[a.met[m].row] += w
				a.left -= pairVisits
			}
			a.met = append(a.met, meeting{int32(k), last[u-first]})
			last[u-first] = int32(len(a.met) - 1)
		}
		g.next[k] = at
	}
}

// Apply implements [Operator].
func (a *Gathered) Apply(dst, p []float64) {
	a.gram.round(p)
	unit := math.Ldexp(1, -a.gram.shift)
	for k := range dst {
		dst[k] = float64(float64(a.row(k))*unit) + float64(a.gram.rows[k].Ridge*p[k])
	}
}

// Energy implements [Operator].
func (a *Gathered) Energy(p []float64) float64 {
	a.gram.round(p)
	energy := int64(0)
	for k, d := range a.gram.fixed {
		if d != 0 {
			energy += int64(d) * a.row(k)
		}
	}
	return a.gram.energy(energy, p)
}

// row returns a row's product with the vector in fixed point.
func (a *Gathered) row(k int) int64 {
	fixed, sum := a.gram.fixed, int64(0)
	for l, v := range a.matrix[k*len(fixed) : (k+1)*len(fixed)] {
		sum += v * int64(fixed[l])
	}
	return sum
}
