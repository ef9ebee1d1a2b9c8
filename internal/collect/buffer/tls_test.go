package buffer

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// An authority signs certificates.
type authority struct {
	t    testing.TB
	dir  string
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	a := &authority{t: t, dir: t.TempDir()}
	a.key, a.cert = a.sign("authority", &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	return a
}

func (a *authority) file(name string) string { return filepath.Join(a.dir, name) }

// sign makes a key and a certificate of it, and keeps both as files.
func (a *authority) sign(name string, c *x509.Certificate) (*ecdsa.PrivateKey, *x509.Certificate) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	c.SerialNumber, c.Subject = big.NewInt(time.Now().UnixNano()), pkix.Name{CommonName: name}
	c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, by := a.cert, a.key
	if parent == nil {
		parent, by = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, by)
	if err != nil {
		a.t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	for path, block := range map[string]*pem.Block{a.file(name + ".pem"): {Type: "CERTIFICATE", Bytes: der}, a.file(name + ".key"): {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			a.t.Fatal(err)
		}
	}
	if c, err = x509.ParseCertificate(der); err != nil {
		a.t.Fatal(err)
	}
	return key, c
}

// node signs the certificate of a node on loopback.
func (a *authority) node(name string) (cert, key, ca string) {
	a.t.Helper()
	a.sign(name, &x509.Certificate{
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	})
	return a.file(name + ".pem"), a.file(name + ".key"), a.file("authority.pem")
}

// tlsOf is what nodes show each other, as the program reads it from files.
func tlsOf(cert, key, ca string) (*tls.Config, error) {
	own, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(ca)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, errors.New("no certificate")
	}
	return &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{own}, RootCAs: pool, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert}, nil
}

// Nodes that show certificates work as those without, under TLS 1.3; who has none, one of
// another authority or an older version gets no word of theirs, and the certificate alone
// opens nothing: the secret is asked for too.
func TestNodesSpeakUnderTLSWithCertificatesOnBothSides(t *testing.T) {
	t.Parallel()
	ours, others := newAuthority(t), newAuthority(t)
	a := newBooks()
	c := busy(t, a, func(p *nodePlan) { p.Cert, p.Key, p.CA = ours.node(p.Node) })
	good, err := tlsOf(ours.node("visitor"))
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := tlsOf(others.node("visitor"))
	if err != nil {
		t.Fatal(err)
	}
	foreign.RootCAs = good.RootCAs // it believes ours
	none, old := good.Clone(), good.Clone()
	none.Certificates = nil
	old.MinVersion, old.MaxVersion = tls.VersionTLS12, tls.VersionTLS12
	for name, one := range map[string]struct {
		cfg    *tls.Config
		secret string
		in     bool
	}{
		"the secret and a certificate":       {good, "a secret of the test", true},
		"no certificate":                     {none, "a secret of the test", false},
		"a certificate of another authority": {foreign, "a secret of the test", false},
		"TLS 1.2":                            {old, "a secret of the test", false},
		"a certificate and no secret":        {good, "a guess", false},
	} {
		in, err := knock(c.plans[0].Members[0].Address, one.cfg, one.secret)
		if in != one.in {
			t.Errorf("%s: let in %v (%v), want %v", name, in, err, one.in)
		}
	}
	if in, _ := knock(c.plans[0].Members[0].Address, nil, "a secret of the test"); in {
		t.Error("who speaks in the clear is let in")
	}
	c.awaitAcks(60)
	if s := c.state(0); s.Stuck > time.Second {
		t.Errorf("the cluster has taken nothing for %v", s.Stuck)
	}
	c.restartAll()
	c.awaitArchived()
	c.check(a)
}

// knock says hello at the port of a node as another node does, and reports whether it is
// answered as one: with a pong.
func knock(address string, cfg *tls.Config, secret string) (in bool, err error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return false, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return false, err
	}
	if cfg != nil {
		cfg = cfg.Clone()
		cfg.ServerName = "127.0.0.1"
		secure := tls.Client(conn, cfg)
		if err := secure.Handshake(); err != nil {
			return false, err
		}
		conn = secure
	}
	r := bufio.NewReader(conn)
	if _, err := fmt.Fprintf(conn, "CONNECT {\"user\":\"member\",\"pass\":%q,\"name\":\"visitor\",\"cluster\":\"thimble\",\"verbose\":false}\r\nPING\r\n", secret); err != nil {
		return false, err
	}
	for said := ""; ; {
		line, err := r.ReadString('\n')
		if err != nil || strings.HasPrefix(line, "-ERR") {
			return false, fmt.Errorf("%q, %q: %w", said, line, err)
		}
		said += line
		if strings.HasPrefix(line, "PONG") {
			return true, nil
		}
	}
}
