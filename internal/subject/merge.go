package subject

import (
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf8"

	"thimble"
)

// MergePrefix is the prefix of a merge's id in text.
const MergePrefix = "mrg"

// A Ground is what a merge rests on.
type Ground string

// The grounds. Whoever shares a device is not one person for it, so ByDevice is
// known and always refused.
const (
	ByStaff    Ground = "staff"    // a member of staff compared what is known of both
	ByDeclared Ground = "declared" // the person said so, signed in to both
	ByAccount  Ground = "account"  // the shop's own system says that two numbers are one customer
	ByEmail    Ground = "email"    // one verified address
	ByPhone    Ground = "phone"    // one verified number
	ByDevice   Ground = "device"
)

// Evidence is why two subjects are one person.
type Evidence struct {
	Ground Ground
	By     string                   // who joined them: a staff account or a key's name
	Note   thimble.Personal[string] // in a few words; may be empty
}

const maxNote = 500

// Validate returns an error of kind thimble.ErrInvalid that names field and rule.
func (e Evidence) Validate() error {
	switch e.Ground {
	case ByStaff, ByDeclared, ByAccount, ByEmail, ByPhone:
	case ByDevice:
		return fmt.Errorf("subject: evidence: ground: a device is shared by several people and joins nobody; name an account, an e-mail, a phone or a statement: %w", thimble.ErrInvalid)
	default:
		return fmt.Errorf("subject: evidence: ground: one of staff, declared, account, email, phone was expected: %w", thimble.ErrInvalid)
	}
	if e.By == "" || len(e.By) > 120 {
		return fmt.Errorf("subject: evidence: by: 1 to 120 bytes were expected: %w", thimble.ErrInvalid)
	}
	// The note is revealed to be measured.
	if note := e.Note.Reveal(); len(note) > maxNote || !utf8.ValidString(note) {
		return fmt.Errorf("subject: evidence: note: at most %d bytes of UTF-8 were expected: %w", maxNote, thimble.ErrInvalid)
	}
	return nil
}

// A Refusal is why two subjects are not made one person.
type Refusal struct {
	Why  string // a sentence without its end, about "they"; nothing personal
	kind error
}

// Refuse returns a refusal of a kind of error.
func Refuse(why string, kind error) *Refusal { return &Refusal{Why: why, kind: kind} }

// Error implements error.
func (r *Refusal) Error() string { return r.Why + ": " + r.kind.Error() }

// Unwrap gives a refusal its kind.
func (r *Refusal) Unwrap() error { return r.kind }

// A Merge is a link: it says that two subjects are one person, and moves nothing. The
// survivor is the older of the two that were named.
type Merge = thimble.Merge

// A Regrouping is a merge that was made, or, when it has an end, undone: what a
// listener in the same transaction learns of it.
type Regrouping struct {
	Merge
	// Members are all subjects of the person that the merge made, or of the two
	// people that its end leaves.
	Members []thimble.SubjectID
}

// A MergeRecord is what the leaf of a merge, and of its end, commits to.
type MergeRecord struct {
	V        int               `json:"v"`
	Merge    string            `json:"merge"`
	What     string            `json:"what"` // "joined" or "parted"
	Survivor thimble.SubjectID `json:"survivor"`
	Absorbed thimble.SubjectID `json:"absorbed"`
	Ground   Ground            `json:"ground,omitempty"`
	By       string            `json:"by"`
	Note     string            `json:"note,omitempty"`
	At       time.Time         `json:"at"`
}

// Marshal returns the canonical form.
func (r MergeRecord) Marshal() ([]byte, error) { return json.Marshal(r) }

// ParseMergeRecord reads it.
func ParseMergeRecord(b []byte) (r MergeRecord, err error) {
	if err := json.Unmarshal(b, &r); err != nil || r.V != 1 {
		return MergeRecord{}, fmt.Errorf("subject: a merge of form 1 was expected: %w", thimble.ErrInvalid)
	}
	return r, nil
}

// MergeCell returns the cell in which a merge's record is sealed.
func MergeCell(survivor thimble.SubjectID, id thimble.ID) thimble.Cell {
	return thimble.Cell{Owner: survivor, Table: "subject_merges", Column: "sealed", Row: id[:], Category: thimble.AccountIdentifier}
}
