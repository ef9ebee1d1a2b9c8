package cases

import (
	"time"

	"thimble"
)

// A Fix is a correction that was asked for: which value is wrong, and what is right. It is
// sealed with the words of the first step, whose hash covers it.
type Fix struct {
	Subject  string           `json:"subject"` // whose value it is, of the person's subjects
	Holder   string           `json:"holder"`
	Name     string           `json:"name"`
	Ref      string           `json:"ref,omitempty"`
	Choice   string           `json:"choice"`
	Value    string           `json:"value,omitempty"`
	Title    string           `json:"title"` // what the value is, for people
	Was      string           `json:"was"`   // the value, as it was shown
	Right    string           `json:"right"` // what is right, for people
	Category thimble.Category `json:"category"`
	Since    time.Time        `json:"since"` // since when the value was held
}

// About names what is to be corrected, and nothing of the value.
func (f Fix) About() string { return f.Holder + "/" + f.Name + "/" + f.Ref }

// Correction is what the holder is asked.
func (f Fix) Correction() (c thimble.Correction, err error) {
	who, err := thimble.ParseSubjectID(f.Subject)
	return thimble.Correction{Subject: who, Name: f.Name, Ref: f.Ref, Choice: f.Choice, Value: thimble.Hide(f.Value), Was: thimble.Hide(f.Was)}, err
}

// Fixable reports whether a kind of request can ask for a correction of one value.
func (k Kind) Fixable() bool { return k == Rectify || k == Rescore }

// Verb is what has to be done before the case is fulfilled: a correction of one value is
// executed, and one in words is answered.
func (c Case) Verb() Verb {
	if c.Fix != "" {
		return Executed
	}
	return c.Kind.nature().Verb
}
