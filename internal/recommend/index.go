package recommend

import (
	"slices"

	"thimble"
	"thimble/internal/ml"
)

// weightUnit is the weight of a customer with one item, and weightBits how often it can be
// halved until nothing is left.
const (
	weightUnit = 4096
	weightBits = 13
)

// An index is a data set as one recipe sees it: capped histories, customers'
// weights, and who had an item. All of it is integers and sums of integers, so
// that adding and removing a person cancel exactly. Who had an item and is not
// counted for it, by a cap, is in neither list.
type index struct {
	shape    shape
	byLength []uint16  // items in a history → customer's weight
	weights  []uint16  // slot → customer's weight, 0 when free
	baskets  [][]int32 // slot → items that count
	buyers   [][]int32 // item → slots, ascending
	whole    bool      // buyers are in order: false while the index is built
	degree   []int64   // item → sum of its buyers' weights
	crowd    *crowd    // who is not trusted; nil when the recipe caps nobody
	watch    *watch    // what a batch of changes touches; nil outside of one
}

// A shape is what of a recipe decides an index.
type shape struct {
	limit, alpha         int
	decayEpoch, halfLife int
	mostHalvings         int
	cap, floor, milli    int
	trustedBefore        int
	key                  int64
}

func (r Recipe) shape() shape {
	s := shape{limit: r.HistoryCap, alpha: r.AlphaMilli}
	if r.DecayEpoch > 0 {
		s.decayEpoch, s.halfLife, s.mostHalvings = r.DecayEpoch, r.HalfLife, r.MostHalvings
	}
	if r.UntrustedCap > 0 {
		s.cap, s.floor, s.milli = r.UntrustedCap, r.UntrustedFloor, r.UntrustedMilli
		s.key, s.trustedBefore = r.ChoiceKey, r.TrustedBefore
	}
	return s
}

// indexFor returns the data set's index under a recipe, building it when the
// last one was made for another.
func (d *Dataset) indexFor(r Recipe) *index {
	if x := d.index; x != nil && x.shape == r.shape() {
		return x
	}
	x := &index{
		shape: r.shape(), byLength: customerWeights(r),
		weights: make([]uint16, len(d.histories)),
		baskets: make([][]int32, len(d.histories)),
		buyers:  carve(d, r.HistoryCap),
		degree:  make([]int64, len(d.table.ids)),
	}
	if r.UntrustedCap > 0 {
		x.crowd = newCrowd(r, d.table)
	}
	who := d.names()
	for slot, history := range d.histories {
		if len(history) > 0 {
			x.add(int32(slot), history, d.marks[slot], who[slot])
		}
	}
	x.gathered()
	for _, list := range x.buyers {
		if !slices.IsSorted(list) {
			slices.Sort(list)
		}
	}
	x.whole = true
	d.index = x
	return x
}

// names are who has which slot.
func (d *Dataset) names() []thimble.SubjectID {
	names := make([]thimble.SubjectID, len(d.histories))
	for who, slot := range d.slots {
		names[slot] = who
	}
	return names
}

// customerWeights returns the weight of a customer by the length of the capped
// history.
func customerWeights(r Recipe) []uint16 {
	out := make([]uint16, r.HistoryCap+1)
	for n := 1; n < len(out); n++ {
		out[n] = uint16(ml.Round(float64(weightUnit * ml.Pow(float64(n), -float64(r.AlphaMilli)/1000))))
	}
	return out
}

// carve cuts one block of memory into an empty list per item with room for its
// buyers.
func carve(d *Dataset, limit int) [][]int32 {
	counts := make([]int, len(d.table.ids))
	total := 0
	for _, history := range d.histories {
		for _, i := range tail(history, limit) {
			counts[i]++
			total++
		}
	}
	block := make([]int32, total)
	out := make([][]int32, len(counts))
	for i, n := range counts {
		out[i], block = block[:0:n], block[n:]
	}
	return out
}

func tail(history []int32, limit int) []int32 {
	return history[max(0, len(history)-limit):]
}

func (x *index) add(slot int32, history []int32, m mark, who thimble.SubjectID) {
	for int(slot) >= len(x.weights) {
		x.weights = append(x.weights, 0)
		x.baskets = append(x.baskets, nil)
	}
	basket := tail(history, x.shape.limit)
	w := x.weight(len(basket), m)
	if w == 0 {
		return // too long ago to count
	}
	x.note(slot)
	x.weights[slot] = w
	if x.crowd != nil && !x.crowd.trusts(m) {
		x.crowd.add(x, slot, basket, who)
		return
	}
	x.baskets[slot] = basket
	for _, i := range basket {
		x.count(slot, i)
	}
	if x.crowd != nil {
		x.crowd.beside(x, basket, 1)
	}
}

func (x *index) remove(slot int32, history []int32, m mark) {
	if x.weights[slot] == 0 {
		return
	}
	x.note(slot)
	basket := tail(history, x.shape.limit)
	if x.crowd != nil && !x.crowd.trusts(m) {
		x.crowd.remove(x, slot, basket)
	} else {
		for _, i := range basket {
			x.discount(slot, i)
		}
		if x.crowd != nil {
			x.crowd.beside(x, basket, -1)
		}
	}
	x.weights[slot], x.baskets[slot] = 0, nil
}

// weight returns the weight of a customer with so many items that count.
func (x *index) weight(items int, m mark) uint16 {
	w, s := x.byLength[items], x.shape
	if s.decayEpoch == 0 || m.epoch <= 0 || int(m.epoch) >= s.decayEpoch {
		return w
	}
	times := (s.decayEpoch - int(m.epoch)) / s.halfLife
	if s.mostHalvings == 0 {
		return w >> min(weightBits, times)
	}
	return max(min(w, 1), w>>min(s.mostHalvings, times))
}

// count and discount put a customer among an item's buyers, and take them out.
func (x *index) count(slot, i int32) {
	x.watch.item(x, i)
	x.degree[i] += int64(x.weights[slot])
	if !x.whole {
		x.buyers[i] = append(x.buyers[i], slot)
	} else if at, there := slices.BinarySearch(x.buyers[i], slot); !there {
		x.buyers[i] = slices.Insert(x.buyers[i], at, slot)
	}
}

func (x *index) discount(slot, i int32) {
	x.watch.item(x, i)
	x.degree[i] -= int64(x.weights[slot])
	if at, there := slices.BinarySearch(x.buyers[i], slot); there {
		x.buyers[i] = slices.Delete(x.buyers[i], at, at+1)
	}
}

// without removes slot from a list whose order does not matter.
func without(list []int32, slot int32) []int32 {
	for k, s := range list {
		if s == slot {
			list[k] = list[len(list)-1]
			return list[:len(list)-1]
		}
	}
	return list
}

// together sums, for every item that shares a customer with j, the weights of
// those customers into counts, which was zero, and appends those items to found,
// j among them.
func (x *index) together(j int32, counts []uint32, found []int32) []int32 {
	room := 0
	for _, u := range x.buyers[j] {
		room += len(x.baskets[u])
	}
	n := len(found)
	room = min(room, len(counts)) + 1 // one more than can be counted
	found = slices.Grow(found, room)[:n+room]
	for _, u := range x.buyers[j] {
		w := uint32(x.weights[u])
		for _, i := range x.baskets[u] {
			// Written always and counted sometimes: no branch to guess wrong.
			found[n] = i
			count := counts[i]
			if count == 0 {
				n++
			}
			counts[i] = count + w
		}
	}
	return found[:n]
}
