package wire

import (
	"bytes"
	"crypto/ecdh"
	"crypto/hpke"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"thimble"
)

// A Suite is how an envelope is sealed: the key encapsulation of HPKE (RFC 9180) by
// name. Key derivation is HKDF-SHA256 and the cipher AES-256-GCM in all of them.
type Suite string

// The suites.
const (
	X25519 Suite = "x25519" // KEM 0x0020
	// Hybrid stays closed when either of its halves is broken, by a quantum computer or
	// by a mistake: X-Wing, KEM 0x647a of draft-ietf-hpke-pq.
	Hybrid Suite = "mlkem768-x25519"
)

func (s Suite) kem() hpke.KEM {
	switch s {
	case X25519:
		return hpke.DHKEM(ecdh.X25519())
	case Hybrid:
		return hpke.MLKEM768X25519()
	}
	return nil
}

// A SealingKey is a recipient's public key. Its text, "x25519:BASE64", is what the
// recipient hands over.
type SealingKey struct {
	suite Suite
	key   hpke.PublicKey
}

// ParseSealingKey reads the text of a public key.
func ParseSealingKey(text string) (SealingKey, error) {
	suite, b, err := splitKey(text)
	if err != nil {
		return SealingKey{}, err
	}
	key, err := suite.kem().NewPublicKey(b)
	if err == nil {
		// A point of low order is a key to read and none to seal to.
		_, _, err = hpke.NewSender(key, hpke.HKDFSHA256(), hpke.AES256GCM(), nil)
	}
	if err != nil {
		return SealingKey{}, fmt.Errorf("wire: sealing key: the bytes are no public key of %s: %w", suite, thimble.ErrInvalid)
	}
	return SealingKey{suite, key}, nil
}

func splitKey(text string) (Suite, []byte, error) {
	name, encoded, _ := strings.Cut(text, ":")
	b, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil || Suite(name).kem() == nil || strings.ContainsAny(encoded, "\r\n") {
		return "", nil, fmt.Errorf("wire: key: x25519: or mlkem768-x25519: and base64 was expected: %w", thimble.ErrInvalid)
	}
	return Suite(name), b, nil
}

// Text returns what ParseSealingKey reads.
func (k SealingKey) Text() string {
	if k.key == nil {
		return ""
	}
	return string(k.suite) + ":" + base64.StdEncoding.EncodeToString(k.key.Bytes())
}

// ID names the key in envelopes, so that a recipient that rotates knows which one to
// take: 16 hexadecimal digits of the hash of its text.
func (k SealingKey) ID() string {
	sum := sha256.Sum256([]byte(k.Text()))
	return hex.EncodeToString(sum[:8])
}

// An OpeningKey is the private half, which recipients keep. It prints as "[key]".
type OpeningKey struct {
	suite Suite
	key   hpke.PrivateKey
}

// NewOpeningKey draws a key, for tests and for recipients that use this package.
func NewOpeningKey(suite Suite) (OpeningKey, error) {
	kem := suite.kem()
	if kem == nil {
		return OpeningKey{}, fmt.Errorf("wire: opening key: x25519 or mlkem768-x25519 was expected: %w", thimble.ErrInvalid)
	}
	key, err := kem.GenerateKey()
	if err != nil {
		return OpeningKey{}, fmt.Errorf("wire: opening key: %w", err)
	}
	return OpeningKey{suite, key}, nil
}

// ParseOpeningKey reads the text of a private key. The error does not repeat it.
func ParseOpeningKey(text string) (OpeningKey, error) {
	suite, b, err := splitKey(text)
	if err != nil {
		return OpeningKey{}, err
	}
	key, err := suite.kem().NewPrivateKey(b)
	if err != nil {
		return OpeningKey{}, fmt.Errorf("wire: opening key: the bytes are no private key of %s: %w", suite, thimble.ErrInvalid)
	}
	return OpeningKey{suite, key}, nil
}

// Text returns what ParseOpeningKey reads.
func (k OpeningKey) Text() (string, error) {
	if k.key == nil {
		return "", fmt.Errorf("wire: opening key: there is none: %w", thimble.ErrInvalid)
	}
	b, err := k.key.Bytes()
	if err != nil {
		return "", fmt.Errorf("wire: opening key: %w", err)
	}
	return string(k.suite) + ":" + base64.StdEncoding.EncodeToString(b), nil
}

// Public returns the half to hand over.
func (k OpeningKey) Public() SealingKey {
	if k.key == nil {
		return SealingKey{}
	}
	return SealingKey{k.suite, k.key.PublicKey()}
}

// Format implements fmt.Formatter: a key is not printed.
func (OpeningKey) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[key]") }

// MarshalText implements encoding.TextMarshaler, and with it JSON and slog.
func (OpeningKey) MarshalText() ([]byte, error) { return []byte("[key]"), nil }

// A Binding says for whom and under what a message is sealed.
type Binding struct {
	Recipient thimble.ID // "rcp_…"
	Agreement thimble.ID // "agr_…"
}

// EnvelopeType is the media type of a sealed message.
const EnvelopeType = "application/vnd.thimble.envelope+json"

// maxEnvelope bounds what Open reads, in bytes.
const maxEnvelope = MaxBody/3*4 + 8192

// An Envelope is a sealed message as it is sent, in JSON. All but Sealed is in the
// clear, and none of it can be changed: HPKE's info is the lines "thimble envelope 1",
// suite, recipient, agreement and disclosure; the associated data is the lines message and
// type. Lines are separated by one line feed, without one at the end.
type Envelope struct {
	Version    int    `json:"v"` // 1
	Suite      Suite  `json:"suite"`
	Key        string `json:"key"` // SealingKey.ID
	Recipient  string `json:"recipient"`
	Agreement  string `json:"agreement"`
	Disclosure string `json:"disclosure"`
	Message    string `json:"message"`
	Type       string `json:"type"` // of what is inside
	Enc        []byte `json:"enc"`  // encapsulated key, base64
	Sealed     []byte `json:"sealed"`
}

func (e Envelope) info() []byte {
	return []byte(strings.Join([]string{"thimble envelope 1", string(e.Suite), e.Recipient, e.Agreement, e.Disclosure}, "\n"))
}

func (e Envelope) aad() []byte { return []byte(e.Message + "\n" + e.Type) }

// Seal returns the message that only the holder of the private half can read. It keeps
// its ids, and is sealed anew by each call: keep the result for the next try.
func Seal(to SealingKey, b Binding, m Message) (Message, error) {
	// Sealing is on the way out, and what is revealed goes into the cipher only.
	plain := m.Body.Reveal()
	kind, _, ok := mediaType(m.Type)
	if !ok || kind == EnvelopeType {
		return Message{}, fmt.Errorf("wire: sealing: type: a media type was expected, and not that of an envelope: %w", thimble.ErrInvalid)
	}
	if to.key == nil || b.Recipient.IsZero() || b.Agreement.IsZero() || m.Disclosure.IsZero() || m.ID.IsZero() || len(plain) > MaxBody {
		return Message{}, fmt.Errorf("wire: sealing: a key, all ids, and at most %d bytes were expected: %w", MaxBody, thimble.ErrInvalid)
	}
	e := Envelope{
		Version: 1, Suite: to.suite, Key: to.ID(),
		Recipient: b.Recipient.Token(recipientPrefix), Agreement: b.Agreement.Token(agreementPrefix),
		Disclosure: m.Disclosure.Token(disclosurePrefix), Message: m.ID.Token(messagePrefix), Type: m.Type,
	}
	enc, sender, err := hpke.NewSender(to.key, hpke.HKDFSHA256(), hpke.AES256GCM(), e.info())
	if err != nil {
		return Message{}, fmt.Errorf("wire: sealing: %w", err)
	}
	if e.Sealed, err = sender.Seal(e.aad(), plain); err != nil {
		return Message{}, fmt.Errorf("wire: sealing: %w", err)
	}
	e.Enc = enc
	text, err := json.Marshal(e)
	if err != nil {
		return Message{}, fmt.Errorf("wire: sealing: %w", err)
	}
	return Message{ID: m.ID, Disclosure: m.Disclosure, Type: EnvelopeType, Body: thimble.Hide(text)}, nil
}

// ParseEnvelope reads the JSON as Seal writes it, byte for byte: nothing may be added
// that is not under the seal.
func ParseEnvelope(text []byte) (Envelope, error) {
	var e Envelope
	if len(text) > maxEnvelope || json.Unmarshal(text, &e) != nil || e.Version != 1 || e.Suite.kem() == nil {
		return Envelope{}, denied("envelope: version 1 in JSON was expected")
	}
	again, err := json.Marshal(e)
	if err != nil || !bytes.Equal(again, text) {
		return Envelope{}, denied("envelope: it is not written as the sender writes it")
	}
	return e, nil
}

// Open reads an envelope with the recipient's key. A recipient compares the binding
// with what it has agreed to. Every failure is of kind ErrDenied.
func Open(key OpeningKey, text []byte) (Message, Binding, error) {
	e, err := ParseEnvelope(text)
	if err != nil {
		return Message{}, Binding{}, err
	}
	m, b, err := e.ids()
	if err != nil {
		return Message{}, Binding{}, denied("envelope: an id is misspelt")
	}
	if key.key == nil || e.Suite != key.suite || e.Key != key.Public().ID() {
		return Message{}, Binding{}, denied("envelope: it is sealed to another key")
	}
	r, err := hpke.NewRecipient(e.Enc, key.key, hpke.HKDFSHA256(), hpke.AES256GCM(), e.info())
	if err != nil {
		return Message{}, Binding{}, denied("envelope: the encapsulated key does not open")
	}
	plain, err := r.Open(e.aad(), e.Sealed)
	if err != nil {
		return Message{}, Binding{}, denied("envelope: it was changed, or is sealed to another key")
	}
	m.Body = thimble.Hide(plain)
	return m, b, nil
}

func (e Envelope) ids() (m Message, b Binding, err error) {
	m.Type = e.Type
	read := func(to *thimble.ID, prefix, text string) {
		id, parseErr := thimble.ParseID(prefix, text)
		if *to = id; parseErr != nil {
			err = parseErr
		}
	}
	read(&m.ID, messagePrefix, e.Message)
	read(&m.Disclosure, disclosurePrefix, e.Disclosure)
	read(&b.Recipient, recipientPrefix, e.Recipient)
	read(&b.Agreement, agreementPrefix, e.Agreement)
	return m, b, err
}
