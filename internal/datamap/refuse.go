package datamap

import (
	"fmt"

	"thimble"
)

// refused are the categories that are not kept, each with what to do instead.
var refused = []struct {
	category thimble.Category
	instead  string
}{
	// PCI DSS 4.0, requirement 3: a number that is not stored cannot be lost.
	{"user.financial.credit_card", "keep the payment provider's token and the last four digits: thimble.payment.token, thimble.payment.last_four"},
	{"user.payment", "keep the payment provider's token and the last four digits: thimble.payment.token, thimble.payment.last_four"},
	// GDPR Art. 5(1)(c), 87: a shop has no need of them.
	{"user.government_id", "leave it out"},
	{"user.social", "leave it out"},
}

// Refuse returns an error of kind thimble.ErrDenied for a category that is not
// kept: numbers of cards, data of social networks, numbers that a state gave; one
// so broad that it holds such a part; and one that the taxonomy does not have. It
// is asked when a field is registered, and at the door.
func Refuse(c thimble.Category) error {
	if _, ok := CategoryOf(c); !ok {
		// An unknown category may be a value in the wrong place: it is not repeated.
		return fmt.Errorf("datamap: category: a key of the taxonomy was expected; `thimble datamap --taxonomy` lists them: %w", thimble.ErrDenied)
	}
	for _, r := range refused {
		if c.Within(r.category) {
			return fmt.Errorf("datamap: category: %s is not kept here: %s: %w", c, r.instead, thimble.ErrDenied)
		}
		if r.category.Within(c) {
			return fmt.Errorf("datamap: category: %s is too broad, for it holds %s; name the part: %w", c, r.category, thimble.ErrDenied)
		}
	}
	return nil
}

// RefuseValue returns an error of kind thimble.ErrDenied for a value that looks
// like the number of a card or one that a state gave, whatever its field is
// called. The error names the field and never the value.
//
// A number found in a text must stand alone. Telephone numbers are not looked at
// for numbers of eleven digits, which many of them are.
func RefuseValue(field string, c thimble.Category, value string) error {
	for _, l := range looks {
		if l.asPhone && c.Within("user.contact.phone_number") {
			continue
		}
		if l.found(value) {
			return fmt.Errorf("datamap: %s: the value looks like %s, which is not kept here; leave it out: %w", field, l.name, thimble.ErrDenied)
		}
	}
	return nil
}
