package lists

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"thimble"
	"thimble/internal/catalog"
	"thimble/internal/gate"
	"thimble/internal/order"
	"thimble/internal/recommend"
	"thimble/internal/registry"
)

// gathered is who bought what, of the people who permit training, and who they are. A
// version that is derived anew takes only what was ordered until its data ended.
type gathered struct {
	people *gate.Cohort
	sets   map[time.Time]*set // by the end of the data; the zero time is everything
	newest time.Time          // the latest order
}

type set struct {
	data  *recommend.Dataset
	until time.Time
	cut   int // orders that are younger
	spans map[thimble.SubjectID]span
}

// A span is the time of a person's first and last purchase that is learned from.
type span struct{ from, to time.Time }

// forget takes people out of everything that was gathered.
func (g *gathered) forget(people []thimble.SubjectID) {
	for _, s := range g.sets {
		for _, who := range people {
			s.data.Forget(who)
			delete(s.spans, who)
		}
	}
}

// months are the first and the last month of a set: no person's day is in a card.
func (s *set) months() (from, to string) {
	var all span
	for _, one := range s.spans {
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
// once for all the ends of data.
func (s *Shop) gather(ctx context.Context, but []thimble.SubjectID, ends ...time.Time) (*gathered, error) {
	products, err := s.Catalog.IDs(ctx, catalog.Goods)
	if err != nil {
		return nil, err
	}
	out := &gathered{people: s.Gate.Cohort(trainer, thimble.TrainAISystem, thimble.PurchaseHistory), sets: map[time.Time]*set{}}
	for _, until := range ends {
		out.sets[until] = &set{data: recommend.NewDataset(products), until: until, spans: map[thimble.SubjectID]span{}}
	}
	known, left := make(map[thimble.ItemID]bool, len(products)), make(map[thimble.SubjectID]bool, len(but))
	for _, id := range products {
		known[id] = true
	}
	for _, who := range but {
		left[who] = true
	}
	for g, err := range s.Gate.Scan(ctx, trainer, thimble.TrainAISystem, thimble.PurchaseHistory) {
		if err != nil {
			return nil, err
		}
		if left[g.Subject()] {
			continue
		}
		orders, err := s.learned(ctx, g)
		if gone(ctx, g, err) {
			continue // changed their mind since the scan came to them
		}
		if errors.Is(err, thimble.ErrDenied) {
			// One damaged order must not keep everyone else from being forgotten. Its
			// person is left out until it is mended.
			s.Log.ErrorContext(ctx, "a history cannot be opened and is not learned from", slog.String("cause", err.Error()))
			continue
		}
		if err == nil {
			err = out.add(g.Subject(), orders, known)
		}
		if err != nil {
			return nil, err
		}
		out.people.Add(g)
	}
	return out, nil
}

func (g *gathered) add(who thimble.SubjectID, orders []order.Order, known map[thimble.ItemID]bool) error {
	for _, o := range orders {
		if o.PlacedAt.After(g.newest) {
			g.newest = o.PlacedAt
		}
	}
	for _, s := range g.sets {
		if err := s.add(who, orders, known); err != nil {
			return err
		}
	}
	return nil
}

func (s *set) add(who thimble.SubjectID, orders []order.Order, known map[thimble.ItemID]bool) error {
	if !s.until.IsZero() {
		within := make([]order.Order, 0, len(orders))
		for _, o := range orders {
			if !o.PlacedAt.After(s.until) {
				within = append(within, o)
			}
		}
		s.cut += len(orders) - len(within)
		orders = within
	}
	history := order.History(orders)
	items := make([]thimble.ItemID, 0, len(history))
	var when span
	for _, h := range history {
		if !known[h.Item] {
			continue
		}
		items = append(items, h.Item)
		if when.from.IsZero() || h.At.Before(when.from) {
			when.from = h.At
		}
		if h.At.After(when.to) {
			when.to = h.At
		}
	}
	if len(items) > 0 {
		s.spans[who] = when
	}
	return s.data.Add(who, items)
}

// orders opens what a person ordered, as any of their members. Without returns, none
// is opened, and what came back counts as bought.
func (s *Shop) orders(ctx context.Context, g thimble.Grant, returns bool) ([]order.Order, error) {
	var orders []order.Order
	for _, who := range g.Members() {
		sealed, err := s.Orders.Of(ctx, who, 0)
		if err != nil {
			return nil, err
		}
		for _, o := range sealed {
			if !returns && o.Direction == order.Back {
				continue
			}
			opened, err := order.Open(ctx, g, o)
			if err != nil {
				return nil, err
			}
			if !returns && opened.Return {
				continue // sealed before directions were kept: opened, and not used
			}
			orders = append(orders, opened)
		}
	}
	return orders, nil
}

// Retrain makes the weights of a lineage again, of those who may be learned from now,
// and keeps nothing: who doubts that a version is what it says compares the bytes.
func (s *Shop) Retrain(ctx context.Context, l registry.Lineage, but ...thimble.SubjectID) ([]byte, error) {
	recipe, err := recommend.ParseRecipe(l.Recipe)
	if err != nil {
		return nil, err
	}
	g, err := s.gather(ctx, but, l.Until)
	if err != nil {
		return nil, err
	}
	m, err := recommend.Train(ctx, recipe, g.sets[l.Until].data, nil)
	if err != nil {
		return nil, err
	}
	return m.MarshalBinary()
}
