package gate

import (
	"fmt"
	"slices"
	"time"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/policy"
)

// A Kind says what kind of actor asks.
type Kind string

// The kinds of actor.
const (
	Customer Kind = "customer" // the person
	Staff    Kind = "staff"    // a member of staff
	Machine  Kind = "machine"  // a capability at work
	Client   Kind = "client"   // the shop's systems, by API key
)

// An Actor is who asks.
type Actor struct {
	Kind Kind
	Name string            // an account, a capability or a key's name; nothing personal of customers
	Self thimble.SubjectID // the person, when a customer asks
}

// A Request asks to use data.
type Request struct {
	Actor      Actor
	Subject    thimble.SubjectID
	Purpose    thimble.Purpose
	Categories []thimble.Category
}

// A Verdict answers a request, with its reasons.
type Verdict struct {
	Allowed bool             `json:"allowed"`
	Why     string           `json:"why"` // one sentence
	Mode    policy.Mode      `json:"mode"`
	Basis   string           `json:"basis"`
	Pack    string           `json:"pack"`
	Cite    string           `json:"cite"`
	Consent consent.Standing `json:"-"`
	Epoch   int64            `json:"-"`
}

// A Denial is the error of a refused request.
type Denial struct{ Verdict Verdict }

// Error implements error.
func (d *Denial) Error() string { return "gate: " + d.Verdict.Why }

// silent is why nothing is permitted while the ledger cannot record.
const silent = "the ledger cannot record the use"

var errSilent = fmt.Errorf("%w for now (%w)", thimble.ErrDenied, thimble.ErrUnavailable)

// Unwrap gives the kind ErrDenied, and ErrUnavailable as well when it is the ledger
// that says no: who asks again later may be permitted.
func (d *Denial) Unwrap() error {
	if d.Verdict.Why == silent {
		return errSilent
	}
	return thimble.ErrDenied
}

// Facts are what is known of the subject when a request is judged.
type Facts struct {
	Known    bool // the person exists and was not erased
	Epoch    int64
	Members  []thimble.SubjectID // all subjects of the person
	Standing consent.Standing    // over all of them
	// Restricted says that the person's data is kept and not used (GDPR Art. 18).
	Restricted bool
	Silent     bool // the ledger cannot record
}

// own reports whether a customer asks about themselves, by whichever subject they
// are signed in.
func (f Facts) own(r Request) bool {
	return r.Actor.Self == r.Subject || !r.Actor.Self.IsZero() && slices.Contains(f.Members, r.Actor.Self)
}

// Judge answers a request from the law and the facts. It is a pure function.
func Judge(r Request, p *policy.Pack, f Facts, now time.Time) Verdict {
	found := p.Find(r.Purpose, r.Categories...)
	v := Verdict{Mode: found.Mode, Basis: found.Basis, Pack: found.Pack, Cite: found.Cite, Consent: f.Standing, Epoch: f.Epoch}
	state := f.Standing.Now(now)
	switch {
	case f.Silent:
		v.Why = silent
	case !f.Known:
		v.Why = "there is no such person"
	case len(r.Categories) == 0:
		v.Why = "no category of data was named"
	case r.Actor.Kind == "":
		v.Why = "nobody asks"
	case r.Actor.Kind == Customer && !f.own(r):
		v.Why = "a customer sees their own data only"
	case f.Restricted && r.Purpose != thimble.LegalObligation:
		// GDPR Art. 18(2): kept, and used for what the law obliges to, which the
		// person's own look at it is (Art. 15).
		v.Why = "the person had the use of their data restricted"
	case found.Mode == policy.Prohibited:
		v.Why = fmt.Sprintf("%s is not a permitted purpose for this data", r.Purpose)
	case found.Mode == policy.Allow || found.Mode == policy.Notice:
		v.Allowed, v.Why = true, fmt.Sprintf("%s is needed for %s", r.Purpose, found.Basis)
	case state.Permits() && f.Standing.Purpose == r.Purpose && found.Mode <= policy.OptIn:
		v.Allowed, v.Why = true, fmt.Sprintf("the person permits %s", r.Purpose)
	case state == "":
		v.Why = fmt.Sprintf("the person was not asked, or has not answered, about %s", r.Purpose)
	default:
		v.Why = fmt.Sprintf("the person's answer to %s is: %s", r.Purpose, state)
	}
	return v
}
