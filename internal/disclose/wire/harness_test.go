package wire_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"thimble"
	"thimble/internal/disclose/wire"
)

// times returns how often a test repeats itself: full under THIMBLE_SOAK.
func times(sample, full int) int {
	if os.Getenv("THIMBLE_SOAK") != "" {
		return full
	}
	return sample
}

// meter is a wire.Meter that keeps count, and refuses when it is told to.
type meter struct {
	mu     sync.Mutex
	refuse error
	begun  map[thimble.ID]int
	sent   map[thimble.ID]int
	early  int           // bytes of a disclosure that had not begun
	each   func(sum int) // runs within Sent
}

func newMeter() *meter { return &meter{begun: map[thimble.ID]int{}, sent: map[thimble.ID]int{}} }

func (m *meter) Begin(_ context.Context, d thimble.ID) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.refuse != nil {
		return m.refuse
	}
	m.begun[d]++
	return nil
}

func (m *meter) Sent(d thimble.ID, n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.begun[d] == 0 {
		m.early += n
	}
	m.sent[d] += n
	if m.each != nil {
		m.each(m.sent[d])
	}
}

func (m *meter) of(d thimble.ID) (begun, sent int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.begun[d], m.sent[d]
}

// sum returns all bytes; it fails the test when some had no disclosure.
func (m *meter) sum(t *testing.T) (n int) {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.early != 0 {
		t.Errorf("%d bytes were sent before their disclosure began", m.early)
	}
	for _, k := range m.sent {
		n += k
	}
	return n
}

// names is a resolver: of each name, the answers to one lookup after the other; the last
// one stays.
type names struct {
	mu      sync.Mutex
	answers map[string][][]netip.Addr
	every   *anyName // asked instead, when there is one
	asked   int
}

func (n *names) LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.every != nil {
		return n.every.LookupNetIP(ctx, network, host)
	}
	n.asked++
	host = strings.TrimSuffix(host, ".")
	all := n.answers[host]
	if len(all) == 0 {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	if len(all) > 1 {
		n.answers[host] = all[1:]
	}
	return all[0], nil
}

// authority issues certificates for hosts under test.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	a := &authority{pool: x509.NewCertPool()}
	a.key = must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	der := must(x509.CreateCertificate(rand.Reader, template, template, &a.key.PublicKey, a.key))
	a.cert = must(x509.ParseCertificate(der))
	a.pool.AddCert(a.cert)
	return a
}

// issue returns a certificate for names and IP addresses; change may spoil it.
func (a *authority) issue(change func(*x509.Certificate), hosts ...string) tls.Certificate {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, h)
		}
	}
	if change != nil {
		change(template)
	}
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	return tls.Certificate{Certificate: [][]byte{must(x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key))}, PrivateKey: key}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// A world is one sender, with a recipient behind every public address.
type world struct {
	*wire.Sender
	meter  *meter
	names  *names
	roots  *authority
	dialed []netip.AddrPort // what the sender connected to

	mu       sync.Mutex
	received int // bytes that came in on the recipient's sockets
	listener net.Listener
	cert     tls.Certificate // of the good host

	accepting, conns sync.WaitGroup
}

const (
	good = "hooks.partner.example"
	url  = "https://" + good + "/in"
)

var goodAddress = netip.MustParseAddr("93.184.215.14")

// newWorld returns a sender whose connections all end at answer, which gets raw ones.
func newWorld(t testing.TB, cfg wire.Config, answer func(*world, net.Conn), hosts ...string) *world {
	t.Helper()
	w := &world{meter: newMeter(), names: &names{answers: map[string][][]netip.Addr{good: {{goodAddress}}}}, roots: newAuthority(t)}
	cfg.Resolver, cfg.Roots, cfg.Log = w.names, w.roots.pool, slog.New(slog.DiscardHandler)
	w.Sender = must(wire.New(w.meter, cfg))
	w.listener = must(net.Listen("tcp", "127.0.0.1:0"))
	w.cert = w.roots.issue(nil, append(hosts, good)...)
	w.accepting.Go(func() {
		for {
			conn, err := w.listener.Accept()
			if err != nil {
				return
			}
			w.conns.Go(func() {
				defer conn.Close()
				answer(w, &counting{Conn: conn, w: w})
			})
		}
	})
	t.Cleanup(w.shut)
	w.Route(func(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
		w.mu.Lock()
		w.dialed = append(w.dialed, to)
		w.mu.Unlock()
		var d net.Dialer
		return d.DialContext(ctx, "tcp", w.listener.Addr().String())
	})
	return w
}

// counting counts what the recipient reads from the socket.
type counting struct {
	net.Conn
	w *world
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.w.mu.Lock()
	c.w.received += n
	c.w.mu.Unlock()
	return n, err
}

// rest reads what is still under way, so that it is counted.
func rest(c net.Conn) {
	_ = c.SetReadDeadline(time.Now().Add(2 * time.Second))
	_, _ = io.Copy(io.Discard, c)
}

func (w *world) dials() []netip.AddrPort {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.dialed
}

// shut ends the recipient, and waits until it has read everything.
func (w *world) shut() {
	w.listener.Close()
	w.accepting.Wait()
	w.conns.Wait()
}

// bytes shuts the recipient and returns what its sockets got.
func (w *world) bytes() int {
	w.shut()
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.received
}

// served answers HTTP over TLS with a handler, at every public address.
func served(t testing.TB, cfg wire.Config, h http.HandlerFunc, hosts ...string) *world {
	t.Helper()
	conns := make(chan net.Conn)
	closed := make(chan struct{})
	w := newWorld(t, cfg, func(_ *world, raw net.Conn) {
		done := make(chan struct{})
		select {
		case conns <- &notifying{Conn: raw, done: done}:
			<-done
			rest(raw)
		case <-closed:
		}
	}, hosts...)
	server := &http.Server{Handler: h, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	var serving sync.WaitGroup
	serving.Go(func() {
		_ = server.Serve(tls.NewListener(&handed{conns: conns, closed: closed, addr: w.listener.Addr()}, with(w.cert)))
	})
	t.Cleanup(func() { close(closed); server.Close(); serving.Wait() })
	return w
}

// notifying tells when the server is done with a connection, and leaves it open.
type notifying struct {
	net.Conn
	once sync.Once
	done chan struct{}
}

func (n *notifying) Close() error {
	n.once.Do(func() {
		if c, ok := n.Conn.(*counting).Conn.(*net.TCPConn); ok {
			_ = c.CloseWrite()
		}
		close(n.done)
	})
	return nil
}

// handed is a listener of connections that another one took.
type handed struct {
	conns  chan net.Conn
	closed chan struct{}
	addr   net.Addr
}

func (h *handed) Accept() (net.Conn, error) {
	select {
	case c := <-h.conns:
		return c, nil
	case <-h.closed:
		return nil, errors.New("closed")
	}
}
func (h *handed) Close() error   { return nil }
func (h *handed) Addr() net.Addr { return h.addr }

func newID(t testing.TB) thimble.ID {
	t.Helper()
	return must(thimble.NewID(nil))
}

func message(t testing.TB, body string) wire.Message {
	t.Helper()
	return wire.Message{ID: newID(t), Disclosure: newID(t), Type: "application/json", Body: thimble.Hide([]byte(body))}
}

func hook(t testing.TB) wire.Hook {
	t.Helper()
	return wire.Hook{URL: url, Hosts: []string{good}, Keys: []wire.SigningKey{key(t, vectors[0].key)}}
}
