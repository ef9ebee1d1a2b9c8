package consent

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
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
	// Renewed is a yes said again before the last one ran out.
	Renewed State = "renewed"
	// Deferred says that the person was asked and put it off: silence, which counts
	// against asking again and for nothing else.
	Deferred State = "deferred"
	// Invalidated says that a yes turned out not to be one: a notice that was not
	// shown, a child without a guardian.
	Invalidated State = "invalidated"
	// Expired is never recorded: it is what a given consent becomes by itself.
	Expired State = "expired"
)

// Permits reports whether the state allows the use.
func (s State) Permits() bool { return s == Given || s == Renewed }

// Refuses reports whether the state is a no, which no wider yes overrides. Silence
// is neither: it permits nothing by itself.
func (s State) Refuses() bool { return s == Refused || s == Withdrawn || s == Invalidated }

// An Event is one choice of one person for one purpose, in the wire form of
// reference "consent event v1".
type Event struct {
	V       int               `json:"v"`
	Subject thimble.SubjectID `json:"subject"`
	Seq     int64             `json:"seq"` // 1, 2, … per person; the order that counts
	Purpose thimble.Purpose   `json:"purpose"`
	Scope   Scope             `json:"scope,omitzero"`
	State   State             `json:"state"`
	At      time.Time         `json:"at"` // the server's time of receipt, UTC
	Notice  NoticeRef         `json:"notice"`
	UI      UI                `json:"ui"`
	By      By                `json:"by"`
	Basis   string            `json:"basis"`
	Packs   []string          `json:"packs"`
	Expires time.Time         `json:"expires,omitzero"`
	// Incentive is what was offered for a yes.
	Incentive *Incentive `json:"incentive,omitempty"`
	// Prev is the SHA-256, in hex, of the person's event before this one, so that a
	// row that was taken out or changed breaks the chain.
	Prev string `json:"prev,omitempty"`
}

// A NoticeRef names the text that was shown.
type NoticeRef struct {
	SHA256  string `json:"sha256"`
	Lang    string `json:"lang"`
	Version string `json:"version"`
}

// A UI says where the choice was made and by which steps.
type UI struct {
	Component string   `json:"component"` // with its version, such as banner@1
	Path      []string `json:"choice_path,omitempty"`
}

// By says who made the choice.
type By struct {
	Actor string `json:"actor"` // subject, guardian, signal:gpc, till, import, demo-rule
	Auth  string `json:"auth"`  // session, shop, till, none
	// Guardian is who chose for a child; nobody otherwise.
	Guardian thimble.SubjectID `json:"guardian,omitzero"`
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

// Fold returns what the events allow at an instant, per purpose, to a use that
// names no brand, channel, feature or signal. The order is that of Seq, not of any
// clock; events after the instant do not count.
func Fold(events []Event, at time.Time) map[thimble.Purpose]State {
	states := map[thimble.Purpose]State{}
	for p, standings := range Standings(events, at) {
		if s := Decide(standings, Scope{}, at); s.State != "" {
			states[p] = s.Now(at)
		}
	}
	return states
}

// Standings returns where a person stood at an instant, per purpose: the latest
// event of each scope, in order of Seq.
func Standings(events []Event, at time.Time) map[thimble.Purpose][]Standing {
	type key struct {
		purpose thimble.Purpose
		scope   Scope
	}
	last := map[key]Event{}
	for _, e := range events {
		k := key{e.Purpose, e.Scope}
		if old, ok := last[k]; !e.At.After(at) && (!ok || e.Seq > old.Seq) {
			last[k] = e
		}
	}
	all := map[thimble.Purpose][]Standing{}
	for k, e := range last {
		all[k.purpose] = append(all[k.purpose], Standing{Purpose: e.Purpose, Scope: e.Scope, State: e.State, Seq: e.Seq, At: e.At, Expires: e.Expires, Notice: e.Notice.SHA256})
	}
	for _, standings := range all {
		slices.SortFunc(standings, func(a, b Standing) int { return cmp.Compare(a.Seq, b.Seq) })
	}
	return all
}

// A Standing is the current state of one purpose: what is kept beside the events
// so that a question need not fold them.
type Standing struct {
	Purpose thimble.Purpose
	Scope   Scope
	State   State
	Seq     int64
	At      time.Time
	Expires time.Time // zero: never
	// Notice is the SHA-256, in hex, of the text that was shown; empty when not known.
	Notice string
}

// Now returns the state at an instant: a given consent that is over has expired.
func (s Standing) Now(at time.Time) State {
	if s.State.Permits() && !s.Expires.IsZero() && !at.Before(s.Expires) {
		return Expired
	}
	return s.State
}

// A Choice is what a person says now.
type Choice struct {
	Purpose thimble.Purpose
	State   State
	Scope   Scope
}

// Check refuses a choice that is none.
func (c Choice) Check() error {
	switch c.State {
	case Given, Refused, Withdrawn, Renewed, Deferred, Invalidated:
	default:
		return fmt.Errorf("consent: state of %s: given, refused, withdrawn, renewed, deferred or invalidated was expected: %w", c.Purpose, thimble.ErrInvalid)
	}
	if err := c.Scope.Check(); err != nil {
		return err
	}
	if _, asked := AskOf(c.Purpose); asked {
		return nil
	}
	return fmt.Errorf("consent: purpose: %s is not one that is asked for: %w", c.Purpose, thimble.ErrInvalid)
}

// A Proof is where a choice came from that was not made here: what the shop can show of
// it. It is sealed with the event.
type Proof struct {
	Where    string // a form, a shop
	Version  string // of the text that was shown
	Evidence string // SHA-256 of the shop's own record of it, in hex
}
