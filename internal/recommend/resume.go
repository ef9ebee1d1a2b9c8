package recommend

import (
	"slices"

	"thimble/internal/ml"
)

// quick is what a data set keeps so that most columns that a change made stale are solved again
// without going through everybody who has their neighbours: the exact sums of each column's
// first, and by far longest, application. Where the change is of somebody who has some of a column's
// neighbours, and nothing else of the column moved, these sums are the ones before, without
// that person's part. They are integers, so nothing is lost by taking it out.
//
// It holds for what the data set is now, under one recipe.
type quick struct {
	recipe Recipe
	sums   [][]sum // item → the sums of its column, in the order of its neighbours; nil when not kept
	from   int     // how many visits a column costs whose sums are kept
}

// A sum is an integer of 40 bits. They are most of what quick costs: five bytes for each neighbour
// of each item. Of a made-up shop of a million people they need 39.
type sum [5]byte

// keep keeps the sums of the column that was just solved, where one application made it.
func (s *solver) keep(j int32, applied int) {
	switch {
	case s.quick == nil:
	case applied != 1 || s.gram.Visits() < s.quick.from:
		s.quick.sums[j] = nil
	default:
		s.quick.sums[j] = keep(s.roomFor(s.quick.sums[j], len(s.neighbours)), s.gram.Exact())
	}
}

// roomFor returns where n sums are to be kept: where the ones before were, when they are as many.
// A training cuts the places of its columns from blocks.
func (s *solver) roomFor(before []sum, n int) []sum {
	if len(before) == n {
		return before
	}
	if s.light != nil {
		return make([]sum, n)
	}
	if len(s.block) < n {
		s.block = make([]sum, max(n, 1<<16))
	}
	room := s.block[:n:n]
	s.block = s.block[n:]
	return room
}

// keep puts exact sums into dst, and returns it; nil when one of them is too large.
func keep(dst []sum, exact []int64) []sum {
	for k, v := range exact {
		if v < -1<<39 || v >= 1<<39 {
			return nil
		}
		for b := range dst[k] {
			dst[k][b] = byte(v >> (8 * b))
		}
	}
	return dst
}

func (s sum) value() (v int64) {
	for b, c := range s {
		v |= int64(c) << (8 * b)
	}
	return v << 24 >> 24 // with its sign
}

// Quicken has the data set keep, from the next training on, what makes updates several times
// quicker. It costs memory: up to ten bytes for each item
// of each person, or 8 MB where that is more. Where all would be more, those columns have it that take longest.
func (d *Dataset) Quicken() { d.quick = &quick{} }

const (
	quickBytes = 10      // for each person and item of theirs
	quickFloor = 8 << 20 // bytes
	quickTries = 1000    // columns that are looked at, to see what all would take
)

// begin makes room for the sums of a recipe's columns: none where a column is not solved by one
// application and a step of fixed length, since what comes after would take as long as ever.
func (d *Dataset) begin(r Recipe, p *popularity) *quick {
	q := d.quick
	if q == nil || r.Steps != 2 || r.LastStepMilli == 0 {
		return nil
	}
	q.recipe, q.sums, q.from = r, make([][]sum, len(d.table.ids)), 0
	q.choose(newSolver(r, d.index, p, task{}), max(quickFloor, quickBytes*d.interactions)/len(sum{}))
	return q
}

// choose sets from which length on columns are kept, so that all of them have not more than so
// many neighbours; by a part of them, evenly taken.
func (q *quick) choose(s *solver, most int) {
	columns, room := len(q.sums), 0
	for _, n := range s.popular.room {
		room += n
	}
	if room <= most {
		return
	}
	type looked struct{ visits, neighbours int }
	tries := min(columns, quickTries)
	all := make([]looked, tries)
	for k := range all {
		s.system(int32(k * columns / tries))
		all[k] = looked{s.gram.Visits(), len(s.neighbours)}
	}
	slices.SortFunc(all, func(a, b looked) int { return b.visits - a.visits })
	for _, one := range all {
		if most -= one.neighbours * columns / tries; most < 0 {
			q.from = one.visits + 1
			return
		}
	}
}

// of returns q when it holds under a recipe.
func (q *quick) of(r Recipe) *quick {
	if q == nil || q.sums == nil || q.recipe != r {
		return nil
	}
	return q
}

// outdated notes that the data set changed, and the sums did not follow.
func (q *quick) outdated() {
	if q != nil {
		q.sums = nil
	}
}

// known returns the kept sums of a column, and whether there are any.
func (s *solver) known(j int32) bool {
	kept := s.quick.sums[j]
	if kept == nil || len(kept) != len(s.neighbours) {
		return false
	}
	s.exact = s.exact[:0]
	for _, v := range kept {
		s.exact = append(s.exact, v.value())
	}
	return true
}

// resume has the solution of a column, to which the system is restricted, start from the kept sums and what a
// trail changed of them. Without any it is solved as if it were new.
func (s *solver) resume(j int32, t trail) {
	if s.quick == nil || !s.known(j) {
		return
	}
	s.moved, s.places = s.moved[:0], s.places[:0]
	s.inPlaces(func() {
		for _, c := range t.changed {
			s.move(c.old, -1)
			s.move(c.now, 1)
		}
	})
	s.gram.Resume(s.exact, s.moved)
}

// inPlaces runs f while each neighbour's place is known.
func (s *solver) inPlaces(f func()) {
	for k, i := range s.neighbours {
		s.place[i] = int32(k) + 1
	}
	f()
	for _, i := range s.neighbours {
		s.place[i] = 0
	}
}

// move notes that somebody's part of the sums is added, or taken out.
func (s *solver) move(c counted, sign int64) {
	from := len(s.places)
	for _, i := range c.items {
		if k := s.place[i]; k > 0 {
			s.places = append(s.places, k-1)
		}
	}
	if rows := s.places[from:]; len(rows) > 1 { // one alone adds to its own degree, which is rounded to what it was
		s.moved = append(s.moved, ml.GramColumn{Rows: slices.Clip(rows), Weight: sign * int64(c.weight)})
	} else {
		s.places = s.places[:from]
	}
}
