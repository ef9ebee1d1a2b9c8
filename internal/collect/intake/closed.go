package intake

import "thimble"

// A NotKeeping is what was decided not to be kept: categories, with their parts. Whoever
// decides gives another one; the same one says the same.
type NotKeeping struct{ Categories []thimble.Category }

// shut is which classes of a plan are closed by what was decided.
type shut struct {
	by      *NotKeeping
	classes uint64
}

// closed returns the classes of the plan of which nothing is kept, as it is decided now.
func (r *running) closed(decided func() *NotKeeping) uint64 {
	if decided == nil {
		return 0
	}
	by := decided()
	if by == nil {
		return 0
	}
	if s := r.shut.Load(); s != nil && s.by == by {
		return s.classes
	}
	s := &shut{by: by}
	for i, u := range r.plan.Classes {
		for _, c := range by.Categories {
			if u.Category.Within(c) {
				s.classes |= 1 << i
			}
		}
	}
	r.shut.Store(s)
	return s.classes
}
