package drp

import (
	"encoding/json"
	"strconv"
	"time"

	"thimble/internal/rights/cases"
)

// A Status is the state of a request as an agent is told it (section 3.03).
type Status struct {
	Request      string     `json:"request_id"`
	Received     time.Time  `json:"received_at"`
	Expected     *time.Time `json:"expected_by,omitempty"`
	Reference    string     `json:"agent_request_id,omitempty"`
	Details      string     `json:"processing_details,omitempty"`
	State        State      `json:"status"`
	Reason       Reason     `json:"reason,omitempty"`
	Verification string     `json:"user_verification_url,omitempty"`
	Expires      *time.Time `json:"expires_at,omitempty"`
	Results      string     `json:"results_url,omitempty"`
}

// A State is a state of a request in the protocol's words (section 3.02).
type State string

// The states.
const (
	InProgress State = "in_progress"
	Fulfilled  State = "fulfilled"
	Revoked    State = "revoked"
	Denied     State = "denied"
	Expired    State = "expired"
)

// A Reason is why a request is in its state.
type Reason string

// The reasons that are given.
const (
	NeedVerification Reason = "need_user_verification"
	SuspectedFraud   Reason = "suspected_fraud"
	NotVerified      Reason = "insuf_verification"
	NoMatch          Reason = "no_match"
	NotCovered       Reason = "claim_not_covered"
	TooMany          Reason = "too_many_requests"
	Other            Reason = "other"
)

// Kept is how long a request that is answered can be asked about: section 3.02 wants
// between 7 and 60 days.
const Kept = 60 * 24 * time.Hour

// Settling is how long an opt-out that nobody had to prove is at least called in
// progress, so that the time that it takes tells nothing of whether anybody is known.
const Settling = 5 * time.Minute

// reasons are those of refusals, by their grounds here.
var reasons = map[cases.Ground]Reason{
	cases.Unproved: NotVerified, cases.NoPermission: NotVerified, cases.Fraud: SuspectedFraud, cases.Unfounded: NotCovered, cases.Excessive: TooMany,
	cases.LegalDuty: NotCovered, cases.Claims: NotCovered, cases.OthersRights: NotCovered, cases.NotHeld: NoMatch,
}

// A View is what a status is made of.
type View struct {
	Case    cases.Case
	Revoked time.Time // by the agent; zero for not
	Now     time.Time
	// Page is where the person sees the request, signed in by what is held.
	Page string
}

// StatusOf says the state of a case in the words of the protocol. While nobody has shown
// that it is theirs, it depends on the agent, the staff and the clock, and not on whether
// anybody is known.
func StatusOf(v View) Status {
	c := v.Case
	s := Status{Request: UUID(c.ID), Received: c.At.UTC(), State: InProgress}
	switch {
	case !v.Revoked.IsZero():
		s.State = Revoked
	case c.Proof == "" && c.State != cases.Refused && c.State != cases.Upheld:
		s.blind(v)
	default:
		s.seen(v)
	}
	if s.State == InProgress {
		due := c.Due.UTC()
		s.Expected = &due
	}
	if s.State == InProgress && c.Extended {
		s.Details = "More time was needed, and the person was told in time."
	}
	if s.final() {
		ends := closed(v).Add(Kept).UTC()
		s.Expires = &ends
	}
	return s
}

func (s Status) final() bool { return s.State != InProgress }

// closed is when a request came to its end, as the agent sees it.
func closed(v View) time.Time {
	switch {
	case !v.Revoked.IsZero():
		return v.Revoked
	case v.Case.Proof == "" && v.Case.NeedsProof() && v.Case.State != cases.Refused:
		return v.Case.At.Add(cases.Patience)
	case v.Case.Proof == "" && v.Case.State != cases.Refused:
		return v.Case.At.Add(Settling)
	}
	return v.Case.Closed
}

// blind is the status of what nobody has shown to be theirs.
func (s *Status) blind(v View) {
	waits := v.Case.At.Add(cases.Patience).UTC()
	switch {
	case !v.Case.NeedsProof() && Settled(v):
		s.State, s.Details = Fulfilled, "Nothing that is held of the person is sold or shared any more."
	case !v.Case.NeedsProof():
	case v.Now.Before(waits):
		s.Reason, s.Verification, s.Expires = NeedVerification, v.Page, &waits
		s.Details = "The person says, signed in by what is held already, that they asked."
	default:
		s.State, s.Reason, s.Details = Denied, NotVerified, "Nobody came to say that they asked."
	}
}

// Settled reports whether an opt-out that needed no proof is over, as the agent sees it.
func Settled(v View) bool { return v.Case.State.Final() && !v.Now.Before(v.Case.At.Add(Settling)) }

// seen is the status of what somebody has shown to be theirs, or staff have refused.
func (s *Status) seen(v View) {
	c := v.Case
	switch c.State {
	case cases.Fulfilled:
		s.State = Fulfilled
		if c.Kind != cases.Erase && c.Kind != cases.Sale {
			s.Results = v.Page
		}
	case cases.Refused, cases.Upheld:
		s.State, s.Reason = Denied, reasons[c.Ground]
		if s.Reason == "" {
			s.Reason = Other
		}
		if r, ok := cases.ReasonOf(c.Ground); ok {
			s.Details = r.Words + " (" + r.Law + ")."
		}
	case cases.Revoked:
		s.State = Revoked
	case cases.Lapsed:
		s.State = Expired
	case cases.Clarify:
		s.Details = "The person was asked what they mean."
	case cases.Appealed:
		s.Details = "The refusal is looked at by somebody who did not refuse."
	case cases.Executing:
		s.Details = "It is being done."
	case cases.Waiting:
		s.Details = "It is done here, and systems outside have still to answer."
	}
}

// Marshal returns what is sent.
func (s Status) Marshal() ([]byte, error) {
	s.Received = s.Received.Truncate(time.Second)
	for _, t := range []**time.Time{&s.Expected, &s.Expires} {
		if *t != nil {
			whole := (*t).Truncate(time.Second)
			*t = &whole
		}
	}
	return json.Marshal(s)
}

// A Problem is an error (section 3.06).
type Problem struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Fatal   bool   `json:"fatal,omitempty"`
}

// ProblemOf is the error for an HTTP status.
func ProblemOf(status int, message string, fatal bool) Problem {
	return Problem{strconv.Itoa(status), message, fatal}
}
