package lists

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"thimble"
	"thimble/internal/catalog"
	"thimble/internal/recommend/arrange"
	"thimble/internal/recommend/content"
)

// A shelf is the shop's goods as lists need them: nothing in it is about a person.
type shelf struct {
	mark    int64
	checked time.Time

	products map[thimble.ItemID]*catalog.Product
	levels   map[thimble.ItemID]int64
	alike    *content.Model

	popular, season []catalog.Ranked
	trending        []trend
}

// A trend is how often a product was ordered in the last week, and in the four before.
type trend struct {
	item          thimble.ItemID
	recent, prior int64
}

// The windows of the counts, in days, back from the last sale.
const (
	recentDays = 7
	priorDays  = 28
	seasonDays = 28 // two weeks before and after this day a year ago
	yearDays   = 364
)

// shelves keeps the shelf between requests.
type shelves struct {
	building sync.Mutex
	now      atomic.Pointer[shelf]
}

// goods returns the shelf. It is looked at again when it is older than Deps.Fresh, and
// made again when the catalogue has changed. While one request does that the others use
// the one before.
func (s *Shop) goods(ctx context.Context) (*shelf, error) {
	had := s.shelves.now.Load()
	if had != nil && s.Now().Sub(had.checked) < s.Fresh {
		return had, nil
	}
	if had == nil || s.Fresh == 0 || s.Now().Sub(had.checked) > 10*s.Fresh {
		s.shelves.building.Lock()
	} else if !s.shelves.building.TryLock() {
		return had, nil
	}
	defer s.shelves.building.Unlock()
	if now := s.shelves.now.Load(); now != had && s.Fresh > 0 {
		return now, nil
	}
	mark, err := s.Catalog.Mark(ctx)
	if err != nil {
		return nil, err
	}
	var made *shelf
	if had != nil && had.mark == mark {
		same := *had
		made = &same
	} else if made, err = s.stocked(ctx); err != nil {
		return nil, fmt.Errorf("recommend: looking at the shelf: %w", err)
	}
	made.mark, made.checked = mark, s.Now()
	s.shelves.now.Store(made)
	return made, nil
}

func (s *Shop) stocked(ctx context.Context) (*shelf, error) {
	all, err := s.Catalog.All(ctx)
	if err != nil {
		return nil, err
	}
	h := &shelf{products: make(map[thimble.ItemID]*catalog.Product, len(all)), alike: content.Build(all)}
	for i := range all {
		h.products[all[i].ID] = &all[i]
	}
	if h.levels, err = s.Catalog.Levels(ctx); err != nil {
		return nil, err
	}
	if h.popular, err = s.counts(ctx, popularDays, time.Time{}); err != nil || len(h.popular) == 0 {
		return h, err
	}
	latest, err := s.Catalog.LatestDay(ctx)
	if err != nil {
		return nil, err
	}
	next := catalog.DayTime(latest + 1)
	if h.season, err = s.counts(ctx, seasonDays, next.AddDate(0, 0, seasonDays/2-yearDays)); err != nil {
		return nil, err
	}
	recent, err := s.counts(ctx, recentDays, next)
	if err != nil {
		return nil, err
	}
	prior, err := s.counts(ctx, priorDays, next.AddDate(0, 0, -recentDays))
	if err != nil {
		return nil, err
	}
	before := make(map[thimble.ItemID]int64, len(prior))
	for _, r := range prior {
		before[r.Item] = r.Orders
	}
	for _, r := range recent {
		if t := (trend{r.Item, r.Orders, before[r.Item]}); t.score() > 0 {
			h.trending = append(h.trending, t)
		}
	}
	return h, nil
}

// known returns products by the shelf, and asks the catalogue for those that it lacks.
func (s *Shop) known(ctx context.Context, ids []thimble.ItemID) (map[thimble.ItemID]*catalog.Product, error) {
	h, err := s.goods(ctx)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(ids, func(id thimble.ItemID) bool { return !h.has(id) }) {
		return s.asked(ctx, ids)
	}
	return h.products, nil
}

// asked asks the catalogue for products.
func (s *Shop) asked(ctx context.Context, ids []thimble.ItemID) (map[thimble.ItemID]*catalog.Product, error) {
	found, err := s.Catalog.Get(ctx, ids...)
	products := make(map[thimble.ItemID]*catalog.Product, len(found))
	for id, p := range found {
		products[id] = &p
	}
	return products, err
}

// score is four times what the week has over a week of those before.
func (t trend) score() int64 { return t.recent*priorDays/recentDays - t.prior }

// mostRanked bounds how many products of a count can be in a list.
const mostRanked = 5000

func (s *Shop) counts(ctx context.Context, days int, before time.Time) ([]catalog.Ranked, error) {
	return s.Catalog.Popular(ctx, catalog.Window{Days: days, Before: before}, mostRanked, catalog.Service)
}

// candidate is a product as the rules look at it.
func (h *shelf) candidate(id thimble.ItemID, score int64) arrange.Candidate {
	c := arrange.Candidate{Product: named(h.products, id), Score: score}
	c.Units, c.Counted = h.levels[id]
	return c
}

// category returns that of a product; "" when the shelf lacks it.
func (h *shelf) category(id thimble.ItemID) string {
	if p := h.products[id]; p != nil {
		return p.Category
	}
	return ""
}

func (h *shelf) has(id thimble.ItemID) bool { _, ok := h.products[id]; return ok }
