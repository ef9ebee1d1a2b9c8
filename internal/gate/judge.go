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
	// Masked are those of the categories that are shown only in part, so that whoever of
	// the staff looks knows a value again that they are told.
	Masked []thimble.Category
	// Reason is why, in the words of whoever of the staff asks. The person reads it.
	Reason thimble.Personal[string]
	Scope
}

// A Law says what is asked before data is used; *policy.Pack is one.
type Law interface {
	Find(use thimble.Purpose, categories ...thimble.Category) policy.Finding
	// Limits says whether a use is closed for somebody who limits what is done with
	// sensitive data, and by which rule.
	Limits(use thimble.Purpose, categories ...thimble.Category) (policy.Finding, bool)
	Ref() string
	// Digest stands for everything the law says: two with one reference, of before
	// and after a change, have two.
	Digest() [8]byte
}

// A Verdict answers a request, with its reasons.
type Verdict struct {
	Allowed bool             `json:"allowed"`
	Why     string           `json:"why"` // one sentence
	Mode    policy.Mode      `json:"mode"`
	Basis   string           `json:"basis"`
	Pack    string           `json:"pack"`
	Cite    string           `json:"cite"`
	Consent consent.Standing `json:"-"`               // the purpose and the state; [Gate.Consent] has the rest
	Roles   []string         `json:"roles,omitempty"` // of staff who ask
	Rules   []string         `json:"rules,omitempty"` // for staff, that permitted it
	Glass   bool             `json:"glass,omitempty"` // staff broke the glass for it
	Epoch   int64            `json:"-"`
	Until   time.Time        `json:"-"` // when it ends by itself; zero: never
	Policy  [8]byte          `json:"-"` // the digest of the law, as ledger leaves carry it
}

// A Denial is the error of a refused request.
type Denial struct{ Verdict Verdict }

// Error implements error.
func (d *Denial) Error() string { return "gate: " + d.Verdict.Why }

// silent is why nothing is permitted while the ledger cannot record.
const silent = "the ledger cannot record the use"

var errForNow = fmt.Errorf("%w for now (%w)", thimble.ErrDenied, thimble.ErrUnavailable)

// Unwrap gives the kind ErrDenied, and ErrUnavailable as well when it is the ledger
// that says no, or this process may have missed something: who asks again later may be
// permitted, and a scan is not to go on without them.
func (d *Denial) Unwrap() error {
	if d.Verdict.Why == silent || d.Verdict.Why == whyLapsed {
		return errForNow
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
	Lapsed     bool // this process has lost touch with the others
	// Stranger is the part of the request's scope that nobody knows, or "".
	Stranger string
	Until    time.Time // when the facts end by themselves; zero: never
}

// own reports whether a customer asks about themselves, by whichever subject they
// are signed in.
func (f Facts) own(r Request) bool {
	return r.Actor.Self == r.Subject || !r.Actor.Self.IsZero() && slices.Contains(f.Members, r.Actor.Self)
}

// Judge answers a request from the law and the facts. It is a pure function.
func Judge(r Request, p Law, f Facts, now time.Time) Verdict {
	found := p.Find(r.Purpose, r.Categories...)
	v := Verdict{Mode: found.Mode, Basis: found.Basis, Pack: found.Pack, Cite: found.Cite, Consent: f.Standing, Epoch: f.Epoch, Until: f.Until, Policy: p.Digest()}
	state := f.Standing.Now(now)
	switch {
	case f.Silent:
		v.Why = whySilent
	case f.Lapsed:
		v.Why = whyLapsed
	case !f.Known:
		v.Why = whyNobody
	case len(r.Categories) == 0:
		v.Why = whyNothing
	case r.Actor.Kind == "":
		v.Why = whyNoActor
	case r.Actor.Kind == Customer && !f.own(r):
		v.Why = whyOther
	case f.Restricted && r.Purpose != thimble.LegalObligation:
		// GDPR Art. 18(2): kept, and used for what the law obliges to, which the
		// person's own look at it is (Art. 15).
		v.Why = whyRestricted
	case f.Stranger != "":
		v.Why = whyStranger(f.Stranger)
	case found.Mode == policy.Prohibited:
		v.Why = whyProhibited(r.Purpose, found.Basis)
	case found.Mode == policy.Allow || found.Mode == policy.Notice && !refuses(state):
		v.Allowed, v.Why = true, whyNeeded(r.Purpose, found.Basis)
	case state.Permits() && f.Standing.Purpose == r.Purpose && found.Mode <= policy.OptIn:
		v.Allowed, v.Why = true, whyPermits(r.Purpose)
	default:
		v.Why = whyAnswer(r.Purpose, state)
	}
	return v
}

// refuses reports whether the person has said no, which counts as well where the
// law asks for a notice only.
func refuses(s consent.State) bool { return s != "" && s != consent.Expired && !s.Permits() }

// The reasons, in one place, so that a verdict says the same however it was found.
const (
	whySilent  = "the ledger cannot record the use"
	whyLapsed  = "this server has lost touch with the others and may have missed a withdrawal"
	whyNobody  = "there is no such person"
	whyNothing = "no category of data was named"
	whyNoActor = "nobody asks"
	whyOther   = "a customer sees their own data only"

	whyRestricted = "the person had the use of their data restricted"
)

func whyStranger(part string) string { return "the " + part + " that was named is not known here" }

func whyProhibited(p thimble.Purpose, basis string) string {
	if basis == limitedBasis {
		return "the person limits what is done with sensitive data"
	}
	return fmt.Sprintf("%s is not a permitted purpose for this data", p)
}

func whyNeeded(p thimble.Purpose, basis string) string {
	return fmt.Sprintf("%s is needed for %s", p, basis)
}

func whyPermits(p thimble.Purpose) string { return fmt.Sprintf("the person permits %s", p) }

func whyAnswer(p thimble.Purpose, s consent.State) string {
	if s == "" {
		return fmt.Sprintf("the person was not asked, or has not answered, about %s", p)
	}
	return fmt.Sprintf("the person's answer to %s is: %s", p, s)
}
