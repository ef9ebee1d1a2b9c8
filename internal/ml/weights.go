package ml

import "slices"

// Weights are the integer weights of a [Gram]'s columns, and a byte for each that says which of
// the most frequent it is: a sum over columns waits for what it fetches, and fetches half of it
// so. They may be used by several goroutines.
type Weights struct {
	all   []uint16
	class []uint8         // nil where all fit the cache
	of    [rare + 1]int64 // class → weight
}

// rare is the class of the weights that are none of the most frequent.
const rare = 255

// NewWeights returns the weights of columns. The slice is read as long as they are used.
func NewWeights(all []uint16) *Weights {
	w := &Weights{all: all}
	if len(all) > cachedSpan {
		w.classify()
	}
	return w
}

func (w *Weights) classify() {
	w.class = make([]uint8, len(w.all))
	counts := make([]int, 1<<16)
	for _, v := range w.all {
		counts[v]++
	}
	var seen []uint16
	for v, n := range counts {
		if n > 0 {
			seen = append(seen, uint16(v))
		}
	}
	slices.SortStableFunc(seen, func(a, b uint16) int { return counts[b] - counts[a] })
	classes := make([]uint8, 1<<16)
	for k, v := range seen {
		classes[v] = uint8(min(k, rare))
		if k < rare {
			w.of[k] = int64(v)
		}
	}
	for u, v := range w.all {
		w.class[u] = classes[v]
	}
}
