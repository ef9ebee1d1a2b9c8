package drp

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"thimble"
)

// Version is the version of the protocol that is spoken.
const Version = "1.0"

// MaxMessage bounds a message as it comes, in bytes.
const MaxMessage = 16 << 10

// MaxWindow is the longest time for which a message may be good: section 2.01 recommends
// no more than ten minutes.
const MaxWindow = 10 * time.Minute

// Skew is how far the agent's clock may be ahead of this one.
const Skew = 30 * time.Second

// A Refusal is the first rule of section 3.07 that a message breaks.
type Refusal string

// The rules, in the order in which they are checked.
const (
	NotDecoded    Refusal = "base64 of a signature and a document was expected"
	NotSigned     Refusal = "the signature is not the agent's"
	NotRead       Refusal = "a JSON object with the members of section 2 was expected"
	OtherAgent    Refusal = "agent-id: the agent that the token belongs to was expected"
	OtherBusiness Refusal = "business-id: another business is meant"
	NotYet        Refusal = "issued-at: it lies in the future"
	TooLate       Refusal = "expires-at: it has passed"
	TooLong       Refusal = "expires-at: at most ten minutes after issued-at were expected"
	OtherVersion  Refusal = "drp.version: 1.0 was expected"
)

// Error implements error.
func (r Refusal) Error() string { return "drp: " + string(r) }

// Is makes a refusal an error of kind ErrDenied when it is about who sends, and of kind
// ErrInvalid when it is about the message.
func (r Refusal) Is(target error) bool {
	switch r {
	case NotDecoded, NotSigned, OtherAgent, OtherBusiness:
		return target == thimble.ErrDenied
	}
	return target == thimble.ErrInvalid
}

// Fatal reports whether the same message will never be taken.
func (r Refusal) Fatal() bool { return r != NotYet }

// A Message is one whose signature was checked.
type Message struct {
	Document []byte
	// Digest is the SHA-256 of signature and document. It is the same however the base64
	// is spelt, so that a message that comes again is known.
	Digest [32]byte
}

// Open opens a message: base64 of an Ed25519 signature of 64 bytes and the document that
// it signs (section 3.07.1). The error is NotDecoded or NotSigned.
func Open(message []byte, key ed25519.PublicKey) (Message, error) {
	text := strings.TrimRight(string(bytes.TrimSpace(message)), "=")
	raw, err := base64.RawStdEncoding.Strict().DecodeString(text)
	if err != nil {
		raw, err = base64.RawURLEncoding.Strict().DecodeString(text)
	}
	if err != nil || len(message) > MaxMessage || len(raw) <= ed25519.SignatureSize {
		return Message{}, NotDecoded
	}
	if len(key) != ed25519.PublicKeySize || !ed25519.Verify(key, raw[ed25519.SignatureSize:], raw[:ed25519.SignatureSize]) {
		return Message{}, NotSigned
	}
	return Message{raw[ed25519.SignatureSize:], sha256.Sum256(raw)}, nil
}

// Sign makes a message of a document, as an agent does.
func Sign(key ed25519.PrivateKey, document []byte) []byte {
	raw := append(ed25519.Sign(key, document), document...)
	return []byte(base64.StdEncoding.EncodeToString(raw))
}

// An Envelope is what each signed message says of itself.
type Envelope struct {
	Agent    string
	Business string
	Issued   time.Time
	Expires  time.Time
	Version  string
}

type envelope struct {
	Agent    string `json:"agent-id"`
	Business string `json:"business-id"`
	Issued   string `json:"issued-at"`
	Expires  string `json:"expires-at"`
	Version  string `json:"drp.version"`
}

// ParseEnvelope reads what a document says of itself. The error is NotRead.
func ParseEnvelope(document []byte) (Envelope, error) {
	var in envelope
	if json.Unmarshal(document, &in) != nil {
		return Envelope{}, NotRead
	}
	return in.read()
}

func (in envelope) read() (e Envelope, err error) {
	e = Envelope{Agent: in.Agent, Business: in.Business, Version: in.Version}
	if e.Issued, err = instant(in.Issued); err == nil {
		e.Expires, err = instant(in.Expires)
	}
	if err != nil {
		return Envelope{}, NotRead
	}
	return e, nil
}

// layouts are the spellings of ISO 8601 that are taken. Agents in Python write no zone,
// or none with a colon.
var layouts = []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02T15:04:05.999999999-0700", "2006-01-02 15:04:05.999999999-07:00", "2006-01-02 15:04:05.999999999"}

// instant reads a timestamp; one without a zone is in UTC.
func instant(text string) (time.Time, error) {
	for _, l := range layouts {
		if t, err := time.Parse(l, text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("drp: an ISO 8601 timestamp was expected: %w", thimble.ErrInvalid)
}

// Check holds an envelope against who sends it and the clock, in the order of section
// 3.07. The error is a Refusal.
func (e Envelope) Check(agent, business string, now time.Time) error {
	switch {
	case e.Agent != agent:
		return OtherAgent
	case e.Business != business:
		return OtherBusiness
	case now.Add(Skew).Before(e.Issued):
		return NotYet
	case !now.Before(e.Expires):
		return TooLate
	case e.Expires.Sub(e.Issued) > MaxWindow:
		return TooLong
	case e.Version != "1" && !strings.HasPrefix(e.Version, "1.") && !strings.HasPrefix(e.Version, "0.9"):
		return OtherVersion
	}
	return nil
}
