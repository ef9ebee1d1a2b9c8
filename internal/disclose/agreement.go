package disclose

import (
	"time"

	"thimble"
)

// An Act says what handing data over is. It is written, not guessed from a contract.
type Act string

// The acts.
const (
	Process Act = "process" // on the shop's behalf, or as the purpose itself needs
	Share   Act = "share"   // for the recipient's own purposes
	Sale    Act = "sale"    // for money or another benefit (Cal. Civ. Code 1798.140(ad))
)

// An Agreement is a contract about data as a machine reads it. [ParseAgreement] makes
// one.
type Agreement struct {
	Title      string
	Contract   string // the paper it comes from, and its clause
	Act        Act
	From       time.Time // the day it begins, at midnight UTC
	Until      time.Time // the day it ends; in force to the end of the day before
	Purposes   []thimble.Purpose
	Fields     []Field
	Processors []SubProcessor
	Transfer   Transfer
	Assessment Assessment
	Retention  time.Duration // how long the recipient may keep it, in days; 0: not at all
	// Acknowledge is how long the recipient has to confirm a message; 0: it need not.
	Acknowledge time.Duration
	Brands      []string // empty: all
}

// A Field is one that may leave.
type Field struct {
	Name     string
	Category thimble.Category // "" for a field about nobody, such as a product's price
	Coarsen  Coarsen          // of a time; "" for other fields
}

// A Coarsen says how fine a time may be.
type Coarsen string

// The units, from fine to coarse. A field without one is cut to the day.
const (
	Hour  Coarsen = "hour"
	Day   Coarsen = "day"
	Month Coarsen = "month"
	Year  Coarsen = "year"
)

var coarseness = map[Coarsen]int{Hour: 1, "": 2, Day: 2, Month: 3, Year: 4}

// A SubProcessor works for the recipient (GDPR Art. 28(2)).
type SubProcessor struct{ Name, Country, For string }

// A Transfer says why data may go to other countries (GDPR Ch. V).
type Transfer struct {
	Basis     string // none, adequacy, clauses, rules or derogation
	Countries []string
}

// An Assessment is when somebody last looked at how the recipient handles data.
type Assessment struct {
	By      string
	On      time.Time
	Expires time.Time
}

// Categories are those of the named fields, each once, in the agreement's order.
func (a Agreement) Categories(fields []string) (all []thimble.Category) {
	seen := map[thimble.Category]bool{"": true}
	for _, f := range a.Fields {
		if !seen[f.Category] && has(fields, f.Name) {
			seen[f.Category] = true
			all = append(all, f.Category)
		}
	}
	return all
}

// Names are the names of all fields.
func (a Agreement) Names() []string {
	names := make([]string, len(a.Fields))
	for i, f := range a.Fields {
		names[i] = f.Name
	}
	return names
}

// Field returns the field of a name.
func (a Agreement) Field(name string) (Field, bool) {
	for _, f := range a.Fields {
		if f.Name == name {
			return f, true
		}
	}
	return Field{}, false
}

func has[T comparable](list []T, want T) bool {
	for _, v := range list {
		if v == want {
			return true
		}
	}
	return false
}

// Asks are the purposes that a person is asked about: selling and sharing need their
// answer to that as well.
func (a Agreement) Asks(purpose thimble.Purpose) []thimble.Purpose {
	if a.Act == Process || purpose == ThirdParty {
		return []thimble.Purpose{purpose}
	}
	return []thimble.Purpose{purpose, ThirdParty}
}

// A Refusal is why an agreement does not permit something, in a word that may be
// stored, shown and counted.
type Refusal string

// The refusals.
const (
	RecipientSuspended Refusal = "recipient-suspended"
	RecipientWithdrew  Refusal = "recipient-withdrew"
	NoAgreement        Refusal = "no-agreement"
	NotYetEffective    Refusal = "agreement-not-yet-effective"
	AgreementEnded     Refusal = "agreement-ended"
	AssessmentExpired  Refusal = "assessment-expired"
	PurposeNotAgreed   Refusal = "purpose-not-agreed"
	FieldNotAgreed     Refusal = "field-not-agreed"
	CategoryNotAgreed  Refusal = "category-not-agreed"
	BrandNotAgreed     Refusal = "brand-not-agreed"
	NothingAsked       Refusal = "nothing-asked"
)

var refusals = map[Refusal]string{
	RecipientSuspended: "the recipient is suspended",
	RecipientWithdrew:  "the recipient said that it wants nothing more",
	NoAgreement:        "there is no agreement in force with the recipient",
	NotYetEffective:    "the agreement is not in force yet",
	AgreementEnded:     "the agreement has ended",
	AssessmentExpired:  "the assessment of the recipient has expired",
	PurposeNotAgreed:   "the purpose is not in the agreement",
	FieldNotAgreed:     "a field is not in the agreement",
	CategoryNotAgreed:  "a category of data is not in the agreement",
	BrandNotAgreed:     "the brand is not in the agreement",
	NothingAsked:       "no field was named",
}

// Words say a refusal in a sentence's words.
func (r Refusal) Words() string { return refusals[r] }

// A Request asks an agreement.
type Request struct {
	Purpose    thimble.Purpose
	Fields     []string
	Categories []thimble.Category // of data in the fields, when the caller knows more than names
	Brand      string
}

// Permits answers whether a recipient may get something under an agreement at an
// instant: "" for yes. A nil agreement is none. It is a pure function.
func (a *Agreement) Permits(r Recipient, q Request, at time.Time) Refusal {
	switch {
	case r.Status == Withdrew:
		return RecipientWithdrew
	case r.Status != Active:
		return RecipientSuspended
	case a == nil:
		return NoAgreement
	case at.Before(a.From):
		return NotYetEffective
	case !at.Before(a.Until):
		return AgreementEnded
	case !at.Before(a.Assessment.Expires):
		return AssessmentExpired
	case !has(a.Purposes, q.Purpose):
		return PurposeNotAgreed
	case len(q.Fields) == 0:
		return NothingAsked
	case !all(q.Fields, func(name string) bool { _, ok := a.Field(name); return ok }):
		return FieldNotAgreed
	case !all(q.Categories, func(c thimble.Category) bool { return has(a.Categories(q.Fields), c) }):
		return CategoryNotAgreed
	case len(a.Brands) > 0 && !has(a.Brands, q.Brand):
		return BrandNotAgreed
	}
	return ""
}
