package thimble

import (
	"fmt"
	"strings"
	"time"
)

// An ItemID is a product's own number in the shop, such as a SKU. It holds no person.
type ItemID string

// Money is an amount in minor units, such as pence, of an ISO 4217 currency.
type Money struct {
	Minor    int64
	Currency string
}

// String writes the amount with two decimals and its currency.
func (m Money) String() string {
	sign, n := "", m.Minor
	if n < 0 {
		sign, n = "-", -n
	}
	return strings.TrimSpace(fmt.Sprintf("%s%d.%02d %s", sign, n/100, n%100, m.Currency))
}

// An Interaction is one item in one person's history: the input of the models.
type Interaction struct {
	Item ItemID
	At   time.Time
	// Units bought; views and the like come with their own issue's events.
	Units int
}
