package till

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"io"
	"slices"
	"time"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/consent/till/signed"
	"thimble/internal/subject"
)

// Form is the version of the format.
const Form = "consent-batch/v1"

// Limits of a batch.
const (
	MaxEntries = 500
	MaxBytes   = 1 << 20
	skew       = signed.Skew
)

var form = signed.Form{
	Package: "till", Version: Form, Domain: "thimble.consent-batch.v1\n", One: "an entry", Many: "entries",
	Most: MaxEntries, MaxBytes: MaxBytes, MaxLine: 4 << 10,
}

// A Header opens a batch.
type Header struct {
	Form     string    `json:"thimble"`
	Till     string    `json:"till"`
	Key      string    `json:"key"`      // the id of the key, by KeyID
	Notice   string    `json:"notice"`   // SHA-256 of the text that the till shows, in hex
	Sequence int64     `json:"sequence"` // 1, 2, … per till, each once
	Created  time.Time `json:"created_at"`
	Entries  int       `json:"entries"`
}

// An Entry is one choice of one person.
type Entry struct {
	Kind     subject.Kind      `json:"kind"`  // of the identifier
	Value    string            `json:"value"` // the identifier
	Purposes []thimble.Purpose `json:"purposes"`
	Choice   consent.State     `json:"choice"`
	At       time.Time         `json:"at"`
	Notice   string            `json:"notice"` // the text that was shown
}

// A Batch is what was read.
type Batch struct {
	Header
	Entries   []Entry
	signature []byte
}

// KeyID returns the id of a till's key.
func KeyID(k ed25519.PublicKey) string { return signed.KeyID(k) }

// CheckName refuses a till's name of another form.
func CheckName(name string) error {
	if !signed.Name(name) {
		return fmt.Errorf("till: name: up to 63 small letters, digits and hyphens were expected: %w", thimble.ErrInvalid)
	}
	return nil
}

// ParseKey reads a public key in standard base64.
func ParseKey(text string) (ed25519.PublicKey, error) {
	b, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || len(b) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("till: key: %d bytes in base64 were expected, the till's Ed25519 public key: %w", ed25519.PublicKeySize, thimble.ErrInvalid)
	}
	return b, nil
}

func opening(h Header) signed.Opening {
	return signed.Opening{Form: h.Form, Till: h.Till, Key: h.Key, Sequence: h.Sequence, Created: h.Created, Entries: h.Entries}
}

// Read reads a batch; it does not verify it.
func Read(r io.Reader) (*Batch, error) {
	h, all, signature, err := signed.Read[Header, Entry](form, r, opening)
	if err != nil {
		return nil, err
	}
	return &Batch{Header: h, Entries: all, signature: signature}, nil
}

// Canonical returns what is signed: a word for what it is, then header and entries as
// JSON without blanks, keys in the order of the types here, times in UTC, a line each.
func (b *Batch) Canonical() ([]byte, error) {
	h := b.Header
	h.Created = h.Created.UTC()
	all := slices.Clone(b.Entries)
	for i := range all {
		all[i].At = all[i].At.UTC()
	}
	return signed.Canonical(form, h, all)
}

// Sign closes a batch and writes it, as a till does.
func Sign(w io.Writer, h Header, entries []Entry, key ed25519.PrivateKey) error {
	public, _ := key.Public().(ed25519.PublicKey) // as the type promises
	h.Form, h.Key, h.Entries = Form, KeyID(public), len(entries)
	if err := form.Check(opening(h), len(entries)); err != nil {
		return err
	}
	text, err := (&Batch{Header: h, Entries: entries}).Canonical()
	if err != nil {
		return err
	}
	return form.Write(w, text, key)
}
