package cases

import (
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf8"

	"thimble"
)

// MaxText bounds what somebody may write at a step, in characters.
const MaxText = 2000

// A Step is what a leaf of the ledger commits to: that something happened to a case.
// It says who by their part, never by name, and of words that were written only the
// keyed hash.
type Step struct {
	V      int       `json:"v"`
	Case   string    `json:"case"`
	N      int       `json:"step"` // 1 is the first
	Kind   Kind      `json:"kind"`
	Via    Via       `json:"via"`
	What   What      `json:"what"`
	State  State     `json:"state"` // after it
	At     time.Time `json:"at"`
	By     string    `json:"by"`
	Due    time.Time `json:"due"`
	Rule   string    `json:"rule"`
	Proof  Proof     `json:"proof,omitempty"`
	Ground Ground    `json:"ground,omitempty"`
	Law    string    `json:"law,omitempty"` // of the ground
	Work   []Work    `json:"work,omitempty"`
	Void   []string  `json:"void,omitempty"`  // what no law counts
	Tasks  []Task    `json:"tasks,omitempty"` // of systems outside
	Part   Part      `json:"part,omitempty"`
	Words  string    `json:"words_hmac_sha256,omitempty"`
	Agency           // at the first step, and where permission was shown
}

// StepOf describes the newest step of a case.
func StepOf(c Case, e Event) Step {
	s := Step{V: 1, Case: c.ID.Token(TokenPrefix), N: c.Steps, Kind: c.Kind, Via: c.Via, What: e.What, State: c.State, At: c.Last, By: e.By, Due: c.Due, Rule: c.Rule}
	switch e.What {
	case Opened, Permitted:
		s.Agency = c.Agency
	case Proved:
		s.Proof = c.Proof
	case Declined:
		s.Ground = c.Ground
		if r, ok := ReasonOf(c.Ground); ok {
			s.Law = r.Law
		}
	case Accepted, Completed, Awaited:
		s.Work, s.Tasks = c.Work, e.Tasks
	case Heard:
		s.Tasks = e.Tasks
	case InPart:
		s.Part = c.Part
	case Asked, Questioned, Prolonged:
		s.Void = c.Void
	}
	return s
}

// Marshal returns the canonical form, to which the ledger's leaf commits.
func (s Step) Marshal() ([]byte, error) {
	b, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("cases: writing a step: %w", err)
	}
	return b, nil
}

// UnmarshalStep reads the canonical form.
func UnmarshalStep(b []byte) (s Step, err error) {
	if err = json.Unmarshal(b, &s); err != nil {
		return s, fmt.Errorf("cases: reading a step: %w: %w", err, thimble.ErrInvalid)
	}
	return s, nil
}

// CheckText refuses words that are none, or too many.
func CheckText(text string) error {
	if !utf8.ValidString(text) || utf8.RuneCountInString(text) > MaxText {
		return invalid("text: at most %d characters were expected", MaxText)
	}
	return nil
}
