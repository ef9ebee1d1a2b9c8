package consent

import (
	"fmt"
	"time"

	"thimble"
)

// An Incentive is what was offered for a yes: a discount, points. It is recorded
// because a yes that is paid for is free only when the way without it stands open.
// Cal. Civ. Code §1798.125(b) asks for a notice of it; GDPR Art. 7(4) weighs it.
type Incentive struct {
	ID    string `json:"id"`    // the shop's own word for the offer
	Terms string `json:"terms"` // SHA-256, in hex, of the text that was shown
	// ValueMinor is what it is worth, in minor units of Currency.
	ValueMinor int64  `json:"value_minor"`
	Currency   string `json:"currency"`
}

// Check refuses an offer that does not say what it is. The error is of kind
// thimble.ErrInvalid.
func (i Incentive) Check() error {
	switch {
	case !scopeWord.MatchString(i.ID):
		return fmt.Errorf("consent: incentive.id: up to 32 of a-z, 0-9, - and _ were expected: %w", thimble.ErrInvalid)
	case len(i.Terms) != 64:
		return fmt.Errorf("consent: incentive.terms: the SHA-256 of the text that was shown was expected: %w", thimble.ErrInvalid)
	case i.ValueMinor < 0 || len(i.Currency) != 3:
		return fmt.Errorf("consent: incentive.value_minor and currency: an amount and an ISO 4217 code were expected: %w", thimble.ErrInvalid)
	}
	return nil
}

// Rest is for how many months nobody is asked again after a no, or after putting it
// off. Six is the recommendation of the CNIL (Délibération 2020-092, no. 34 ff.);
// twelve are the law of California (Cal. Civ. Code §1798.135(c)(4)). Whoever may live
// in California, because no more is known than the country or nothing at all, rests
// as if they did.
func Rest(place string) int {
	switch place {
	case "", "US", "US-CA":
		return 12
	}
	return 6
}

// A Question is one thing that a person can be asked, with where they stand on it:
// a purpose, or a part of one.
type Question struct {
	Ask      Ask
	Part     Part     // zero for the purpose itself
	Standing Standing // what answers a use of it
	May      bool     // whether the person may be asked now
	From     time.Time
	// Grew says that the notice asks for more than the person's yes covers.
	Grew bool
}

// Questions returns all that a person can be asked, each purpose before its parts.
// said returns what the person has said about a purpose, and grew whether the notice
// has become more since a yes.
func Questions(at time.Time, months int, said func(p thimble.Purpose, q Scope) (Standing, error), grew func(Standing) bool) ([]Question, error) {
	var all []Question
	for _, a := range Asked {
		whole, err := said(a.Purpose, Scope{})
		if err != nil {
			return nil, err
		}
		q := Question{Ask: a, Standing: whole, Grew: whole.Now(at).Permits() && grew(whole)}
		q.May, q.From = MayAsk(whole, at, months, q.Grew)
		all = append(all, q)
		for _, p := range a.Parts {
			st, err := said(a.Purpose, p.Scope)
			if err != nil {
				return nil, err
			}
			part := Question{Ask: a, Part: p, Standing: st, May: q.May, From: q.From, Grew: q.Grew}
			// A part is asked about with its purpose; a no to it alone has its own rest.
			if st.Scope != (Scope{}) && st.Now(at).Refuses() {
				part.May, part.From = MayAsk(st, at, months, false)
			}
			all = append(all, part)
		}
	}
	return answered(all, said)
}

// answered adds what is asked for elsewhere, where the person has answered.
func answered(all []Question, said func(p thimble.Purpose, q Scope) (Standing, error)) ([]Question, error) {
	for _, a := range Elsewhere {
		st, err := said(a.Purpose, Scope{})
		if err != nil {
			return nil, err
		}
		if st.State != "" {
			all = append(all, Question{Ask: a, Standing: st})
		}
	}
	return all, nil
}

// MayAsk reports whether a person may be asked about a purpose now, and if not, from
// when on. Whoever said no, or later, is left in peace for the given number of
// months. Whoever said yes is asked again when the yes has run out or runs out within
// the month, or when the notice promises less than it did: grew says that what is
// asked for has become more since that answer, by recipients, purposes or categories.
func MayAsk(s Standing, at time.Time, months int, grew bool) (may bool, from time.Time) {
	switch state := s.Now(at); {
	case state == "" || state == Expired || state == Invalidated:
		return true, at
	case state.Permits() && (grew || s.Expires.IsZero()):
		return grew, at
	case state.Permits():
		from = s.Expires.AddDate(0, -1, 0)
	default:
		from = s.At.AddDate(0, months, 0)
	}
	return !at.Before(from), from
}

// An Age is what is known of a person's age. Unknown is not adult.
type Age struct {
	Known bool
	Adult bool
	// Of is when the person comes of the age at which the law lets them decide for
	// themselves; zero when it is not known.
	Of time.Time
}

// Allows returns nil when the choice is one that who made it may make for a person
// of that age; the error is of kind thimble.ErrDenied and says who may. A no is
// everybody's to say. childNeeds says that the law that applies asks for a guardian's
// yes (GDPR Art. 8(1); COPPA 16 CFR 312.5; DPDP Act s. 9).
func (a Age) Allows(c Choice, by By, childNeeds bool) error {
	switch {
	case !c.State.Permits():
		return nil
	case by.Actor == "guardian" && by.Guardian.IsZero():
		return fmt.Errorf("consent: %s: the guardian was not named: %w", c.Purpose, thimble.ErrDenied)
	case a.Known && !a.Adult && childNeeds && by.Actor != "guardian":
		return fmt.Errorf("consent: %s: a guardian has to say yes for a child: %w", c.Purpose, thimble.ErrDenied)
	case a.Known && a.Adult && by.Actor == "guardian":
		return fmt.Errorf("consent: %s: an adult decides for themselves: %w", c.Purpose, thimble.ErrDenied)
	}
	return nil
}

// Until returns when a yes given at an instant ends: after [Lives], or, when a
// guardian gave it, on the day on which the child decides for themselves.
func (a Age) Until(at time.Time, by By) time.Time {
	end := at.Add(Lives)
	if by.Actor == "guardian" && !a.Of.IsZero() && a.Of.Before(end) {
		return a.Of
	}
	return end
}
