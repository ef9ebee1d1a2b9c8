package recommend

import "thimble/internal/ml"

// weighted returns the operator of column j, to which the system is restricted. Under a recipe
// with OwnMilli those who had the item count so much more in all of the system. Nobody else's
// change reaches their part, so that a light column's sums are those of the rest.
func (s *solver) weighted(j int32) ml.Operator {
	op := s.operator()
	if s.recipe.OwnMilli == 0 {
		return op
	}
	more := float64(s.recipe.OwnMilli) / 1000
	for k, count := range s.rhs { // who had both items is on the diagonal too
		s.diag[k] += float64(more * count)
		s.rhs[k] += float64(more * count)
	}
	s.heavier.Begin(op, s.gram, more)
	s.inPlaces(func() { s.ownBaskets(j) })
	return &s.heavier
}

// ownBaskets says which neighbours each of the item's customers had.
func (s *solver) ownBaskets(j int32) {
	for _, u := range s.x.buyers[j] {
		for _, i := range s.x.baskets[u] {
			if k := s.place[i]; k > 0 {
				s.heavier.Row(k - 1)
			}
		}
		s.heavier.Add(s.x.weights[u])
	}
}
