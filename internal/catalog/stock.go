package catalog

import (
	"time"

	"thimble"
)

// Stock is how much of an item is in one place.
type Stock struct {
	Item  thimble.ItemID
	Place string // a shop or a warehouse; "" where there is only one
	Units int64  // below zero where more was sold than there was
	// At is when they were counted. What was counted earlier never replaces what was
	// counted later.
	At time.Time
}

// Validate reports the first rule that s breaks.
func (s Stock) Validate() error {
	switch {
	case !text(string(s.Item), 1, 64):
		return invalid("id", "1 to 64 characters without control characters")
	case !text(s.Place, 0, 64):
		return invalid("place", "at most 64 characters without control characters")
	}
	return nil
}
