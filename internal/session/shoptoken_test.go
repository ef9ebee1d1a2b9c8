package session

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"thimble"
)

var noon = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

// A shop signs tokens in a test.
type shop struct {
	tb   testing.TB
	keys map[string]any // private, by kid
	set  []byte         // public
}

func newShop(tb testing.TB) shop {
	_, first, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	second, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	s := shop{tb: tb, keys: map[string]any{"ed": first, "ec": second}}
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: first.Public(), KeyID: "ed"}, {Key: &second.PublicKey, KeyID: "ec"}}}
	if s.set, err = json.Marshal(set); err != nil {
		tb.Fatal(err)
	}
	return s
}

func (s shop) sign(kid string, c jwt.Claims) string {
	s.tb.Helper()
	alg := map[string]jose.SignatureAlgorithm{"ed": jose.EdDSA, "ec": jose.ES256}[kid]
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: jose.JSONWebKey{Key: s.keys[kid], KeyID: kid}}, nil)
	if err != nil {
		s.tb.Fatal(err)
	}
	token, err := jwt.Signed(signer).Claims(c).Serialize()
	if err != nil {
		s.tb.Fatal(err)
	}
	return token
}

func claims(change func(*jwt.Claims)) jwt.Claims {
	c := jwt.Claims{Issuer: "https://shop.example", Audience: jwt.Audience{ShopAudience}, Subject: "17850", ID: "one",
		IssuedAt: jwt.NewNumericDate(noon), Expiry: jwt.NewNumericDate(noon.Add(ShopTokenLives))}
	if change != nil {
		change(&c)
	}
	return c
}

func TestAShopIsBelievedByEachOfItsKeys(t *testing.T) {
	s := newShop(t)
	keys, err := ParseShopKeys("https://shop.example", s.set)
	if err != nil {
		t.Fatal(err)
	}
	for kid := range s.keys {
		got, err := keys.Verify(s.sign(kid, claims(nil)), noon)
		if err != nil || got.Account.Reveal() != "17850" || len(got.ID) != 32 || !got.Expires.Equal(noon.Add(ShopTokenLives+ShopSkew)) {
			t.Errorf("%s: %v, %v", kid, got, err)
		}
	}
}

func TestWhatIsNotTheShopsWordIsNotBelieved(t *testing.T) {
	s, stranger := newShop(t), newShop(t)
	keys, err := ParseShopKeys("https://shop.example", s.set)
	if err != nil {
		t.Fatal(err)
	}
	b64 := base64.RawURLEncoding.EncodeToString
	body, err := json.Marshal(claims(nil))
	if err != nil {
		t.Fatal(err)
	}
	at := func(t time.Time) *jwt.NumericDate { return jwt.NewNumericDate(t) }
	good := s.sign("ed", claims(nil))
	for name, token := range map[string]string{
		"empty": "", "no token": "hello", "too long": strings.Repeat("a", maxShopToken+1),
		"alg none":          b64([]byte(`{"alg":"none"}`)) + "." + b64(body) + ".",
		"alg HS256":         b64([]byte(`{"alg":"HS256","kid":"ed"}`)) + "." + b64(body) + "." + b64([]byte("signature")),
		"another shop's":    stranger.sign("ed", claims(nil)),
		"no signature":      good[:strings.LastIndex(good, ".")+1],
		"another's claims":  strings.Split(good, ".")[0] + "." + b64(bytes.ReplaceAll(body, []byte("17850"), []byte("17851"))) + "." + strings.Split(good, ".")[2],
		"another issuer":    s.sign("ed", claims(func(c *jwt.Claims) { c.Issuer = "https://evil.example" })),
		"another audience":  s.sign("ed", claims(func(c *jwt.Claims) { c.Audience = jwt.Audience{"someone-else"} })),
		"two audiences":     s.sign("ed", claims(func(c *jwt.Claims) { c.Audience = append(c.Audience, "someone-else") })),
		"nobody":            s.sign("ed", claims(func(c *jwt.Claims) { c.Subject = "" })),
		"no id":             s.sign("ed", claims(func(c *jwt.Claims) { c.ID = "" })),
		"no expiry":         s.sign("ed", claims(func(c *jwt.Claims) { c.Expiry = nil })),
		"no issue":          s.sign("ed", claims(func(c *jwt.Claims) { c.IssuedAt = nil })),
		"lives too long":    s.sign("ed", claims(func(c *jwt.Claims) { c.Expiry = at(noon.Add(ShopTokenLives + time.Second)) })),
		"ends as it begins": s.sign("ed", claims(func(c *jwt.Claims) { c.Expiry = c.IssuedAt })),
		"not valid yet":     s.sign("ed", claims(func(c *jwt.Claims) { c.NotBefore = at(noon.Add(2 * ShopSkew)) })),
	} {
		if _, err := keys.Verify(token, noon); !errors.Is(err, ErrShopToken) || !errors.Is(err, thimble.ErrDenied) || WhyRefused(err) == "" {
			t.Errorf("%s: %v, want a refusal that says why", name, err)
		}
	}
	if _, err := (ShopKeys{}).Verify(good, noon); !errors.Is(err, ErrShopToken) {
		t.Errorf("without keys: %v", err)
	}
}

// The clocks of the shop and of this machine may differ by a minute, to the second.
func TestTheClocksMayDifferByAMinute(t *testing.T) {
	s := newShop(t)
	keys, err := ParseShopKeys("https://shop.example", s.set)
	if err != nil {
		t.Fatal(err)
	}
	token := s.sign("ec", claims(nil))
	for now, want := range map[time.Time]bool{
		noon.Add(-ShopSkew): true, noon.Add(-ShopSkew - time.Second): false,
		noon.Add(ShopTokenLives + ShopSkew): true, noon.Add(ShopTokenLives + ShopSkew + time.Second): false,
	} {
		if _, err := keys.Verify(token, now); (err == nil) != want {
			t.Errorf("at %s: %v, want believed %t", now, err, want)
		}
	}
}

func TestABrokenSetOfKeysSaysWhichAndWhy(t *testing.T) {
	s := newShop(t)
	private, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: s.keys["ed"], KeyID: "ed"}}})
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct{ issuer, set, says string }{
		"no JSON":     {"i", "{", "JSON Web Key Set"},
		"no key":      {"i", `{"keys":[]}`, "at least one key"},
		"no issuer":   {"", string(s.set), "an issuer"},
		"private key": {"i", string(private), "key 1: a public key"},
		"secret":      {"i", `{"keys":[{"kty":"oct","k":"AAAA","kid":"a"}]}`, "key 1"},
		"no kid":      {"i", strings.Replace(string(s.set), `"kid":"ed"`, `"kid":""`, 1), "a kid was expected"},
		"same kid":    {"i", strings.Replace(string(s.set), `"kid":"ec"`, `"kid":"ed"`, 1), "another key has this kid"},
	} {
		if _, err := ParseShopKeys(tc.issuer, []byte(tc.set)); !errors.Is(err, thimble.ErrInvalid) || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: %v, want it to say %q", name, err, tc.says)
		}
	}
}

func FuzzNoShopTokenIsBelievedUnsigned(f *testing.F) {
	s := newShop(f)
	keys, err := ParseShopKeys("https://shop.example", s.set)
	if err != nil {
		f.Fatal(err)
	}
	good := s.sign("ed", claims(nil))
	f.Add(good[:len(good)-4])
	f.Add("a.b.c")
	f.Add("")
	f.Fuzz(func(t *testing.T, token string) {
		if _, err := keys.Verify(token, noon); err == nil && token != good {
			t.Errorf("%q is believed", token)
		}
	})
}

// A key by which no token can be signed is refused at the start, not with each token.
func TestAKeyOfAnotherKindIsRefused(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	longer, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]any{"RSA": &rsaKey.PublicKey, "P-384": &longer.PublicKey} {
		set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key, KeyID: "one"}}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseShopKeys("https://shop.example", set); !errors.Is(err, thimble.ErrInvalid) {
			t.Errorf("%s: %v, want that it is invalid", name, err)
		}
	}
}
