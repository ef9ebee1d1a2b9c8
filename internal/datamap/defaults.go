package datamap

import (
	"slices"
	"strings"
	"sync"

	"thimble"
)

// Operator is the controller where a table names no other: one installation is one
// controller.
const Operator = "the operator of this installation"

// EveryBrand stands for the brands of a table that names none.
const EveryBrand = "every brand of the installation"

// A Measure is a way in which a field is protected.
type Measure string

// The measures. Each is one that the code takes.
const (
	SealedByKey   Measure = "sealed under the person's own key (AES-256-GCM)"
	OpenedByGrant Measure = "opened by a grant of the gate, or for the person's own export"
	KeyShredded   Measure = "its key is destroyed with the person"
	KeyedHash     Measure = "only a keyed hash is kept"
	TokenHash     Measure = "only a hash of the token is kept"
	RandomID      Measure = "a random number that is derived from nothing"
	ByPseudonym   Measure = "kept beside a random number, never beside a name"
)

// A Risk is what it would do to a person if others learnt a value, before any
// measure.
type Risk string

// The risks.
const (
	LowRisk    Risk = "low"    // tells nothing without other data
	MediumRisk Risk = "medium" // tells habits, or leads to the person
	HighRisk   Risk = "high"   // cannot be taken back, or can be turned against the person
)

var (
	lowRisk = []thimble.Category{
		"user.unique_id.pseudonymous", "user.privacy_preferences", "user.contact.address.country", "thimble.access_record", "system",
	}
	highRisk = []thimble.Category{
		"user.biometric", "user.authorization.biometric", "user.authorization.password", "user.childrens", "user.criminal_history",
		"user.health_and_medical", "user.government_id", "user.financial", "user.payment", "user.location.precise",
		"user.content.private", "user.content.self_image", "user.demographic.political_opinion", "user.demographic.race_ethnicity",
		"user.demographic.religious_belief", "user.demographic.sexual_orientation",
		"thimble.body_measurements", "thimble.chat_transcript", "thimble.try_on_image",
	}
)

// All returns the map, in the order of its tables' names within each topic, with
// the defaults filled in. It is one value for all callers: do not change it.
func All() []Table { return complete() }

var complete = sync.OnceValue(func() []Table {
	all := slices.Clone(tables)
	for i := range all {
		all[i] = all[i].filled()
	}
	return all
})

func (t Table) filled() Table {
	if !t.Personal() {
		return t
	}
	if t.Controller == "" {
		t.Controller = Operator
	}
	if t.Brands == nil {
		t.Brands = []string{EveryBrand}
	}
	t.Fields = slices.Clone(t.Fields)
	for i, f := range t.Fields {
		if f.People == nil {
			f.People = []string{"customer"}
		}
		if f.Processors == nil {
			f.Processors = t.Processors
		}
		if f.Measures == nil {
			f.Measures = measures(f)
		}
		if f.Risk == "" {
			f.Risk = risk(f.Category)
		}
		t.Fields[i] = f
	}
	return t
}

func measures(f Field) []Measure {
	switch {
	case f.Sealed:
		return []Measure{SealedByKey, OpenedByGrant, KeyShredded}
	case f.Category == thimble.Pseudonym && !strings.HasSuffix(f.Column, "_at"):
		return []Measure{RandomID}
	}
	return []Measure{ByPseudonym}
}

func risk(c thimble.Category) Risk {
	within := func(d thimble.Category) bool { return c.Within(d) }
	switch {
	case slices.ContainsFunc(highRisk, within):
		return HighRisk
	case slices.ContainsFunc(lowRisk, within):
		return LowRisk
	}
	return MediumRisk
}
