package wire

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"thimble"
)

// The headers of Standard Webhooks 1.0.0.
const (
	HeaderID        = "Webhook-Id"
	HeaderTimestamp = "Webhook-Timestamp"
	HeaderSignature = "Webhook-Signature"
)

// Tolerance is how far the time of a webhook may lie from the clock of who verifies.
const Tolerance = 5 * time.Minute

// Bounds of what is verified: a header longer than that is an attack or a mistake.
const (
	maxSignatures = 16
	maxHeader     = 4096 // bytes
	maxID         = 256  // bytes
)

// A SigningKey signs webhooks, or only verifies them. It prints as "[key]".
type SigningKey struct {
	secret  []byte             // whsec_: HMAC-SHA256, "v1"
	private ed25519.PrivateKey // whsk_: "v1a"
	public  ed25519.PublicKey  // whpk_ and whsk_
}

// NewSecret draws a symmetric key of 32 bytes from r, or from crypto/rand when r is nil.
func NewSecret(r io.Reader) (SigningKey, error) {
	b, err := draw(r, 32)
	return SigningKey{secret: b}, err
}

// NewKeyPair draws an Ed25519 pair. The recipient gets [SigningKey.Public] only.
func NewKeyPair(r io.Reader) (SigningKey, error) {
	seed, err := draw(r, ed25519.SeedSize)
	if err != nil {
		return SigningKey{}, err
	}
	return pair(seed), nil
}

func draw(r io.Reader, n int) ([]byte, error) {
	if r == nil {
		r = rand.Reader
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, fmt.Errorf("wire: drawing a key: %w", err)
	}
	return b, nil
}

func pair(seed []byte) SigningKey {
	private := ed25519.NewKeyFromSeed(seed)
	return SigningKey{private: private, public: private.Public().(ed25519.PublicKey)}
}

// ParseSigningKey reads "whsec_", "whsk_" or "whpk_" and base64. A symmetric secret has 24
// to 64 bytes, a private key is the seed of 32 or seed and public half of 64. The error
// does not repeat the text.
func ParseSigningKey(text string) (SigningKey, error) {
	kind, rest, _ := strings.Cut(text, "_")
	b, err := base64.StdEncoding.Strict().DecodeString(rest)
	if err != nil || strings.ContainsAny(rest, "\r\n") { // which the decoder skips
		return SigningKey{}, fmt.Errorf("wire: signing key: base64 was expected behind whsec_, whsk_ or whpk_: %w", thimble.ErrInvalid)
	}
	switch n := len(b); {
	case kind == "whsec" && n >= 24 && n <= 64:
		return SigningKey{secret: b}, nil
	case kind == "whsk" && n == ed25519.SeedSize:
		return pair(b), nil
	case kind == "whsk" && n == ed25519.PrivateKeySize:
		if k := pair(b[:ed25519.SeedSize]); bytes.Equal(k.private, b) {
			return k, nil
		}
	case kind == "whpk" && n == ed25519.PublicKeySize:
		return SigningKey{public: ed25519.PublicKey(b)}, nil
	}
	return SigningKey{}, fmt.Errorf("wire: signing key: whsec_ with 24 to 64 bytes, whsk_ with 32 or 64, or whpk_ with 32 was expected: %w", thimble.ErrInvalid)
}

// Text returns the whole key as the specification writes it, to be sealed or shown once.
func (k SigningKey) Text() string {
	encode := base64.StdEncoding.EncodeToString
	switch {
	case k.secret != nil:
		return "whsec_" + encode(k.secret)
	case k.private != nil:
		return "whsk_" + encode(k.private.Seed())
	}
	return k.Public()
}

// Public returns the half that verifies, "whpk_…"; "" for a symmetric key.
func (k SigningKey) Public() string {
	if k.public == nil {
		return ""
	}
	return "whpk_" + base64.StdEncoding.EncodeToString(k.public)
}

// IsZero reports whether k is no key.
func (k SigningKey) IsZero() bool { return k.secret == nil && k.public == nil }

// Format implements fmt.Formatter: a key is not printed.
func (SigningKey) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[key]") }

// MarshalText implements encoding.TextMarshaler, and with it JSON and slog.
func (SigningKey) MarshalText() ([]byte, error) { return []byte("[key]"), nil }

// sign returns one signature with its version; "" when k only verifies.
func (k SigningKey) sign(content []byte) string {
	encode := base64.StdEncoding.EncodeToString
	switch {
	case k.secret != nil:
		return "v1," + encode(k.mac(content))
	case k.private != nil:
		return "v1a," + encode(ed25519.Sign(k.private, content))
	}
	return ""
}

func (k SigningKey) mac(content []byte) []byte {
	m := hmac.New(sha256.New, k.secret)
	m.Write(content)
	return m.Sum(nil)
}

func (k SigningKey) verifies(version string, signature, content []byte) bool {
	switch version {
	case "v1":
		return k.secret != nil && hmac.Equal(signature, k.mac(content))
	case "v1a":
		return k.public != nil && len(signature) == ed25519.SignatureSize && ed25519.Verify(k.public, content, signature)
	}
	return false
}

// content is what is signed: id.timestamp.body. The id holds no full stop, so that no
// other split of the same bytes exists.
func content(id, timestamp string, body []byte) []byte {
	return append([]byte(id+"."+timestamp+"."), body...)
}

// Sign returns the three headers. During a rotation several keys sign: the
// recipient verifies with the one it has.
func Sign(id string, at time.Time, body []byte, keys ...SigningKey) (http.Header, error) {
	if !plainID(id) {
		return nil, fmt.Errorf("wire: signing: an id of letters, digits, _ and - was expected: %w", thimble.ErrInvalid)
	}
	timestamp := strconv.FormatInt(at.Unix(), 10)
	var all []string
	for _, k := range keys {
		if s := k.sign(content(id, timestamp, body)); s != "" {
			all = append(all, s)
		}
	}
	if len(all) == 0 || len(all) != len(keys) || len(all) > maxSignatures {
		return nil, fmt.Errorf("wire: signing: 1 to %d keys that can sign were expected: %w", maxSignatures, thimble.ErrInvalid)
	}
	return http.Header{HeaderID: {id}, HeaderTimestamp: {timestamp}, HeaderSignature: {strings.Join(all, " ")}}, nil
}

// plainID accepts what our tokens consist of, and no full stop.
func plainID(id string) bool {
	if id == "" || len(id) > maxID {
		return false
	}
	for _, c := range []byte(id) {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-') {
			return false
		}
	}
	return true
}

// Verify checks a webhook that came in: that one of the signatures is by one of the keys,
// and that its time is within [Tolerance] of now. It returns the id, which the caller
// keeps at least as long, to refuse a replay. Every failure is of kind ErrDenied.
func Verify(h http.Header, body []byte, now time.Time, keys ...SigningKey) (id string, err error) {
	id, timestamp, signatures, err := headers(h)
	if err != nil {
		return "", err
	}
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || strconv.FormatInt(seconds, 10) != timestamp || seconds < 0 || seconds > 1<<40 {
		return "", denied("webhook-timestamp: seconds since 1970 were expected")
	}
	if off := now.Sub(time.Unix(seconds, 0)); off > Tolerance || off < -Tolerance {
		return "", denied("webhook-timestamp: it lies more than 5 minutes from our clock")
	}
	signed := content(id, timestamp, body)
	for part := range strings.SplitSeq(signatures, " ") {
		version, encoded, _ := strings.Cut(part, ",")
		signature, err := base64.StdEncoding.Strict().DecodeString(encoded)
		if err != nil || len(signature) == 0 {
			continue // of a version that is not ours
		}
		for _, k := range keys {
			if k.verifies(version, signature, signed) {
				return id, nil
			}
		}
	}
	return "", denied("webhook-signature: none is by a key that is known")
}

// headers takes each header once: of two, another reader might take the other one.
func headers(h http.Header) (id, timestamp, signatures string, err error) {
	take := func(name string) (string, error) {
		v := h.Values(name)
		if len(v) != 1 || v[0] == "" || len(v[0]) > maxHeader {
			return "", denied(strings.ToLower(name) + ": the header was expected once")
		}
		return v[0], nil
	}
	if id, err = take(HeaderID); err != nil {
		return "", "", "", err
	}
	if !plainID(id) {
		return "", "", "", denied("webhook-id: letters, digits, _ and - were expected")
	}
	if timestamp, err = take(HeaderTimestamp); err != nil {
		return "", "", "", err
	}
	if signatures, err = take(HeaderSignature); err != nil {
		return "", "", "", err
	}
	if strings.Count(signatures, " ") >= maxSignatures {
		return "", "", "", denied("webhook-signature: too many signatures")
	}
	return id, timestamp, signatures, nil
}

func denied(what string) error { return fmt.Errorf("wire: %s: %w", what, thimble.ErrDenied) }
