package recommend

import (
	"maps"
	"slices"
)

// A trail is what a batch of changes touched in a data set.
type trail struct {
	// people has, for each person whose weight or items that count changed, the items
	// that counted before or count now. A cap may change people who are in no change.
	people  [][]int32
	changed []changed
	before  map[int32]int64 // touched item → its degree before the batch
}

// changed is one of these people, as they counted and as they count.
type changed struct{ old, now counted }

// apply puts the changes into d. A change that leaves what counts of a person the
// same, in whatever order, leaves no trail.
func (d *Dataset) apply(r Recipe, changes []Change) trail {
	x := d.indexFor(r)
	x.watch = &watch{people: map[int32]counted{}, before: map[int32]int64{}}
	for _, c := range changes {
		d.put(c.Person, c.History)
	}
	w := x.watch
	x.watch = nil
	t := trail{before: w.before}
	for _, slot := range slices.Sorted(maps.Keys(w.people)) {
		old, now := w.people[slot], sorted(x.baskets[slot])
		if old.weight == x.weights[slot] && slices.Equal(old.items, now) {
			continue
		}
		t.changed = append(t.changed, changed{old, counted{x.weights[slot], now}})
		items := slices.Concat(now, old.items)
		slices.Sort(items)
		t.people = append(t.people, slices.Compact(items))
	}
	return t
}

// A watch keeps what was before a batch of changes. Its methods do nothing on nil.
type watch struct {
	people map[int32]counted // slot → what of it counted
	before map[int32]int64   // item → its degree
}

// counted is a customer as they counted: their weight, and the items, ascending.
type counted struct {
	weight uint16
	items  []int32
}

// note keeps what counts of a customer who is about to change.
func (x *index) note(slot int32) {
	if x.watch == nil {
		return
	}
	if _, ok := x.watch.people[slot]; !ok {
		x.watch.people[slot] = counted{x.weights[slot], sorted(x.baskets[slot])}
	}
}

// item keeps the degree of an item that is about to change.
func (w *watch) item(x *index, i int32) {
	if w == nil {
		return
	}
	if _, ok := w.before[i]; !ok {
		w.before[i] = x.degree[i]
	}
}

func sorted(items []int32) []int32 {
	out := slices.Clone(items)
	slices.Sort(out)
	return out
}

// stale lists the columns that a trail can have moved, ascending.
//
// A column reads the counts of its own item, its neighbours' rounded degrees, and
// the baskets of customers who have two of its neighbours or more: one who has a
// single neighbour adds to that neighbour's degree only, and what the degree is
// rounded by makes up for it exactly. So the stale columns are:
//
//  1. the touched items' own;
//  2. those that had a changed person's two items among their neighbours;
//  3. those in whose neighbourhood an item whose rounded degree changed was, or
//     now belongs.
//
// No changed person has, or had, any other column's item, so its counts stand as
// they were: one pass over a touched item's customers, and the stored key of the
// K-th neighbour, decide 2 and 3. When most columns are stale the list is not
// complete: whoever is past the break-even trains anew.
//
// Of those of the second kind alone nothing has moved but sums that the person was part of: light
// says which they are.
func (m *Model) stale(d *Dataset, t trail) (all []int32, light []bool) {
	s := staleness{
		m: m, x: d.index,
		mark:   make([]bool, len(d.table.ids)),
		light:  make([]bool, len(d.table.ids)),
		met:    make([]uint16, len(d.table.ids)),
		counts: make([]uint32, len(d.table.ids)),
	}
	for _, items := range t.people {
		for _, i := range items {
			s.set(i)
		}
	}
	for _, i := range slices.Sorted(maps.Keys(t.before)) {
		s.neighbourhoods(i, t.before[i])
	}
	for _, items := range t.people {
		if pastBreakEven(s.marked, len(s.mark)) {
			break
		}
		s.pairs(items)
	}
	out := make([]int32, 0, s.marked)
	for j, stale := range s.mark {
		if stale {
			out = append(out, int32(j))
		}
	}
	return out, s.light
}

// pastBreakEven reports whether training anew is as quick as solving the stale
// columns again.
func pastBreakEven(stale, all int) bool { return 4*stale > 3*all }

// A staleness collects stale columns.
type staleness struct {
	m      *Model
	x      *index
	mark   []bool
	light  []bool
	marked int
	met    []uint16 // column → the person's items among its neighbours; scratch
	counts []uint32 // scratch
	found  []int32  // scratch
}

func (s *staleness) set(j int32) {
	if !s.mark[j] {
		s.mark[j] = true
		s.marked++
	}
}

// neighbourhoods marks the columns of case 3 for one item.
func (s *staleness) neighbourhoods(i int32, before int64) {
	old, now := s.m.recipe.round(before), s.m.recipe.round(s.x.degree[i])
	if old == now {
		return
	}
	// The better affinity reaches the threshold when either does.
	s.visit(i, max(s.m.recipe.affinity(old), s.m.recipe.affinity(now)), s.set)
}

// pairs marks the columns of case 2 for one person's items.
func (s *staleness) pairs(items []int32) {
	var met []int32
	for _, i := range items {
		s.visit(i, s.m.recipe.affinity(s.m.recipe.round(s.x.degree[i])), func(j int32) {
			if s.met[j]++; s.met[j] == 1 {
				met = append(met, j)
			}
		})
	}
	for _, j := range met {
		if s.met[j] > 1 {
			s.set(j)
			s.light[j] = true
		}
		s.met[j] = 0
	}
}

// visit calls f for the unmarked columns in which item i, with an affinity, is
// good enough to be a neighbour.
func (s *staleness) visit(i int32, affinity uint32, f func(j int32)) {
	s.found = s.x.together(i, s.counts, s.found[:0])
	for _, j := range s.found {
		if !s.mark[j] && neighbourKey(s.counts[j], affinity, i) >= s.m.thresholds[j] {
			f(j)
		}
		s.counts[j] = 0
	}
}
