package ddrf

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"thimble"
)

// MaxDiscovery bounds a discovery file, in bytes.
const MaxDiscovery = 64 << 10

// A Discovery is what a participant publishes as dsrdelete.json.
type Discovery struct {
	Endpoint    string            `json:"endpoint"`
	Identifiers []Accepted        `json:"identifiers"`
	Keys        []jose.JSONWebKey `json:"publicKey"`
	Script      bool              `json:"vendorScriptRequirement"`
}

// Accepted is a kind of identifier that a participant takes.
type Accepted struct {
	ID     int    `json:"id"`
	Type   string `json:"type"`
	Format string `json:"format"`
}

// Takes reports whether an identifier is of a kind that a participant takes.
func (d Discovery) Takes(id Identifier) bool {
	for _, a := range d.Identifiers {
		if strings.EqualFold(a.Type, id.Type) && strings.EqualFold(a.Format, id.Format) {
			return true
		}
	}
	return false
}

var domains = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$`)

// CheckDomain refuses what is no domain in small letters, such as shop.example.
func CheckDomain(domain string) error {
	if len(domain) > 253 || !domains.MatchString(domain) {
		return fmt.Errorf("ddrf: a domain such as shop.example was expected: %w", thimble.ErrInvalid)
	}
	return nil
}

// ParseDiscovery reads a discovery file. The error is of kind ErrInvalid.
func ParseDiscovery(text []byte) (Discovery, error) {
	var d Discovery
	if len(text) > MaxDiscovery || json.Unmarshal(text, &d) != nil {
		return d, wrong("JSON with endpoint, identifiers and publicKey was expected")
	}
	u, err := url.Parse(d.Endpoint)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && !(u.Scheme == "http" && here(u.Hostname())) {
		return d, wrong("endpoint: an https address was expected")
	}
	seen := map[string]bool{}
	for _, k := range d.Keys {
		if _, ok := algorithm(k); !ok || !k.IsPublic() || !k.Valid() {
			return d, wrong("publicKey: public keys of P-256, Ed25519, or RSA of at least 2048 bits were expected")
		}
		if seen[k.KeyID] || k.KeyID == "" && len(d.Keys) > 1 {
			return d, wrong("publicKey: a kid of its own was expected for each")
		}
		seen[k.KeyID] = true
	}
	if len(d.Keys) == 0 || len(d.Keys) > 20 {
		return d, wrong("publicKey: 1 to 20 keys were expected")
	}
	return d, nil
}

// here reports whether a host is this machine, where development goes without TLS; what
// sends asks whether it may.
func here(host string) bool {
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback()
}

func wrong(rule string) error {
	return fmt.Errorf("ddrf: dsrdelete.json: %s: %w", rule, thimble.ErrInvalid)
}

// algorithm is the one with which a key signs. What the key's owner writes beside it must
// not be another.
func algorithm(k jose.JSONWebKey) (jose.SignatureAlgorithm, bool) {
	var alg jose.SignatureAlgorithm
	switch key := k.Key.(type) {
	case *ecdsa.PublicKey:
		if key.Curve == elliptic.P256() {
			alg = jose.ES256
		}
	case ed25519.PublicKey:
		alg = jose.EdDSA
	case *rsa.PublicKey:
		if key.N.BitLen() >= 2048 && key.N.BitLen() <= 8192 {
			alg = jose.RS256
		}
	}
	return alg, alg != "" && (k.Algorithm == "" || k.Algorithm == string(alg)) && (k.Use == "" || k.Use == "sig")
}

// Partners are the participants whose discovery files the operator has saved, by domain.
type Partners map[string]Discovery
