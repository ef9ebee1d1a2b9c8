package lists

import (
	"context"
	"fmt"
	"math"
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
// nothing. The split is one instant for all: each recipe learns from what was ordered before it, and
// from what was done with products before it by who permits that, as a training at that instant
// would; it is judged on what the same people ordered for the first time from then on. Who is left out
// of learning is in neither part. The error is [ErrFew] when too few can be judged.
func (s *Shop) Tune(ctx context.Context, progress func(done, total int)) (recommend.TuneReport, error) {
	var people []pupil
	_, err := s.eachLearned(ctx, nil, func(g *gate.Grant, orders []recorded, said taste.State) error {
		people = append(people, pupil{g.Subject(), orders, said})
		return nil
	})
	if err != nil {
		return recommend.TuneReport{}, fmt.Errorf("recommend: gathering what recipes are tried on: %w", err)
	}
	items, err := s.products(ctx)
	if err != nil {
		return recommend.TuneReport{}, err
	}
	rule, events, err := s.interested(ctx, recommend.DefaultRecipe())
	if err != nil {
		return recommend.TuneReport{}, err
	}
	at, split := parted(people)
	of := newSet(items, math.MaxInt64, events, rule)
	all, err := s.lessonsBefore(ctx, at, nil, of)
	if err != nil {
		return recommend.TuneReport{}, err
	}
	halves := make([]recommend.Halved, len(people))
	judged := 0
	for i, p := range people {
		did, err := s.unlearned(ctx, p.said, all.take(p.who))
		if err != nil {
			return recommend.TuneReport{}, err
		}
		if halves[i] = of.halved(p.orders, did, at); len(halves[i].Before.Items) > 0 && len(halves[i].After) > 0 {
			judged++
		}
		people[i] = pupil{}
	}
	if judged < LeastJudged {
		return recommend.TuneReport{}, ErrFew
	}
	report, err := recommend.TuneOn(ctx, recommend.DefaultRecipe(), items, halves, func(r recommend.Recipe, d *recommend.Dataset) recommend.Recipe {
		r, people, capped := frozen(r, d, at)
		if capped {
			r = r.Bounded(people, trialKey)
		}
		return r
	}, progress)
	report.Split = split
	return report, err
}

// trialKey draws who counts while recipes are tried: the same for all, so that they are compared
// on the same people. No version is made with it.
const trialKey = 1

// A pupil is somebody who permits learning, and what recipes learn from.
type pupil struct {
	who    thimble.SubjectID
	orders []recorded
	said   taste.State
}

// parted finds the day from which on orders are judged: the last fifth of all that was
// bought is from then on.
func parted(people []pupil) (at time.Time, s recommend.Split) {
	var days []time.Time
	for _, p := range people {
		for _, o := range p.orders {
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

// halved is what a training at an instant learns of somebody, and what they had from then on for
// the first time.
func (s *set) halved(orders []recorded, did *doing, at time.Time) (h recommend.Halved) {
	var before []recorded
	var after []order.Order
	for _, o := range orders {
		if o.PlacedAt.Before(at) {
			before = append(before, o)
		} else {
			after = append(after, o.Order)
		}
	}
	h.Before = told(s.learns(before, did))
	had := make(map[thimble.ItemID]bool, len(h.Before.Items))
	for _, id := range h.Before.Items {
		had[id] = true
	}
	for _, i := range order.History(after) {
		if s.known[i.Item] && !had[i.Item] {
			h.After = append(h.After, i.Item)
		}
	}
	return h
}
