package opendsr

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"strings"
	"time"

	"thimble"
)

// A Signer signs what a processor sends, with the key of its certificate (section 4).
type Signer struct {
	domain string
	pem    []byte
	key    crypto.Signer
}

// NewSigner takes a certificate with its chain and its key, both PEM. The certificate must
// be valid for the domain. RSA of 2048 bits or more and ECDSA are taken (FIPS 186-4).
func NewSigner(domain string, certPEM, keyPEM []byte) (*Signer, error) {
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return nil, fmt.Errorf("opendsr: certificate and key: a pair in PEM was expected: %w", thimble.ErrInvalid)
	}
	leaf := pair.Leaf
	if err := leaf.VerifyHostname(domain); err != nil {
		return nil, fmt.Errorf("opendsr: the certificate is not for %s: %w", domain, thimble.ErrInvalid)
	}
	key, ok := pair.PrivateKey.(crypto.Signer)
	if !ok || !usable(leaf) {
		return nil, fmt.Errorf("opendsr: a key of RSA with 2048 bits or more, or of ECDSA, was expected: %w", thimble.ErrInvalid)
	}
	return &Signer{domain: strings.ToLower(domain), pem: certPEM, key: key}, nil
}

// Domain is the one that the certificate is for.
func (s *Signer) Domain() string { return s.domain }

// PEM is the certificate with its chain, for everybody.
func (s *Signer) PEM() []byte { return s.pem }

// Sign returns the base64 of the signature over the SHA-256 of a body.
func (s *Signer) Sign(body []byte) (string, error) {
	sum := sha256.Sum256(body)
	b, err := s.key.Sign(rand.Reader, sum[:], crypto.SHA256)
	if err != nil {
		return "", fmt.Errorf("opendsr: signing: %w", err)
	}
	return base64.StdEncoding.EncodeToString(b), nil
}

func usable(c *x509.Certificate) bool {
	switch key := c.PublicKey.(type) {
	case *rsa.PublicKey:
		return key.N.BitLen() >= 2048
	case *ecdsa.PublicKey:
		return true
	}
	return false
}

// A Certificate is a processor's, of an authority that is trusted, for its domain.
type Certificate struct {
	domain string
	leaf   *x509.Certificate
}

// ParseCertificate reads a certificate with its chain, and holds it against the domain, the
// authorities (nil for the machine's) and the time. One that has signed itself is refused
// (section 4.1). The error is of kind ErrDenied.
func ParseCertificate(text []byte, domain string, roots *x509.CertPool, now time.Time) (*Certificate, error) {
	var all []*x509.Certificate
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, denied("it cannot be read")
		}
		all = append(all, c)
	}
	if len(all) == 0 || len(all) > 10 {
		return nil, denied("1 to 10 certificates in PEM were expected")
	}
	leaf, others := all[0], x509.NewCertPool()
	for _, c := range all[1:] {
		others.AddCert(c)
	}
	if !usable(leaf) || leaf.CheckSignatureFrom(leaf) == nil {
		return nil, denied("one of an authority, with RSA of 2048 bits or more or ECDSA, was expected")
	}
	if _, err := leaf.Verify(x509.VerifyOptions{DNSName: domain, Roots: roots, Intermediates: others, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}); err != nil {
		return nil, denied("it is of no authority that is trusted, for another domain, or not valid now")
	}
	return &Certificate{strings.ToLower(domain), leaf}, nil
}

// Valid reports whether the certificate is still valid.
func (c *Certificate) Valid(now time.Time) bool {
	return !now.Before(c.leaf.NotBefore) && !now.After(c.leaf.NotAfter)
}

// Fingerprint names the certificate, as the first bytes of its SHA-256.
func (c *Certificate) Fingerprint() string {
	sum := sha256.Sum256(c.leaf.Raw)
	return fmt.Sprintf("%x", sum[:8])
}

// Verify holds a body against its signature: by this certificate, in the name of its
// domain. The error is of kind ErrDenied. Nothing of the body is read before.
func (c *Certificate) Verify(domain, signature string, body []byte) error {
	if !strings.EqualFold(domain, c.domain) {
		return denied("the domain is another")
	}
	sig, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(signature), ""))
	if err != nil || len(sig) == 0 {
		return denied("the signature is not base64")
	}
	sum := sha256.Sum256(body)
	ok := false
	switch key := c.leaf.PublicKey.(type) {
	case *rsa.PublicKey:
		ok = rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], sig) == nil
	case *ecdsa.PublicKey:
		ok = ecdsa.VerifyASN1(key, sum[:], sig)
	}
	if !ok {
		return denied("the signature is not by the certificate's key")
	}
	return nil
}

func denied(what string) error { return fmt.Errorf("opendsr: %s: %w", what, thimble.ErrDenied) }
