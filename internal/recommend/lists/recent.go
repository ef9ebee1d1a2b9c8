package lists

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"thimble"
	"thimble/internal/gate"
	"thimble/internal/recommend"
	"thimble/internal/recommend/arrange"
	"thimble/internal/recommend/taste"
)

// nothingSeen is why a list of what somebody saw is empty although they allow it.
const nothingSeen = "There is nothing you looked at lately that could be shown."

// recent is what a person looked at, put in the cart or wished for, the latest first. It
// reads what they did and no order, and nothing is decided by it: there is no model, no
// score but the time, and so no record that would hold once more what they looked at. The
// read counts in the use log like every other. Who does not permit it gets an empty list,
// and not the popular one: that is not what they saw.
func (s *Shop) recent(ctx context.Context, a Ask) (List, error) {
	request := personal(a.Actor, a.Subject)
	request.Categories = []thimble.Category{Browsing}
	grant, err := s.Gate.Open(ctx, request)
	if denial, ok := errors.AsType[*gate.Denial](err); ok {
		return List{Kind: Recent, Verdict: &denial.Verdict, Why: "Not personal, because " + denial.Verdict.Why + "."}, nil
	}
	if err != nil {
		return List{}, fmt.Errorf("recommend: asking for what was seen: %w", err)
	}
	verdict := grant.Verdict()
	list := List{Kind: Recent, Verdict: &verdict, Why: nothingSeen}
	seen, said, err := s.seen(ctx, grant)
	switch {
	case gone(ctx, grant, err):
		return List{Kind: Recent, Why: changed}, nil
	case errors.Is(err, thimble.ErrUnavailable):
		list.Why = "What you looked at cannot be read right now. Look again in a moment."
		return list, nil
	case err != nil:
		return List{}, fmt.Errorf("recommend: reading what was seen: %w", err)
	}
	if err := s.inOrderOfTime(ctx, a, seen, said, &list); err != nil {
		return List{}, err
	}
	if grant.Live(ctx) != nil {
		grant.Drop(ctx)
		return List{Kind: Recent, Why: changed}, nil
	}
	return list, nil
}

// seen is what somebody did with products short of buying, each product once with its
// last time, without what they want forgotten.
func (s *Shop) seen(ctx context.Context, g *gate.Grant) (map[thimble.ItemID]Touch, taste.State, error) {
	said, err := s.said(ctx, g)
	if err != nil || s.Events == nil {
		return nil, said, err
	}
	touched, err := s.Events.Touched(ctx, g)
	if err == nil {
		touched, err = s.untouched(ctx, said, touched)
	}
	all := map[thimble.ItemID]Touch{}
	for _, t := range touched {
		if t.Deed != Looked && t.Deed != PutInCart && t.Deed != WishedFor || t.Item == "" {
			continue
		}
		if had, ok := all[t.Item]; !ok || t.Last.After(had.Last) {
			all[t.Item] = t
		}
	}
	return all, said, err
}

// inOrderOfTime fills a list with what may be shown of what was seen. Of the shop's rules
// those act that keep a product out; none moves anything, and no campaign has a place.
func (s *Shop) inOrderOfTime(ctx context.Context, a Ask, seen map[thimble.ItemID]Touch, said taste.State, list *List) error {
	h, err := s.goods(ctx)
	if err != nil {
		return err
	}
	rules, err := s.rules(ctx)
	if err != nil {
		return err
	}
	v := &sieve{shelf: h, rules: arrange.Rules{AdultCategories: rules.AdultCategories}, asked: a.request(s)}
	ranked := make([]recommend.Ranked, 0, len(seen))
	for id, t := range seen {
		if at := t.Last.UnixMicro(); at > 0 && !v.keepsOut(id) {
			ranked = append(ranked, recommend.Ranked{Item: id, Score: at})
		}
	}
	slices.SortFunc(ranked, func(x, y recommend.Ranked) int {
		return cmp.Or(cmp.Compare(y.Score, x.Score), cmp.Compare(x.Item, y.Item))
	})
	picked := said.Pick(len(ranked), taste.Ranking{
		Best:     func(k int) []recommend.Ranked { return ranked[:min(k, len(ranked))] },
		Speaks:   func(thimble.ItemID, thimble.ItemID) int64 { return 0 },
		Category: h.category,
	})
	all := make([]arrange.Candidate, len(picked.Entries))
	for i, e := range picked.Entries {
		all[i] = h.candidate(e.Item, e.Score)
	}
	result := v.rules.Arrange(all, v.asked)
	list.Rules, list.Empty = rules.Version(), result.Empty
	for _, rule := range result.Fired() {
		list.Applied = append(list.Applied, arrange.Words(rule))
	}
	for _, e := range result.Entries {
		t := seen[e.Product.ID]
		list.Entries = append(list.Entries, Entry{Product: e.Product, Score: e.Score, Last: t.Last, Why: "You " + didOf[t.Deed].Words() + " it on " + t.Last.UTC().Format("2 January 2006")})
	}
	if len(list.Entries) > 0 {
		list.Personal, list.Why = true, "What you looked at, put into your bag or wished for, the latest first, because you allow it."
	}
	return nil
}
