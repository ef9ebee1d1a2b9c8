package ddrf_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"thimble"
	"thimble/internal/rights/ddrf"
)

var now = time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)

// The example of the specification, without its script.
const example = `{
    "endpoint": "https://www.publisher1.com/api/delete/",
    "identifiers": [
        { "id": 1, "type": "email", "format": "sha256" },
        { "id": 2, "type": "idfa", "format": "hash" }
    ],
    "publicKey": [
            {
                "kty": "EC",
                "crv": "P-256",
                "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
                "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
                "kid": "Public key used in JWS spec Appendix A.3 example"
            }
    ],
    "vendorScriptRequirement": true,
    "vendorScript": "<script>.....</script>"
}`

var takes = ddrf.Discovery{Identifiers: []ddrf.Accepted{{ID: 1, Type: "email", Format: "raw"}, {ID: 2, Type: "phone", Format: "raw"}}}

func signer(t testing.TB, domain string) *ddrf.Signer {
	s, err := ddrf.NewSigner(domain, []byte("secret of "+domain))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func file(keys ...jose.JSONWebKey) ddrf.Discovery {
	return ddrf.Discovery{Endpoint: "https://firm.example/delete", Keys: keys}
}

// A ring is a first firm, one that passes on, and the receiver.
type ring struct {
	first, vendor *ddrf.Signer
	partners      ddrf.Partners
}

func newRing(t testing.TB) ring {
	r := ring{first: signer(t, "publisher1.com"), vendor: signer(t, "vendor1.com")}
	r.partners = ddrf.Partners{"publisher1.com": file(r.first.Public()), "vendor1.com": file(r.vendor.Public())}
	return r
}

var ada = ddrf.Identifier{Value: "ada@example.com", Type: "email", Format: "raw"}

func (r ring) request(t testing.TB, idAt, rqAt time.Time, id ddrf.Identifier) string {
	t.Helper()
	idJWT, err := r.first.Identify("unique_jwt_identifier", ddrf.Identifier{Value: "28f6dc889e", Type: "email", Format: "sha256"}, idAt)
	if err != nil {
		t.Fatal(err)
	}
	rq, err := r.vendor.Request("6G7H8J", idJWT, id, rqAt)
	if err != nil {
		t.Fatal(err)
	}
	return rq
}

func TestTheExampleOfADiscoveryFileIsRead(t *testing.T) {
	d, err := ddrf.ParseDiscovery([]byte(example))
	if err != nil || d.Endpoint != "https://www.publisher1.com/api/delete/" || len(d.Keys) != 1 || !d.Script || !d.Takes(ddrf.Identifier{Type: "email", Format: "sha256"}) || d.Takes(ada) {
		t.Errorf("read %+v, %v", d, err)
	}
	for name, text := range map[string]string{
		"no JSON":           "hello",
		"no TLS":            strings.Replace(example, "https://www", "http://www", 1),
		"no key":            `{"endpoint":"https://a.example/"}`,
		"a secret key":      `{"endpoint":"https://a.example/","publicKey":[{"kty":"oct","k":"c2VjcmV0"}]}`,
		"a private key":     `{"endpoint":"https://a.example/","publicKey":[{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}]}`,
		"another algorithm": strings.Replace(example, `"kty": "EC"`, `"kty": "EC", "alg": "ES384"`, 1),
		"a key to seal":     strings.Replace(example, `"kty": "EC"`, `"kty": "EC", "use": "enc"`, 1),
	} {
		if _, err := ddrf.ParseDiscovery([]byte(text)); !errors.Is(err, thimble.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAChainIsVerifiedAndAcknowledged(t *testing.T) {
	r := newRing(t)
	sent := r.request(t, now.Add(-time.Hour), now, ada)
	c, err := r.partners.Verify(sent, takes, now)
	if err != nil {
		t.Fatal(err)
	}
	if c.First != "publisher1.com" || c.FirstID != "unique_jwt_identifier" || c.Requester != "vendor1.com" || c.ID != "6G7H8J" || c.Subject != ada || !c.Asked.Equal(now.Add(-time.Hour)) || fmt.Sprint(c.Subject) != "[personal]" {
		t.Errorf("the chain is %+v", c)
	}
	shop := signer(t, "shop.example")
	ac, err := shop.Acknowledge("ack-1", sent, ddrf.Successful, "", now)
	if err != nil {
		t.Fatal(err)
	}
	got, err := ddrf.Acknowledged(ac, "shop.example", file(shop.Public()), sent)
	if err != nil || got.ID != "ack-1" || got.Code != ddrf.Successful || !got.At.Equal(now) {
		t.Errorf("the acknowledgement is %+v, %v", got, err)
	}
	other := r.request(t, now, now, ada)
	for name, tt := range map[string]struct {
		ac, domain, sent string
		by               ddrf.Discovery
	}{
		"of another request": {ac, "shop.example", other, file(shop.Public())},
		"of another firm":    {ac, "vendor1.com", sent, file(shop.Public())},
		"with another key":   {ac, "shop.example", sent, file(r.first.Public())},
		"the request itself": {sent, "vendor1.com", sent, r.partners["vendor1.com"]},
		"no token":           {"202 Accepted", "shop.example", sent, file(shop.Public())},
	} {
		if _, err := ddrf.Acknowledged(tt.ac, tt.domain, tt.by, tt.sent); !errors.Is(err, ddrf.ErrUnacknowledged) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// foreign signs anything with any algorithm, as an attacker would.
func foreign(t testing.TB, alg jose.SignatureAlgorithm, key any, kid string, claims map[string]any) string {
	t.Helper()
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: jose.JSONWebKey{Key: key, KeyID: kid}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	o, err := s.Sign(b)
	if err != nil {
		t.Fatal(err)
	}
	text, err := o.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func bare(header, payload string) string {
	enc := base64.RawURLEncoding.EncodeToString
	return enc([]byte(header)) + "." + enc([]byte(payload)) + "."
}

// The token of the specification has RS256 in its header, Ed25519 is taken beside it, and a
// sub is an object or a text.
func TestTheAlgorithmIsThatOfTheIssuersKey(t *testing.T) {
	r := newRing(t)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	edKey := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{5}, 32))
	r.partners["publisher1.com"] = file(jose.JSONWebKey{Key: &rsaKey.PublicKey, KeyID: "abc123"})
	r.partners["vendor1.com"] = file(jose.JSONWebKey{Key: edKey.Public(), KeyID: "ed"}, r.vendor.Public())
	sub := map[string]any{"identifierValue": "ada@example.com", "identifierType": "email", "identifierFormat": "raw"}
	text, _ := json.Marshal(sub)
	id := foreign(t, jose.RS256, rsaKey, "abc123", map[string]any{"version": "1.0", "jti": "a", "iss": "publisher1.com", "sub": sub, "iat": now.Unix()})
	rq := foreign(t, jose.EdDSA, edKey, "ed", map[string]any{"version": 1.0, "jti": "b", "iss": "vendor1.com", "sub": string(text), "iat": float64(now.Unix()) + 0.5, "idJWT": id, "optionalParameters": map[string]any{"a": 1}})
	if c, err := r.partners.Verify(rq, takes, now); err != nil || c.Subject != ada {
		t.Errorf("RS256 in EdDSA: %+v, %v", c, err)
	}
	pub, _ := json.Marshal(r.vendor.Public())
	claims := map[string]any{"version": "1.0", "jti": "b", "iss": "vendor1.com", "sub": sub, "iat": now.Unix(), "idJWT": id}
	plain, _ := json.Marshal(claims)
	for name, forged := range map[string]string{
		"no signature":                 bare(`{"alg":"none"}`, string(plain)),
		"an empty one":                 bare(`{"alg":"ES256"}`, string(plain)),
		"the public key as a secret":   foreign(t, jose.HS256, pub, "", claims),
		"a key of its own":             foreign(t, jose.EdDSA, ed25519.NewKeyFromSeed(bytes.Repeat([]byte{6}, 32)), "ed", claims),
		"another partner's key":        foreign(t, jose.RS256, rsaKey, "abc123", claims),
		"another padding of RSA":       foreign(t, jose.PS256, rsaKey, "abc123", map[string]any{"version": "1.0", "jti": "b", "iss": "publisher1.com", "sub": sub, "iat": now.Unix(), "idJWT": id}),
		"a key named by another's kid": foreign(t, jose.EdDSA, edKey, "abc123", claims),
	} {
		if _, err := r.partners.Verify(forged, takes, now); !errors.Is(err, ddrf.NotSigned) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWhatIsWrongWithARequestHasItsResultCode(t *testing.T) {
	r := newRing(t)
	idOf := func(s *ddrf.Signer) string {
		id, err := s.Identify("a", ada, now)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	rqOf := func(jti, idJWT string) string {
		rq, err := r.vendor.Request(jti, idJWT, ada, now)
		if err != nil {
			t.Fatal(err)
		}
		return rq
	}
	for name, tt := range map[string]struct {
		rq   string
		want ddrf.Refusal
	}{
		"no token":                      {"hello", ddrf.NotAToken},
		"too long":                      {strings.Repeat("a", ddrf.MaxToken+1), ddrf.NotAToken},
		"a member twice":                {bare(`{"alg":"ES256"}`, `{"iss":"vendor1.com","iss":"vendor1.com"}`), ddrf.NotAToken},
		"no jti":                        {rqOf("", idOf(r.first)), ddrf.Malformed},
		"no idJWT":                      {rqOf("b", ""), ddrf.Malformed},
		"an idJWT that is none":         {rqOf("b", "hello"), ddrf.NotAToken},
		"a first firm that is unknown":  {rqOf("b", idOf(signer(t, "unknown.example"))), ddrf.NotSigned},
		"a type that is not taken":      {r.request(t, now, now, ddrf.Identifier{Value: "x", Type: "idfa", Format: "hash"}), ddrf.BadType},
		"a format that is not taken":    {r.request(t, now, now, ddrf.Identifier{Value: "x", Type: "email", Format: "sha256"}), ddrf.BadFormat},
		"nobody":                        {r.request(t, now, now, ddrf.Identifier{Type: "email", Format: "raw"}), ddrf.Malformed},
		"of the future":                 {r.request(t, now, now.Add(time.Hour), ada), ddrf.BadTime},
		"two days old":                  {r.request(t, now.Add(-48*time.Hour), now.Add(-48*time.Hour), ada), ddrf.BadTime},
		"asked two months ago":          {r.request(t, now.AddDate(0, -2, 0), now, ada), ddrf.BadTime},
		"passed on before it was asked": {r.request(t, now, now.Add(-time.Hour), ada), ddrf.BadTime},
	} {
		_, err := r.partners.Verify(tt.rq, takes, now)
		got, ok := errors.AsType[ddrf.Refusal](err)
		if !ok || got != tt.want || !errors.Is(err, thimble.ErrInvalid) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
}

func TestEachCharacterOfAChainIsSigned(t *testing.T) {
	r := newRing(t)
	sent := r.request(t, now, now, ada)
	for i := range sent {
		changed := []byte(sent)
		changed[i] ^= 1
		if _, err := r.partners.Verify(string(changed), takes, now); err == nil {
			t.Fatalf("character %d of %d is not signed", i, len(sent))
		}
	}
}

func FuzzARequestIsVerifiedOrRefused(f *testing.F) {
	r := newRing(f)
	f.Add(r.request(f, now, now, ada))
	f.Add(bare(`{"alg":"none"}`, `{"iss":"vendor1.com"}`))
	f.Add(example)
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := r.partners.Verify(text, takes, now); err != nil {
			if _, ok := errors.AsType[ddrf.Refusal](err); !ok {
				t.Errorf("%q: an error without a code: %v", text, err)
			}
		}
		if d, err := ddrf.ParseDiscovery([]byte(text)); err == nil && len(d.Keys) == 0 {
			t.Errorf("%q: taken without a key", text)
		}
		_ = ddrf.CheckDomain(text)
	})
}

// What the first firm sends is what the receiver verifies; sent again it is the same, byte
// for byte, until it would be too old; what came from another firm goes on with its idJWT.
func TestAFirstFirmsRequestsAreTakenAndTheSameAgainIsTheSame(t *testing.T) {
	shop, first := signer(t, "shop.example"), signer(t, "publisher1.com")
	known := ddrf.Partners{"shop.example": file(shop.Public()), "publisher1.com": file(first.Public())}
	hashed := ddrf.Discovery{Identifiers: []ddrf.Accepted{{ID: 1, Type: "email", Format: "raw"}, {ID: 2, Type: "email", Format: "sha256"}}}
	id, ok := hashed.Write("email", "ada@example.com")
	if !ok || id.Format != ddrf.SHA256 || id.Value != "b5fc85e55755f9e0d030a10ab4429b6b2944855f9a0d60077fe832becbc41d72" {
		t.Errorf("where a hash is taken: %v of %s, %t", id.Value, id.Format, ok)
	}
	if _, ok := hashed.Write("phone", "+4912345"); ok {
		t.Error("a kind that is not taken is written")
	}
	d := ddrf.Deletion{ID: "tsk_1", Identifiers: []ddrf.Identifier{ada, {Value: "countess@example.com", Type: "email", Format: "raw"}}, Asked: now}
	requests := func(d ddrf.Deletion, at time.Time) []string {
		t.Helper()
		all, err := shop.Requests(d, at)
		if err != nil || len(all) != 2 {
			t.Fatalf("%d requests, %v", len(all), err)
		}
		return all
	}
	seen := map[string]bool{}
	for _, after := range []time.Duration{0, 19 * time.Hour, 21 * time.Hour, 30 * 24 * time.Hour} {
		at := now.Add(after)
		all, again := requests(d, at), requests(d, at)
		for i, rq := range all {
			c, err := known.Verify(rq, takes, at)
			if err != nil || c.First != "shop.example" || c.Requester != "shop.example" || c.Subject != d.Identifiers[i] || !c.Asked.Equal(now) {
				t.Errorf("after %s: %+v, %v", after, c, err)
			}
			if again[i] != rq {
				t.Errorf("after %s the same request is another", after)
			}
			seen[rq] = true
		}
	}
	if len(seen) != 6 {
		t.Errorf("%d different requests, want two of the first twenty hours, two of the next, two a month later", len(seen))
	}
	theirs, err := first.Identify("their number", ada, now.AddDate(0, 0, -40))
	if err != nil {
		t.Fatal(err)
	}
	d.Chain = theirs
	if c, err := known.Verify(requests(d, now)[0], takes, now); err != nil || c.First != "publisher1.com" || c.FirstID != "their number" || c.Requester != "shop.example" {
		t.Errorf("passed on: %+v, %v", c, err)
	}
	later := now.AddDate(0, 0, 10)
	if c, err := known.Verify(requests(d, later)[0], takes, later); err != nil || c.First != "shop.example" {
		t.Errorf("passed on when nobody takes the first firm's word any more: %+v, %v", c, err)
	}
	if got := ddrf.IDToken(requests(d, now)[1]); got != theirs {
		t.Error("the idJWT is not that which came")
	}
}
