package lists

import (
	"context"
	"errors"
	"slices"
	"time"

	"thimble"
	"thimble/internal/recommend"
	"thimble/internal/registry"
	"thimble/internal/registry/registrydb"
)

// recordedAtOnce is how many orders are read at a time.
const recordedAtOnce = 1000

// quickly is of how many interactions a model is measured again whenever orders are taken
// in: for that it is trained, which is what taking in avoids.
const quickly = 200_000

// TakeIn puts the orders that came in since the champion was made into it, by solving again
// the columns that they move: what comes of it is the version of a training on all orders
// until now, over the same products. It takes the champion's place; what is kept to go back
// to stays. When products are new, or too many people have ordered, it trains. It does
// nothing while a version that somebody has rolled back to is held, or nothing is new.
func (s *Shop) TakeIn(ctx context.Context) error {
	s.training.Lock()
	defer s.training.Unlock()
	h, now := s.held.Load(), s.live.Load()
	if h == nil || now == nil || h.sets[now.version.Number] == nil {
		return nil // who starts gathers first
	}
	of := h.sets[now.version.Number]
	last, err := s.Orders.LastBatch(ctx)
	if err != nil || last <= of.through {
		return err
	}
	state, err := s.Models.Line(ctx, ModelName)
	if err != nil || state.Held {
		return err
	}
	const reason = "orders came in"
	who, err := s.orderedSince(ctx, of.through, last)
	if err != nil {
		return err
	}
	err = s.takeIn(ctx, h, now, who, last, reason)
	if errors.Is(err, errAnew) {
		_, err = s.train(ctx, Training{Reason: reason, still: true, judge: true})
		return err
	}
	if err != nil {
		s.held.Store(nil) // it may be half changed
	}
	return err
}

// orderedSince are the people with orders behind a batch, until another.
func (s *Shop) orderedSince(ctx context.Context, batch, last int64) (who []thimble.SubjectID, err error) {
	seen := map[thimble.SubjectID]bool{}
	// The id above all of the batch that was taken in.
	after := thimble.ID{}
	for i := range after {
		after[i] = 0xff
	}
	for {
		some, err := s.Orders.After(ctx, batch, after, time.Time{}, recordedAtOnce)
		if err != nil {
			return nil, err
		}
		for _, o := range some {
			if o.Batch <= last && !seen[o.Subject] {
				seen[o.Subject] = true
				who = append(who, o.Subject)
			}
			batch, after = o.Batch, o.ID
		}
		if len(some) < recordedAtOnce || len(who) > mostAtOnce {
			return who, nil
		}
	}
}

func (s *Shop) takeIn(ctx context.Context, h *material, now *serving, who []thimble.SubjectID, last int64, reason string) error {
	of := h.sets[now.version.Number]
	products, err := s.products(ctx)
	if err != nil {
		return err
	}
	if _, revision, err := s.leftOut(ctx); err != nil || revision != h.leftOut {
		return errors.Join(err, errAnew)
	}
	if len(who) > mostAtOnce || slices.ContainsFunc(products, func(id thimble.ItemID) bool { return !of.known[id] }) {
		return errAnew
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	people, err := s.afresh(ctx, who, nil)
	if err != nil {
		return err
	}
	kept, err := s.Models.Kept(ctx, ModelName)
	if err != nil {
		return err
	}
	of.through = last
	l := line{stage: registry.Champion, recipe: now.model.Recipe(), until: s.Now().UTC().Truncate(time.Microsecond), set: of, chosen: now.version.Lineage.Chosen}
	b := &batch{
		shop: s, data: &gathered{people: h.people, sets: []*set{of}}, training: Training{Reason: reason, still: true, judge: of.data.Interactions() <= quickly}, began: s.Now(), before: now.version,
		updated: map[int64]*recommend.Model{0: now.model}, others: others(kept, now.version, h),
	}
	if err := b.put(ctx, []line{l}, people); err != nil {
		return err
	}
	if err := b.make(ctx, []line{l}); err != nil {
		return err
	}
	if len(b.made) == 0 {
		return nil // they ordered what they had, or may not be learned from
	}
	if err := b.publish(ctx, []line{l}); err != nil {
		return err
	}
	h.sets = b.sets
	s.look(ctx, l)
	return nil
}

// others are the kept versions beside the champion, with their sets: they stay.
func others(kept []registrydb.Version, champion registrydb.Version, h *material) map[int64]standing {
	all := map[int64]standing{}
	for _, v := range kept {
		if v.Number != champion.Number {
			all[v.Number] = standing{v.Stage, h.sets[v.Number]}
		}
	}
	return all
}
