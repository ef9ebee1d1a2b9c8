package trial

import (
	"time"

	"thimble"
	"thimble/internal/decision"
)

// An Event is what an event of the shop's says that somebody did with a product of a list.
type Event struct {
	Who  thimble.SubjectID
	List string // as the event names it: Segment's property list_id
	Item thimble.ItemID
	What What
	At   time.Time // when it came in, by the shop's own clock
}

// Decided reports whether an event names the list of a decision.
func (e Event) Decided() bool {
	_, err := thimble.ParseID(decision.TokenPrefix, e.List)
	return err == nil
}

// Feedback is the report that an event makes: of the list of a decision by its token, else of
// the list at a placement. False for a list of the shop's own, which is none of ours.
func (e Event) Feedback() (Feedback, bool) {
	f := Feedback{Item: e.Item, What: e.What, At: e.At}
	id, err := thimble.ParseID(decision.TokenPrefix, e.List)
	if err == nil {
		f.Decision, f.Of = id, e.Who
	} else {
		f.Subject, f.Placement = e.Who, e.List
	}
	return f, f.Check() == nil
}
