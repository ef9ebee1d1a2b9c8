package watch

import (
	"strings"
	"time"

	"thimble"
	"thimble/internal/collect/intake"
	"thimble/internal/collect/plan"
	"thimble/internal/collect/segment"
)

// Drops are the reasons that are counted, in the order in which they are shown.
var Drops = [...]intake.Drop{intake.Denied, intake.Nobody, intake.Repeated, intake.Unplanned, intake.Broken, intake.Gone, intake.NotKept}

// Counts are how many.
type Counts struct {
	Events  int64
	Kept    int64
	Dropped [len(Drops)]int64 // by the places of Drops
	// Violations are broken rules of the plan, Unknown properties that are not in it. They
	// cost no event, unless the plan says so.
	Violations, Unknown int64
}

// Add adds others.
func (c *Counts) Add(o Counts) {
	c.Events, c.Kept, c.Violations, c.Unknown = c.Events+o.Events, c.Kept+o.Kept, c.Violations+o.Violations, c.Unknown+o.Unknown
	for i, n := range o.Dropped {
		c.Dropped[i] += n
	}
}

// Of returns how many were dropped for a reason.
func (c *Counts) Of(d intake.Drop) int64 {
	for i, known := range Drops {
		if known == d {
			return c.Dropped[i]
		}
	}
	return 0
}

// countsOf counts a body.
func countsOf(t intake.Taken, b *segment.Body) Counts {
	c := Counts{Events: int64(t.Events), Kept: int64(t.Kept)}
	for i, d := range Drops {
		c.Dropped[i] = int64(t.Dropped[d])
	}
	if b != nil {
		c.Violations = int64(len(b.Violations) + b.MoreViolations)
		c.Unknown = int64(len(b.Unknown) + b.Dropped)
	}
	return c
}

// A Minute is what came from a source in a minute.
type Minute struct {
	Source uint32
	At     int64 // minutes since 1970
	Counts
}

// Time returns when the minute began.
func (m Minute) Time() time.Time { return time.Unix(m.At*60, 0).UTC() }

// A Violation is a broken rule as a shape, with how often.
type Violation struct {
	Source   uint32
	Event    string // of the plan; "" for a rule of the wire
	Path     string // "products[].price"
	Expected string // a type of the plan; for a rule of the wire, the rule
	Got      string // the shape that came; "" for a rule of the wire
	Seen
}

// Seen is how often something came, and when.
type Seen struct {
	N           int64
	First, Last time.Time
}

func (s *Seen) add(n int64, at time.Time) {
	if s.N == 0 || at.Before(s.First) {
		s.First = at
	}
	if at.After(s.Last) {
		s.Last = at
	}
	s.N += n
}

// A Proposal is a property or an event that the plan does not know.
type Proposal struct {
	Source uint32 // that sent it first
	Event  string // of the plan, "context", or one that is unknown itself
	Within string // the object it is in, "products[]."; "" at the top
	Name   string // as it may be shown; "" if the event itself is unknown
	Shape  string // what came: "string", "number", …; "mixed" for several
	plan.Proposal
	Seen
}

// Path returns the place in the plan, "Order Completed.products[].lining".
func (p *Proposal) Path() string {
	if p.Name == "" {
		return p.Event
	}
	return p.Event + "." + p.Within + p.Name
}

// Withheld reports whether the name is not shown, since it may say something about a
// person, so that nothing can be decided.
func (p *Proposal) Withheld() bool { return plan.Concealed(p.Name) || plan.Concealed(p.Event) }

// Rare reports whether it is not shown because few have sent it.
func (p *Proposal) Rare() bool {
	return p.Withheld() && p.Name != plan.Withheld && p.Event != plan.Withheld
}

// Type guesses a type of the plan for what came.
func (p *Proposal) Type() plan.Type {
	switch {
	case p.Transform == plan.AgeBand:
		return plan.Date
	case p.Shape == "mixed":
		return plan.Scalar
	case p.Shape == segment.Number.String():
		return plan.Number
	case p.Shape == segment.Bool.String():
		return plan.Boolean
	case p.Shape == segment.Object.String():
		return plan.Object
	case p.Shape == segment.Array.String():
		return plan.Strings
	}
	return plan.String
}

// merge takes a second look at the same thing: the surer proposal wins, since what one
// value shows holds for the property.
func (p *Proposal) merge(o plan.Proposal, shape string) {
	if o.Confidence > p.Confidence {
		p.Proposal = o
	}
	p.Shape = either(p.Shape, shape)
}

func either(a, b string) string {
	switch {
	case a == "" || a == b:
		return b
	case b == "":
		return a
	}
	return "mixed"
}

// categoryless is what is proposed for an event: only a person knows.
var categoryless = plan.Proposal{Category: thimble.Category(""), Transform: plan.Drop, Why: "the plan has no event of this name"}

// Known reports whether a plan knows a property, or an event when name is "".
func Known(c *plan.Compiled, event, within, name string) bool {
	n := c.Context
	if event != "context" {
		m := c.Track([]byte(event))
		if m == nil {
			m = c.Call(event)
		}
		if m == nil {
			return false
		}
		n = m.Node
	}
	if name == "" {
		return true
	}
	for step := range strings.SplitSeq(within, ".") {
		if step = strings.TrimSuffix(step, "[]"); step == "" {
			continue
		}
		i := n.Find([]byte(step))
		if i < 0 || n.Fields[i].Child == nil {
			return false
		}
		n = n.Fields[i].Child
	}
	return n.Find([]byte(name)) >= 0
}
