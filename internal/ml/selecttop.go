package ml

import (
	"math"
	"math/bits"
	"slices"
)

// Largest returns the k largest keys, in no particular order; all of them when
// there are not more. It reuses keys, whose other contents are lost. Keys that
// carry their own tie-break, such as an inverted id in the low bits, make the
// chosen set unique. It takes linear time on average and O(n log n) at worst.
func Largest(keys []uint64, k int) []uint64 {
	if k <= 0 {
		return keys[:0]
	}
	if k >= len(keys) {
		return keys
	}
	if len(keys) > 64 {
		keys = atLeast(keys, coarseFloor(keys, k))
	}
	selectTop(keys, k)
	return keys[:k]
}

// Keys are sorted coarsely by bit length and the three bits after the first.
const (
	coarseBits  = 3
	coarseSteps = 64 << coarseBits
)

func coarse(key uint64) int {
	n := bits.Len64(key | 1<<coarseBits) // from coarseBits+1 to 64
	return (n-1-coarseBits)<<coarseBits + int(key>>(n-1-coarseBits))&(coarseSteps-1)
}

// coarseFloor returns a step that at least k keys reach, and fewer than k exceed.
func coarseFloor(keys []uint64, k int) int {
	var count [coarseSteps]uint32
	for _, key := range keys {
		count[coarse(key)&(coarseSteps-1)]++
	}
	floor, above := coarseSteps, 0
	for above < k {
		floor--
		above += int(count[floor])
	}
	return floor
}

// atLeast keeps the keys that reach a step.
func atLeast(keys []uint64, floor int) []uint64 {
	n := 0
	for _, key := range keys {
		keys[n] = key
		if coarse(key) >= floor {
			n++
		}
	}
	return keys[:n]
}

// selectTop moves the k largest keys to the front.
func selectTop(keys []uint64, k int) {
	lo, hi := 0, len(keys)
	for tries := 64; lo < k && k < hi; tries-- {
		if tries == 0 || hi-lo <= 12 {
			slices.SortFunc(keys[lo:hi], descending)
			return
		}
		left, right := partition(keys[lo:hi])
		switch {
		case k <= lo+left:
			hi = lo + left
		case k >= lo+right:
			lo += right
		default: // k falls among keys equal to the pivot
			return
		}
	}
}

func descending(a, b uint64) int {
	switch {
	case a > b:
		return -1
	case a < b:
		return 1
	}
	return 0
}

// partition splits keys around a pivot: keys[:left] are at least the pivot,
// keys[right:] at most, and what lies between equals it. Both outer parts are
// shorter than keys.
func partition(keys []uint64) (left, right int) {
	p := median(keys[0], keys[len(keys)/2], keys[len(keys)-1])
	i, j := 0, len(keys)-1
	for i <= j {
		for keys[i] > p {
			i++
		}
		for keys[j] < p {
			j--
		}
		if i <= j {
			keys[i], keys[j] = keys[j], keys[i]
			i++
			j--
		}
	}
	return j + 1, i
}

func median(a, b, c uint64) uint64 {
	return max(min(a, b), min(max(a, b), c))
}

// A Top keeps the k largest keys pushed into it.
type Top struct {
	k    int
	heap []uint64 // the smallest kept key is first
}

// Reset empties t and sets how many keys it keeps.
func (t *Top) Reset(k int) {
	t.k, t.heap = k, t.heap[:0]
	if k <= fewKeys {
		t.heap = slices.Grow(t.heap, 2*max(k, 0)) // to sort them
	}
}

// Push keeps key when it is among the k largest so far, and returns the floor:
// a key that is not above it would not be kept.
func (t *Top) Push(key uint64) (floor uint64) {
	if len(t.heap) < t.k {
		t.heap = append(t.heap, key)
		t.up(len(t.heap) - 1)
	} else if t.k > 0 && key > t.heap[0] {
		t.heap[0] = key
		t.down()
	}
	switch {
	case t.k <= 0:
		return math.MaxUint64
	case len(t.heap) < t.k:
		return 0
	}
	return t.heap[0]
}

// Full reports whether as many keys are kept as can be.
func (t *Top) Full() bool { return len(t.heap) >= t.k }

// Sorted returns the kept keys, largest first. The slice is valid until Reset,
// and the next call must be Reset.
func (t *Top) Sorted() []uint64 {
	if t.k <= fewKeys {
		return ranked(t.heap)
	}
	slices.SortFunc(t.heap, descending)
	return t.heap
}

// fewKeys is how many keys are sorted by counting: no branch of that is guessed wrong.
const fewKeys = 32

// ranked returns keys, largest first, in the room behind them that Reset made: each after as many as are
// larger, or equal and before it.
func ranked(keys []uint64) []uint64 {
	n := len(keys)
	out := keys[n : 2*n]
	for k, key := range keys {
		place := 0
		for _, before := range keys[:k] {
			if before >= key {
				place++
			}
		}
		for _, after := range keys[k+1:] {
			if after > key {
				place++
			}
		}
		out[place] = key
	}
	return out
}

func (t *Top) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if t.heap[parent] <= t.heap[i] {
			return
		}
		t.heap[parent], t.heap[i] = t.heap[i], t.heap[parent]
		i = parent
	}
}

func (t *Top) down() {
	for i := 0; ; {
		child := 2*i + 1
		if child >= len(t.heap) {
			return
		}
		if child+1 < len(t.heap) && t.heap[child+1] < t.heap[child] {
			child++
		}
		if t.heap[i] <= t.heap[child] {
			return
		}
		t.heap[i], t.heap[child] = t.heap[child], t.heap[i]
		i = child
	}
}
