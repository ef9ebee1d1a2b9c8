package ml

import "slices"

// SelectTop moves the k largest keys to the front, in no particular order. When
// there are not more than k keys it does nothing. Keys that carry their own
// tie-break, such as an inverted id in the low bits, make the chosen set unique.
// It takes linear time on average and O(n log n) at worst.
func SelectTop(keys []uint64, k int) {
	lo, hi := 0, len(keys)
	if k <= 0 {
		return
	}
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
func (t *Top) Reset(k int) { t.k, t.heap = k, t.heap[:0] }

// Takes reports whether Push would keep key.
func (t *Top) Takes(key uint64) bool {
	return len(t.heap) < t.k || t.k > 0 && key > t.heap[0]
}

// Push keeps key when it is among the k largest so far.
func (t *Top) Push(key uint64) {
	if !t.Takes(key) {
		return
	}
	if len(t.heap) < t.k {
		t.heap = append(t.heap, key)
		t.up(len(t.heap) - 1)
		return
	}
	t.heap[0] = key
	t.down()
}

// Sorted returns the kept keys, largest first. The slice is valid until Reset,
// and the next call must be Reset.
func (t *Top) Sorted() []uint64 {
	slices.SortFunc(t.heap, descending)
	return t.heap
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
