package trial

import (
	"fmt"
	"time"

	"thimble"
	"thimble/internal/consent"
)

// Analytics is the purpose under which people are compared and counted. Who does not
// permit it gets the list as it is, and counts nowhere.
const Analytics = consent.Analytics

// Behaviour is the category of what somebody did with lists.
const Behaviour thimble.Category = "user.behavior"

// TokenPrefix begins the token of an experiment.
const TokenPrefix = "exp"

// A Seat is somebody's place in what runs at a placement. The zero Seat is that of who
// gets the list as it is and counts nowhere.
type Seat struct {
	Counts    bool // that a list is shown may be counted
	Placement string
	In        thimble.ID // the experiment; zero for none
	Variant   int
	Serve     Serve // "" as [Champion]
	Explore   *Exploration
}

// An Experiment is a design that was started.
type Experiment struct {
	ID      thimble.ID
	Design  Design
	Started time.Time
	Ended   time.Time // zero while it runs
	Groups  []Group   // nil: to be counted afresh
	Counted time.Time
}

// Running reports whether people are assigned at an instant.
func (e Experiment) Running(at time.Time) bool { return e.Ended.IsZero() && at.Before(e.Until()) }

// Until is when it ends by itself.
func (e Experiment) Until() time.Time { return e.Started.AddDate(0, 0, e.Design.MaxDays) }

// Ran is how long it has run at an instant.
func (e Experiment) Ran(at time.Time) time.Duration {
	if !e.Ended.IsZero() && e.Ended.Before(at) {
		at = e.Ended
	}
	return at.Sub(e.Started)
}

// What came of an entry of a list.
const (
	Clicked  What = "clicked"
	Added    What = "added"
	Bought   What = "bought"
	Returned What = "returned"
)

// A What is what somebody did with an entry of a list.
type What string

// A Feedback is what a shop reports of a list: of a personal one by its decision, of the
// popular one by whom it was shown to and where.
type Feedback struct {
	Decision  thimble.ID
	Subject   thimble.SubjectID
	Placement string
	Item      thimble.ItemID
	What      What
	// Of is who says so themselves, such as by a click in their browser: of a decision about
	// somebody else nothing of theirs counts. Zero for the shop.
	Of thimble.SubjectID
	At time.Time // zero for now
}

// Check refuses what names no list, or nothing that happened. The error is a [*Fault].
func (f Feedback) Check() error {
	list := f.Subject.IsZero() && f.Placement == ""
	switch {
	case f.Decision.IsZero() == list:
		return wrong("decision", "either a decision, or a subject and a placement, was expected")
	case f.Decision.IsZero() && f.Subject.IsZero():
		return wrong("subject", "whom the list was shown to was expected")
	case f.Decision.IsZero() && !placement.MatchString(f.Placement):
		return wrong("placement", "a lower-case word such as home-page was expected")
	case f.Item == "" || len(f.Item) > 64:
		return wrong("item", "1 to 64 bytes were expected")
	case f.What != Clicked && f.What != Added && f.What != Bought && f.What != Returned:
		return wrong("what", "clicked, added, bought or returned was expected")
	}
	return nil
}

// Words says to a person which group they were in.
func (v Variant) Words() string {
	said := map[Serve]string{
		Champion: "the list as everybody gets it", Challenger: "the list of a version that is tried", Popular: "the list of what most people buy",
	}[v.Serve]
	if v.Explore != nil {
		said += fmt.Sprintf(", its last entry drawn by lots %d times in a thousand", v.Explore.PerMille)
	}
	return "you were in the group that saw " + said
}
