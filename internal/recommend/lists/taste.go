package lists

import (
	"context"
	"slices"
	"time"

	"thimble"
	"thimble/internal/catalog"
	"thimble/internal/gate"
	"thimble/internal/order"
	"thimble/internal/recommend"
	"thimble/internal/recommend/taste"
)

// Tastes knows what people say about their lists; *tastedb.Store does.
type Tastes interface {
	Of(ctx context.Context, g thimble.Grant) (taste.State, error)
}

// said returns what a person says about their lists.
func (s *Shop) said(ctx context.Context, g thimble.Grant) (taste.State, error) {
	if s.Tastes == nil {
		return taste.State{}, nil
	}
	return s.Tastes.Of(ctx, g)
}

// unforgotten takes what a person wants forgotten out of their orders. Each order stays,
// be it empty: how many there are says until when a version has learned.
func (s *Shop) unforgotten(ctx context.Context, state taste.State, orders []recorded) ([]recorded, error) {
	if !state.Learned() {
		return orders, nil
	}
	categories, err := s.categories(ctx, state, func(yield func(thimble.ItemID)) {
		for _, o := range orders {
			for _, l := range o.Lines {
				yield(l.Item)
			}
		}
	})
	if err != nil {
		return nil, err
	}
	out := slices.Clone(orders)
	for i := range out {
		out[i].Lines = slices.DeleteFunc(slices.Clone(out[i].Lines), func(l order.Line) bool { return state.Forgets(l.Item, categories(l.Item)) })
	}
	return out, nil
}

// untouched takes what a person wants forgotten out of what they did with products.
func (s *Shop) untouched(ctx context.Context, state taste.State, touched []Touch) ([]Touch, error) {
	if !state.Learned() {
		return touched, nil
	}
	categories, err := s.categories(ctx, state, func(yield func(thimble.ItemID)) {
		for _, t := range touched {
			yield(t.Item)
		}
	})
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(touched), func(t Touch) bool { return state.Forgets(t.Item, categories(t.Item)) }), nil
}

// categories returns which category each of some items has, as far as a person's choices
// depend on it.
func (s *Shop) categories(ctx context.Context, state taste.State, each func(func(thimble.ItemID))) (func(thimble.ItemID) string, error) {
	if !state.ByCategory() {
		return func(thimble.ItemID) string { return "" }, nil
	}
	var ids []thimble.ItemID
	each(func(id thimble.ItemID) { ids = append(ids, id) })
	slices.Sort(ids)
	known, err := s.Catalog.Get(ctx, slices.Compact(ids)...)
	return func(id thimble.ItemID) string { return known[id].Category }, err
}

// likes is a history without the items that its person wants less of: they speak for
// nothing.
func likes(state taste.State, history []thimble.Interaction) []thimble.Interaction {
	unwanted := state.Unwanted()
	if len(unwanted) == 0 {
		return history
	}
	return slices.DeleteFunc(slices.Clone(history), func(h thimble.Interaction) bool { return slices.Contains(unwanted, h.Item) })
}

// pick ranks for a person what they have not bought, and leaves what their choices leave.
// What they only looked at may be among it, and nothing is whose column knew somebody who
// has left.
func (s *Shop) pick(ctx context.Context, now *shown, p past, v *sieve, n int) (taste.Picked, error) {
	var failed error
	m := now.model
	known := map[thimble.ItemID]catalog.Product{}
	liked := likes(p.said, p.history)
	best := func(k int) []recommend.Ranked {
		ranked := m.ForYou(liked, recommend.Query{K: k, Repeat: true, Exclude: func(id thimble.ItemID) bool { return p.bought[id] || now.stale[id] || v.keepsOut(id) }})
		if p.said.ByCategory() {
			failed = s.describe(ctx, known, ranked)
		}
		if failed != nil {
			return nil
		}
		return ranked
	}
	picked := p.said.Pick(n, taste.Ranking{Best: best,
		Speaks: func(past, item thimble.ItemID) int64 {
			return recommend.Explain(m, []thimble.Interaction{{Item: past}}, item).Score
		},
		Category: func(id thimble.ItemID) string { return known[id].Category },
	})
	return picked, failed
}

// describe adds what the catalogue knows of ranked items to what is known.
func (s *Shop) describe(ctx context.Context, known map[thimble.ItemID]catalog.Product, ranked []recommend.Ranked) error {
	var ids []thimble.ItemID
	for _, e := range ranked {
		if _, ok := known[e.Item]; !ok {
			ids = append(ids, e.Item)
		}
	}
	found, err := s.Catalog.Get(ctx, ids...)
	for _, id := range ids {
		known[id] = found[id]
	}
	return err
}

// A Counted is one item that lists for somebody are made from.
type Counted struct {
	Product *catalog.Product
	Did     taste.Did
	Last    time.Time
}

// Counts returns what lists for a person are made from now, the latest first, opened with
// a grant for their own data. Of a category that they do not permit, nothing counts: when
// they permit none, permitted is false.
func (s *Shop) Counts(ctx context.Context, g thimble.Grant) (all []Counted, permitted bool, err error) {
	r := personal(gate.Actor{Kind: gate.Machine, Name: "recommend"}, g.Subject())
	returns, err := s.returns(ctx, r)
	if err != nil {
		return nil, false, err
	}
	said, err := s.said(ctx, g)
	if err != nil {
		return nil, false, err
	}
	var orders []order.Order
	var touched []Touch
	for _, c := range histories() {
		r.Categories = []thimble.Category{c}
		v, err := s.Gate.Decide(ctx, r)
		if err != nil {
			return nil, false, err
		}
		if !v.Allowed {
			continue
		}
		permitted = true
		if c == thimble.PurchaseHistory {
			orders, err = s.counted(ctx, g, said, returns)
		} else if s.Events != nil {
			if touched, err = s.Events.Touched(ctx, g); err == nil {
				touched, err = s.untouched(ctx, said, touched)
			}
		}
		if err != nil {
			return nil, false, err
		}
	}
	all, err = s.toldOf(ctx, said, remembered(orders, touched, returns))
	return all, permitted, err
}

func (s *Shop) counted(ctx context.Context, g thimble.Grant, said taste.State, returns bool) ([]order.Order, error) {
	all, err := s.orders(ctx, g, returns)
	if err == nil {
		all, err = s.unforgotten(ctx, said, all)
	}
	return plain(all), err
}

func (s *Shop) toldOf(ctx context.Context, said taste.State, p past) ([]Counted, error) {
	liked := likes(said, p.history)
	ids := make([]thimble.ItemID, len(liked))
	for i, h := range liked {
		ids[i] = h.Item
	}
	products, err := s.asked(ctx, ids)
	all := make([]Counted, 0, len(liked))
	for _, h := range slices.Backward(liked) {
		all = append(all, Counted{named(products, h.Item), didOf[p.did[h.Item]], h.At})
	}
	return all, err
}

// didOf are the words for deeds.
var didOf = map[Deed]taste.Did{Looked: taste.Looked, PutInCart: taste.Bagged, WishedFor: taste.Wished, Bought: taste.Bought}
