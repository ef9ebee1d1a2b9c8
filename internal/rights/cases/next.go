package cases

import (
	"fmt"
	"slices"
	"time"

	"thimble"
)

// A What is something that happens to a case.
type What string

// What happens.
const (
	Opened      What = "opened" // the first step; [Open] makes it
	Asked       What = "asked_identity"
	Proved      What = "proved"
	Permitted   What = "permitted" // an agent's permission was seen
	Questioned  What = "questioned"
	Replied     What = "replied"
	Prolonged   What = "prolonged"
	Accepted    What = "accepted"
	Completed   What = "completed"
	Awaited     What = "awaited"      // done here, and systems outside have still to answer
	Heard       What = "heard"        // something happened to what a system outside was asked
	AllAnswered What = "all_answered" // by the systems outside
	InPart      What = "in_part"      // closed by a person, although one of them did not do it
	Returned    What = "returned"     // it could not be done
	Declined    What = "declined"
	WasAppealed What = "was_appealed"
	WasUpheld   What = "was_upheld"
	Overturned  What = "overturned"
	Withdrawn   What = "withdrawn"
	Expired     What = "expired" // nobody showed who asks, or answered
	Gone        What = "gone"    // the person was erased
	Handed      What = "handed"  // to somebody of the staff
	Told        What = "told"    // who asked was told by staff that it came
	Offered     What = "offered" // the person was told that what they asked for lies ready
	Left        What = "left"    // it lay ready for long enough, and the person knew
)

// Whats are what can happen to a case that is there.
func Whats() []What {
	return []What{Asked, Proved, Permitted, Questioned, Replied, Prolonged, Accepted, Completed, Awaited, Heard, AllAnswered, InPart, Returned, Declined,
		WasAppealed, WasUpheld, Overturned, Withdrawn, Expired, Gone, Handed, Told, Offered, Left}
}

// Patience is how long a case waits for somebody to show who they are, or to answer.
// It is the same for everybody, whatever their law, so that it tells nothing of whether
// they are known.
const Patience = 90 * 24 * time.Hour

// An Event is something that happens, with what is needed for it.
type Event struct {
	What   What
	At     time.Time
	By     string // one of the words below
	Staff  string // the name, when staff does it
	Proof  Proof
	Ground Ground
	// Authority is how an agent's permission was shown; empty: to staff, in their words.
	Authority Authority
	Work      []Work
	Said      bool   // words come with it
	To        string // of the staff
	Tasks     []Task // of systems outside
	Waits     Standing
	Part      Part
}

// Who does it, in records.
const (
	ThePerson   = "the person"
	TheGuardian = "the guardian"
	TheStaff    = "staff"
	TheShop     = "a system of the shop"
	TheProgram  = "the program"
	TheAgent    = "an agent"
	AFirm       = "another firm"
	// TheController is whom the shop works for (GDPR Art. 28).
	TheController = "a controller"
	ASystem       = "a system outside"
)

// from says in which states what can happen.
var from = map[What][]State{
	Asked:       {Received},
	Proved:      {Received, Awaiting},
	Permitted:   {Received, Awaiting, Clarify},
	Questioned:  {Received},
	Replied:     {Clarify},
	Prolonged:   {Received, Awaiting, Clarify, Executing, Waiting, Appealed},
	Accepted:    {Received},
	Completed:   {Executing},
	Awaited:     {Executing},
	Heard:       {Executing, Waiting},
	AllAnswered: {Waiting},
	InPart:      {Waiting},
	Returned:    {Executing},
	Declined:    {Received, Awaiting},
	WasAppealed: {Refused},
	WasUpheld:   {Appealed},
	Overturned:  {Appealed},
	Withdrawn:   {Received, Awaiting, Clarify, Executing, Appealed},
	Expired:     {Awaiting, Clarify},
	Gone:        {Received, Awaiting, Clarify, Executing, Waiting, Appealed},
	Handed:      {Received, Awaiting, Clarify, Executing, Waiting, Appealed},
	Offered:     {Executing},
	Left:        {Executing},
	Told:        {Received, Awaiting, Clarify, Executing, Waiting, Appealed},
}

// to is the state that follows; what is not here changes none.
var to = map[What]State{
	Asked: Awaiting, Proved: Received, Questioned: Clarify, Replied: Received, Accepted: Executing, Completed: Fulfilled, Awaited: Waiting, AllAnswered: Fulfilled, InPart: Fulfilled, Left: Fulfilled, Returned: Received,
	Declined: Refused, WasAppealed: Appealed, WasUpheld: Upheld, Overturned: Received, Withdrawn: Revoked, Expired: Lapsed, Gone: Lapsed,
}

// May reports whether something can happen in the state that the case is in. What it
// needs besides is for [Case.Next] to say.
func (c Case) May(w What) bool { return slices.Contains(from[w], c.State) }

// Next returns the case after an event. The error is of kind ErrConflict for what cannot
// happen now, ErrInvalid for what lacks something, ErrDenied for who may not. The case is
// the same then. An event of before the last step counts as being of that instant.
func (c Case) Next(e Event, dates Dates) (Case, error) {
	if !c.May(e.What) {
		return c, conflict("%s cannot follow while it is %s", e.What, c.State)
	}
	if e.At = e.At.UTC().Truncate(time.Microsecond); e.At.Before(c.Last) {
		e.At = c.Last
	}
	if err := c.permits(e); err != nil {
		return c, err
	}
	n := c
	n.Stops, n.Work = slices.Clone(c.Stops), slices.Clone(c.Work)
	n.Steps, n.Last = c.Steps+1, e.At
	if s, moves := to[e.What]; moves {
		n.State = s
	}
	n.note(e)
	if n.State.Final() {
		n.Closed, n.Paused = e.At, false
		return n, nil
	}
	n.Closed = time.Time{}
	if n.Ready.IsZero() && slices.Contains([]What{Asked, Proved, Questioned, Replied, Prolonged, WasAppealed, Overturned}, e.What) {
		if err := n.dated(dates); err != nil {
			return c, err
		}
		if e.What == Prolonged && !n.Extended {
			n.Told = time.Time{} // it is void: the step says why, and the date stands
		}
	}
	return n, nil
}

// note keeps what came with an event.
func (c *Case) note(e Event) {
	switch e.What {
	case Asked:
		c.Stops = append(c.Stops, Stop{Reason: IdentityDoubt, From: e.At})
	case Questioned:
		c.Stops = append(c.Stops, Stop{Reason: Clarification, From: e.At})
	case Proved:
		c.Proof = e.Proof
		c.goOn(e.At)
	case Replied:
		c.goOn(e.At)
	case Permitted:
		c.Authorised, c.Authority = true, e.Authority
		if e.Authority == "" {
			c.Authority = Seen
		}
	case Prolonged:
		c.Told = e.At
	case Accepted:
		c.Work, c.Tasks = e.Work, len(e.Tasks)
		if c.Verb() == Collected && e.By == ThePerson {
			c.offered(e.At) // they read it on the page
		}
	case Offered:
		c.offered(e.At)
	case Completed, Awaited:
		c.Work = e.Work
	case InPart:
		c.Part = e.Part
	case Returned:
		c.Work, c.Tasks = nil, 0
	case Declined:
		c.Ground, c.Refuser = e.Ground, e.Staff
	case WasAppealed, Overturned:
		// The clock of an appeal begins with it, and that of what is done after it anew.
		c.Appeal, c.From, c.Told, c.Stops, c.Staff = true, e.At, time.Time{}, nil, ""
	case Handed:
		c.Staff = e.To
	case Told:
		c.Receipt.At = e.At
	}
}

// goOn ends the standstill.
func (c *Case) goOn(at time.Time) {
	for i := range c.Stops {
		if c.Stops[i].Until.IsZero() {
			c.Stops[i].Until = at
		}
	}
}

// permits reports what an event lacks.
func (c Case) permits(e Event) error {
	switch e.What {
	case Asked:
		if !c.NeedsProof() {
			return invalid("nobody has to show who they are for this, or they did")
		}
	case Proved:
		if !c.NeedsProof() || !slices.Contains(Proofs(), e.Proof) {
			return invalid("proof: one by what is held already was expected, once, where one is needed")
		}
	case Permitted:
		return c.permitsAgent(e)
	case Questioned, Prolonged, Replied, WasAppealed, WasUpheld, Overturned:
		return c.permitsWords(e)
	case Accepted:
		return c.permitsStart(e)
	case Completed, Awaited:
		return c.permitsEnd(e)
	case Heard, AllAnswered, InPart:
		return c.permitsAnswers(e)
	case Declined:
		if !e.Said {
			return invalid("reason: words for the person were expected")
		}
		return c.refusable(e.Ground)
	case Withdrawn:
		if c.State == Executing && c.Verb() == Executed {
			return conflict("it is being done")
		}
	case Expired:
		if e.At.Before(c.From.Add(Patience)) {
			return conflict("it waits until %s", c.From.Add(Patience).Format(time.DateOnly))
		}
	case Gone:
		if c.Kind == Erase && (c.State == Executing || c.State == Waiting) {
			return conflict("that is what it is about")
		}
	case Offered, Left:
		return c.permitsOffer(e)
	case Told:
		if e.Staff == "" || !c.Receipt.At.IsZero() {
			return conflict("who asked was told that it came, or nobody of the staff says so")
		}
	case Handed:
		if e.To == "" || e.To == c.Staff {
			return invalid("to: somebody else of the staff was expected")
		}
	}
	return nil
}

// permitsWords is permits of what needs words.
func (c Case) permitsWords(e Event) error {
	switch {
	case !e.Said:
		return invalid("words were expected")
	case e.What == Prolonged && c.Extended:
		return conflict("it was extended already")
	case e.What == Prolonged && !c.Ready.IsZero():
		return conflict("it lies ready")
	case e.What == WasAppealed && c.Appeal:
		return conflict("it was appealed already")
	case (e.What == WasUpheld || e.What == Overturned) && (e.Staff == "" || e.Staff == c.Refuser):
		return fmt.Errorf("cases: who refused does not decide the appeal: %w", thimble.ErrDenied)
	}
	return nil
}

// permitsStart is permits of an acceptance.
func (c Case) permitsStart(e Event) error {
	switch {
	case c.NeedsProof():
		return conflict("it was not shown who asks")
	case c.Via.InPlace() && !c.Authorised:
		return conflict("the permission of the person was not seen")
	case e.At.Before(c.Cools):
		return conflict("an e-mail address was added: it waits until %s", c.Cools.Format(time.DateTime))
	case c.Verb() == Executed && (len(e.Work) == 0 || slices.ContainsFunc(e.Work, func(w Work) bool { return w.Ref == "" || w.Done })):
		return invalid("work: the requests that do it were expected")
	case c.Verb() != Executed && len(e.Work) > 0:
		return invalid("work: none was expected yet")
	}
	return nil
}

// permitsEnd is permits of a completion: nothing is fulfilled before it is done, here and
// by the systems that take part.
func (c Case) permitsEnd(e Event) error {
	if waits := e.Waits.Open > 0; waits != (e.What == Awaited) || waits && c.Tasks == 0 {
		return conflict("systems outside that have still to answer: %d of %d", e.Waits.Open, c.Tasks)
	}
	undone := slices.ContainsFunc(e.Work, func(w Work) bool { return w.Ref == "" || !w.Done })
	switch verb := c.Verb(); {
	case verb == Answered && !e.Said:
		return invalid("an answer was expected")
	case verb == Answered:
		return nil
	case len(e.Work) == 0 || undone:
		return conflict("it is not done")
	case verb == Executed && !slices.EqualFunc(e.Work, c.Work, func(a, b Work) bool { return a.Ref == b.Ref }):
		return conflict("something else was done")
	}
	return nil
}

func invalid(format string, args ...any) error {
	return fmt.Errorf("cases: "+format+": %w", append(args, thimble.ErrInvalid)...)
}

func conflict(format string, args ...any) error {
	return fmt.Errorf("cases: "+format+": %w", append(args, thimble.ErrConflict)...)
}
