package ml

import "math"

// Heavier is the matrix of an operator over a [Gram]'s rows in which some columns count more
// than their weights: A + factor·Y·V·Yᵀ, where Y has these columns and V their weights. In a
// regression it gives some of what is to be explained more confidence (Hu, Koren and Volinsky 2008).
//
// Like the Gram's own, its sums are exact integers, so that the order of the columns does not
// show. It serves one goroutine. The zero value is ready; it keeps its buffers.
type Heavier struct {
	of      Operator
	gram    *Gram
	factor  float64
	rows    []int32 // of one column after the other
	columns []heavy
	sums    []int64
}

// A heavy is where a column's rows end, and its weight.
type heavy struct {
	end    int32
	weight uint16
}

// Begin makes h the matrix of op, which is g or g's built one, where the columns that [Heavier.Add]
// names count so much more.
func (h *Heavier) Begin(op Operator, g *Gram, factor float64) {
	h.of, h.gram, h.factor, h.rows, h.columns = op, g, factor, h.rows[:0], h.columns[:0]
}

// Row says that the next column has a row.
func (h *Heavier) Row(k int32) { h.rows = append(h.rows, k) }

// Add adds a column with the rows that were named. The Gram has it with the same weight, or more.
func (h *Heavier) Add(weight uint16) {
	if end := int32(len(h.rows)); end > h.end(len(h.columns)-1) {
		h.columns = append(h.columns, heavy{end, weight})
	}
}

func (h *Heavier) end(n int) int32 {
	if n < 0 {
		return 0
	}
	return h.columns[n].end
}

// eachColumn calls f with each column's weight, rows, and product with a vector in fixed point.
func (h *Heavier) eachColumn(fixed []int32, f func(weight int64, rows []int32, together int64)) {
	from := int32(0)
	for _, c := range h.columns {
		rows := h.rows[from:c.end]
		f(int64(c.weight), rows, together(rows, fixed))
		from = c.end
	}
}

// Apply implements [Operator].
func (h *Heavier) Apply(dst, p []float64) {
	h.of.Apply(dst, p) // which rounds p
	h.sums = grow(h.sums, len(dst))
	clear(h.sums)
	h.eachColumn(h.gram.fixed, func(weight int64, rows []int32, together int64) {
		for _, k := range rows {
			h.sums[k] += weight * together
		}
	})
	unit := math.Ldexp(1, -h.gram.shift)
	for k, sum := range h.sums {
		dst[k] += float64(h.factor * float64(float64(sum)*unit))
	}
}

// Energy implements [Operator].
func (h *Heavier) Energy(p []float64) float64 {
	energy := h.of.Energy(p)
	own := int64(0) // at most the energy of all columns
	h.eachColumn(h.gram.fixed, func(weight int64, _ []int32, together int64) { own += weight * together * together })
	return energy + float64(h.factor*math.Ldexp(float64(own), -2*h.gram.shift))
}

// together is the product of a column, which has these rows, with a vector in fixed point.
func together(rows, fixed []int32) (sum int64) {
	for _, k := range rows {
		sum += int64(fixed[k])
	}
	return sum
}
