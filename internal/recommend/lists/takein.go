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

// TakeIn puts the orders that came in since the champion was made into it, and what people did
// since then, by solving again the columns that they move: what comes of it is the version of a
// training on all orders until now, and on what was done until a place, over the same
// products. It takes the champion's place; what is kept to go back to stays. When products
// are new, or too many people have ordered, it trains; of what too many people did it takes
// in what fits, and leaves the rest to the next. It does nothing while a version that somebody
// has rolled back to is held, or nothing is new.
func (s *Shop) TakeIn(ctx context.Context) error {
	s.training.Lock()
	defer s.training.Unlock()
	h, now := s.held.Load(), s.live.Load()
	if h == nil || now == nil || h.sets[now.version.Number] == nil {
		return nil // who starts gathers first
	}
	of := h.sets[now.version.Number]
	last, err := s.Orders.LastBatch(ctx)
	if err != nil {
		return err
	}
	const deeds = "people did something with products"
	did, events, err := s.didSince(ctx, of)
	if errors.Is(err, errAnew) {
		if state, err := s.Models.Line(ctx, ModelName); err != nil || state.Held {
			return err
		}
		_, err = s.train(ctx, Training{Reason: deeds, still: true, judge: true})
		return err
	}
	if err != nil || last <= of.through && len(did) == 0 {
		return err
	}
	state, err := s.Models.Line(ctx, ModelName)
	if err != nil || state.Held {
		return err
	}
	reason := "orders came in"
	if last <= of.through {
		reason = deeds
	}
	who, err := s.orderedSince(ctx, of.through, last)
	if err != nil {
		return err
	}
	if len(who) > mostAtOnce {
		err = errAnew
	} else {
		err = s.takeIn(ctx, h, now, append(who, did...), last, events, reason)
	}
	if errors.Is(err, errAnew) {
		_, err = s.train(ctx, Training{Reason: reason, still: true, judge: true})
		return err
	}
	if err != nil {
		s.held.Store(nil) // it may be half changed
	}
	return err
}

// didSince are the people who did something behind the end of a set that may be learned from,
// and the place up to which they are all there.
func (s *Shop) didSince(ctx context.Context, of *set) (who []thimble.SubjectID, until int64, err error) {
	if s.Journal == nil {
		return nil, of.events, nil
	}
	last, err := s.Journal.Last(ctx)
	if err != nil {
		return nil, 0, err
	}
	from := max(of.events, of.idle)
	for from < last && len(who) == 0 {
		var came []thimble.SubjectID
		if came, until, err = s.Journal.Came(ctx, from, last, mostAtOnce); err != nil {
			return nil, 0, err
		}
		for _, one := range came {
			r := trains(one)
			r.Categories = []thimble.Category{Browsing}
			// Asked of the choice and not of the gate, which also says no while it cannot know.
			standing, err := s.Gate.Consent(ctx, r)
			if err != nil {
				return nil, 0, err
			}
			if standing.State.Permits() {
				who = append(who, one)
			}
		}
		if len(who) == 0 {
			// Nobody here may be learned from. Who permits it later permits it of what
			// follows, so that this need not be looked at again.
			of.idle, from = until, until
		}
	}
	if len(who) > 0 && of.rule.InterestFrom == 0 {
		return nil, 0, errAnew // a version from before deeds were learned from
	}
	return who, max(until, of.events), nil
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

func (s *Shop) takeIn(ctx context.Context, h *material, now *serving, who []thimble.SubjectID, last, events int64, reason string) error {
	of := h.sets[now.version.Number]
	products, err := s.products(ctx)
	if err != nil {
		return err
	}
	if _, revision, err := s.leftOut(ctx); err != nil || revision != h.leftOut {
		return errors.Join(err, errAnew)
	}
	if slices.ContainsFunc(products, func(id thimble.ItemID) bool { return !of.known[id] }) {
		return errAnew
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	ended := of.events
	of.through, of.events = last, events
	people, err := s.afresh(ctx, who, nil, of, &set{known: of.known, rule: of.rule, events: ended})
	if err != nil {
		return err
	}
	kept, err := s.Models.Kept(ctx, ModelName)
	if err != nil {
		return err
	}
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
		// They had it before, or may not be learned from. The version stays, and says that it
		// ends where it did: so does what it is made of.
		return b.put(ctx, []line{l}, people)
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
