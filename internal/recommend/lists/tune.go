package lists

import (
	"context"
	"fmt"
	"slices"
	"time"

	"thimble"
	"thimble/internal/gate"
	"thimble/internal/order"
	"thimble/internal/recommend"
	"thimble/internal/recommend/taste"
	"thimble/internal/registry"
)

// Recipes knows which recipe somebody chose for the trainings to come, and who;
// *tunedb.Store does.
type Recipes interface {
	Recipe(ctx context.Context) (recommend.Recipe, *registry.Chosen, error)
}

// recipe is what a new version is made by.
func (s *Shop) recipe(ctx context.Context) (recommend.Recipe, *registry.Chosen, error) {
	if s.Recipes == nil {
		return recommend.DefaultRecipe(), nil, nil
	}
	return s.Recipes.Recipe(ctx)
}

// LeastJudged is how many people a recipe is judged on at least: a measure of fewer would
// say something of each.
const LeastJudged = 100

// ErrFew is that too few people could be judged. It does not say how many there are.
var ErrFew = fmt.Errorf("recommend: trying recipes: fewer than %d people can be judged: %w", LeastJudged, thimble.ErrInvalid)

// FewWords say so to whoever asked.
const FewWords = "Too few: it takes 100 people who permit learning and ordered something both before and, for the first time, after. Of fewer the measures would be by chance, and would tell of single people."

// Tune tries recipes on the orders of everybody who permits learning now, and changes
// nothing. The split is one instant for all: each recipe learns from what was ordered before it, and is
// judged on what the same people ordered for the first time from then on. Who is left out
// of learning is in neither part. The error is [ErrFew] when too few can be judged.
func (s *Shop) Tune(ctx context.Context, progress func(done, total int)) (recommend.TuneReport, error) {
	var people [][]order.Order
	_, err := s.eachLearned(ctx, nil, func(_ *gate.Grant, orders []recorded, _ taste.State) error {
		people = append(people, plain(orders))
		return nil
	})
	if err != nil {
		return recommend.TuneReport{}, fmt.Errorf("recommend: gathering what recipes are tried on: %w", err)
	}
	items, err := s.products(ctx)
	if err != nil {
		return recommend.TuneReport{}, err
	}
	at, split := parted(people)
	halves := make([]recommend.Halved, len(people))
	judged := 0
	for i, orders := range people {
		if halves[i] = halved(orders, at, items); len(halves[i].Before) > 0 && len(halves[i].After) > 0 {
			judged++
		}
		people[i] = nil
	}
	if judged < LeastJudged {
		return recommend.TuneReport{}, ErrFew
	}
	report, err := recommend.TuneOn(ctx, recommend.DefaultRecipe(), items, halves, progress)
	report.Split = split
	return report, err
}

// parted finds the day from which on orders are judged: the last fifth of all that was
// bought is from then on.
func parted(people [][]order.Order) (at time.Time, s recommend.Split) {
	var days []time.Time
	for _, orders := range people {
		for _, o := range orders {
			if !o.Return {
				days = append(days, slices.Repeat([]time.Time{o.PlacedAt.UTC().Truncate(24 * time.Hour)}, len(o.Lines))...)
			}
		}
	}
	if len(days) == 0 {
		return at, s
	}
	slices.SortFunc(days, time.Time.Compare)
	at = days[len(days)*4/5]
	const month = "2006-01"
	return at, recommend.Split{From: days[0].Format(month), Cut: at.Format(time.DateOnly), Until: days[len(days)-1].Format(month)}
}

// halved is what somebody kept of what they ordered before an instant, and what they had
// from then on for the first time.
func halved(orders []order.Order, at time.Time, items []thimble.ItemID) (h recommend.Halved) {
	var before, after []order.Order
	for _, o := range orders {
		if o.PlacedAt.Before(at) {
			before = append(before, o)
		} else {
			after = append(after, o)
		}
	}
	known := func(all []thimble.Interaction) (ids []thimble.ItemID) {
		for _, i := range all {
			if _, ok := slices.BinarySearch(items, i.Item); ok {
				ids = append(ids, i.Item)
			}
		}
		return ids
	}
	h.Before, h.After = known(order.History(before)), known(order.History(after))
	had := make(map[thimble.ItemID]bool, len(h.Before))
	for _, id := range h.Before {
		had[id] = true
	}
	h.After = slices.DeleteFunc(h.After, func(id thimble.ItemID) bool { return had[id] })
	return h
}
