package systems

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"thimble"
	"thimble/internal/rights/cases"
)

// The prefixes of ids in text.
const (
	SystemPrefix = "sys"
	TaskPrefix   = "tsk"
)

// Means is how a system is told.
type Means string

// The means.
const (
	Webhook   Means = "webhook" // a signed post (Standard Webhooks)
	Processor Means = "opendsr" // OpenDSR 2.0, in which the shop is the controller
	Framework Means = "ddrf"    // the IAB's Data Deletion Request Framework, in which it is the first firm or the next
	Person    Means = "person"  // somebody of the staff does it there, by hand
)

// AllMeans are all means, in the order of forms.
func AllMeans() []Means { return []Means{Webhook, Processor, Framework, Person} }

// Names is what a system knows people by.
type Names string

// What there is.
const (
	Account   Names = "account"   // the customer number that it shares with the shop
	Pseudonym Names = "pseudonym" // that which it has as a recipient
	Email     Names = "email"
)

// AllNames are all of them, in the order of forms: what tells least comes first.
func AllNames() []Names { return []Names{Account, Pseudonym, Email} }

// Takes are the requests that a system can take part in.
func Takes() []cases.Kind {
	return []cases.Kind{cases.Erase, cases.Restrict, cases.Lift, cases.Object, cases.Rectify, cases.Access, cases.Port,
		cases.Marketing, cases.Withdraw, cases.Sale, cases.ShareAds, cases.Profiling, cases.Sensitive}
}

// A System is one. Its keys are kept apart, sealed.
type System struct {
	ID        thimble.ID
	Name      string       // as customers read it
	Kinds     []cases.Kind // that it takes part in
	Means     Means
	Endpoint  string // https; of a processor, what stands before /v2; of a firm of the framework, its domain
	Names     Names
	Recipient thimble.ID // whose pseudonym it is; zero for others
	Necessity string     // why it needs the e-mail address; empty for others
	Days      int        // that it has to answer
	// Instructions are for who does it by hand.
	Instructions string
	Ended        bool
	CreatedAt    time.Time
	ChangedAt    time.Time
}

// MaxInstructions bounds what is written for who does it by hand, in characters.
const MaxInstructions = 2000

// Check reports the first rule that a system breaks, as a [*FieldError].
func (s System) Check() error {
	switch {
	case !plain(s.Name, 2, 80):
		return wrong("name", "2 to 80 characters without control characters")
	case len(s.Kinds) == 0 || slices.ContainsFunc(s.Kinds, func(k cases.Kind) bool { return !slices.Contains(Takes(), k) }):
		return wrong("kinds", "one or more of those listed")
	case !slices.Contains(AllMeans(), s.Means):
		return wrong("means", "one of those listed")
	case (s.Endpoint == "") != (s.Means == Person):
		return wrong("endpoint", "the https address where it is told, and none for a person")
	case s.Means == Processor && slices.ContainsFunc(s.Kinds, func(k cases.Kind) bool { return !slices.Contains(Spoken(), k) }):
		return wrong("kinds", "erasure, access or portability: OpenDSR has no words for others")
	case s.Means == Processor && s.Names == Pseudonym:
		return wrong("names", "a number or an e-mail address: OpenDSR has no word for a pseudonym")
	case s.Means == Framework && !slices.Equal(s.Kinds, []cases.Kind{cases.Erase}):
		return wrong("kinds", "erasure alone: the framework has no word for others")
	case !slices.Contains(AllNames(), s.Names):
		return wrong("names", "one of those listed")
	case (s.Names == Pseudonym) == s.Recipient.IsZero():
		return wrong("recipient", "the recipient whose pseudonym it is, and none for others")
	case s.Names == Email && !plain(s.Necessity, 10, 200) || s.Names != Email && s.Necessity != "":
		return wrong("necessity", "10 to 200 characters that say why nothing but the e-mail address will do, and none for others")
	case s.Days < 1 || s.Days > 45:
		return wrong("days", "1 to 45")
	case s.Means == Person && strings.TrimSpace(s.Instructions) == "":
		return wrong("instructions", "what the person has to do there")
	case !utf8.ValidString(s.Instructions) || utf8.RuneCountInString(s.Instructions) > MaxInstructions:
		return wrong("instructions", fmt.Sprintf("at most %d characters", MaxInstructions))
	}
	return nil
}

// Spoken are the requests that OpenDSR 2.0 has words for.
func Spoken() []cases.Kind { return []cases.Kind{cases.Erase, cases.Access, cases.Port} }

func plain(s string, least, most int) bool {
	n := utf8.RuneCountInString(s)
	return utf8.ValidString(s) && strings.TrimSpace(s) == s && n >= least && n <= most && strings.IndexFunc(s, unicode.IsControl) < 0
}

// A FieldError names the field of a form that breaks a rule.
type FieldError struct{ Field, Rule string }

// Error implements error.
func (e *FieldError) Error() string { return "systems: " + e.Field + ": " + e.Rule + " was expected" }

// Is makes it an error of kind thimble.ErrInvalid.
func (e *FieldError) Is(target error) bool { return target == thimble.ErrInvalid }

func wrong(field, rule string) error { return &FieldError{field, rule} }
