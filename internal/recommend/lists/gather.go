package lists

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"thimble"
	"thimble/internal/catalog"
	"thimble/internal/gate"
	"thimble/internal/order"
	"thimble/internal/recommend"
	"thimble/internal/recommend/taste"
	"thimble/internal/registry"
)

// gathered is who bought what, of the people who permit training, and who they are.
type gathered struct {
	people  *gate.Cohort
	sets    []*set
	leftOut int64 // the revision of the list of who is left out of learning
}

// A set is what one version is made of. A version that is derived anew takes only what
// was recorded, and only products that were known, when it was made first.
type set struct {
	data    *recommend.Dataset
	items   []thimble.ItemID // ascending
	known   map[thimble.ItemID]bool
	through int64            // the last batch of orders that is used
	events  int64            // the last place of the journal that is used; 0 for none
	idle    int64            // behind events, until where nobody did anything that may be learned from
	rule    recommend.Recipe // by which deeds count
	cut     int              // orders that came later
	spans   map[thimble.SubjectID]span
	since   int64 // the first day of which it is noted where something was bought
	sales   map[thimble.SubjectID][]sale
	edits   atomic.Int64 // of the sales
}

// newSet returns an empty set over products, for what was recorded until a batch of orders
// and, by a recipe that learns from deeds, a place of the journal.
func newSet(items []thimble.ItemID, through, events int64, rule recommend.Recipe) *set {
	s := &set{data: recommend.NewDataset(items), items: items, known: make(map[thimble.ItemID]bool, len(items)), through: through, events: events, rule: rule, spans: map[thimble.SubjectID]span{}, sales: map[thimble.SubjectID][]sale{}}
	s.data.Quicken()
	for _, id := range items {
		s.known[id] = true
	}
	return s
}

// same reports whether two sets have the same of the same people.
func (s *set) same(o *set) bool {
	return s == o || slices.Equal(s.items, o.items) && s.data.Same(o.data)
}

// A span is the time of a person's first purchase that is learned from, and of the last thing
// that is, ordered or not, and how many of their orders came too late.
type span struct {
	from, to time.Time
	ordered  bool // else from is when they did the first thing that is learned from
	cut      int
}

// forget takes people out of everything that was gathered.
func (g *gathered) forget(people []thimble.SubjectID) {
	for _, s := range g.sets {
		for _, who := range people {
			s.data.Forget(who)
			s.keep(who, span{})
			s.sells(who, nil, nil)
		}
	}
}

// months are the first and the last month of a set: no person's day is in a card.
func (s *set) months() (from, to string) {
	var all span
	for _, one := range s.spans {
		if one.from.IsZero() {
			continue
		}
		if all.from.IsZero() || one.from.Before(all.from) {
			all.from = one.from
		}
		if one.to.After(all.to) {
			all.to = one.to
		}
	}
	if all.from.IsZero() {
		return "", ""
	}
	return all.from.UTC().Format("2006-01"), all.to.UTC().Format("2006-01")
}

// gather reads the orders of everybody who may be learned from, but for some people,
// once for all sets.
func (s *Shop) gather(ctx context.Context, but []thimble.SubjectID, sets ...*set) (*gathered, error) {
	out := &gathered{people: s.Gate.Cohort(trainer, thimble.TrainAISystem, thimble.PurchaseHistory), sets: sets}
	latest, err := s.Catalog.LatestDay(ctx)
	if err != nil && !errors.Is(err, thimble.ErrNotFound) {
		return nil, err
	}
	for _, of := range sets {
		of.since = latest - popularDays + 1
	}
	all, err := s.lessons(ctx, nil, sets...)
	if err != nil {
		return nil, err
	}
	revision, err := s.eachLearned(ctx, but, func(g *gate.Grant, orders []recorded, said taste.State) error {
		did, err := s.unlearned(ctx, said, all.take(g.Subject()))
		if err == nil {
			err = out.add(g.Subject(), orders, did)
		}
		if err != nil {
			return err
		}
		out.people.Add(g)
		return nil
	})
	out.leftOut = revision
	return out, err
}

// eachLearned calls f with the orders of everybody who may be learned from, but for some
// people, and with what they say about their lists. It returns the revision of the list of who is left out of learning.
func (s *Shop) eachLearned(ctx context.Context, but []thimble.SubjectID, f func(g *gate.Grant, orders []recorded, said taste.State) error) (int64, error) {
	left := make(map[thimble.SubjectID]bool, len(but))
	for _, who := range but {
		left[who] = true
	}
	suspects, revision, err := s.leftOut(ctx)
	if err != nil {
		return 0, err
	}
	for g, err := range s.Gate.Scan(ctx, trainer, thimble.TrainAISystem, thimble.PurchaseHistory) {
		if err != nil {
			return 0, err
		}
		if left[g.Subject()] || slices.ContainsFunc(g.Members(), func(who thimble.SubjectID) bool { return suspects[who] }) {
			continue
		}
		g, orders, said, err := s.learned(ctx, g)
		if damaged(err) {
			// One damaged order must not keep everyone else from being forgotten. Its
			// person is left out until it is mended.
			s.Log.ErrorContext(ctx, "a history cannot be opened and is not learned from", slog.String("cause", err.Error()))
			continue
		}
		if err == nil && g == nil {
			continue // changed their mind since the scan came to them
		}
		if err == nil {
			err = f(g, orders, said)
		}
		if err != nil {
			return 0, err
		}
	}
	return revision, nil
}

func (g *gathered) add(who thimble.SubjectID, orders []recorded, did *doing) error {
	for _, s := range g.sets {
		if err := s.add(who, orders, did); err != nil {
			return err
		}
	}
	return nil
}

func (s *set) add(who thimble.SubjectID, orders []recorded, did *doing) error {
	items, when := s.learns(orders, did)
	s.keep(who, when)
	s.sells(who, orders, items)
	return s.data.Put(who, told(items, when))
}

// learns returns the items that a set learns from, of orders and of what else somebody did,
// most recent last.
func (s *set) learns(orders []recorded, did *doing) (items []thimble.ItemID, when span) {
	within := make([]order.Order, 0, len(orders))
	for _, o := range orders {
		if o.batch <= s.through {
			within = append(within, o.Order)
		}
	}
	when.cut = len(orders) - len(within)
	kept := slices.DeleteFunc(order.History(within), func(h thimble.Interaction) bool { return !s.known[h.Item] })
	if when.ordered = len(kept) > 0; when.ordered {
		when.from = kept[0].At
	}
	history := kept
	if interests := s.interests(did); len(interests) > 0 {
		history = s.rule.With(kept, lastOrdered(within), interests)
	}
	items = make([]thimble.ItemID, 0, len(history))
	for _, h := range history {
		items = append(items, h.Item)
		if !when.ordered && (when.from.IsZero() || h.At.Before(when.from)) {
			when.from = h.At
		}
		if h.At.After(when.to) {
			when.to = h.At
		}
	}
	return items, when
}

// keep notes a person's span in the place of the one before.
func (s *set) keep(who thimble.SubjectID, when span) {
	s.cut += when.cut - s.spans[who].cut
	if when == (span{}) {
		delete(s.spans, who)
		return
	}
	s.spans[who] = when
}

// has reports whether a subject has a history in the set, or orders that came too late.
func (s *set) has(who thimble.SubjectID) bool {
	_, ok := s.spans[who]
	return ok || s.data.Has(who)
}

// changes are what makes a set one that has learned of a person what may be learned now.
func (s *set) changes(p *anew) []recommend.Change {
	all := []recommend.Change{{Person: p.who, History: told(s.learns(p.orders, p.did))}}
	for _, o := range p.others {
		if s.data.Has(o) {
			all = append(all, recommend.Change{Person: o})
		}
	}
	return all
}

// note keeps what changes does not.
func (s *set) note(p *anew) {
	items, when := s.learns(p.orders, p.did)
	s.keep(p.who, when)
	s.sells(p.who, p.orders, items)
	for _, o := range p.others {
		s.keep(o, span{})
		s.sells(o, nil, nil)
	}
}

// recorded is an order with the batch in which it was recorded.
type recorded struct {
	order.Order
	batch int64
}

func plain(all []recorded) []order.Order {
	out := make([]order.Order, len(all))
	for i, o := range all {
		out[i] = o.Order
	}
	return out
}

// orders opens what a person ordered, as any of their members. Without returns, none
// is opened, and what came back counts as bought.
func (s *Shop) orders(ctx context.Context, g thimble.Grant, returns bool) ([]recorded, error) {
	var orders []recorded
	for _, who := range g.Members() {
		sealed, err := s.Orders.Of(ctx, who, 0)
		if err != nil {
			return nil, err
		}
		for _, o := range sealed {
			if !returns && o.Direction == order.Back || s.tooOld(g.Purpose(), o.PlacedAt) {
				continue
			}
			opened, err := order.Open(ctx, g, o)
			if err != nil {
				return nil, err
			}
			if !returns && opened.Return {
				continue // sealed before directions were kept: opened, and not used
			}
			orders = append(orders, recorded{opened, o.Batch})
		}
	}
	return orders, nil
}

// tooOld reports whether an order is kept for another purpose only.
func (s *Shop) tooOld(p thimble.Purpose, placed time.Time) bool {
	return s.UsableSince != nil && placed.Before(s.UsableSince(thimble.PurchaseHistory, p))
}

// products are the items of a new version, in ascending order.
func (s *Shop) products(ctx context.Context) ([]thimble.ItemID, error) {
	items, err := s.Catalog.IDs(ctx, catalog.Goods)
	slices.Sort(items)
	return items, err
}

// Retrain makes the weights of a package again, of those who may be learned from now,
// and keeps nothing: who doubts that a version is what it says compares the bytes.
func (s *Shop) Retrain(ctx context.Context, p registry.Package, but ...thimble.SubjectID) ([]byte, error) {
	m, err := recommend.UnmarshalModel(p.Weights)
	if err != nil {
		return nil, err
	}
	if _, m, err = s.fromStore(ctx, m, p.Lineage, but); err != nil {
		return nil, err
	}
	return m.MarshalBinary()
}
