package cases

import (
	"slices"
	"time"

	"thimble"
	"thimble/internal/policy"
)

// TokenPrefix is the prefix of a case's id in text.
const TokenPrefix = "case"

// A State is where a case stands.
type State string

// The states.
const (
	Received  State = "received"
	Awaiting  State = "awaiting_identity"
	Clarify   State = "clarifying" // the person was asked what they mean
	Executing State = "executing"
	// Waiting is done here, and systems outside have still to answer.
	Waiting   State = "waiting_recipients"
	Fulfilled State = "fulfilled"
	Refused   State = "refused"
	Appealed  State = "appealed"
	Upheld    State = "upheld" // the refusal, on appeal
	Revoked   State = "revoked"
	Lapsed    State = "lapsed"
)

// States are all states, in the order of a case's life.
func States() []State {
	return []State{Received, Awaiting, Clarify, Executing, Waiting, Appealed, Fulfilled, Refused, Upheld, Revoked, Lapsed}
}

// Final reports whether nothing happens any more, but for an appeal against a refusal.
func (s State) Final() bool {
	return slices.Contains([]State{Fulfilled, Refused, Upheld, Revoked, Lapsed}, s)
}

// A Case is a request with everything that decides what may happen next. Nothing in it
// is personal but whose it is, and the names of staff.
type Case struct {
	ID      thimble.ID
	Subject thimble.SubjectID // zero when it is nobody's, or no longer anybody's
	Kind    Kind
	State   State
	Via     Via
	At      time.Time // received
	Due     time.Time // the first instant that is too late
	Closed  time.Time
	Staff   string // whose it is; empty for nobody's
	Refuser string // who refused it
	Steps   int
	Receipt Receipt // whether who asked was told that it came
	Limited Limited // whether the use is limited while it is open
	Facts
}

// Facts are what else is known of a case. They are kept as JSON.
type Facts struct {
	Ends       []thimble.Purpose `json:"ends,omitempty"` // the purposes it is against
	Proof      Proof             `json:"proof,omitempty"`
	Authorised bool              `json:"authorised,omitempty"` // an agent's permission was seen
	Agency                       // who asks in the person's place
	Cools      time.Time         `json:"cools,omitzero"` // not executed before
	Work       []Work            `json:"work,omitempty"`
	Tasks      int               `json:"tasks,omitempty"`    // how many systems outside were asked to take part
	Part       Part              `json:"part,omitempty"`     // why it was fulfilled in part
	Law        string            `json:"law,omitempty"`      // the packs it came under
	Unplaced   bool              `json:"unplaced,omitempty"` // that law is the strict one, because it was not looked up whose it is
	Rule       string            `json:"rule,omitempty"`     // which of them sets the date
	From       time.Time         `json:"from"`               // since when the clock runs
	Told       time.Time         `json:"told,omitzero"`      // when the person was told of an extension
	Stops      []Stop            `json:"stops,omitempty"`
	Void       []string          `json:"void,omitempty"` // what no law counts, and why
	Extended   bool              `json:"extended,omitempty"`
	Paused     bool              `json:"paused,omitempty"`
	Appeal     bool              `json:"appeal,omitempty"` // it was appealed
	Ground     Ground            `json:"ground,omitempty"` // of the refusal
	Fix        string            `json:"fix,omitempty"`    // which value it corrects: [Fix.About]
	Ready      time.Time         `json:"ready,omitzero"`   // when the person was told that it lies ready
	Last       time.Time         `json:"last"`             // of the newest step
}

// A Stop is a time in which the shop waits for the person.
type Stop struct {
	Reason string    `json:"reason"` // by its word in the packs
	From   time.Time `json:"from"`
	Until  time.Time `json:"until,omitzero"`
}

// The reasons for which the shop waits.
const (
	IdentityDoubt = "identity_doubt"
	Clarification = "clarification"
)

// A Work is something that fulfils a case, by the token of its own record.
type Work struct {
	Ref     string          `json:"ref"`
	What    string          `json:"what"`
	Purpose thimble.Purpose `json:"purpose,omitempty"`
	Done    bool            `json:"done,omitempty"`
}

// history is what the laws are asked about.
func (f Facts) history() policy.History {
	h := policy.History{Told: f.Told}
	for _, s := range f.Stops {
		h.Stops = append(h.Stops, policy.Standstill{Reason: s.Reason, From: s.From, Until: s.Until})
	}
	return h
}

// Open returns a case that was received now, with its date.
func Open(k Kind, v Via, ends []thimble.Purpose, at time.Time, dates Dates) (Case, error) {
	if _, err := NatureOf(k); err != nil {
		return Case{}, err
	}
	if !slices.Contains(Vias(), v) {
		return Case{}, invalid("via: one of the ways listed was expected")
	}
	at = at.UTC().Truncate(time.Microsecond)
	c := Case{Kind: k, State: Received, Via: v, At: at, Steps: 1, Facts: Facts{Ends: ends, From: at, Last: at}}
	err := c.dated(dates)
	return c, err
}

// Overdue reports whether the date has passed and the clock does not stand still.
func (c Case) Overdue(at time.Time) bool { return !c.State.Final() && !c.Paused && !at.Before(c.Due) }

// NeedsProof reports whether it has still to be shown who asks.
func (c Case) NeedsProof() bool { return !c.Kind.nature().Open && c.Proof == "" }

// dated sets the date anew from what has happened. A request keeps the clock of the law
// it came under: when the person's law is another by now, the date does not move back.
func (c *Case) dated(dates Dates) error {
	d, err := dates(c.Kind, c.Appeal, c.From, c.history())
	if err != nil {
		return err
	}
	begins := c.From.Equal(c.Last)
	if moved := c.Law != "" && c.Law != d.Law && !c.Unplaced && !begins; moved && d.By.After(c.Due) {
		c.Paused, c.Void = d.Paused, append(d.Void, "the person came under another law since: the date stands")
		return nil
	}
	c.Due, c.Rule, c.Law, c.Extended, c.Paused, c.Void = d.By.UTC().Truncate(time.Microsecond), d.Rule, d.Law, d.Extended, d.Paused, d.Void
	return nil
}
