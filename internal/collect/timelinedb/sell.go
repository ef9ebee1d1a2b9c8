package timelinedb

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"thimble"
	"thimble/internal/collect"
	"thimble/internal/collect/frame"
	"thimble/internal/collect/timeline"
	"thimble/internal/gate"
	"thimble/internal/order"
	"thimble/internal/sqldb"
)

// saleCategories are those that an order is read from.
var saleCategories = []thimble.Category{thimble.PurchaseHistory, returning, thimble.Country}

// selling is one batch of orders.
type selling struct {
	store   *Store
	trusted map[uint32]bool
	sales   []collect.Sale
	bought  map[thimble.SubjectID]bool // of whom an order is among the sales
	early   []early
}

func (s *Store) selling() *selling {
	return &selling{store: s, trusted: map[uint32]bool{}, bought: map[thimble.SubjectID]bool{}}
}

// sell reads the orders that trusted sources speak of. What a browser says of an order
// stays an event.
func (s *Store) sell(ctx context.Context, next func() ([]frame.Frame, error)) (*taken, error) {
	b := s.selling()
	for {
		frames, err := next()
		if err != nil {
			return nil, err
		}
		if len(frames) == 0 {
			break
		}
		for i := range frames {
			for k := range frames[i].Records {
				if err := b.record(ctx, frames[i].Seq, k, &frames[i].Records[k]); err != nil {
					return nil, err
				}
			}
		}
	}
	if err := b.again(ctx); err != nil {
		return nil, err
	}
	if len(b.sales) == 0 && len(b.early) == 0 {
		return &taken{}, nil
	}
	return &taken{writes: func(ctx context.Context, move mover) error {
		_, err := s.Orders.Sell(ctx, b.sales, func(ctx context.Context, tx *sqldb.Tx) error {
			if err := b.wait(ctx, tx); err != nil {
				return err
			}
			return move(ctx, tx)
		})
		return err
	}}, nil
}

// sellOf reads the orders of one person's events again: those that came in while the use of
// their data was restricted were kept, and read by nobody. What is taken down already stays.
func (s *Store) sellOf(ctx context.Context, who thimble.SubjectID) (err error) {
	if s.Orders == nil || who.IsZero() {
		return nil
	}
	s.service.forget(who) // a grant of before
	for range tries {
		b := s.selling()
		var places []timeline.Place // the newest first
		err = s.each(ctx, []thimble.SubjectID{who}, timeline.Place{}, func(f *found) (bool, error) {
			if f.record == nil {
				return true, nil // of a frame that is damaged
			}
			may, err := b.may(ctx, f.record)
			if may {
				places = append(places, f.place)
			}
			return true, err
		})
		slices.SortFunc(places, func(one, other timeline.Place) int {
			return cmp.Or(cmp.Compare(one.Seq, other.Seq), one.Index-other.Index)
		})
		if err == nil {
			err = s.records(ctx, places, func(f *found) error {
				if f.record == nil {
					return nil
				}
				return b.record(ctx, f.place.Seq, f.place.Index, f.record)
			})
		}
		if err == nil {
			err = b.again(ctx)
		}
		if err == nil && len(b.sales)+len(b.early) > 0 {
			_, err = s.Orders.Sell(ctx, b.sales, b.wait)
		}
		if !errors.Is(err, thimble.ErrConflict) { // else somebody took down one of them at this moment
			break
		}
	}
	if err != nil {
		return fmt.Errorf("timeline: taking down the orders of a person: %w", err)
	}
	return nil
}

const tries = 3

// may reports whether a record may be an order that counts.
func (b *selling) may(ctx context.Context, r *frame.Record) (bool, error) {
	if r.Subject.IsZero() || !slices.ContainsFunc(r.Parts, func(p frame.Part) bool {
		return p.Category == returning || p.Category == thimble.PurchaseHistory
	}) {
		return false, nil
	}
	trusted, asked := b.trusted[r.Source]
	if !asked {
		var err error
		if trusted, err = b.store.Trusted(ctx, r.Source); err != nil {
			return false, fmt.Errorf("timeline: asking for the source of an order: %w", err)
		}
		b.trusted[r.Source] = trusted
	}
	return trusted, nil
}

func (b *selling) record(ctx context.Context, seq int64, index int, r *frame.Record) error {
	if may, err := b.may(ctx, r); err != nil || !may {
		return err
	}
	g, err := b.store.service.of(ctx, r.Subject)
	if err != nil || g == nil {
		return err
	}
	e, err := openEvent(ctx, g, saleCategories, &found{place: timeline.Place{Seq: seq, Index: index}, record: r})
	if err != nil {
		return err
	}
	w := e.What()
	if !w.Sells() {
		return nil
	}
	tag := r.Repeat // the same when the message comes again after its day
	if tag == (frame.Key{}) {
		tag = frame.Key(r.ID)
	}
	w.Message = hex.EncodeToString(tag[:timeline.TagLen/2])
	return b.sale(ctx, g, r.Subject, &w, seq)
}

func (b *selling) sale(ctx context.Context, g *gate.Grant, who thimble.SubjectID, w *timeline.What, seq int64) error {
	if w.Whole() {
		lines, there, err := b.lines(ctx, g, w)
		if err != nil {
			return err
		}
		if !there {
			b.early = append(b.early, early{g, who, *w, seq})
			return nil
		}
		if len(lines) == 0 {
			return nil // all of it is back
		}
		w.Take(lines)
	}
	o, err := w.Sale(who)
	if err != nil {
		// The event stays, and is shown as it is; it is no order.
		b.store.Logger.WarnContext(ctx, "an order of an event is left an event", slog.Int64("frame", seq), slog.String("cause", err.Error()))
		return nil
	}
	if !o.Return {
		for _, m := range g.Members() {
			b.bought[m] = true
		}
	}
	b.sales = append(b.sales, collect.Sale{Order: o, Names: w.Names()})
	return nil
}

// lines are those of the order that an event takes back whole, be it of this batch,
// without what came back before, and whether the order is there.
func (b *selling) lines(ctx context.Context, g *gate.Grant, w *timeline.What) (lines []order.Line, there bool, err error) {
	var all []order.Order
	for i := range b.sales {
		if o := &b.sales[i].Order; slices.Contains(g.Members(), o.Subject) {
			all = append(all, *o)
		}
	}
	for _, m := range g.Members() {
		sealed, err := b.store.Ordered.Of(ctx, m, 0)
		if err != nil {
			return nil, false, err
		}
		for _, one := range sealed {
			o, err := order.Open(ctx, g, one)
			if err != nil {
				return nil, false, err
			}
			all = append(all, o)
		}
	}
	// A frame that is looked at again has what it had before.
	had := map[string]bool{}
	all = slices.DeleteFunc(all, func(o order.Order) bool {
		again := had[o.Number]
		had[o.Number] = true
		return again
	})
	if had[w.Number()] {
		return nil, true, nil
	}
	for i := range all {
		if o := &all[i]; o.Number == w.Order && !o.Return {
			return w.Left(o.Lines, all), true, nil
		}
	}
	return nil, false, nil
}
