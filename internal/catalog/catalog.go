package catalog

import (
	"fmt"
	"time"
	"unicode/utf8"

	"thimble"
)

// A Kind tells goods from services.
type Kind string

// The kinds.
const (
	Goods   Kind = "product"
	Service Kind = "service" // postage, fees, discounts: sold, never recommended
)

// A Product is one item of the shop.
type Product struct {
	ID       thimble.ItemID
	Name     string // the id, where no name is known
	Kind     Kind
	Price    thimble.Money // zero: not known
	Category string        // "" or a word such as "mugs"
	Attributes
	// UpdatedAt is when name and price were last seen. What was seen earlier
	// never replaces what was seen later.
	UpdatedAt time.Time
}

// Validate reports the first rule that p breaks.
func (p Product) Validate() error {
	switch {
	case !text(string(p.ID), 1, 64):
		return invalid("id", "1 to 64 characters without control characters")
	case !text(p.Name, 0, 200):
		return invalid("name", "at most 200 characters without control characters")
	case p.Kind != Goods && p.Kind != Service:
		return invalid("kind", fmt.Sprintf("%q or %q", Goods, Service))
	case p.Price.Minor < 0:
		return invalid("price", "not negative")
	case !text(p.Category, 0, 64):
		return invalid("category", "at most 64 characters without control characters")
	}
	return p.Attributes.validate()
}

func invalid(field, rule string) error {
	return fmt.Errorf("catalog: the product's %s must be %s: %w", field, rule, thimble.ErrInvalid)
}

// text reports whether s is printable UTF-8 of so many runes.
func text(s string, least, most int) bool {
	n := utf8.RuneCountInString(s)
	if n < least || n > most || !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if r < ' ' || r == 0x7f {
			return false
		}
	}
	return true
}

// Demand is what was sold of one item on one day.
type Demand struct {
	Item   thimble.ItemID
	Day    int64 // days since 1970-01-01 UTC
	Orders int64 // that contained the item
	Units  int64
}

const daySeconds = 24 * 60 * 60

// Day returns the day of t in UTC, counted from 1970-01-01.
func Day(t time.Time) int64 {
	s := t.Unix()
	if s < 0 {
		s -= daySeconds - 1 // towards the past, not towards zero
	}
	return s / daySeconds
}

// DayTime returns the midnight at which the day begins.
func DayTime(day int64) time.Time { return time.Unix(day*daySeconds, 0).UTC() }

// A Window is a span of whole days.
type Window struct {
	Days int // how many; 0 means all
	// Before is the first moment that no longer counts: the days that end at or
	// before it do. Zero means after the latest day with a sale.
	Before time.Time
}

// Ranked is an item and the number of orders that contained it.
type Ranked struct {
	Item   thimble.ItemID
	Orders int64
}
