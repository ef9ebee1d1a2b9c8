package ledger

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"thimble"
)

// An Act is a change that no transaction of the core database can hold: a key, a
// file. It is announced by a leaf before, and closed by a leaf after.
type Act struct {
	// Kind names it, such as "model.destroy"; who finishes it is found by that.
	Kind  string
	Class Class
	// Payload is JSON that says on what: hashes, numbers, ids of requests. It names no
	// person, because it stays when they are erased.
	Payload json.RawMessage
}

// An Intent is an act that was announced.
type Intent struct {
	ID thimble.ID
	Act
	At      time.Time
	Opening Opening // of the leaf that announced it

	Done       time.Time // zero while the act is open
	Outcome    json.RawMessage
	Completion Opening // of the leaf that closed it
}

// A Performer does an act, or what is left of it, and returns what it came to. It is
// called again after a crash at any moment, and so must be idempotent.
type Performer func(ctx context.Context, i Intent) (outcome json.RawMessage, err error)

// IntentPrefix is the prefix of an intent's id in text.
const IntentPrefix = "act"

const (
	maxKind    = 64
	maxPayload = 16 << 10
)

// Check refuses an act that could not be finished or that names a person. The error
// is of kind thimble.ErrInvalid.
func (a Act) Check() error {
	switch {
	case a.Kind == "" || len(a.Kind) > maxKind:
		return invalid("the kind of an act has 1 to %d characters", maxKind)
	case !a.Class.Known():
		return invalid("the class %d of an act is unknown", a.Class)
	}
	return checkPayload("payload", a.Payload)
}

// CheckOutcome is Check for what an act came to.
func CheckOutcome(outcome json.RawMessage) error { return checkPayload("outcome", outcome) }

func checkPayload(what string, p json.RawMessage) error {
	switch {
	case len(p) > maxPayload:
		return invalid("the %s of an act has %d bytes, %d are allowed", what, len(p), maxPayload)
	case !readable(p):
		return invalid("the %s of an act is not JSON", what)
	case bytes.Contains(p, []byte(`"sub_`)):
		return invalid("the %s of an act names a person; name the request or the thing instead", what)
	}
	return nil
}

// step is the record of either leaf of an act.
type step struct {
	Step    string          `json:"step"` // intent, completion
	Act     string          `json:"act"`
	ID      string          `json:"id"`
	At      time.Time       `json:"at"`
	Payload json.RawMessage `json:"payload,omitempty"`
	Outcome json.RawMessage `json:"outcome,omitempty"`
}

// Announcement is the entry of the leaf before the act.
func (i Intent) Announcement() (Entry, error) {
	return i.entry(step{Step: "intent", At: i.At, Payload: i.Payload})
}

// Closing is the entry of the leaf after the act.
func (i Intent) Closing() (Entry, error) {
	return i.entry(step{Step: "completion", At: i.Done, Outcome: i.Outcome})
}

func (i Intent) entry(s step) (Entry, error) {
	s.Act, s.ID = i.Kind, i.ID.Token(IntentPrefix)
	record, err := json.Marshal(s)
	if err != nil {
		return Entry{}, fmt.Errorf("ledger: writing a step of an act: %w", err)
	}
	return Entry{Class: i.Class, At: s.At, Record: record}, nil
}
