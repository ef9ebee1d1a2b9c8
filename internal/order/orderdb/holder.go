package orderdb

import (
	"context"
	"fmt"
	"iter"
	"time"

	"thimble"
	"thimble/internal/order"
	"thimble/internal/sqldb"
)

var _ thimble.Holder = (*Store)(nil)

// HolderName implements [thimble.Holder].
func (s *Store) HolderName() string { return "order" }

// Places implements [thimble.Holder].
func (s *Store) Places() []thimble.Place { return []thimble.Place{{Kind: "table", Name: order.Table}} }

// Exported is an order as its buyer reads it.
type Exported struct {
	Number   string         `json:"number"`
	PlacedAt time.Time      `json:"placed_at"`
	Country  string         `json:"country,omitempty"`
	Return   bool           `json:"return"`
	Lines    []ExportedLine `json:"lines"`
}

// ExportedLine is one item of an exported order.
type ExportedLine struct {
	Item  thimble.ItemID `json:"item"`
	Units int64          `json:"units"`
	// PriceMinor is the price of one unit in minor units, such as pence.
	PriceMinor int64  `json:"price_minor"`
	Currency   string `json:"currency"`
}

// Export implements [thimble.Holder]: the newest order first.
func (s *Store) Export(ctx context.Context, subject thimble.SubjectID) iter.Seq2[thimble.Datum, error] {
	return func(yield func(thimble.Datum, error) bool) {
		sealed, err := s.Of(ctx, subject, 0)
		if err != nil {
			yield(thimble.Datum{}, err)
			return
		}
		for _, o := range sealed {
			d, err := s.datum(ctx, o)
			if !yield(d, err) || err != nil {
				return
			}
		}
	}
}

func (s *Store) datum(ctx context.Context, sealed order.Sealed) (thimble.Datum, error) {
	o, err := order.Unseal(ctx, s.opener, sealed)
	if err != nil {
		return thimble.Datum{}, err
	}
	e := Exported{Number: o.Number, PlacedAt: o.PlacedAt, Country: o.Country, Return: o.Return, Lines: make([]ExportedLine, len(o.Lines))}
	for i, l := range o.Lines {
		e.Lines[i] = ExportedLine{Item: l.Item, Units: l.Units, PriceMinor: l.Price.Minor, Currency: l.Price.Currency}
	}
	return thimble.Datum{Holder: s.HolderName(), Category: thimble.PurchaseHistory, Name: "order", Value: e, At: o.PlacedAt, Ref: o.ID.Token(order.TokenPrefix)}, nil
}

// Erase implements [thimble.Holder]: it deletes the rows. The zero subject is
// nobody, so guests' orders stay.
func (s *Store) Erase(ctx context.Context, subject thimble.SubjectID) (thimble.Erasure, error) {
	var e thimble.Erasure
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		n, err := tx.Exec(ctx, `delete from order_orders where subject_id = $1 and `+records.Free(), subject)
		if err != nil {
			return err
		}
		e.Erased = int(n)
		e.Kept, err = records.Kept(ctx, tx, `order_orders.subject_id = $1`, subject)
		return err
	})
	if err != nil {
		return thimble.Erasure{}, fmt.Errorf("order: erasing orders of a person: %w", err)
	}
	return e, nil
}
