package taste

import (
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf8"

	"thimble"
)

// A Kind is what somebody says about an item or a category of products.
type Kind string

// The kinds.
const (
	Less   Kind = "less"   // of an item, or of a category
	Forget Kind = "forget" // that they looked at an item, or bought it
	Never  Kind = "never"  // use a category
)

// A Choice says something about one thing: an item, or a category of products.
type Choice struct {
	Kind     Kind           `json:"kind"`
	Item     thimble.ItemID `json:"item,omitempty"`
	Category string         `json:"category,omitempty"`
}

// Check refuses a choice that is none. The error is of kind ErrInvalid.
func (c Choice) Check() error {
	switch {
	case c.Kind != Less && c.Kind != Forget && c.Kind != Never:
		return invalid("kind: less, forget or never was expected")
	case (c.Item == "") == (c.Category == ""):
		return invalid("either an item or a category was expected")
	case c.Kind == Forget && c.Item == "":
		return invalid("item: an item is forgotten, and not a category")
	case c.Kind == Never && c.Category == "":
		return invalid("category: a category is never used, and not an item")
	case !printable(string(c.Item)):
		return invalid("item: up to 64 characters without control characters were expected")
	case !printable(c.Category):
		return invalid("category: up to 64 characters without control characters were expected")
	}
	return nil
}

// Learned reports whether the choice changes what is learned from the person, and not
// only what they are shown.
func (c Choice) Learned() bool { return c.Kind != Less }

func printable(s string) bool {
	if utf8.RuneCountInString(s) > 64 || !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if r < ' ' || r == 0x7f {
			return false
		}
	}
	return true
}

func invalid(text string) error { return fmt.Errorf("taste: %s: %w", text, thimble.ErrInvalid) }

// An Event is one choice of one person, or the undoing of one. It is never changed.
type Event struct {
	V       int               `json:"v"`
	Subject thimble.SubjectID `json:"subject"`
	Seq     int64             `json:"seq"` // 1, 2, … per subject; the order that counts
	Choice
	Undone bool      `json:"undone,omitempty"`
	At     time.Time `json:"at"` // the server's time of receipt, UTC
	By     By        `json:"by"`
	// Request is the SHA-256, in hex, of the key that the sender made up for the request.
	Request string `json:"request,omitempty"`
	// Prev is the SHA-256, in hex, of the subject's event before this one, so that a row
	// that was taken out or changed breaks the chain.
	Prev string `json:"prev,omitempty"`
}

// By says how the choice came.
type By struct {
	Auth      string `json:"auth"`      // session, shop
	Component string `json:"component"` // what was used, such as lists@1
}

// Marshal returns the canonical form: the record that the ledger's leaf commits to.
func (e Event) Marshal() ([]byte, error) {
	b, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("taste: writing an event: %w", err)
	}
	return b, nil
}

// Unmarshal reads the canonical form. The error is of kind ErrInvalid.
func Unmarshal(b []byte) (e Event, err error) {
	if err := json.Unmarshal(b, &e); err != nil || e.V != 1 {
		return Event{}, invalid("an event of form 1 was expected")
	}
	return e, e.Check()
}
