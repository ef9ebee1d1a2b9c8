package order

import (
	"context"
	"fmt"
	"time"
	"unicode/utf8"

	"thimble"
)

// A Line is one item of an order.
type Line struct {
	Item  thimble.ItemID
	Units int64         // more than zero, in a return as well
	Price thimble.Money // of one unit; zero for what was given away
}

// An Order is a purchase, or a return of one.
type Order struct {
	ID       thimble.ID
	Subject  thimble.SubjectID // zero: a guest
	Number   string            // the shop's own
	PlacedAt time.Time         // UTC, to the microsecond
	Country  string            // ISO 3166-1 alpha-2; "" when unknown
	Return   bool              // the lines came back
	Lines    []Line
}

// Bounds of an order.
const (
	MaxLines  = 10_000
	MaxNumber = 64 // bytes of what a shop calls it
	MaxShop   = 96 // bytes before it that say whose number it is
	MaxItem   = 64 // bytes
	MaxUnits  = 1_000_000_000
	MaxMinor  = 1_000_000_000_000
)

// Validate reports the first rule that o breaks. It repeats no value.
func (o Order) Validate() error {
	switch {
	case o.Number == "" || len(o.Number) > MaxShop+MaxNumber || !utf8.ValidString(o.Number):
		return invalid("number", fmt.Sprintf("1 to %d bytes of UTF-8", MaxShop+MaxNumber))
	case o.PlacedAt.IsZero() || o.PlacedAt.Year() < 1970 || o.PlacedAt.Year() > 9999:
		return invalid("time", "between 1970 and 9999")
	case !o.PlacedAt.Equal(o.PlacedAt.Truncate(time.Microsecond)):
		return invalid("time", "whole microseconds")
	case o.Country != "" && !upper(o.Country, 2):
		return invalid("country", "a code of two capital letters, or empty")
	case len(o.Lines) == 0 || len(o.Lines) > MaxLines:
		return invalid("lines", fmt.Sprintf("1 to %d", MaxLines))
	case !upper(o.Lines[0].Price.Currency, 3):
		return invalid("currency", "a code of three capital letters")
	}
	for _, l := range o.Lines {
		if err := l.validate(o.Lines[0].Price.Currency); err != nil {
			return err
		}
	}
	return nil
}

func (l Line) validate(currency string) error {
	switch {
	case l.Item == "" || len(l.Item) > MaxItem || !utf8.ValidString(string(l.Item)):
		return invalid("item", fmt.Sprintf("1 to %d bytes of UTF-8", MaxItem))
	case l.Units < 1 || l.Units > MaxUnits:
		return invalid("units", fmt.Sprintf("1 to %d", int64(MaxUnits)))
	case l.Price.Minor < 0 || l.Price.Minor > MaxMinor:
		return invalid("price", fmt.Sprintf("0 to %d minor units", int64(MaxMinor)))
	case l.Price.Currency != currency:
		return invalid("currency", "the same in all lines")
	}
	return nil
}

func invalid(field, rule string) error {
	return fmt.Errorf("order: the %s must be %s: %w", field, rule, thimble.ErrInvalid)
}

func upper(s string, n int) bool {
	if len(s) != n {
		return false
	}
	for i := range n {
		if s[i] < 'A' || s[i] > 'Z' {
			return false
		}
	}
	return true
}

// TokenPrefix is the prefix of an order's id in text.
const TokenPrefix = "ord"

// Table is where orders lie.
const Table = "order_orders"

// A Direction says, without opening an order, whether goods went or came back.
type Direction int64

// The directions. An order that was sealed before directions were kept has none.
const (
	Unknown  Direction = 0
	Purchase Direction = 1
	Back     Direction = 2
)

// Direction returns the order's.
func (o Order) Direction() Direction {
	if o.Return {
		return Back
	}
	return Purchase
}

// Sealed is an order as it lies in the database.
type Sealed struct {
	ID        thimble.ID
	Subject   thimble.SubjectID
	PlacedAt  time.Time
	Direction Direction
	Batch     int64 // in which it was recorded; numbers grow
	Body      []byte
}

// Cell returns the one place the body belongs to.
func (s Sealed) Cell() thimble.Cell {
	return thimble.Cell{Owner: s.Subject, Table: Table, Column: "body", Row: s.ID[:], Category: thimble.PurchaseHistory}
}

// An Opener opens cells: a [thimble.Grant] does.
type Opener interface {
	Open(ctx context.Context, c thimble.Cell, sealed []byte) ([]byte, error)
}

// Open returns the order that a grant allows to read.
func Open(ctx context.Context, g thimble.Grant, s Sealed) (Order, error) { return Unseal(ctx, g, s) }

// Unseal opens an order where there is no purpose to grant: for the person's own
// export, and for moving data.
func Unseal(ctx context.Context, by Opener, s Sealed) (Order, error) {
	body, err := by.Open(ctx, s.Cell(), s.Body)
	if err != nil {
		return Order{}, fmt.Errorf("order: opening %s: %w", s.ID.Token("ord"), err)
	}
	o, err := Decode(body)
	if err != nil {
		return Order{}, fmt.Errorf("order: opening %s: %w", s.ID.Token("ord"), err)
	}
	if !o.PlacedAt.Equal(s.PlacedAt) {
		return Order{}, fmt.Errorf("order: opening %s: the row's time is not the order's: %w", s.ID.Token("ord"), thimble.ErrConflict)
	}
	if s.Direction != Unknown && s.Direction != o.Direction() {
		return Order{}, fmt.Errorf("order: opening %s: the row's direction is not the order's: %w", s.ID.Token("ord"), thimble.ErrConflict)
	}
	o.ID, o.Subject = s.ID, s.Subject
	return o, nil
}
