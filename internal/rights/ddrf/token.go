package ddrf

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"thimble"
)

// Version is the version of the framework.
const Version = "1.0"

// MaxToken bounds a request, in bytes; an acknowledgement, which holds one, may have twice
// that.
const MaxToken = 16 << 10

// An Identifier is whose data it is about.
type Identifier struct {
	Value  string `json:"identifierValue"`
	Type   string `json:"identifierType"`
	Format string `json:"identifierFormat"`
}

// String hides the value.
func (i Identifier) String() string { return "[personal]" }

// idClaims, rqClaims and acClaims are what the three tokens say, in the order of the
// specification's tables.
type idClaims struct {
	Version string     `json:"version"`
	ID      string     `json:"jti"`
	Issuer  string     `json:"iss"`
	Subject Identifier `json:"sub"`
	At      int64      `json:"iat"`
}

type rqClaims struct {
	Version string     `json:"version"`
	IDToken string     `json:"idJWT"`
	ID      string     `json:"jti"`
	Issuer  string     `json:"iss"`
	Subject Identifier `json:"sub"`
	At      int64      `json:"iat"`
}

type acClaims struct {
	Version string `json:"version"`
	RQ      string `json:"rqJWT"`
	ID      string `json:"jti"`
	Issuer  string `json:"iss"`
	At      int64  `json:"iat"`
	Code    Code   `json:"raResultCode"`
	Text    string `json:"raResultString,omitempty"`
}

// A Signer signs as one participant.
type Signer struct {
	Domain string
	key    *ecdsa.PrivateKey
	kid    string
}

// NewSigner returns the signer of a domain whose key is made of 32 secret bytes.
func NewSigner(domain string, secret []byte) (*Signer, error) {
	if err := CheckDomain(domain); err != nil {
		return nil, err
	}
	for n := byte(0); n < 8; n++ {
		seed := sha256.Sum256(append([]byte{n}, secret...))
		key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), seed[:])
		if err != nil {
			continue // not a number of the group: once in 2^32
		}
		public := jose.JSONWebKey{Key: &key.PublicKey}
		sum, err := public.Thumbprint(crypto256) // RFC 7638
		if err != nil {
			return nil, fmt.Errorf("ddrf: naming a key: %w", err)
		}
		return &Signer{domain, key, base64.RawURLEncoding.EncodeToString(sum)}, nil
	}
	return nil, fmt.Errorf("ddrf: no key was made: %w", thimble.ErrInvalid)
}

// Public is the key that verifies what the signer signs.
func (s *Signer) Public() jose.JSONWebKey {
	return jose.JSONWebKey{Key: &s.key.PublicKey, KeyID: s.kid, Algorithm: string(jose.ES256), Use: "sig"}
}

// sign makes a compact JWS. The same claims have the same signature (RFC 6979), so that a
// message that is sent again is the same message, byte for byte.
func (s *Signer) sign(claims any) (string, error) {
	head, err := json.Marshal(map[string]string{"alg": string(jose.ES256), "kid": s.kid, "typ": "JWT"}, json.Deterministic(true))
	var payload []byte
	if err == nil {
		payload, err = json.Marshal(claims)
	}
	if err != nil {
		return "", fmt.Errorf("ddrf: signing: %w", err)
	}
	text := base64.RawURLEncoding.EncodeToString(head) + "." + base64.RawURLEncoding.EncodeToString(payload)
	sum := sha256.Sum256([]byte(text))
	signed, err := s.key.Sign(nil, sum[:], crypto256) // without chance: RFC 6979
	var n struct{ R, S *big.Int }
	if err == nil {
		_, err = asn1.Unmarshal(signed, &n)
	}
	if err != nil {
		return "", fmt.Errorf("ddrf: signing: %w", err)
	}
	raw := make([]byte, 64) // RFC 7518, section 3.4
	n.R.FillBytes(raw[:32])
	n.S.FillBytes(raw[32:])
	return text + "." + base64.RawURLEncoding.EncodeToString(raw), nil
}

// Identify makes an idJWT: the person asked this firm to have it deleted.
func (s *Signer) Identify(jti string, id Identifier, at time.Time) (string, error) {
	return s.sign(idClaims{Version, jti, s.Domain, id, at.Unix()})
}

// Request makes an rqJWT for one receiver, of an idJWT of one's own or of one that was
// received.
func (s *Signer) Request(jti, idJWT string, id Identifier, at time.Time) (string, error) {
	return s.sign(rqClaims{Version, idJWT, jti, s.Domain, id, at.Unix()})
}

// Acknowledge makes an acJWT.
func (s *Signer) Acknowledge(jti, rqJWT string, code Code, text string, at time.Time) (string, error) {
	return s.sign(acClaims{Version, rqJWT, jti, s.Domain, at.Unix(), code, text})
}

// common is what every token has, before it is known to be signed.
type common struct {
	Version jsontext.Value `json:"version"`
	ID      string         `json:"jti"`
	Issuer  string         `json:"iss"`
	Subject jsontext.Value `json:"sub"`
	At      jsontext.Value `json:"iat"`
	IDToken string         `json:"idJWT"`
	RQ      string         `json:"rqJWT"`
	Code    *int           `json:"raResultCode"`
}

// open verifies a token with the keys of its issuer.
func (p Partners) open(token string) (c common, err error) {
	parts := strings.Split(token, ".")
	if len(token) > 2*MaxToken || len(parts) != 3 {
		return c, NotAToken
	}
	payload, err := base64.RawURLEncoding.Strict().DecodeString(parts[1])
	if err != nil || json.Unmarshal(payload, &c) != nil {
		return c, NotAToken
	}
	d, known := p[c.Issuer]
	if !known {
		return common{}, NotSigned
	}
	for _, k := range d.Keys {
		alg, _ := algorithm(k)
		signed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{alg})
		if err != nil || signed.Signatures[0].Header.KeyID != "" && k.KeyID != "" && signed.Signatures[0].Header.KeyID != k.KeyID {
			continue
		}
		if verified, err := signed.Verify(k.Key); err == nil && string(verified) == string(payload) {
			return c, nil
		}
	}
	return common{}, NotSigned
}

// subject reads a "sub": an object, or the same as JSON in a text.
func (c common) subject() (id Identifier, err error) {
	raw := []byte(c.Subject)
	var text string
	if json.Unmarshal(raw, &text) == nil {
		raw = []byte(text)
	}
	if json.Unmarshal(raw, &id) != nil || id.Value == "" || id.Type == "" || len(id.Value) > 500 {
		return Identifier{}, Malformed
	}
	return id, nil
}

// instant reads an "iat": seconds, with a fraction too (RFC 7519, section 2).
func (c common) instant() (time.Time, error) {
	var seconds float64
	if json.Unmarshal(c.At, &seconds) != nil || seconds < 1e9 || seconds > 1e11 {
		return time.Time{}, BadTime
	}
	return time.Unix(int64(seconds), 0).UTC(), nil
}

// version reports whether the token is of this version: a text, or a number as some write.
func (c common) version() bool {
	v := strings.Trim(string(c.Version), `"`)
	return v == "1" || strings.HasPrefix(v, "1.")
}
