package lists

import (
	"context"

	"thimble"
	"thimble/internal/catalog"
	"thimble/internal/recommend"
	"thimble/internal/recommend/arrange"
)

// LeastPeople is from how many people on a count of them is shown. Such counts are told in
// steps of as many, rounded down, so that one person's coming or going seldom shows.
const LeastPeople = 10

// Drives is which lists an item drives, and what has to do with it.
type Drives struct {
	Version int64  // of the model that serves; 0 for none
	Why     string // why nothing of the model is here; "" when it is
	// Uncounted is why no people are counted; "" when they are.
	Uncounted string
	People    int64    // who had it, and are learned from
	For       []Driven // the items in whose lists it is a reason, the heaviest first
	From      []Driven // the items that are a reason for it
	ForAll    int      // how many there are
	FromAll   int
	Rules     string // the version of the shop's rules
	Touches   []arrange.Touch
}

// A Driven is an item that another drives, or is driven by.
type Driven struct {
	Product *catalog.Product
	Weight  int64 // below zero it speaks against
	// People had both, in steps of [LeastPeople]; 0 when they are fewer, or not counted.
	People int64
}

// Drives returns, of an item, the n heaviest weights of the model that serves in both
// directions. Nothing of it knew somebody who has left, and nobody is counted while
// somebody is to be taken out.
func (s *Shop) Drives(ctx context.Context, item thimble.ItemID, n int) (d Drives, err error) {
	goods, err := s.goods(ctx)
	if err != nil {
		return d, err
	}
	rules, err := s.rules(ctx)
	if err != nil {
		return d, err
	}
	d.Rules, d.Touches = rules.Version(), rules.About(goods.candidate(item, 0), s.Now())
	now, err := s.shows(ctx)
	switch {
	case err != nil:
		return d, err
	case now == nil && s.live.Load() != nil, now != nil && now.stale[item]:
		d.Why = "The program is just forgetting somebody. Look again in a moment."
		return d, nil
	case now == nil:
		d.Why = "Nothing was learned yet."
		return d, nil
	}
	d.Version = now.version.Number
	row := now.fresh(now.model.Recommends(item))
	column := now.model.Neighbours(item)
	d.ForAll, d.FromAll = len(row), len(column)
	d.For, d.From = driven(goods.products, row, n), driven(goods.products, column, n)
	if len(row)+len(column) == 0 {
		d.Why = "Nothing was learned about this product: too few customers who permit learning had it."
	}
	s.count(now, item, &d)
	return d, nil
}

// fresh leaves out the weights of columns that knew somebody who has left.
func (s *shown) fresh(all []recommend.Weight) (out []recommend.Weight) {
	for _, w := range all {
		if !s.stale[w.Item] {
			out = append(out, w)
		}
	}
	return out
}

func driven(products map[thimble.ItemID]*catalog.Product, all []recommend.Weight, n int) (out []Driven) {
	for _, w := range all[:min(n, len(all))] {
		out = append(out, Driven{Product: named(products, w.Item), Weight: w.Value})
	}
	return out
}

// count says how many people had what, of those whom the version was made of.
func (s *Shop) count(now *shown, item thimble.ItemID, d *Drives) {
	h := s.held.Load()
	if h == nil || now.stale != nil || !h.mu.TryLock() {
		d.Uncounted = "nobody is counted while what was learned is gathered, or somebody is taken out"
		return
	}
	defer h.mu.Unlock()
	of := h.sets[now.version.Number]
	if of == nil {
		d.Uncounted = "nobody is counted until what this version was made of is gathered"
		return
	}
	ids := make([]thimble.ItemID, 0, len(d.For)+len(d.From))
	for _, one := range d.For {
		ids = append(ids, one.Product.ID)
	}
	for _, one := range d.From {
		ids = append(ids, one.Product.ID)
	}
	people, both := of.data.Had(item, ids)
	d.People = steps(people)
	for i := range d.For {
		d.For[i].People = steps(both[i])
	}
	for i := range d.From {
		d.From[i].People = steps(both[len(d.For)+i])
	}
}

// steps tells a number of people as it may be told.
func steps(n int) int64 { return int64(n / LeastPeople * LeastPeople) }
