package disclose

import "slices"

// A State is where a message stands.
type State string

// The states.
const (
	Queued       State = "queued"       // has its leaf, and waits for its first try
	Sending      State = "sending"      // somebody tries under a lease
	Retrying     State = "retrying"     // a try failed, and another comes
	Blocked      State = "blocked"      // the recipient is suspended or withdrew; nothing is sent
	Delivered    State = "delivered"    // the recipient has it
	Acknowledged State = "acknowledged" // the recipient has confirmed it
	Overdue      State = "overdue"      // delivered, and not confirmed in time: somebody is to ask
	Dead         State = "dead"         // no try follows by itself; it can be sent again by hand
	Cancelled    State = "cancelled"    // nobody in it may be sent any more, or the agreement ended
)

// States are all states, in the order of pages.
var States = []State{Queued, Sending, Retrying, Blocked, Delivered, Acknowledged, Overdue, Dead, Cancelled}

// next is what may follow each state.
var next = map[State][]State{
	Queued:    {Sending, Cancelled},
	Sending:   {Delivered, Acknowledged, Retrying, Blocked, Dead, Cancelled, Queued},
	Retrying:  {Sending, Acknowledged, Cancelled},
	Blocked:   {Sending, Acknowledged, Cancelled},
	Delivered: {Acknowledged, Overdue},
	Overdue:   {Acknowledged, Queued},
	Dead:      {Acknowledged, Queued},
}

// May reports whether a state may follow.
func (s State) May(then State) bool { return slices.Contains(next[s], then) }

// Final reports whether nothing follows.
func (s State) Final() bool { return len(next[s]) == 0 }

// A Whereabouts is where what a message holds about one person stands.
type Whereabouts string

// The whereabouts.
const (
	Going Whereabouts = "going" // not sent yet
	Sent  Whereabouts = "sent"  // went out
	// MaybeSent is what was under way when the person's answer changed, or when a
	// connection broke: the recipient may have it.
	MaybeSent Whereabouts = "maybe-sent"
	NotSent   Whereabouts = "not-sent" // was taken out before any byte left
)
