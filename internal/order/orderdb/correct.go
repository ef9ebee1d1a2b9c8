package orderdb

import (
	"context"
	"fmt"
	"strings"
	"time"

	"thimble"
	"thimble/internal/order"
	"thimble/internal/sqldb"
)

// Epochs moves a person's epoch in the transaction of a change; *subjectdb.Store does.
// Whoever made something of the orders hears of it so.
type Epochs interface {
	Touch(ctx context.Context, tx *sqldb.Tx, s thimble.SubjectID) (epoch int64, err error)
}

// Moves gives the store what moves epochs. It is called before the first correction.
func (s *Store) Moves(e Epochs) { s.epochs = e }

var _ thimble.Corrector = (*Store)(nil)

// The choices of the remedy, by their keys.
const (
	notTheirs = "not_mine"
	neverWas  = "never"
)

// booked is the law by which an order that is nobody's any more is kept.
const booked = "Regulation (EU) 2016/679 Art. 17(3)(b) with the law of bookkeeping, such as § 147 AO"

// Remedy implements thimble.Corrector.
func (s *Store) Remedy(d thimble.Datum) (r thimble.Remedy, ok bool) {
	if d.Ref == "" || d.Name != "order" {
		return r, false
	}
	r = thimble.Remedy{Title: "An order", Choices: []thimble.RemedyChoice{{Key: notTheirs, Words: "This order is not mine"}}}
	e, is := d.Value.(Exported)
	if is && e.Return {
		r = thimble.Remedy{Title: "A return", Choices: []thimble.RemedyChoice{{Key: neverWas, Words: "I sent nothing back"}, {Key: notTheirs, Words: "This return is not mine"}}}
	}
	if is {
		r.Was = said(e)
	}
	return r, true
}

// said is an order in a line.
func said(e Exported) string {
	units := int64(0)
	for _, l := range e.Lines {
		units += l.Units
	}
	return fmt.Sprintf("%s of %s, %d in all: %s", e.Number, e.PlacedAt.Format(time.DateOnly), units, named(e.Lines))
}

// named names the first few items of an order.
func named(lines []ExportedLine) string {
	const most = 5
	var all []string
	for _, l := range lines[:min(most, len(lines))] {
		all = append(all, string(l.Item))
	}
	if len(lines) > most {
		all = append(all, "…")
	}
	return strings.Join(all, ", ")
}

// Accepts implements thimble.Corrector.
func (s *Store) Accepts(c thimble.Correction) error {
	_, err := thimble.ParseID(order.TokenPrefix, c.Ref)
	if err != nil || c.Name != "order" || c.Choice != notTheirs && c.Choice != neverWas {
		return fmt.Errorf("order: a correction: an order and one of the choices was expected: %w", thimble.ErrInvalid)
	}
	return nil
}

// Correct implements thimble.Corrector: an order that was not theirs, or a return that was
// none, leaves the person, and all that is made of their orders. The shop's books keep it
// as nobody's, with its number, so that an old list does not bring it back to them.
func (s *Store) Correct(ctx context.Context, c thimble.Correction) (done thimble.Corrected, err error) {
	if err := s.Accepts(c); err != nil {
		return done, err
	}
	id, err := thimble.ParseID(order.TokenPrefix, c.Ref)
	if err != nil {
		return done, err
	}
	done.Kept = []thimble.Kept{{Count: 1, What: "the order in the shop's books, without a person", Law: booked}}
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		done.Changed = 0
		var all []order.Sealed
		err := tx.Each(ctx, scanSealed(&all, c.Subject), selectSealed+`where id = $1 and subject_id = $2`, id, c.Subject)
		if err != nil || len(all) == 0 {
			return err // it has left already
		}
		o, err := order.Unseal(ctx, s.opener, all[0])
		if err != nil {
			return err
		}
		if o.Return != (c.Choice == neverWas) && c.Choice == neverWas {
			return fmt.Errorf("it is no return: %w", thimble.ErrConflict)
		}
		o.Subject = thimble.SubjectID{}
		drafts, err := s.Draft(ctx, []order.Order{o})
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `update order_orders set subject_id = null, body = $1 where id = $2 and subject_id = $3`, drafts[0].sealed.Body, id, c.Subject); err != nil {
			return err
		}
		done.Changed = 1
		if s.epochs == nil {
			return fmt.Errorf("nobody was told whose orders change: %w", thimble.ErrUnavailable)
		}
		_, err = s.epochs.Touch(ctx, tx, c.Subject)
		return err
	})
	if err != nil {
		return thimble.Corrected{}, fmt.Errorf("order: correcting %s: %w", c.Ref, err)
	}
	return done, nil
}
