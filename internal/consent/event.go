package consent

import (
	"encoding/json"
	"fmt"
	"time"

	"thimble"
)

// A State is what one person says to one purpose.
type State string

// The states (W3C DPV: ConsentGiven, ConsentRefused, ConsentWithdrawn).
const (
	Given     State = "given"
	Refused   State = "refused"
	Withdrawn State = "withdrawn"
	// Expired is never recorded: it is what a given consent becomes by itself.
	Expired State = "expired"
)

// Permits reports whether the state allows the use.
func (s State) Permits() bool { return s == Given }

// An Event is one choice of one person for one purpose, in the wire form of
// reference "consent event v1".
type Event struct {
	V       int               `json:"v"`
	Subject thimble.SubjectID `json:"subject"`
	Seq     int64             `json:"seq"` // 1, 2, … per person; the order that counts
	Purpose thimble.Purpose   `json:"purpose"`
	State   State             `json:"state"`
	At      time.Time         `json:"at"` // the server's time of receipt, UTC
	Notice  NoticeRef         `json:"notice"`
	UI      UI                `json:"ui"`
	By      By                `json:"by"`
	Basis   string            `json:"basis"`
	Packs   []string          `json:"packs"`
	Expires time.Time         `json:"expires,omitzero"`
}

// A NoticeRef names the text that was shown.
type NoticeRef struct {
	SHA256  string `json:"sha256"`
	Lang    string `json:"lang"`
	Version string `json:"version"`
}

// A UI says where the choice was made and by which steps.
type UI struct {
	Component string   `json:"component"`
	Path      []string `json:"choice_path,omitempty"`
}

// By says who made the choice.
type By struct {
	Actor string `json:"actor"` // subject, import, demo-rule
	Auth  string `json:"auth"`  // session, shop, none
}

// Marshal returns the canonical form: the record that the ledger's leaf commits to.
func (e Event) Marshal() ([]byte, error) {
	b, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("consent: writing an event: %w", err)
	}
	return b, nil
}

// Unmarshal reads the canonical form.
func Unmarshal(b []byte) (Event, error) {
	var e Event
	if err := json.Unmarshal(b, &e); err != nil || e.V != 1 {
		return Event{}, fmt.Errorf("consent: an event of form 1 was expected: %w", thimble.ErrInvalid)
	}
	return e, nil
}

// Lives is how long a given consent lasts before it must be renewed.
const Lives = 365 * 24 * time.Hour

// Fold returns what the events allow at an instant, per purpose. The order is
// that of Seq, not of any clock; events after the instant do not count.
func Fold(events []Event, at time.Time) map[thimble.Purpose]State {
	last := map[thimble.Purpose]Event{}
	for _, e := range events {
		if e.At.After(at) {
			continue
		}
		if old, ok := last[e.Purpose]; !ok || e.Seq > old.Seq {
			last[e.Purpose] = e
		}
	}
	states := make(map[thimble.Purpose]State, len(last))
	for p, e := range last {
		states[p] = Standing{State: e.State, Expires: e.Expires}.Now(at)
	}
	return states
}

// A Standing is the current state of one purpose: what is kept beside the events
// so that a question need not fold them.
type Standing struct {
	Purpose thimble.Purpose
	State   State
	Seq     int64
	At      time.Time
	Expires time.Time // zero: never
}

// Now returns the state at an instant: a given consent that is over has expired.
func (s Standing) Now(at time.Time) State {
	if s.State == Given && !s.Expires.IsZero() && !at.Before(s.Expires) {
		return Expired
	}
	return s.State
}

// A Choice is what a person says now.
type Choice struct {
	Purpose thimble.Purpose
	State   State
}

// Check refuses a choice that is none.
func (c Choice) Check() error {
	if c.State != Given && c.State != Refused && c.State != Withdrawn {
		return fmt.Errorf("consent: state of %s: given, refused or withdrawn was expected: %w", c.Purpose, thimble.ErrInvalid)
	}
	for _, a := range Asked {
		if a.Purpose == c.Purpose {
			return nil
		}
	}
	return fmt.Errorf("consent: purpose: %s is not one that is asked for: %w", c.Purpose, thimble.ErrInvalid)
}
