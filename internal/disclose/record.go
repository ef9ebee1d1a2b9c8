package disclose

import (
	"encoding/json"
	"fmt"
	"time"

	"thimble"
)

// Kinds of message.
const (
	DataMessage   = "data"   // rows about people, or about nobody
	LetterMessage = "letter" // a mail to one person
	// LastLetter is a mail to somebody who is being erased. It is sealed by the installation,
	// names nobody in the outbox, and is destroyed once it was sent or could not be.
	LastLetter   = "last-letter"
	EraseMessage = "erase" // tells a recipient to erase a person
	// CorrectMessage tells a recipient that something it was sent about a person was wrong.
	CorrectMessage = "correct"
)

// Owed reports whether a kind of message is a duty that outlives the agreement: who has data
// is told of its erasure and correction (GDPR Art. 19).
func Owed(kind string) bool { return kind == EraseMessage || kind == CorrectMessage }

// A Record is what the leaf of a disclosure commits to: for one person, that
// something about them was to go to a recipient. It says which fields, not their values.
type Record struct {
	V          int                `json:"v"`
	Message    string             `json:"message"`
	Disclosure string             `json:"disclosure"`
	Kind       string             `json:"kind"`
	Subject    string             `json:"subject,omitempty"` // absent where nobody is concerned
	Recipient  RecordRecipient    `json:"recipient"`
	Agreement  string             `json:"agreement,omitempty"`
	Act        Act                `json:"act"`
	Purpose    thimble.Purpose    `json:"purpose"`
	Basis      string             `json:"basis,omitempty"`
	Pack       string             `json:"pack,omitempty"`
	Cite       string             `json:"cite,omitempty"`
	Fields     []string           `json:"fields"`
	Categories []thimble.Category `json:"categories"`
	Retention  int                `json:"retention_days"`
	At         time.Time          `json:"at"`
}

// A RecordRecipient names a recipient as it was called then.
type RecordRecipient struct {
	ID        string   `json:"id"`
	Name      string   `json:"name"`
	Kind      Kind     `json:"kind"`
	Countries []string `json:"countries"`
}

// Marshal returns the canonical form.
func (r Record) Marshal() ([]byte, error) {
	b, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("disclose: writing a record: %w", err)
	}
	return b, nil
}

// ParseRecord reads the canonical form.
func ParseRecord(b []byte) (r Record, err error) {
	if err := json.Unmarshal(b, &r); err != nil || r.V != 1 {
		return r, fmt.Errorf("disclose: reading a record: form 1 was expected: %w", thimble.ErrInvalid)
	}
	return r, nil
}

// A Part is what a message holds about one person, until it was sent.
type Part struct {
	Lines  []json.RawMessage `json:"lines,omitempty"`
	Letter *SealedLetter     `json:"letter,omitempty"`
}

// A SealedLetter is a letter on its way, inside a seal.
type SealedLetter struct {
	To          string `json:"to"`
	Subject     string `json:"subject"`
	Text        string `json:"text"`
	HTML        string `json:"html"`
	Unsubscribe string `json:"unsubscribe"`
}

// A Letter is a mail to one person.
type Letter struct {
	To          thimble.SubjectID
	Address     thimble.Personal[string]
	Purpose     thimble.Purpose
	Fields      []string // as the agreement with the mail server names them; nil: address and letter
	Subject     string
	Text        thimble.Personal[string]
	HTML        thimble.Personal[string]
	Unsubscribe thimble.Personal[string] // RFC 8058; "" for what the person asked for
}

// An Acknowledgement is the JSON by which a recipient confirms a message: the body of
// its answer, or of a signed post to the address for confirmations.
type Acknowledgement struct {
	Acknowledged string `json:"acknowledged"` // the message's id
}

// An AgreementState is where an agreement stands.
type AgreementState string

// The states of an agreement.
const (
	Waiting    AgreementState = "waiting" // loosens; a second member of staff is to accept it
	InForce    AgreementState = "in-force"
	Superseded AgreementState = "superseded"
	Rejected   AgreementState = "rejected"
	Ended      AgreementState = "ended" // by hand, before its time
)

// A Signed agreement is one version with a recipient.
type Signed struct {
	ID          thimble.ID
	Recipient   thimble.ID
	Version     int64
	State       AgreementState
	Text        string
	Agreement   Agreement
	Loosens     []string
	SubmittedBy string
	SubmittedAt time.Time
}

// A Refused is the error of a disclosure that an agreement does not permit.
type Refused struct{ Why Refusal }

// Error implements error.
func (e *Refused) Error() string { return "disclose: " + e.Why.Words() }

// Is makes it an error of kind thimble.ErrDenied.
func (e *Refused) Is(target error) bool { return target == thimble.ErrDenied }

// The feeds that recipients may get.
const (
	OrderFeed     = "orders"
	CatalogueFeed = "catalogue"
)

// Feeds are all of them.
var Feeds = []string{OrderFeed, CatalogueFeed}
