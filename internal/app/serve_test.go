package app_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"thimble"
	"thimble/internal/app"
	"thimble/internal/gate"
	"thimble/internal/gate/gatedb"
	"thimble/internal/thimbletest"
)

// serving starts Serve and returns its address, how to stop it, and its result.
func serving(t *testing.T, s *thimbletest.Shop, h http.Handler) (addr string, stop func(), done chan error) {
	t.Helper()
	l, err := app.Listen(s.Config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done = make(chan error, 1)
	go func() { done <- s.Serve(ctx, l, h) }()
	t.Cleanup(stop)
	return l.Addr().String(), stop, done
}

func on(t *testing.T, more map[string]string) *thimbletest.Shop {
	t.Helper()
	settings := map[string]string{"data": t.TempDir(), "listen": "127.0.0.1:0"}
	for k, v := range more {
		settings[k] = v
	}
	return thimbletest.Open(t, settings)
}

func TestShutdownLetsRequestsEndAndWritesWhatWasCounted(t *testing.T) {
	s := on(t, nil)
	ada := s.Subject("ada", thimbletest.Allows(personalize)...)
	inside := make(chan struct{})
	addr, stop, done := serving(t, s, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(inside)
		time.Sleep(300 * time.Millisecond)
		_, err := s.Gate.Open(r.Context(), gate.Request{Actor: gate.Actor{Kind: gate.Machine, Name: "late"}, Subject: ada, Purpose: personalize, Categories: []thimble.Category{thimble.PurchaseHistory}})
		if err != nil {
			t.Error(err)
		}
		_, _ = io.WriteString(w, "done")
	}))
	answer := make(chan string, 1)
	go func() {
		res, err := http.Get("http://" + addr)
		if err != nil {
			answer <- err.Error()
			return
		}
		defer res.Body.Close()
		b, _ := io.ReadAll(res.Body) // a short answer shows below
		answer <- string(b)
	}()
	<-inside
	stop()
	if got := <-answer; got != "done" {
		t.Errorf("the request that was under way got %q", got)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	uses, err := s.Uses.Of(t.Context(), ada, 10)
	uses = slices.DeleteFunc(uses, func(u gatedb.Use) bool { return u.Actor == "policy" }) // the server may have counted who lives where
	if err != nil || len(uses) != 1 || uses[0].Actor != "late" {
		t.Errorf("uses after the shutdown: %+v, %v", uses, err)
	}
	if lag, err := s.Ledger.Lag(t.Context()); err != nil || lag != 0 {
		t.Errorf("leaves still wait: %s, %v", lag, err)
	}
}

func TestSilentClientIsLetGo(t *testing.T) {
	s := on(t, nil)
	addr, _, _ := serving(t, s, http.NotFoundHandler())
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: "); err != nil {
		t.Fatal(err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, bufio.NewReader(conn)); err != nil {
		t.Errorf("the connection is still held: %v", err)
	}
}

func TestTLSIsNotOlderThan13(t *testing.T) {
	cert, key := tlsPair(t)
	s := on(t, map[string]string{"tls-cert": cert, "tls-key": key})
	h, err := s.Handler(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	addr, _, _ := serving(t, s, h)
	for version, want := range map[uint16]bool{tls.VersionTLS12: false, tls.VersionTLS13: true} {
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true, MaxVersion: version}}} //nolint:gosec // the certificate is the test's own
		res, err := client.Get("https://" + addr + "/healthz")
		if (err == nil) != want {
			t.Errorf("TLS %x: %v", version, err)
		}
		if err == nil {
			if res.Header.Get("Strict-Transport-Security") == "" {
				t.Error("an answer over TLS lacks Strict-Transport-Security")
			}
			_ = res.Body.Close() // nothing was read
		}
	}
}

func tlsPair(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: pkcs8}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// Metrics are for this machine; who comes through the machine's own proxy is not on it.
func TestBehindATrustedProxyNobodyIsTakenForThisMachine(t *testing.T) {
	s := on(t, map[string]string{"trusted-proxies": "127.0.0.1"})
	h, err := s.Handler(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	addr, _, _ := serving(t, s, h)
	for forwarded, want := range map[string]int{"": http.StatusOK, "198.51.100.7": http.StatusForbidden, "127.0.0.1, 198.51.100.7": http.StatusForbidden} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+"/metrics", nil)
		if err != nil {
			t.Fatal(err)
		}
		if forwarded != "" {
			r.Header.Set("X-Forwarded-For", forwarded)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close() // only the status is of interest
		if resp.StatusCode != want {
			t.Errorf("forwarded for %q: status %d, want %d", forwarded, resp.StatusCode, want)
		}
	}
}
