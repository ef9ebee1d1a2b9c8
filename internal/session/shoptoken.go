package session

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"thimble"
)

// How long a shop's token is believed, and how far its clock may be off.
const (
	ShopTokenLives = 5 * time.Minute
	ShopSkew       = time.Minute
	maxShopToken   = 4096 // characters
)

// ShopAudience is the "aud" of a token that is meant for a privacy centre.
const ShopAudience = "thimble:privacy-centre"

// shopAlgorithms are what a shop may sign with: none of them is symmetric, so that a
// public key cannot be taken for a secret, and "none" is not among them (RFC 8725, 3.1).
var shopAlgorithms = []jose.SignatureAlgorithm{jose.EdDSA, jose.ES256}

// ShopKeys are the public keys by which a shop says who is signed in there. The zero
// value believes nobody.
type ShopKeys struct {
	issuer string
	keys   map[string]jose.JSONWebKey
}

// ParseShopKeys reads a set of public keys (RFC 7517): each an Ed25519 or a P-256 key
// with a "kid" of its own. Issuer is the "iss" that tokens must have. The error is of
// kind thimble.ErrInvalid and names the key by its place.
func ParseShopKeys(issuer string, set []byte) (ShopKeys, error) {
	var all jose.JSONWebKeySet
	if err := json.Unmarshal(set, &all); err != nil {
		return ShopKeys{}, fmt.Errorf("session: the shop's keys: a JSON Web Key Set was expected: %w", thimble.ErrInvalid)
	}
	s := ShopKeys{issuer: issuer, keys: map[string]jose.JSONWebKey{}}
	for i, k := range all.Keys {
		rule := ""
		switch {
		case !k.Valid(), k.IsPublic() && !signs(k):
			rule = "an Ed25519 or P-256 key was expected"
		case !k.IsPublic():
			rule = "a public key was expected: the private one stays with the shop"
		case k.KeyID == "":
			rule = "a kid was expected"
		case s.keys[k.KeyID].KeyID != "":
			rule = "another key has this kid"
		}
		if rule != "" {
			return ShopKeys{}, fmt.Errorf("session: the shop's keys: key %d: %s: %w", i+1, rule, thimble.ErrInvalid)
		}
		s.keys[k.KeyID] = k
	}
	if issuer == "" || len(s.keys) == 0 {
		return ShopKeys{}, fmt.Errorf("session: the shop's keys: an issuer and at least one key were expected: %w", thimble.ErrInvalid)
	}
	return s, nil
}

// signs reports whether tokens can be signed with a key: by one of [shopAlgorithms].
func signs(k jose.JSONWebKey) bool {
	switch key := k.Key.(type) {
	case ed25519.PublicKey:
		return true
	case *ecdsa.PublicKey:
		return key.Curve == elliptic.P256()
	}
	return false
}

// None reports whether no shop is believed.
func (s ShopKeys) None() bool { return len(s.keys) == 0 }

// A ShopToken is what a shop said, and its key vouches for.
type ShopToken struct {
	Account thimble.Personal[string] // the shop's own number or name of a customer
	ID      []byte                   // hash of issuer and token id: it is believed once
	Expires time.Time                // until when the id must be remembered
}

// ErrShopToken is why a token is not believed. Its kinds are for tests and for the
// shop's developer; whoever brings a token is told one and the same.
var ErrShopToken = fmt.Errorf("session: the shop's token is not believed: %w", thimble.ErrDenied)

// Verify checks a token (RFC 7519): its signature by one of the keys, and its claims.
// "iss" is the issuer, "aud" is [ShopAudience], "sub" the customer's account, "jti"
// is there, "exp" is at most five minutes after "iat". Whether the id was used before is
// the store's to say.
func (s ShopKeys) Verify(token string, now time.Time) (ShopToken, error) {
	if len(token) > maxShopToken {
		return ShopToken{}, refuse("it is too long")
	}
	parsed, err := jwt.ParseSigned(token, shopAlgorithms)
	if err != nil || len(parsed.Headers) != 1 {
		return ShopToken{}, refuse("it is no compact JWS signed with EdDSA or ES256")
	}
	key, ok := s.keys[parsed.Headers[0].KeyID]
	if !ok {
		return ShopToken{}, refuse("its kid is none of the shop's")
	}
	var c jwt.Claims
	if err := parsed.Claims(key, &c); err != nil {
		return ShopToken{}, refuse("the signature is not by that key")
	}
	if why := s.wrong(c, now); why != "" {
		return ShopToken{}, refuse(why)
	}
	id := sha256.Sum256([]byte(c.Issuer + "\x00" + c.ID))
	return ShopToken{Account: thimble.Hide(c.Subject), ID: id[:], Expires: c.Expiry.Time().Add(ShopSkew)}, nil
}

// wrong says which rule the claims break, or "".
func (s ShopKeys) wrong(c jwt.Claims, now time.Time) string {
	switch {
	case c.Issuer != s.issuer:
		return "iss is another"
	case len(c.Audience) != 1 || c.Audience[0] != ShopAudience:
		return "aud is not " + ShopAudience + " alone"
	case c.Subject == "":
		return "sub is missing"
	case c.ID == "" || len(c.ID) > 128:
		return "a jti of at most 128 characters is missing"
	case c.IssuedAt == nil || c.Expiry == nil:
		return "iat or exp is missing"
	}
	iat, exp := c.IssuedAt.Time(), c.Expiry.Time()
	switch {
	case exp.Sub(iat) > ShopTokenLives || !exp.After(iat):
		return "it is meant to live longer than five minutes, or not at all"
	case iat.Sub(now) > ShopSkew:
		return "it is from the future"
	case now.Sub(exp) > ShopSkew:
		return "it has expired"
	case c.NotBefore != nil && c.NotBefore.Time().Sub(now) > ShopSkew:
		return "it is not valid yet"
	}
	return ""
}

// A shopRefusal says which rule a token breaks.
type shopRefusal struct{ why string }

func (r shopRefusal) Error() string { return ErrShopToken.Error() + ": " + r.why }
func (r shopRefusal) Unwrap() error { return ErrShopToken }

func refuse(why string) error { return shopRefusal{why} }

// WhyRefused returns the rule that a refused token broke, for the shop's developer.
func WhyRefused(err error) string {
	if r, ok := errors.AsType[shopRefusal](err); ok {
		return r.why
	}
	return ""
}
