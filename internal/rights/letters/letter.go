package letters

import (
	"slices"
	"time"

	"thimble/internal/rights/cases"
)

// A Kind is what a letter is about.
type Kind string

// The kinds.
const (
	// Received confirms that a request came (11 CCR 7021(a)).
	Received Kind = "received"
	// Identity says so too, and asks who asks (GDPR Art. 12(6)).
	Identity Kind = "identity"
	Question Kind = "question"
	Extended Kind = "extended" // GDPR Art. 12(3)
	// Ready says that what was asked for lies ready to be opened.
	Ready  Kind = "ready"
	Done   Kind = "done"
	Here   Kind = "done_here" // systems outside have still to answer
	InPart Kind = "in_part"
	// Refused has the ground, the law, the appeal, and where to complain (GDPR Art. 12(4)).
	Refused    Kind = "refused"
	Upheld     Kind = "upheld" // the refusal, on appeal
	Overturned Kind = "overturned"
	Lapsed     Kind = "lapsed"
	// Farewell is the letter of an erasure.
	Farewell Kind = "farewell"
)

// Kinds are all kinds.
func Kinds() []Kind {
	return []Kind{Received, Identity, Question, Extended, Ready, Done, Here, InPart, Refused, Upheld, Overturned, Lapsed, Farewell}
}

// Words says what a letter is about, for everybody.
func (k Kind) Words() string {
	switch k {
	case Received:
		return "Your request came in"
	case Identity:
		return "Was it you who asked?"
	case Question:
		return "The shop has a question"
	case Extended:
		return "The date moves"
	case Ready:
		return "It is ready for you"
	case Done:
		return "It is done"
	case Here:
		return "It is done here"
	case InPart:
		return "It is done in part"
	case Refused:
		return "It was refused"
	case Upheld:
		return "The refusal stands"
	case Overturned:
		return "The refusal was taken back"
	case Lapsed:
		return "The request was closed"
	case Farewell:
		return "You are being forgotten"
	}
	return string(k)
}

// HasReason reports whether what was written at the step is in the letter.
func (k Kind) HasReason() bool { return k == Extended || k == Refused || k == Upheld }

// follows are the letters that a step owes by itself.
var follows = map[cases.What]Kind{
	cases.Asked: Identity, cases.Questioned: Question, cases.Awaited: Here, cases.AllAnswered: Done, cases.InPart: InPart, cases.Completed: Done,
	cases.Declined: Refused, cases.WasUpheld: Upheld, cases.Overturned: Overturned, cases.Expired: Lapsed,
}

// AtOnce is within what time something is done while its person looks on.
const AtOnce = time.Minute

// Of returns the letter that the newest step of a case owes. It asks nothing of whether
// the case is somebody's.
func Of(c cases.Case, e cases.Event) (Kind, bool) {
	if c.Via == cases.Controller {
		return "", false
	}
	seen := c.Via == cases.Centre || c.Via == cases.Guardian
	switch {
	case e.What == cases.Opened:
		// Where it has still to be shown who asks, the next step owes a letter that says both.
		return Received, !seen && !c.NeedsProof()
	case e.What == cases.Proved && e.By == cases.TheStaff:
		return Received, true // the letter that asked may have been overtaken
	case e.What == cases.Prolonged:
		return Extended, c.Extended
	case e.What == cases.Accepted && c.Kind == cases.Erase:
		return Farewell, true
	case e.What == cases.Accepted && c.Verb() == cases.Collected:
		return Ready, e.By != cases.ThePerson
	case e.By == cases.ThePerson || e.By == cases.TheGuardian, seen && e.What == cases.Asked:
		return "", false // they saw it
	case c.Kind == cases.Erase && slices.Contains([]cases.What{cases.Awaited, cases.AllAnswered, cases.InPart, cases.Completed}, e.What):
		return "", false // there is nobody any more; the last letter says where to look
	case e.What == cases.Completed && seen && c.Last.Sub(c.At) < AtOnce:
		return "", false
	}
	k, ok := follows[e.What]
	return k, ok
}

// Overtaken reports whether a letter that was not written yet says nothing new any more.
func (k Kind) Overtaken(c cases.Case) bool {
	switch k {
	case Identity:
		return c.State != cases.Awaiting
	case Question:
		return c.State != cases.Clarify
	case Ready:
		return c.State != cases.Executing
	case Here:
		return c.State != cases.Waiting
	case Received:
		return c.State.Final()
	}
	return false
}

// Limited reports whether a letter is owed by what others passed on, by itself, and before it
// was shown who asks: whoever can pass something on could have somebody written to as often
// as they like. A person gets one of them in [Rest].
func (k Kind) Limited(c cases.Case) bool {
	return c.Via.Unseen() && c.Proof == "" && slices.Contains([]Kind{Identity, Received, Here, Done, Lapsed}, k)
}

// A State is what became of a letter.
type State string

// The states.
const (
	Owed   State = "owed"   // it is still to be written
	Queued State = "queued" // it is on its way to the mail server
	Sent   State = "sent"   // the mail server has it
	Unsent State = "unsent" // it could not be sent; why is said
	Spared State = "spared" // it need not be sent; why is said
)

// A Why says why a letter was not sent.
type Why string

// The reasons that are found here; the outbox has others, by its own words.
const (
	NoServer  Why = "no-mail-server"
	NoAddress Why = "no-address"
	Nobody    Why = "nobody"     // nobody is known by what was said, or they were erased
	JustSent  Why = "just-sent"  // they got one about what others passed on within a day
	Unasked   Why = "not-asked"  // it never reached them that somebody asks in their name
	Overtaken Why = "overtaken"  // something else happened to the request
	Denied    Why = "not-opened" // the gate did not give the address
	// Parted is why the outbox dropped one for who did not answer for the person any more.
	Parted Why = "not-owed-any-more"
	// KeptHere is why the outbox says that it delivered what nobody was sent.
	KeptHere Why = "kept-here"
)

// Words says why, for everybody.
func (w Why) Words() string {
	switch w {
	case "":
		return ""
	case NoServer:
		return "no mail server is set up"
	case NoAddress:
		return "there is no e-mail address"
	case Nobody:
		return "there is nobody to write to"
	case JustSent:
		return "they got a letter of this sort within a day, or one is on its way"
	case Unasked:
		return "they never got the letter that asks whether it was them"
	case Overtaken:
		return "something else had happened by then"
	case Denied:
		return "the address could not be opened"
	case Parted:
		return "who it was for does not answer for the person any more"
	case KeptHere:
		return "it stays in the outbox, for lack of a mail server"
	}
	return "the mail server did not take it (" + string(w) + ")"
}

// How a letter is tried again.
const (
	// Again is after what time one that could not be written is looked at again.
	Again = time.Hour
	// Patience is how long it is tried for: a letter that is older says nothing of today.
	Patience = 3 * 24 * time.Hour
	// Rest is within what time a person gets only one letter about what others passed on,
	// however many requests come in their name ([Kind.Limited]).
	Rest = 24 * time.Hour
	// MostAddresses bounds how many addresses of one person a letter goes to, the oldest first.
	MostAddresses = 3
)

// A Letter is one that is owed, and what became of it.
type Letter struct {
	Step  int // of the case
	Kind  Kind
	State State
	Why   Why
	At    time.Time // since when it is owed
	Sent  time.Time // zero until it is
}
