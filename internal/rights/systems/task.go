package systems

import (
	"fmt"
	"slices"
	"time"

	"thimble"
	"thimble/internal/rights/cases"
)

// A State is where a task stands.
type State string

// The states.
const (
	ToTell       State = "to_be_told"
	Told         State = "told"         // the system has the message
	Acknowledged State = "acknowledged" // it said that it will do it
	Done         State = "done"
	Refused      State = "refused"
	Overdue      State = "overdue"
	Vanished     State = "vanished" // it cannot be told any more
	ByHand       State = "done_by_hand"
	CalledOff    State = "called_off" // what it was part of is not to be done any more
)

// States are all states, in the order of a task's life.
func States() []State {
	return []State{ToTell, Told, Acknowledged, Overdue, Vanished, Refused, Done, ByHand, CalledOff}
}

// Settled reports whether nothing happens any more.
func (s State) Settled() bool { return s == Done || s == ByHand || s == CalledOff }

// Late reports whether no answer is expected any more, although it is not done.
func (s State) Late() bool { return s == Overdue || s == Vanished || s == Refused }

// A What is something that happens to a task.
type What string

// What happens.
const (
	WasTold         What = "was_told"
	HasAcknowledged What = "has_acknowledged"
	HasDone         What = "has_done"
	HasRefused      What = "has_refused"
	IsLate          What = "is_late"
	HasVanished     What = "has_vanished"
	TellAgain       What = "tell_again" // somebody has seen to it that it can be told
	WasDoneByHand   What = "was_done_by_hand"
	WasCalledOff    What = "was_called_off"
)

// Whats are what can happen.
func Whats() []What {
	return []What{WasTold, HasAcknowledged, HasDone, HasRefused, IsLate, HasVanished, TellAgain, WasDoneByHand, WasCalledOff}
}

// next says what follows, by state and event; what is not here cannot happen. What a
// system says after its date counts, and so does that of one that could not be told: its
// answer to a try may have been lost.
var next = map[State]map[What]State{
	ToTell:       {WasTold: Told, HasAcknowledged: Acknowledged, HasDone: Done, HasRefused: Refused, IsLate: Overdue, HasVanished: Vanished, WasDoneByHand: ByHand, WasCalledOff: CalledOff},
	Told:         {HasAcknowledged: Acknowledged, HasDone: Done, HasRefused: Refused, IsLate: Overdue, HasVanished: Vanished, WasDoneByHand: ByHand, WasCalledOff: CalledOff},
	Acknowledged: {HasDone: Done, HasRefused: Refused, IsLate: Overdue, HasVanished: Vanished, WasDoneByHand: ByHand, WasCalledOff: CalledOff},
	Overdue:      {WasTold: Overdue, HasAcknowledged: Overdue, HasDone: Done, HasRefused: Refused, HasVanished: Vanished, WasDoneByHand: ByHand, WasCalledOff: CalledOff},
	Vanished:     {HasAcknowledged: Overdue, HasDone: Done, HasRefused: Refused, TellAgain: ToTell, WasDoneByHand: ByHand, WasCalledOff: CalledOff},
	Refused:      {HasDone: Done, TellAgain: ToTell, WasDoneByHand: ByHand, WasCalledOff: CalledOff},
}

// Over reports whether nothing more is expected: it is settled, or is a firm's of the IAB's
// framework, which acknowledges a request and says no more of it.
func (t Task) Over() bool {
	return t.State.Settled() || t.Means == Framework && t.State == Acknowledged
}

// A Reason is why a system refuses.
type Reason string

// The reasons.
const (
	LegalDuty    Reason = "legal_duty"
	LegalClaims  Reason = "legal_claims"
	NotPossible  Reason = "not_possible"
	DoubtsWho    Reason = "identity_doubt"
	NotForIt     Reason = "not_responsible"
	NoIdentifier Reason = "no_identifier" // Thimble holds nothing that the system knows the person by
)

// Reasons are those that a system can give, with their words.
func Reasons() map[Reason]string {
	return map[Reason]string{
		LegalDuty: "a law tells it to keep the data (GDPR Art. 17(3)(b))", LegalClaims: "it needs the data in a dispute at law (GDPR Art. 17(3)(e))",
		NotPossible: "it is not able to", DoubtsWho: "it cannot tell who is meant", NotForIt: "it says that it is not the one to ask",
	}
}

// A Task is what a system is asked for in one case.
type Task struct {
	ID      thimble.ID
	System  thimble.ID
	Case    thimble.ID
	Cause   thimble.ID // the request of the rights desk that it belongs to; zero for none
	Subject thimble.SubjectID
	Kind    cases.Kind
	Means   Means
	State   State
	Why     string // a Reason, or a word of the transport
	At      time.Time
	Due     time.Time // the first instant that is too late
	Told    time.Time
	Acked   time.Time
	Ended   time.Time
	Last    time.Time // of the newest event
	Proof   string    // by what the answer was shown to be the system's
	Staff   string    // who did it by hand
	Tries   int
	Status  int // the last HTTP answer's
	First   time.Time
	NextTry time.Time // by the program
	Holds   bool      // what the system is told is still kept
	Remote  string    // how a processor calls it
}

// An Event is something that happens to a task.
type Event struct {
	What  What
	At    time.Time
	Why   string
	Proof string
	Staff string
}

// May reports whether something can happen to the task as it is.
func (t Task) May(w What) bool { _, ok := next[t.State][w]; return ok }

// Next returns the task after an event. The error is of kind ErrConflict for what cannot
// happen now, ErrInvalid for what lacks something; the task is the same then.
func (t Task) Next(e Event) (Task, error) {
	to, ok := next[t.State][e.What]
	if !ok {
		return t, fmt.Errorf("systems: %s cannot follow while the task is %s: %w", e.What, t.State, thimble.ErrConflict)
	}
	if e.At = e.At.UTC().Truncate(time.Microsecond); e.At.Before(t.Last) {
		e.At = t.Last // the clock was put back
	}
	if err := t.permits(e); err != nil {
		return t, err
	}
	n := t
	n.State, n.Last, n.Why = to, e.At, e.Why
	switch e.What {
	case WasTold:
		n.Told = e.At
	case HasAcknowledged:
		n.Acked, n.Proof = e.At, e.Proof
	case HasDone, HasRefused:
		n.Ended, n.Proof = e.At, e.Proof
	case WasDoneByHand:
		n.Ended, n.Staff = e.At, e.Staff
	case TellAgain:
		n.Tries, n.First, n.NextTry, n.Ended, n.Staff = 0, time.Time{}, e.At, time.Time{}, e.Staff
	case WasCalledOff:
		n.Ended = e.At
	}
	return n, nil
}

func (t Task) permits(e Event) error {
	known := slices.Contains([]What{HasAcknowledged, HasDone, HasRefused}, e.What)
	_, reason := Reasons()[Reason(e.Why)]
	switch {
	case known && e.Proof == "":
		return fmt.Errorf("systems: proof: what shows that the answer is the system's was expected: %w", thimble.ErrInvalid)
	case e.What == HasRefused && !reason:
		return wrong("reason", "one of those listed")
	case (e.What == WasDoneByHand || e.What == TellAgain) && e.Staff == "":
		return wrong("staff", "who does it")
	case e.What == TellAgain && (!t.Holds || t.Means == Person):
		return fmt.Errorf("systems: what the system is told is not kept any more: %w", thimble.ErrConflict)
	case e.What == HasVanished && e.Why == "":
		return wrong("why", "what is known of it")
	case e.What == IsLate && e.At.Before(t.Due):
		return fmt.Errorf("systems: it has until %s: %w", t.Due.Format(time.DateTime), thimble.ErrConflict)
	}
	return nil
}
