package retention

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"thimble"
)

// HoldPrefix is the prefix of a hold's id in text.
const HoldPrefix = "hold"

// A HoldState is where a hold stands.
type HoldState string

// The states of a hold.
const (
	Active    HoldState = "active"
	Releasing HoldState = "releasing" // one asked for its release; somebody else is to agree
	Released  HoldState = "released"
)

// A Hold keeps records for a law, such as for a lawsuit (GDPR Art. 17(3)(e)).
type Hold struct {
	ID          thimble.ID
	Subject     thimble.SubjectID // whose; zero holds everybody's
	Categories  []thimble.Category
	From, Until time.Time // the records' own times; zero is open
	Law         string    // the law that says so, such as "GDPR Art. 17(3)(e)"
	Reason      string    // in the words of who opened it, without a customer's data
	// Secret is the law by which the person must not be told; "" tells them.
	Secret string
	Review time.Time // when somebody looks again; the hold goes on until it is released
	State  HoldState
	// Floor says that a law's shortest period made it, by the record's name; the run opens
	// and moves it.
	Floor string

	OpenedBy, AskedBy, ReleasedBy string
	Opened, Asked, ReleasedAt     time.Time
}

// Holdable are the categories that a hold can keep record by record. Of others there is
// no hold: what is kept halfway is no evidence.
func Holdable() []thimble.Category {
	return []thimble.Category{thimble.PurchaseHistory, thimble.AutomatedDecision, "user.content.public", "user.name", "user.contact.address.state"}
}

// longestReview is how long nobody may look at a hold.
const longestReview = 366 * 24 * time.Hour

// Check says what is wrong with a hold that is to be opened. The error is of kind
// ErrInvalid and begins with the field.
func (h Hold) Check(now time.Time) error {
	bad := func(field, expected string) error {
		return fmt.Errorf("%s: %s: %w", field, expected, thimble.ErrInvalid)
	}
	switch {
	case len(h.Categories) == 0:
		return bad("categories", "at least one was expected")
	case !h.From.IsZero() && !h.Until.IsZero() && !h.From.Before(h.Until):
		return bad("until", "a later day than the first was expected")
	case !words(h.Law, 3, 200):
		return bad("law", "the law that says so was expected, in 3 to 200 characters")
	case !words(h.Reason, 10, 500):
		return bad("reason", "10 to 500 characters were expected")
	case h.Secret != "" && !words(h.Secret, 3, 200):
		return bad("secret", "the law that forbids telling was expected, in 3 to 200 characters")
	case !h.Review.After(now) || h.Review.After(now.Add(longestReview)):
		return bad("review", "a day within a year from now was expected")
	}
	for _, c := range h.Categories {
		if !slices.Contains(Holdable(), c) {
			return bad("categories", "one that can be held was expected, record by record; events of the log cannot be: take a copy of what is needed before they are erased or expire")
		}
	}
	return nil
}

func words(s string, least, most int) bool {
	n := utf8.RuneCountInString(strings.TrimSpace(s))
	return n >= least && n <= most && utf8.ValidString(s)
}

// Of reports whether a hold keeps records of a category.
func (h Hold) Of(c thimble.Category) bool { return slices.Contains(h.Categories, c) }
