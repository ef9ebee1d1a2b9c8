package orderdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"thimble"
	"thimble/internal/order"
	"thimble/internal/sqldb"
)

// The choices for a line of an order, by their keys.
const (
	notBought  = "not_bought"
	otherUnits = "units"
	sentBack   = "sent_back"
)

// lineRemedy is what can be said of one line: Ref is the order's, "/" and its place.
func lineRemedy(ref string, e Exported) (r thimble.Remedy, ok bool) {
	_, n, err := lineOf(ref)
	if err != nil || n >= len(e.Lines) {
		return r, false
	}
	r = thimble.Remedy{Title: "One item of an order", Was: saidLine(e.Lines[n]), Items: []thimble.ItemID{e.Lines[n].Item}}
	number := thimble.RemedyChoice{Key: otherUnits, Words: "The number is wrong", Asks: "Right number", Hint: "If the number is wrong: how many it were, such as 1."}
	if e.Return {
		r.Title = "One item of a return"
		r.Choices = []thimble.RemedyChoice{{Key: notBought, Words: "I did not send this item back"}, number}
		return r, true
	}
	r.Choices = []thimble.RemedyChoice{{Key: notBought, Words: "I did not buy this item"}, number, {Key: sentBack, Words: "I sent this one back"}}
	return r, true
}

func saidLine(l ExportedLine) string { return fmt.Sprintf("%s, %d", l.Item, l.Units) }

// lineOf reads a reference of a line.
func lineOf(ref string) (id thimble.ID, n int, err error) {
	whole, place, _ := strings.Cut(ref, "/")
	if id, err = thimble.ParseID(order.TokenPrefix, whole); err != nil {
		return id, 0, err
	}
	n, err = strconv.Atoi(place)
	if err != nil || n < 0 || n >= order.MaxLines || strconv.Itoa(n) != place {
		return id, 0, fmt.Errorf("order: the place of a line was expected: %w", thimble.ErrInvalid)
	}
	return id, n, nil
}

func acceptsLine(c thimble.Correction) error {
	_, _, err := lineOf(c.Ref)
	if err != nil || c.Name != "order" || c.Choice != notBought && c.Choice != otherUnits && c.Choice != sentBack {
		return fmt.Errorf("order: a correction: a line of an order and one of the choices was expected: %w", thimble.ErrInvalid)
	}
	if c.Choice == otherUnits {
		_, err = unitsOf(c)
	}
	return err
}

// unitsOf is the number that a person says is right.
func unitsOf(c thimble.Correction) (int64, error) {
	n, err := strconv.ParseInt(c.Value.Reveal(), 10, 64) // to check it, and to keep it
	if err != nil || n < 1 || n > order.MaxUnits {
		return 0, fmt.Errorf("order: a correction: a number from 1 to %d was expected: %w", int64(order.MaxUnits), thimble.ErrInvalid)
	}
	return n, nil
}

// correctLine puts one line of an order right. What was booked stays in the shop's books, as
// an order of nobody with the line as it was; the order keeps its number, so that an old list
// does not bring the line back. What was sent back is a return of the order's own time: it
// lasts as long as the order does. Either has the place of its number taken by the request,
// by which a second call finds that the first was here.
func (s *Store) correctLine(ctx context.Context, c thimble.Correction) (done thimble.Corrected, err error) {
	id, n, err := lineOf(c.Ref)
	cause := thimble.CauseOf(ctx)
	if err == nil && cause.IsZero() {
		err = fmt.Errorf("order: a correction of a line has a cause: %w", thimble.ErrInvalid)
	}
	if err != nil {
		return done, err
	}
	index, err := s.keys.Index(ctx, besideKind, cause.Token(order.TokenPrefix))
	if err != nil {
		return done, fmt.Errorf("order: correcting a line: %w", err)
	}
	if c.Choice != sentBack {
		done.Kept = []thimble.Kept{{Count: 1, What: "the line as it was booked, in the shop's books, without a person", Law: booked}}
	}
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		done.Changed = 0
		var known int
		if err := tx.QueryRow(ctx, `select count(*) from order_orders where number_index = $1`, index).Scan(&known); err != nil || known > 0 {
			return err
		}
		o, err := s.theirs(ctx, tx, id, c.Subject)
		if errors.Is(err, thimble.ErrNotFound) {
			return nil // it has left already
		}
		if err != nil {
			return err
		}
		at, err := place(o, n, c.Was.Reveal()) // to find the line that was meant
		if err != nil {
			return err
		}
		done.Changed = 1
		return s.putLine(ctx, tx, o, at, c, index)
	})
	if err != nil {
		return thimble.Corrected{}, fmt.Errorf("order: correcting a line of %s: %w", id.Token(order.TokenPrefix), err)
	}
	return done, nil
}

// besideKind is the kind of the blind index of what a request keeps beside an order.
const besideKind = "order-beside"

// place finds a line that reads as it did: where it was, or, after another correction of the
// order, elsewhere. Lines that read alike are alike.
func place(o order.Order, n int, was string) (int, error) {
	reads := func(l order.Line) bool { return saidLine(ExportedLine{Item: l.Item, Units: l.Units}) == was }
	if n < len(o.Lines) && reads(o.Lines[n]) {
		return n, nil
	}
	if n = slices.IndexFunc(o.Lines, reads); n < 0 {
		return 0, fmt.Errorf("the line is not there any more: %w", thimble.ErrNotFound)
	}
	return n, nil
}

// putLine changes the order, and keeps beside it what was booked or sent back.
func (s *Store) putLine(ctx context.Context, tx *sqldb.Tx, o order.Order, n int, c thimble.Correction, index []byte) (err error) {
	beside := o
	beside.Lines = []order.Line{o.Lines[n]}
	o.Lines = slices.Clone(o.Lines)
	switch {
	case c.Choice == sentBack && o.Return:
		return fmt.Errorf("it is a return: %w", thimble.ErrConflict)
	case c.Choice == sentBack:
		beside.Return = true
	case c.Choice == otherUnits:
		beside.Subject = thimble.SubjectID{}
		if o.Lines[n].Units, err = unitsOf(c); err != nil {
			return err
		}
	case len(o.Lines) == 1:
		return s.leaves(ctx, tx, o) // nothing else was in it
	default:
		beside.Subject = thimble.SubjectID{}
		o.Lines = slices.Delete(o.Lines, n, n+1)
	}
	if beside.ID, err = thimble.NewID(nil); err != nil {
		return err
	}
	drafts, err := s.Draft(ctx, []order.Order{o, beside})
	if err != nil {
		return err
	}
	drafts[1].index = index
	if err := s.Add(ctx, tx, drafts[1:]); err != nil {
		return err
	}
	// It is of the order's batch: what has learned of the order learns of it as well. To who
	// takes orders as they come in it is new only while that batch is the newest they took.
	if _, err := tx.Exec(ctx, `update order_orders set batch = (select o.batch from order_orders o where o.id = $1) where id = $2`, o.ID, beside.ID); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `update order_orders set body = $1 where id = $2 and subject_id = $3`, drafts[0].sealed.Body, o.ID, o.Subject); err != nil {
		return err
	}
	return s.moved(ctx, tx, o.Subject)
}

// Beside returns what the request of the context has kept beside an order, such as what was
// sent back of it; ErrNotFound for nothing.
func (s *Store) Beside(ctx context.Context) (order.Sealed, error) {
	index, err := s.keys.Index(ctx, besideKind, thimble.CauseOf(ctx).Token(order.TokenPrefix))
	var id thimble.ID
	if err == nil {
		err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
			return tx.QueryRow(ctx, `select id from order_orders where number_index = $1`, index).Scan(&id)
		})
	}
	if errors.Is(err, sql.ErrNoRows) {
		err = thimble.ErrNotFound
	}
	if err != nil {
		return order.Sealed{}, fmt.Errorf("order: reading what is beside an order: %w", err)
	}
	o, _, err := s.Recorded(ctx, id)
	return o, err
}
