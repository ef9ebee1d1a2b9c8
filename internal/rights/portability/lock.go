package portability

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"fmt"
	"io"
	"strings"

	"filippo.io/age"

	"thimble"
)

// A Ticket is good for one file. Whoever has it has the words that open the file; only its
// digest is kept.
type Ticket [16]byte

// NewTicket draws one.
func NewTicket() (t Ticket, err error) {
	_, err = rand.Read(t[:])
	return t, err
}

// ParseTicket reads what String wrote; the error is of kind ErrNotFound.
func ParseTicket(text string) (t Ticket, err error) {
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(b) != len(t) {
		return t, fmt.Errorf("portability: no such ticket: %w", thimble.ErrNotFound)
	}
	copy(t[:], b)
	return t, nil
}

// String returns the ticket for a form.
func (t Ticket) String() string { return base64.RawURLEncoding.EncodeToString(t[:]) }

// Digest is what is kept of a ticket.
func (t Ticket) Digest() [sha256.Size]byte { return sha256.Sum256(t[:]) }

// letters are those of Crockford's base32: none looks like another.
var letters = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// Words are what opens the file: five groups of five letters, and one.
func (t Ticket) Words() (string, error) {
	key, err := hkdf.Key(sha256.New, t[:], nil, "thimble words of a locked file v1", 16)
	if err != nil {
		return "", fmt.Errorf("portability: deriving words: %w", err)
	}
	text := letters.EncodeToString(key)
	var groups []string
	for len(text) > 5 {
		groups, text = append(groups, text[:5]), text[5:]
	}
	return strings.Join(append(groups, text), "-"), nil
}

// workFactor is low, because the words are drawn and not thought up: nobody tries 2^128.
const workFactor = 10

// Lock returns a writer that seals what is written to it, in the format of age v1, until it
// is closed.
func Lock(w io.Writer, words string) (io.WriteCloser, error) {
	r, err := age.NewScryptRecipient(words)
	if err != nil {
		return nil, fmt.Errorf("portability: locking: %w", err)
	}
	r.SetWorkFactor(workFactor)
	sealed, err := age.Encrypt(w, r)
	if err != nil {
		return nil, fmt.Errorf("portability: locking: %w", err)
	}
	return sealed, nil
}
