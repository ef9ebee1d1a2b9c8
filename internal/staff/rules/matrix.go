package rules

import (
	"thimble"
	"thimble/internal/staff"
)

// A Sight is how much somebody sees of a category.
type Sight string

// The sights.
const (
	Clear  Sight = "in the clear"
	Masked Sight = "masked"
	Closed Sight = "not at all"
)

// A View is what a role, or somebody with several, sees of a category for a purpose.
type View struct {
	Purpose  thimble.Purpose
	Category thimble.Category
	Sight    Sight
	Policies []string
}

// See answers how much somebody sees of a category for a purpose.
func (s *Set) See(r Request) (Sight, Answer) {
	r.Action = Read
	clearly := s.Decide(r)
	if clearly.Allowed {
		return Clear, clearly
	}
	r.Action = ReadMasked
	if masked := s.Decide(r); masked.Allowed {
		return Masked, masked
	}
	return Closed, clearly
}

// Matrix says what somebody sees of each category for each purpose, the training counted as
// valid and nothing read yet.
func (s *Set) Matrix(account string, roles []staff.Role, purposes []thimble.Purpose, categories []thimble.Category) []View {
	var all []View
	for _, p := range purposes {
		for _, c := range categories {
			sight, by := s.See(Request{Account: account, Roles: roles, Purpose: p, Category: c, Trained: true})
			v := View{Purpose: p, Category: c, Sight: sight}
			if sight != Closed {
				v.Policies = by.Policies
			}
			all = append(all, v)
		}
	}
	return all
}

// Opens says which pages somebody may open, and on which they may do something.
func (s *Set) Opens(account string, roles []staff.Role) (look, do []Page) {
	for _, p := range Pages() {
		r := Request{Account: account, Roles: roles, Action: OpenPage, Page: p, Trained: true, Fresh: true}
		if s.Decide(r).Allowed {
			look = append(look, p)
		}
		if r.Action = ChangePage; s.Decide(r).Allowed {
			do = append(do, p)
		}
	}
	return look, do
}
