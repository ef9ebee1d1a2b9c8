package recommend

import (
	"fmt"
	"iter"
	"slices"

	"thimble"
)

// A Dataset is who had what: the integer statistics that models are trained on,
// kept so that a person can be taken out at any time. It holds people; whoever
// keeps one answers for their erasure.
//
// The item table is fixed when the data set is made, because a table that grew
// with people's items would remember them. A Dataset serves one goroutine.
type Dataset struct {
	table *catalogue
	slots map[thimble.SubjectID]int32
	// histories by slot: distinct items, most recent last; nil marks a free slot.
	histories    [][]int32
	marks        []mark // by slot
	free         []int32
	interactions int
	seen         []uint64 // scratch
	index        *index   // what the last recipe made of it; nil before
	quick        *quick   // nil when it keeps nothing
}

// NewDataset returns an empty data set over the given items, each at most 65535
// bytes long. Repeated ids count once.
func NewDataset(items []thimble.ItemID) *Dataset {
	table := newCatalogue(items)
	return &Dataset{
		table: table,
		slots: map[thimble.SubjectID]int32{},
		seen:  make([]uint64, bitWords(len(table.ids))),
	}
}

// Put sets what a person had and replaces what was there before. A person left
// without items is not kept. A model trained before is not changed: see
// [Model.Update] for both at once.
func (d *Dataset) Put(person thimble.SubjectID, h History) error {
	if person.IsZero() {
		return fmt.Errorf("recommend: adding a history: the zero subject is nobody: %w", thimble.ErrInvalid)
	}
	d.quick.outdated()
	d.put(person, h)
	return nil
}

// Forget removes a person and reports whether they were there. A model trained
// before is not changed: see [Model.Forget] for both at once.
func (d *Dataset) Forget(person thimble.SubjectID) bool {
	_, ok := d.slots[person]
	d.quick.outdated()
	d.put(person, History{})
	return ok
}

// Has reports whether a person's history is in the data set.
func (d *Dataset) Has(person thimble.SubjectID) bool {
	_, ok := d.slots[person]
	return ok
}

// All yields everybody with what the data set has of them, in no particular order.
func (d *Dataset) All() iter.Seq2[thimble.SubjectID, History] {
	return func(yield func(thimble.SubjectID, History) bool) {
		for who := range d.slots {
			if !yield(who, d.history(who)) {
				return
			}
		}
	}
}

// Same reports whether both have the same of the same people, in the same order.
func (d *Dataset) Same(o *Dataset) bool {
	if len(d.slots) != len(o.slots) || d.interactions != o.interactions || !slices.Equal(d.table.ids, o.table.ids) {
		return false
	}
	for who, slot := range d.slots {
		other, ok := o.slots[who]
		if !ok || d.marks[slot] != o.marks[other] || !slices.Equal(d.histories[slot], o.histories[other]) {
			return false
		}
	}
	return true
}

// Trusted returns how many people a recipe trusts.
func (d *Dataset) Trusted(r Recipe) (n int) {
	for _, slot := range d.slots {
		if r.Trusts(d.marks[slot].history()) {
			n++
		}
	}
	return n
}

// LatestEpoch returns the latest epoch in which, or after which, one in so many of the people
// who count as trusted had something last; 0 when that is not known. It is what a recipe's
// DecayEpoch is made from: one order of today on top of old ones does not move it.
func (d *Dataset) LatestEpoch(oneIn int) int {
	var last []int
	for _, slot := range d.slots {
		if m := d.marks[slot]; m.trusted && m.epoch > 0 {
			last = append(last, int(m.epoch))
		}
	}
	if len(last) == 0 {
		return 0
	}
	slices.Sort(last)
	share := (len(last) + oneIn - 1) / oneIn
	return last[len(last)-share]
}

// People returns how many people the data set holds.
func (d *Dataset) People() int { return len(d.slots) }

// Interactions returns how many (person, item) pairs the data set holds.
func (d *Dataset) Interactions() int { return d.interactions }

// Had returns how many people had an item, and of them how many had each of some others
// as well. What is not in the table nobody had.
func (d *Dataset) Had(item thimble.ItemID, others []thimble.ItemID) (people int, both []int) {
	both = make([]int, len(others))
	i, ok := d.table.find(item)
	if !ok {
		return 0, both
	}
	with := map[int32]int{} // of each of the others, how often it was met
	for _, id := range others {
		if j, ok := d.table.find(id); ok {
			with[j] = 0
		}
	}
	for _, history := range d.histories {
		if !slices.Contains(history, i) {
			continue
		}
		people++
		for _, j := range history {
			if n, ok := with[j]; ok {
				with[j] = n + 1
			}
		}
	}
	for k, id := range others {
		if j, ok := d.table.find(id); ok {
			both[k] = with[j]
		}
	}
	return people, both
}

func (d *Dataset) numbers(items []thimble.ItemID) []int32 {
	out := d.table.lastDistinct(make([]int32, 0, min(len(items), 64)), len(items), len(d.table.ids),
		func(k int) thimble.ItemID { return items[k] }, d.seen)
	return slices.Clip(out)
}

// put replaces a person's history; an empty one removes the person.
func (d *Dataset) put(person thimble.SubjectID, h History) {
	history := d.numbers(h.Items)
	slot, ok := d.slots[person]
	if ok {
		d.interactions -= len(d.histories[slot])
		if d.index != nil {
			d.index.remove(slot, d.histories[slot], d.marks[slot])
		}
		d.histories[slot] = nil
	}
	if len(history) == 0 {
		if ok {
			delete(d.slots, person)
			d.marks[slot] = mark{}
			d.free = append(d.free, slot)
		}
		return
	}
	if !ok {
		slot = d.takeSlot()
		d.slots[person] = slot
	}
	d.histories[slot], d.marks[slot] = history, h.mark()
	d.interactions += len(history)
	if d.index != nil {
		d.index.add(slot, history, d.marks[slot], person)
	}
}

func (d *Dataset) takeSlot() int32 {
	if n := len(d.free); n > 0 {
		slot := d.free[n-1]
		d.free = d.free[:n-1]
		return slot
	}
	d.histories = append(d.histories, nil)
	d.marks = append(d.marks, mark{})
	return int32(len(d.histories) - 1)
}
