package retentiondb

import (
	"context"
	"slices"
	"time"

	"thimble"
	"thimble/internal/retention"
)

// A Refusal is a category, with its parts, of which nothing is kept for any purpose: a rule of
// 0 days in the operator's document.
type Refusal struct {
	Category thimble.Category
	Since    time.Time // when it was decided
}

// Refusals are those in force. The same pointer says the same.
type Refusals []Refusal

// Of returns since when nothing of a category is kept.
func (all *Refusals) Of(c thimble.Category) (since time.Time, refused bool) {
	if all == nil {
		return since, false
	}
	for _, r := range *all {
		if c.Within(r.Category) {
			return r.Since, true
		}
	}
	return since, false
}

// Refusals returns what is refused at the door, as this process knows it: at once where it
// was decided, and elsewhere when it is loaded. What comes in until then, the daily run
// destroys.
func (s *Store) Refusals() *Refusals { return s.refusals.Load() }

// remember reads what is refused. What a law's record needs that is not kept elsewhere is
// not: it comes in, for that law alone.
func (s *Store) remember(ctx context.Context) error {
	plan, err := s.Plan(ctx)
	if err != nil {
		return err
	}
	versions, err := s.Versions(ctx, 1000)
	if err != nil {
		return err
	}
	var all Refusals
	for _, c := range plan.Document.Refused() {
		needed := func(sched retention.Schedule) bool {
			return (sched.Category.Within(c) || c.Within(sched.Category)) && slices.ContainsFunc(sched.Floors, func(f retention.Rule) bool { return !slices.Contains(plan.Document.KeptElsewhere, f.Record) })
		}
		if slices.ContainsFunc(plan.Schedules, needed) {
			continue
		}
		r := Refusal{Category: c}
		for _, v := range versions {
			if !slices.Contains(v.Document.Refused(), c) {
				break
			}
			r.Since = v.At
		}
		all = append(all, r)
	}
	if old := s.refusals.Load(); old == nil || !slices.Equal(*old, all) {
		s.refusals.Store(&all)
	}
	return nil
}
