package orderdb

import (
	"context"
	"errors"
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

// Remedy implements thimble.Corrector, of an order and of each of its lines.
func (s *Store) Remedy(d thimble.Datum) (r thimble.Remedy, ok bool) {
	if d.Ref == "" || d.Name != "order" {
		return r, false
	}
	e, is := d.Value.(Exported)
	if _, _, part := strings.Cut(d.Ref, "/"); part {
		return lineRemedy(d.Ref, e)
	}
	r = thimble.Remedy{Title: "An order", Choices: []thimble.RemedyChoice{{Key: notTheirs, Words: "This order is not mine"}}}
	if is && e.Return {
		r = thimble.Remedy{Title: "A return", Choices: []thimble.RemedyChoice{{Key: neverWas, Words: "I sent nothing back"}, {Key: notTheirs, Words: "This return is not mine"}}}
	}
	if is {
		r.Was = said(e)
		for i, l := range e.Lines {
			r.Items = append(r.Items, l.Item)
			r.Parts = append(r.Parts, thimble.RemedyPart{Ref: fmt.Sprintf("%s/%d", d.Ref, i), Words: saidLine(l), Item: l.Item})
		}
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
	if _, _, part := strings.Cut(c.Ref, "/"); part {
		return acceptsLine(c)
	}
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
	if _, _, part := strings.Cut(c.Ref, "/"); part {
		return s.correctLine(ctx, c)
	}
	id, err := thimble.ParseID(order.TokenPrefix, c.Ref)
	if err != nil {
		return done, err
	}
	done.Kept = []thimble.Kept{{Count: 1, What: "the order in the shop's books, without a person", Law: booked}}
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		done.Changed = 0
		o, err := s.theirs(ctx, tx, id, c.Subject)
		if errors.Is(err, thimble.ErrNotFound) {
			return nil // it has left already
		}
		if err != nil {
			return err
		}
		if o.Return != (c.Choice == neverWas) && c.Choice == neverWas {
			return fmt.Errorf("it is no return: %w", thimble.ErrConflict)
		}
		done.Changed = 1
		return s.leaves(ctx, tx, o)
	})
	if err != nil {
		return thimble.Corrected{}, fmt.Errorf("order: correcting %s: %w", c.Ref, err)
	}
	return done, nil
}

// theirs opens an order of somebody; ErrNotFound for one that is not theirs.
func (s *Store) theirs(ctx context.Context, tx *sqldb.Tx, id thimble.ID, who thimble.SubjectID) (order.Order, error) {
	var all []order.Sealed
	err := tx.Each(ctx, scanSealed(&all, who), selectSealed+`where id = $1 and subject_id = $2`, id, who)
	if err == nil && len(all) == 0 {
		err = thimble.ErrNotFound
	}
	if err != nil {
		return order.Order{}, err
	}
	return order.Unseal(ctx, s.opener, all[0])
}

// leaves makes an order nobody's.
func (s *Store) leaves(ctx context.Context, tx *sqldb.Tx, o order.Order) error {
	who := o.Subject
	o.Subject = thimble.SubjectID{}
	drafts, err := s.Draft(ctx, []order.Order{o})
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `update order_orders set subject_id = null, body = $1 where id = $2 and subject_id = $3`, drafts[0].sealed.Body, o.ID, who); err != nil {
		return err
	}
	return s.moved(ctx, tx, who)
}

// moved has whoever made something of somebody's orders hear that they changed.
func (s *Store) moved(ctx context.Context, tx *sqldb.Tx, who thimble.SubjectID) error {
	if s.epochs == nil {
		return fmt.Errorf("nobody was told whose orders change: %w", thimble.ErrUnavailable)
	}
	_, err := s.epochs.Touch(ctx, tx, who)
	return err
}
