package subject

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"thimble"
)

// An AgeState says whether a person is grown up.
type AgeState string

// The states. Unknown is not adult: where the law asks for an adult, it is no.
const (
	AgeUnknown AgeState = "unknown"
	AgeAdult   AgeState = "adult"
	AgeMinor   AgeState = "minor"
)

// AgeCategory is the category of a person's age state.
const AgeCategory thimble.Category = "user.demographic.age_range"

// An Age is an age state and how we know. The zero value is unknown. No date of
// birth is kept: the state is what rules ask for.
type Age struct {
	State    AgeState  `json:"state"`
	Evidence string    `json:"evidence,omitempty"` // such as "declared" or "payment"
	At       time.Time `json:"at,omitzero"`        // when the evidence was seen
}

// Adult reports whether the person is known to be grown up.
func (a Age) Adult() bool { return a.State == AgeAdult }

// Minor reports whether the person is known not to be.
func (a Age) Minor() bool { return a.State == AgeMinor }

// Validate returns an error of kind thimble.ErrInvalid that names field and rule.
func (a Age) Validate() error {
	switch {
	case a.State != AgeUnknown && a.State != AgeAdult && a.State != AgeMinor:
		return fmt.Errorf("subject: age: state: one of unknown, adult, minor was expected: %w", thimble.ErrInvalid)
	case a.State != AgeUnknown && a.Evidence == "" || len(a.Evidence) > 64:
		return fmt.Errorf("subject: age: evidence: 1 to 64 bytes were expected: %w", thimble.ErrInvalid)
	}
	return nil
}

// AgeCell returns the cell in which a person's age state is sealed.
func AgeCell(s thimble.SubjectID) thimble.Cell {
	return thimble.Cell{Owner: s, Table: "subject_subjects", Column: "age", Row: s[:], Category: AgeCategory}
}

// OpenAge opens the stored age of one of the grant's subjects. None is unknown.
func OpenAge(ctx context.Context, grant thimble.Grant, of thimble.SubjectID, sealed []byte) (Age, error) {
	if sealed == nil {
		return Age{State: AgeUnknown}, nil
	}
	plain, err := grant.Open(ctx, AgeCell(of), sealed)
	if err != nil {
		return Age{}, fmt.Errorf("subject: age of a person: %w", err)
	}
	return ParseAge(plain)
}

// ParseAge reads what [Age.Bytes] wrote.
func ParseAge(plain []byte) (a Age, err error) {
	if err := json.Unmarshal(plain, &a); err != nil {
		return Age{}, fmt.Errorf("subject: a stored age cannot be read: %w", thimble.ErrInvalid)
	}
	return a, nil
}

// Bytes returns what is sealed.
func (a Age) Bytes() ([]byte, error) {
	a.At = a.At.UTC()
	return json.Marshal(a)
}

// Younger returns the age state of a person with both: a minor anywhere is a minor,
// and one is an adult only where all evidence says so.
func Younger(a, b Age) Age {
	rank := func(x Age) int {
		switch x.State {
		case AgeMinor:
			return 2
		case AgeAdult:
			return 0
		}
		return 1
	}
	switch ra, rb := rank(a), rank(b); {
	case ra > rb, ra == rb && !b.At.After(a.At):
		return a
	}
	return b
}
