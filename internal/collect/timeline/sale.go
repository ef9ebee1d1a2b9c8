package timeline

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"thimble"
	"thimble/internal/order"
)

// The events of the plan that are orders when a trusted source says them.
const (
	completed = "Order Completed"
	refunded  = "Order Refunded"
	cancelled = "Order Cancelled"
)

// Sells reports whether an event of a trusted source is an order, or takes one back.
func (w *What) Sells() bool {
	return w.Order != "" && (w.Name == completed || w.Name == refunded || w.Name == cancelled)
}

// Whole reports whether it takes back an order without saying which products: that is
// all of them, so that the order must be known to write down what came back.
func (w *What) Whole() bool { return w.Sells() && w.Name != completed && len(w.Products) == 0 }

// Number is what the order is known by. What was taken back is an order of its own,
// which says so behind the number of the first: a cancellation happens once, and a refund
// as often as something comes back, so that it has the tag of its message.
func (w *What) Number() string {
	switch w.Name {
	case refunded:
		return w.refunds() + w.Message
	case cancelled:
		return w.cancels()
	}
	return w.Order
}

func (w *What) refunds() string { return behind(w.Order, "/refunded/", TagLen) }
func (w *What) cancels() string { return behind(w.Order, "/cancelled", 0) }

// TagLen is the length of what tells one message from others.
const TagLen = 12

// behind puts a word behind a number, with room for more. A number that leaves none is put
// as a hash.
func behind(number, word string, room int) string {
	if len(number)+len(word)+room > order.MaxNumber {
		h := sha256.Sum256([]byte(number))
		number = hex.EncodeToString(h[:12])
	}
	return number + word
}

// Left returns what is left of the lines of the order that it is about, after what other
// orders took back of it.
func (w *What) Left(lines []order.Line, others []order.Order) (left []order.Line) {
	gone := map[thimble.ItemID]int64{}
	for _, o := range others {
		if o.Return && (o.Number == w.cancels() || strings.HasPrefix(o.Number, w.refunds())) {
			for _, l := range o.Lines {
				gone[l.Item] += l.Units
			}
		}
	}
	for _, l := range lines {
		n := min(gone[l.Item], l.Units)
		gone[l.Item] -= n
		if l.Units -= n; l.Units > 0 {
			left = append(left, l)
		}
	}
	return left
}

// Sale returns the order that an event says, without an id. The error is of kind
// ErrInvalid, names the rule that is broken and repeats no value.
func (w *What) Sale(subject thimble.SubjectID) (order.Order, error) {
	o := order.Order{
		Subject: subject, Number: w.Number(), PlacedAt: w.At.Truncate(time.Microsecond), Country: w.Country,
		Return: w.Name != completed,
	}
	for _, p := range w.Products {
		units := p.Units
		if units == 0 {
			units = 1 // the spec leaves it out for one
		}
		o.Lines = append(o.Lines, order.Line{Item: p.Item, Units: units, Price: thimble.Money{Minor: p.Minor, Currency: w.Currency}})
	}
	if err := o.Validate(); err != nil {
		return order.Order{}, fmt.Errorf("timeline: an order of an event: %w", err)
	}
	return o, nil
}

// Names returns what each line of the sale calls its product; "" when it does not.
func (w *What) Names() []string {
	names := make([]string, len(w.Products))
	for i, p := range w.Products {
		names[i] = p.Name
	}
	return names
}

// Take has the event take back the lines of the order that it is about.
func (w *What) Take(lines []order.Line) {
	for _, l := range lines {
		w.Products = append(w.Products, Product{Item: l.Item, Units: l.Units, Minor: l.Price.Minor})
		w.Currency = l.Price.Currency
	}
}
