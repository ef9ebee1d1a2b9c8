package rights

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"thimble"
	"thimble/internal/rights/certificate"
)

// A Kind is what is asked for.
type Kind string

// The kinds.
const (
	Access   Kind = "access"   // GDPR Art. 15, 20
	Erase    Kind = "erase"    // GDPR Art. 17
	Restrict Kind = "restrict" // GDPR Art. 18
	Lift     Kind = "lift"     // the end of a restriction, GDPR Art. 18(3)
	Object   Kind = "object"   // GDPR Art. 21
	Expire   Kind = "expire"   // GDPR Art. 5(1)(e); asked by the shop, about everybody
	Merge    Kind = "merge"    // two customers are one person
	Unmerge  Kind = "unmerge"  // they are two after all
	Rectify  Kind = "rectify"  // GDPR Art. 16, 19
)

// Kinds are all kinds, in the order in which pages list them.
func Kinds() []Kind {
	return []Kind{Access, Erase, Restrict, Lift, Object, Expire, Merge, Unmerge, Rectify}
}

// A State is where a request stands.
type State string

// The states.
const (
	Executing State = "executing"
	Fulfilled State = "fulfilled"
	// Refused is a request that could not be done: the report says why.
	Refused State = "refused"
)

// TokenPrefix is the prefix of a request's id in text.
const TokenPrefix = "req"

// A Request is what a person asked for, and what was done.
type Request struct {
	ID      thimble.ID
	Subject thimble.SubjectID // zero once an erasure is done, and of an expiry
	// Others are who else is concerned while the request is open: the other members
	// of the person, or, the absorbed first, whom they are or were merged with. Nothing
	// keeps them afterwards.
	Others []thimble.SubjectID
	Kind   Kind
	State  State
	At     time.Time
	Done   time.Time
	Report Report
}

// concerned are all whom the request is about.
func (r Request) concerned() []thimble.SubjectID {
	return append([]thimble.SubjectID{r.Subject}, r.Others...)
}

// A Report says what was done: holders, counts and hashes, nothing personal.
type Report struct {
	Request string       `json:"request"`
	Kind    Kind         `json:"kind"`
	At      time.Time    `json:"at"`
	Holders []HolderLine `json:"holders"`
	KeyHash string       `json:"key_sha256,omitempty"` // of the destroyed key
	// OtherKeys are the hashes of the keys of the person's other members.
	OtherKeys []string `json:"other_keys_sha256,omitempty"`
	// Again says that the person had been erased, and that a backup brought them back.
	Again bool `json:"again,omitempty"`
	// Held says that a law has the shop keep something of the person still: the keys live,
	// there is no certificate, and the erasure is done again when that is released.
	Held bool `json:"held,omitempty"`
	// Resumed says that the request was interrupted: what was done before that is not
	// in the counts.
	Resumed bool    `json:"resumed,omitempty"`
	Models  *Models `json:"models,omitempty"`
	// Scanned says that the files were read after the keys were destroyed, and none found.
	Scanned bool `json:"files_scanned,omitempty"`
	// Versions are those of models that were kept before an erasure, and after.
	Versions []certificate.Model `json:"model_versions,omitempty"`
	// Backups says until when a backup of before an erasure can be opened.
	Backups *certificate.Backups `json:"backups,omitempty"`
	// Beyond is what the certificate of an erasure does not cover.
	Beyond []string `json:"not_covered,omitempty"`
	// Snapshot is the state that an archive shows.
	Snapshot *Snapshot `json:"snapshot,omitempty"`
	// Purpose is what an objection is to.
	Purpose thimble.Purpose `json:"purpose,omitempty"`
	// Category and Before say what expired.
	Category thimble.Category `json:"category,omitempty"`
	Before   time.Time        `json:"before,omitzero"`
	// Link is the merge that was made or undone, which stood from Since until Until.
	Link  string    `json:"merge,omitempty"`
	Since time.Time `json:"since,omitzero"`
	Until time.Time `json:"until,omitzero"`
	// Case is what a correction answers, Holder who holds the value. Category is the
	// value's, and what was decided from Since, when it was held first, and before Until
	// may have been decided by it.
	Case   string `json:"case,omitempty"`
	Holder string `json:"holder,omitempty"`
	// Decisions are those that the wrong value fed, Told who has it.
	Decisions *Rescored               `json:"decisions,omitempty"`
	Told      []certificate.Recipient `json:"told,omitempty"`
	// Refused says why nothing was done.
	Refused string `json:"refused,omitempty"`
}

// A Snapshot names the state that an export shows: all of it is as it was committed
// at one instant, At or a moment earlier.
type Snapshot struct {
	Name string    `json:"name"`
	At   time.Time `json:"at"`
}

// A HolderLine is one holder's part in a request.
type HolderLine struct {
	Holder string         `json:"holder"`
	Count  int            `json:"count"`
	Kept   []thimble.Kept `json:"kept,omitempty"`
}

// Models are the hashes of the serving model before and after an erasure. None after
// means that it was withdrawn, and that one without the person follows.
type Models struct {
	Before string `json:"before_sha256"`
	After  string `json:"after_sha256"`
}

// Marshal returns the canonical form, to which the ledger's leaf commits.
func (r Report) Marshal() ([]byte, error) {
	b, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("rights: writing a report: %w", err)
	}
	return b, nil
}

// A Store keeps requests.
type Store interface {
	// Begin keeps a new request, of which Kind, Subject, Others, Report and, if the
	// caller has drawn one, ID are given. Instead it returns
	//
	//   - the first access request of the person's day, also when it is done;
	//   - an erasure, restriction or lifting of the person that is still open.
	//
	// The error is of kind ErrNotFound for somebody unknown or forgotten, ErrConflict
	// for a restriction and a lifting at the same time.
	Begin(ctx context.Context, r Request) (Request, error)
	// Note keeps what was found out so far.
	Note(ctx context.Context, r Request) error
	// Finish closes the request with its leaf, once: else the error is of kind
	// ErrConflict.
	Finish(ctx context.Context, r Request) error
	Open(ctx context.Context) ([]Request, error)
}
