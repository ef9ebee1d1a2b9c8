package web

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"
)

// A pipeListener hands out connections that are memory, so that a test may have many.
type pipeListener struct {
	conns chan net.Conn
	done  chan struct{}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error { close(l.done); return nil }

func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }

func (l *pipeListener) dial() net.Conn {
	here, there := net.Pipe()
	l.conns <- there
	return here
}

func pipes(t *testing.T, most int, h http.Handler) *pipeListener {
	t.Helper()
	l := &pipeListener{conns: make(chan net.Conn), done: make(chan struct{})}
	s := NewServer(h, most, slog.New(slog.DiscardHandler))
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	t.Cleanup(func() {
		_ = s.Close()
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("serving: %v", err)
		}
	})
	return l
}

var answers = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "here") })

func ask(c net.Conn) error {
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return err
	}
	if _, err := fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		return err
	}
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return err
	}
	b, err := io.ReadAll(res.Body)
	if err == nil && string(b) != "here" {
		err = fmt.Errorf("got %q", b)
	}
	return err
}

// held is the memory in use after the garbage is gone.
func held() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}

func TestTenThousandSilentConnectionsCostWhatTheBoundCosts(t *testing.T) {
	const most, silent = 500, 10_000
	l := pipes(t, most, answers)
	before := held()
	open := make([]net.Conn, 0, silent)
	t.Cleanup(func() {
		for _, c := range open {
			_ = c.Close()
		}
	})
	for range silent {
		open = append(open, l.dial())
	}
	c := l.dial()
	if err := ask(c); err != nil {
		t.Errorf("among %d silent connections: %v", silent, err)
	}
	_ = c.Close()
	// A pipe's own ends are the test's: about 1 kB each.
	if grown := held() - before; grown > 40<<20 {
		t.Errorf("%d connections grew the process by %d kB, want at most 40 MB", silent, grown>>10)
	}
	closed := 0
	for _, c := range open {
		_ = c.SetReadDeadline(time.Now().Add(time.Millisecond))
		if _, err := c.Read(make([]byte, 1)); errors.Is(err, io.EOF) {
			closed++
		}
		if closed > 100 {
			break
		}
	}
	if closed < 100 {
		t.Errorf("only %d of the longest waiting were closed", closed)
	}
}

func TestWhoWaitsLongestGoesAndWhoWorksStays(t *testing.T) {
	working, end := make(chan struct{}), make(chan struct{})
	l := pipes(t, 2, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Wait") != "" {
			working <- struct{}{}
			<-end
		}
		_, _ = io.WriteString(w, "here")
	}))
	busy := l.dial()
	got := make(chan error, 1)
	go func() {
		_, err := fmt.Fprint(busy, "GET / HTTP/1.1\r\nHost: x\r\nWait: 1\r\n\r\n")
		if err == nil {
			_, err = http.ReadResponse(bufio.NewReader(busy), nil)
		}
		got <- err
	}()
	<-working
	idle := l.dial()
	if err := ask(idle); err != nil {
		t.Fatal(err)
	}
	// An answer is read a moment before its connection waits again.
	var err error
	for range 100 {
		if err = ask(l.dial()); err == nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err != nil {
		t.Errorf("the newcomer: %v", err)
	}
	if err := ask(idle); err == nil {
		t.Error("the one that waited longest was kept")
	}
	close(end)
	if err := <-got; err != nil {
		t.Errorf("the one at work: %v", err)
	}
}

func TestWhereAllWorkTheNewcomerGoes(t *testing.T) {
	working, end := make(chan struct{}), make(chan struct{})
	l := pipes(t, 1, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		working <- struct{}{}
		<-end
		_, _ = io.WriteString(w, "here")
	}))
	busy := l.dial()
	got := make(chan error, 1)
	go func() { got <- ask(busy) }()
	<-working
	if err := ask(l.dial()); err == nil {
		t.Error("a second connection was kept")
	}
	close(end)
	if err := <-got; err != nil {
		t.Errorf("the one at work: %v", err)
	}
}

func TestASlowOrLongHeaderIsLetGo(t *testing.T) {
	l := pipes(t, 10, answers)
	long := l.dial()
	go func() {
		_, _ = io.WriteString(long, "GET / HTTP/1.1\r\nHost: x\r\nX: "+strings.Repeat("x", 64<<10)+"\r\n\r\n")
	}()
	_ = long.SetReadDeadline(time.Now().Add(10 * time.Second))
	if res, err := http.ReadResponse(bufio.NewReader(long), nil); err != nil || res.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("a long header: %v, %v", res, err)
	}
	slow := l.dial()
	go func() {
		for {
			if _, err := io.WriteString(slow, "G"); err != nil {
				return
			}
			time.Sleep(100 * time.Millisecond)
		}
	}()
	_ = slow.SetReadDeadline(time.Now().Add(30 * time.Second))
	if _, err := io.Copy(io.Discard, slow); err != nil && !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("a slow header: %v, want the connection closed", err)
	}
}

// A server says of a connection that failed whose it was: in the log it is nobody's.
func TestWhatAServerSaysOfConnectionsNamesNoAddress(t *testing.T) {
	for _, from := range []string{"192.0.2.7:4711", "[2001:db8::7]:4711", "[fe80::7%eth0]:4711", "192.0.2.7"} {
		var out strings.Builder
		s := NewServer(answers, 16, slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})))
		s.ErrorLog.Printf("http: TLS handshake error from %s: read tcp 192.0.2.1:443->%s: i/o timeout", from, from)
		got := out.String()
		if strings.Contains(got, "192.0.2.7") || strings.Contains(got, "::7") || strings.Contains(got, "4711") || !strings.Contains(got, "TLS handshake error from [address]: read tcp [address]->[address]: i/o timeout") {
			t.Errorf("logged: %s", got)
		}
	}
}

// An addressed connection comes from somewhere.
type addressed struct {
	net.Conn
	from string
}

func (a addressed) RemoteAddr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(a.from))
}

func (l *pipeListener) dialFrom(from string) net.Conn {
	here, there := net.Pipe()
	l.conns <- addressed{there, from}
	return here
}

// A network that has more than half of all connections gives way, also with those at work,
// and pushes nobody of another network out.
func TestOneNetworkKeepsNobodyElseOut(t *testing.T) {
	const most = 8
	working, end := make(chan struct{}, most), make(chan struct{})
	l := pipes(t, most, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.RemoteAddr, "192.0.2.") {
			working <- struct{}{}
			<-end
		}
		_, _ = io.WriteString(w, "here")
	}))
	defer close(end)
	flood := func(i int) net.Conn { return l.dialFrom(fmt.Sprintf("192.0.2.%d:%d", i%250+1, 1024+i)) }
	for i := range most {
		c := flood(i)
		go func() { _ = ask(c) }()
		<-working
	}
	other := l.dialFrom("198.51.100.7:4711")
	if err := ask(other); err != nil {
		t.Fatalf("somebody else: %v", err)
	}
	for i := range 10 * most { // silent, and one after another
		_ = flood(most + i)
	}
	if err := ask(other); err != nil {
		t.Errorf("somebody else, whose connection waits: %v", err)
	}
	for i := range most/2 - 1 {
		if err := ask(l.dialFrom(fmt.Sprintf("203.0.113.7:%d", 1024+i))); err != nil {
			t.Errorf("number %d of a third network: %v", i, err)
		}
	}
	if err := ask(other); err != nil {
		t.Errorf("somebody else, after a third: %v", err)
	}
}
