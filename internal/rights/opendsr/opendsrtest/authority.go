// Package opendsrtest makes certificates for tests.
package opendsrtest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"testing"
	"time"
)

// An Authority issues certificates.
type Authority struct {
	Roots *x509.CertPool
	cert  *x509.Certificate
	key   *rsa.PrivateKey
}

func fill(tb testing.TB) *rsa.PrivateKey {
	tb.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

func template(name string, now time.Time) *x509.Certificate {
	t := &x509.Certificate{SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: name}, NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(1, 0, 0), KeyUsage: x509.KeyUsageDigitalSignature, DNSNames: []string{name}}
	if ip := net.ParseIP(name); ip != nil {
		t.DNSNames, t.IPAddresses = nil, []net.IP{ip}
	}
	return t
}

// NewAuthority makes an authority that nobody knows but who has its roots.
func NewAuthority(tb testing.TB, now time.Time) *Authority {
	tb.Helper()
	a := &Authority{Roots: x509.NewCertPool(), key: fill(tb)}
	t := template("authority.example", now)
	t.IsCA, t.BasicConstraintsValid, t.KeyUsage = true, true, x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, t, t, &a.key.PublicKey, a.key)
	if err == nil {
		a.cert, err = x509.ParseCertificate(der)
	}
	if err != nil {
		tb.Fatal(err)
	}
	a.Roots.AddCert(a.cert)
	return a
}

// Issue returns a certificate for a domain and its key, both PEM.
func (a *Authority) Issue(tb testing.TB, domain string, now time.Time) (cert, key []byte) {
	tb.Helper()
	k := fill(tb)
	der, err := x509.CreateCertificate(rand.Reader, template(domain, now), a.cert, &k.PublicKey, a.key)
	if err != nil {
		tb.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(k)})
}

// SelfSigned returns a certificate that has signed itself, and which the roots hold.
func (a *Authority) SelfSigned(tb testing.TB, domain string, now time.Time) []byte {
	tb.Helper()
	k, t := fill(tb), template(domain, now)
	t.IsCA, t.BasicConstraintsValid, t.KeyUsage = true, true, x509.KeyUsageCertSign|x509.KeyUsageDigitalSignature
	der, err := x509.CreateCertificate(rand.Reader, t, t, &k.PublicKey, k)
	if err != nil {
		tb.Fatal(err)
	}
	if c, err := x509.ParseCertificate(der); err == nil {
		a.Roots.AddCert(c)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// PEM is the authority's own certificate.
func (a *Authority) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
}
