package decision

import (
	"slices"
	"strings"

	"thimble"
)

// A Type is one sort of automated decision that the installation makes. What cannot
// be explained and contested is no type, and a decision without a type is not kept.
type Type struct {
	Capability string
	Placement  string // "" for everywhere
	About      Kind
	Title      string // in the person's words: "A list of products for you"
	Counter    Counter
	Recourse   Recourse
	Texts      Texts
}

// A Counter says what a type answers to "what would have changed it?".
type Counter string

// The policies.
const (
	LeavesOut Counter = "leaves out" // the purchases without which another would lead
	Changes   Counter = "changes"    // the fewest values to change for the next better outcome
)

// A Recourse says how a type is contested.
type Recourse struct {
	Right  string // the right's key in the packs
	Effect string // what follows when the person is right, in their words
}

// HumanReview is the right to have a person look (GDPR Art. 22(3)).
const HumanReview = "human_review"

// Texts say what was decided to each of those who ask.
type Texts struct {
	Customer, Agent, Auditor func(Record, Words) string
}

// Words put what a record names into words of whoever reads.
type Words struct {
	Item     func(thimble.ItemID) string
	Category func(thimble.Category) string
	Purpose  func(thimble.Purpose) string
	Basis    func(string) string
}

// plain are words for readers that have none.
func (w Words) plain() Words {
	if w.Item == nil {
		w.Item = func(id thimble.ItemID) string { return string(id) }
	}
	if w.Category == nil {
		w.Category = func(c thimble.Category) string { return string(c) }
	}
	if w.Purpose == nil {
		w.Purpose = func(p thimble.Purpose) string { return string(p) }
	}
	if w.Basis == nil {
		w.Basis = func(b string) string { return b }
	}
	return w
}

func (t Type) check() error {
	switch {
	case t.Capability == "" || t.Title == "":
		return invalid("type: a capability and a title are needed")
	case t.Texts.Customer == nil || t.Texts.Agent == nil || t.Texts.Auditor == nil:
		return invalid("type %s: three texts are needed", t.Capability)
	case t.Counter != LeavesOut && t.Counter != Changes:
		return invalid("type %s: a policy for counterfactuals is needed", t.Capability)
	case t.Recourse.Right == "" || t.Recourse.Effect == "":
		return invalid("type %s: a way to contest it is needed", t.Capability)
	case !slices.Contains([]Kind{Person, Order, Route, Price}, t.About):
		return invalid("type %s: what it is about is needed", t.Capability)
	}
	return nil
}

// Types are all the types of an installation.
type Types struct{ all []Type }

// NewTypes returns the types; one that lacks a part, or comes twice, is an error.
func NewTypes(all ...Type) (*Types, error) {
	for i, t := range all {
		if err := t.check(); err != nil {
			return nil, err
		}
		for _, other := range all[:i] {
			if other.Capability == t.Capability && other.Placement == t.Placement {
				return nil, invalid("type %s %s: it is there twice", t.Capability, t.Placement)
			}
		}
	}
	return &Types{slices.Clone(all)}, nil
}

// All returns the types. Do not change what it returns.
func (ts *Types) All() []Type {
	if ts == nil {
		return nil
	}
	return ts.all
}

// Of returns the type of a record: the one of its placement before the one for
// everywhere.
func (ts *Types) Of(r Record) (found Type, ok bool) {
	for _, t := range ts.All() {
		if t.Capability != r.Capability || t.About != r.Kind() {
			continue
		}
		if t.Placement == r.Placement {
			return t, true
		}
		if t.Placement == "" {
			found, ok = t, true
		}
	}
	return found, ok
}

// Fits reports why a record may not be kept: a new one that nobody could explain or
// contest.
func (ts *Types) Fits(r Record) error {
	if ts == nil || r.V == Form1 {
		return nil
	}
	t, ok := ts.Of(r)
	if !ok {
		return invalid("capability: %q at %q is no type of decision that is known here", r.Capability, r.Placement)
	}
	if (t.Counter == Changes) != (len(r.Bands) > 0) {
		return invalid("bands: a decision that %s has bands, and no other", Changes)
	}
	return nil
}

// An Audience is who reads a text.
type Audience string

// The audiences.
const (
	ForCustomer Audience = "customer"
	ForAgent    Audience = "agent"
	ForAuditor  Audience = "auditor"
)

// Audiences are all of them.
var Audiences = []Audience{ForCustomer, ForAgent, ForAuditor}

// Text returns what a record says to an audience. A record whose type is not known, such
// as one of a capability that is gone, is told in the words for all.
func (ts *Types) Text(r Record, a Audience, w Words) (string, error) {
	t, ok := ts.Of(r)
	if !ok {
		t.Texts = listTexts("")
		if len(r.Bands) > 0 {
			t.Texts = scoreTexts("")
		}
	}
	w = w.plain()
	switch a {
	case ForCustomer:
		return t.Texts.Customer(r, w), nil
	case ForAgent:
		return t.Texts.Agent(r, w), nil
	case ForAuditor:
		return t.Texts.Auditor(r, w), nil
	}
	return "", invalid("audience: %s was expected", strings.Join([]string{string(ForCustomer), string(ForAgent), string(ForAuditor)}, ", "))
}
