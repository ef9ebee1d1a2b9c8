package collect

import (
	"time"

	"thimble"
)

// A NotKept is the denial of a category of which nothing is kept, by a decision of the shop.
// It is of kind thimble.ErrDenied.
type NotKept struct{ Since time.Time }

// Error says what was decided, and when.
func (n *NotKept) Error() string { return "not kept: decided on " + n.Since.Format(time.DateOnly) }

// Unwrap returns the kind.
func (n *NotKept) Unwrap() error { return thimble.ErrDenied }
