package subject

import (
	"encoding/json"
	"fmt"
	"time"

	"thimble"
)

// A RelationKind says what two people have to do with each other.
type RelationKind string

// The kinds. Related people stay two: what is known of one is never shown to the
// other, and they cannot be merged.
const (
	Household RelationKind = "household" // they live together
	Recipient RelationKind = "recipient" // one sends presents to the other
	Guardian  RelationKind = "guardian"  // one answers for the other
)

// A Relation links two people without merging them. From is who sends, or who
// answers; of a household the order says nothing.
type Relation struct {
	From, To thimble.SubjectID
	Kind     RelationKind
	At       time.Time
}

// Validate returns an error of kind thimble.ErrInvalid that names field and rule.
func (r Relation) Validate() error {
	switch {
	case r.Kind != Household && r.Kind != Recipient && r.Kind != Guardian:
		return fmt.Errorf("subject: relation: kind: one of household, recipient, guardian was expected: %w", thimble.ErrInvalid)
	case r.From.IsZero() || r.To.IsZero() || r.From == r.To:
		return fmt.Errorf("subject: relation: two different people were expected: %w", thimble.ErrInvalid)
	}
	return nil
}

// A Part is one person's part in a relation: what they, and not the other, are told.
type Part struct {
	Kind RelationKind `json:"kind"`
	As   string       `json:"as"` // what this person is in it
	At   time.Time    `json:"at"`
}

// Parts returns what each of the two is in the relation.
func (r Relation) Parts() (from, to Part) {
	as := map[RelationKind][2]string{
		Household: {"of the same household", "of the same household"},
		Recipient: {"sends presents", "receives presents"},
		Guardian:  {answers, "has a guardian"},
	}[r.Kind]
	return Part{r.Kind, as[0], r.At.UTC()}, Part{r.Kind, as[1], r.At.UTC()}
}

const answers = "answers for somebody"

// Answers reports whether the person is the guardian in the relation, and not the child.
func (p Part) Answers() bool { return p.Kind == Guardian && p.As == answers }

// Bytes returns what is sealed.
func (p Part) Bytes() ([]byte, error) { return json.Marshal(p) }

// ParsePart reads it.
func ParsePart(plain []byte) (p Part, err error) {
	if err := json.Unmarshal(plain, &p); err != nil {
		return Part{}, fmt.Errorf("subject: a stored relation cannot be read: %w", thimble.ErrInvalid)
	}
	return p, nil
}

// RelationCell returns the cell in which one person's part is sealed.
func RelationCell(of, other thimble.SubjectID) thimble.Cell {
	row := append(append([]byte(nil), of[:]...), other[:]...)
	return thimble.Cell{Owner: of, Table: "subject_relations", Column: "sealed", Row: row, Category: RelationCategory}
}

// RelationCategory is the category of a relation.
const RelationCategory thimble.Category = "user.demographic"
