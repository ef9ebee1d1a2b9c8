package wire_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/disclose/wire"
)

func TestAWebhookArrivesSignedAndItsAcknowledgementComesBack(t *testing.T) {
	var id string
	var body []byte
	var verified error
	w := served(t, wire.Config{}, func(rw http.ResponseWriter, r *http.Request) {
		body, _ = io.ReadAll(r.Body)
		id, verified = wire.Verify(r.Header, body, time.Now(), key(t, vectors[0].key))
		if r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" || r.Host != good || r.TLS.Version != tls.VersionTLS13 {
			t.Errorf("the recipient got %s to %s, %v", r.Method, r.Host, r.Header)
		}
		rw.Header().Set("Content-Type", "application/json")
		fmt.Fprint(rw, `{"taken":true}`)
	})
	m := message(t, `{"order":"o-1"}`)

	out := w.Post(t.Context(), hook(t), m)

	if out.State != wire.Delivered || out.Status != 200 || out.Why != "" || string(out.Ack.Reveal()) != `{"taken":true}` {
		t.Errorf("outcome = %+v, ack %s", out, out.Ack.Reveal())
	}
	if verified != nil || id != m.ID.Token("msg") || string(body) != `{"order":"o-1"}` {
		t.Errorf("the recipient verified %q, %v, of %s", id, verified, body)
	}
	if begun, sent := w.meter.of(m.Disclosure); begun != 1 || sent != w.bytes() || sent < len(body) {
		t.Errorf("begun %d times; %d bytes metered, %d received", begun, sent, w.bytes())
	}
}

func TestAnEmptyMessageHasALengthOfZero(t *testing.T) {
	lengths := make(chan int64, 1)
	w := served(t, wire.Config{}, func(_ http.ResponseWriter, r *http.Request) { lengths <- r.ContentLength })
	if out := w.Post(t.Context(), hook(t), message(t, "")); out.State != wire.Delivered {
		t.Fatalf("outcome = %+v", out)
	}
	if n := <-lengths; n != 0 {
		t.Errorf("content length = %d", n)
	}
}

func TestNothingIsWrittenWithoutALeaf(t *testing.T) {
	for name, set := range map[string]func(*world, *wire.Message){
		"the meter refuses":     func(w *world, _ *wire.Message) { w.meter.refuse = errors.New("no leaf") },
		"there is no id at all": func(_ *world, m *wire.Message) { m.Disclosure = thimble.ID{} },
	} {
		t.Run(name, func(t *testing.T) {
			w := served(t, wire.Config{}, func(http.ResponseWriter, *http.Request) {})
			m := message(t, `{}`)
			set(w, &m)

			out := w.Post(t.Context(), hook(t), m)

			if out.State != wire.Retry || out.Why != wire.NotRecorded {
				t.Errorf("outcome = %+v, want a retry: not recorded", out)
			}
			if n := w.bytes(); n != 0 || w.meter.sum(t) != 0 {
				t.Errorf("%d bytes arrived", n)
			}
		})
	}
}

// Plain HTTP to a named loopback endpoint asks the meter too.
func TestNothingIsWrittenWithoutALeafInDevelopmentEither(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the recipient was asked") }))
	defer server.Close()
	m := newMeter()
	m.refuse = errors.New("no leaf")
	s := must(wire.New(m, wire.Config{Loopback: []string{server.Listener.Addr().String()}, Log: slog.New(slog.DiscardHandler)}))
	h := hook(t)
	h.URL, h.Hosts = server.URL, []string{"127.0.0.1"}
	if out := s.Post(t.Context(), h, message(t, `{}`)); out.Why != wire.NotRecorded {
		t.Errorf("outcome = %+v", out)
	}
	if m.sum(t) != 0 {
		t.Error("bytes were counted")
	}
}

func TestEachStatusHasItsOutcome(t *testing.T) {
	date := time.Now().Add(90 * time.Second).UTC().Format(http.TimeFormat)
	cases := []struct {
		status int
		header string // Retry-After
		state  wire.State
		why    wire.Why
		after  time.Duration
	}{
		{200, "", wire.Delivered, "", 0}, {202, "", wire.Delivered, "", 0}, {204, "", wire.Delivered, "", 0}, {299, "", wire.Delivered, "", 0},
		{301, "", wire.Permanent, wire.Redirected, 0}, {307, "", wire.Permanent, wire.Redirected, 0},
		{400, "", wire.Permanent, wire.Refused, 0}, {413, "", wire.Permanent, wire.Refused, 0}, {422, "", wire.Permanent, wire.Refused, 0},
		{401, "", wire.Retry, wire.Failing, 0}, {403, "", wire.Retry, wire.Failing, 0}, {404, "", wire.Retry, wire.Failing, 0},
		{410, "", wire.Permanent, wire.Gone, 0},
		{429, "120", wire.Retry, wire.Busy, 2 * time.Minute}, {429, "", wire.Retry, wire.Busy, 0},
		{503, date, wire.Retry, wire.Busy, 90 * time.Second},
		{503, "99999999", wire.Retry, wire.Busy, 24 * time.Hour},
		{503, "-5", wire.Retry, wire.Busy, 0}, {503, "soon", wire.Retry, wire.Busy, 0}, {503, "1.5", wire.Retry, wire.Busy, 0},
		{503, "Mon, 01 Jan 2001 00:00:00 GMT", wire.Retry, wire.Busy, 0},
		{500, "", wire.Retry, wire.Failing, 0}, {502, "7", wire.Retry, wire.Failing, 7 * time.Second},
	}
	for _, c := range cases {
		t.Run(fmt.Sprint(c.status, " ", c.header), func(t *testing.T) {
			w := served(t, wire.Config{}, func(rw http.ResponseWriter, _ *http.Request) {
				rw.Header().Set("Retry-After", c.header)
				rw.WriteHeader(c.status)
			})
			out := w.Post(t.Context(), hook(t), message(t, `{}`))
			if out.State != c.state || out.Why != c.why || out.Status != c.status {
				t.Errorf("outcome = %+v, want %s %s", out, c.state, c.why)
			}
			if d := out.After - c.after; d > 0 || d < -2*time.Second {
				t.Errorf("after = %v, want %v", out.After, c.after)
			}
		})
	}
}

// quick are limits under which a slow recipient does not slow the test.
var quick = wire.Config{Connect: time.Second, Whole: 1500 * time.Millisecond}

// hostile is what a recipient may do with a request that it has read.
var hostile = []struct {
	name   string
	answer func(net.Conn)
	state  wire.State
	why    wire.Why
}{
	{"it closes without a word", func(net.Conn) {}, wire.Retry, wire.AnswerCut},
	{"it says nothing", idle, wire.Retry, wire.NoAnswer},
	{"it cuts the status line", says("HTTP/1.1 2"), wire.Retry, wire.AnswerCut},
	{"it cuts the head", says("HTTP/1.1 200 OK\r\nContent-Type: a"), wire.Retry, wire.AnswerCut},
	{"it cuts the body", says("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"taken\""), wire.Retry, wire.AnswerCut},
	{"it cuts a chunk", says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{\"taken\""), wire.Retry, wire.AnswerCut},
	{"it drips the head", drips("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 1000)), wire.Retry, wire.AnswerSlow},
	{"it drips the body", drips("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + strings.Repeat("x", 1000)), wire.Retry, wire.AnswerSlow},
	{"it begins a body and stops", func(c net.Conn) { says("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{")(c); idle(c) }, wire.Retry, wire.AnswerSlow},
	{"it has a head without end", repeats("HTTP/1.1 200 OK\r\n", "X-Fill: "+strings.Repeat("x", 500)+"\r\n", 400), wire.Retry, wire.HeadersTooLarge},
	{"it has one header without end", repeats("HTTP/1.1 200 OK\r\nX: ", strings.Repeat("x", 1000), 200), wire.Retry, wire.HeadersTooLarge},
	{"it sends early hints without end", repeats("", "HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n", 5000), wire.Retry, wire.HeadersTooLarge},
	{"it has a body without end", repeats("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n[", strings.Repeat(" ", 1000), 1000), wire.Delivered, wire.AnswerTooLarge},
	{"it promises 10 TB", func(c net.Conn) { says("HTTP/1.1 200 OK\r\nContent-Length: 10995116277760\r\n\r\n{")(c); idle(c) }, wire.Delivered, wire.AnswerTooLarge},
	{"it announces less than it sends", says("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5\r\n\r\n{\"taken\":true}"), wire.Delivered, wire.AnswerNotJSON},
	{"it has two lengths", says("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 9\r\n\r\n{}"), wire.Retry, wire.AnswerInvalid},
	{"it has a negative length", says("HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n{}"), wire.Retry, wire.AnswerInvalid},
	{"it speaks SMTP", says("220 mail.example ESMTP\r\n\r\n"), wire.Retry, wire.AnswerInvalid},
	{"it speaks HTTP/2", says("\x00\x00\x12\x04\x00\x00\x00\x00\x00\r\n\r\n"), wire.Retry, wire.AnswerInvalid},
	{"it switches protocols", says("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"), wire.Retry, wire.Failing},
	{"its status is no number", says("HTTP/1.1 abc OK\r\n\r\n"), wire.Retry, wire.AnswerInvalid},
	{"it says JSON and is none", says("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5\r\n\r\nhello"), wire.Delivered, wire.AnswerNotJSON},
	{"it says ok in words", says("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"), wire.Delivered, ""},
	{"it nests JSON deeply", says("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n" + strings.Repeat("[", 60000)), wire.Delivered, wire.AnswerNotJSON},
	{"it packs its answer", says("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\x00"), wire.Delivered, ""},
}

func idle(c net.Conn) { rest(c) }

func says(text string) func(net.Conn) {
	return func(c net.Conn) { _, _ = io.WriteString(c, text) }
}

func repeats(first, again string, n int) func(net.Conn) {
	return func(c net.Conn) {
		_, err := io.WriteString(c, first)
		for i := 0; err == nil && i < n; i++ {
			_, err = io.WriteString(c, again)
		}
	}
}

func drips(text string) func(net.Conn) {
	return func(c net.Conn) {
		for _, b := range []byte(text) {
			if _, err := c.Write([]byte{b}); err != nil {
				return
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
}

func TestWhateverARecipientDoesHasAName(t *testing.T) {
	for _, h := range hostile {
		t.Run(h.name, func(t *testing.T) {
			t.Parallel()
			w := overHTTPS(t, quick, h.answer)
			m := message(t, `{"order":"o-1"}`)
			began := time.Now()

			out := w.Post(t.Context(), hook(t), m)

			if out.State != h.state || out.Why != h.why {
				t.Errorf("outcome = %+v, want %s %s", out, h.state, h.why)
			}
			if out.Ack.Reveal() != nil {
				t.Errorf("there is an acknowledgement: %s", out.Ack.Reveal())
			}
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
}

// overHTTPS reads one request over TLS and lets answer do the rest.
func overHTTPS(t *testing.T, cfg wire.Config, answer func(net.Conn)) *world {
	t.Helper()
	return newWorld(t, cfg, func(w *world, raw net.Conn) {
		overTLS(raw, w.cert, answer)
		_ = raw.(*counting).Conn.(*net.TCPConn).CloseWrite()
		rest(raw)
	})
}

func TestBadTLSIsNeverSpokenTo(t *testing.T) {
	stranger := newAuthority(t)
	cases := []struct {
		name string
		cfg  func(w *world) *tls.Config
		ok   bool
	}{
		{"the control", func(w *world) *tls.Config { return with(w.cert) }, true},
		{"TLS 1.2", func(w *world) *tls.Config {
			return &tls.Config{Certificates: []tls.Certificate{w.cert}, MaxVersion: tls.VersionTLS12}
		}, true},
		{"TLS 1.1", func(w *world) *tls.Config {
			return &tls.Config{Certificates: []tls.Certificate{w.cert}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
		}, false},
		{"an authority nobody knows", func(*world) *tls.Config { return with(stranger.issue(nil, good)) }, false},
		{"another host's", func(w *world) *tls.Config { return with(w.roots.issue(nil, "other.partner.example")) }, false},
		{"one that has run out", func(w *world) *tls.Config {
			return with(w.roots.issue(func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }, good))
		}, false},
		{"one of tomorrow", func(w *world) *tls.Config {
			return with(w.roots.issue(func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Minute) }, good))
		}, false},
		{"one for clients", func(w *world) *tls.Config {
			return with(w.roots.issue(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }, good))
		}, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			heard := make(chan string, 4)
			w := newWorld(t, quick, func(w *world, raw net.Conn) {
				conn := tls.Server(raw, c.cfg(w))
				if conn.Handshake() != nil {
					return
				}
				buf := make([]byte, 1<<12)
				n, _ := conn.Read(buf)
				heard <- string(buf[:n])
				_, _ = io.WriteString(conn, "HTTP/1.1 204 No Content\r\n\r\n")
				rest(raw)
			})

			out := w.Post(t.Context(), hook(t), message(t, `{"secret":1}`))

			if c.ok && out.State != wire.Delivered || !c.ok && (out.State != wire.Retry || out.Why != wire.Untrusted) {
				t.Errorf("outcome = %+v", out)
			}
			if !c.ok {
				select {
				case got := <-heard:
					if got != "" {
						t.Errorf("the recipient heard %q", got)
					}
				default:
				}
			}
		})
	}
}

func with(c tls.Certificate) *tls.Config { return &tls.Config{Certificates: []tls.Certificate{c}} }

func TestWhoDoesNotSpeakTLSIsUntrustedAndWhoSaysNothingUnreachable(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer func(net.Conn)
		why    wire.Why
	}{
		{"plain HTTP", says("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), wire.Untrusted},
		{"silence", idle, wire.Unreachable},
		{"closed at once", func(net.Conn) {}, wire.Unreachable},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, quick, func(_ *world, raw net.Conn) { c.answer(raw) })
			out := w.Post(t.Context(), hook(t), message(t, `{}`))
			if out.State != wire.Retry || out.Why != c.why {
				t.Errorf("outcome = %+v, want %s", out, c.why)
			}
		})
	}
}

func TestWhoCannotBeReachedIsTriedAgain(t *testing.T) {
	w := newWorld(t, quick, func(*world, net.Conn) {})
	w.listener.Close()
	if out := w.Post(t.Context(), hook(t), message(t, `{}`)); out.State != wire.Retry || out.Why != wire.Unreachable {
		t.Errorf("outcome = %+v, want a retry: unreachable", out)
	}
}

// A recipient that answers before the body is through, and one that cuts there.
func TestAConnectionCutInTheMiddleOfTheBodyIsNoDelivery(t *testing.T) {
	w := newWorld(t, quick, func(w *world, raw net.Conn) {
		conn := tls.Server(raw, with(w.cert))
		if conn.Handshake() == nil {
			_, _ = io.ReadFull(conn, make([]byte, 100))
		}
		_ = raw.(*counting).Conn.(*net.TCPConn).SetLinger(0)
	})
	out := w.Post(t.Context(), hook(t), message(t, strings.Repeat("x", 8<<20)))
	if out.State != wire.Retry || out.Why != wire.AnswerCut {
		t.Errorf("outcome = %+v, want a retry: cut", out)
	}
}

func TestAShutdownStopsATryAndSaysSo(t *testing.T) {
	w := overHTTPS(t, wire.Config{}, idle)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(200*time.Millisecond, cancel)
	if out := w.Post(ctx, hook(t), message(t, `{}`)); out.State != wire.Retry || out.Why != wire.Stopped {
		t.Errorf("outcome = %+v, want a retry: stopped", out)
	}
}

func TestMessagesThatBreakARuleStayHere(t *testing.T) {
	w := served(t, wire.Config{}, func(http.ResponseWriter, *http.Request) { t.Error("the recipient was asked") })
	for name, c := range map[string]struct {
		change func(*wire.Hook, *wire.Message)
		why    wire.Why
	}{
		"no id":                  {func(_ *wire.Hook, m *wire.Message) { m.ID = thimble.ID{} }, wire.MessageInvalid},
		"no type":                {func(_ *wire.Hook, m *wire.Message) { m.Type = "" }, wire.MessageInvalid},
		"a type without a slash": {func(_ *wire.Hook, m *wire.Message) { m.Type = "json" }, wire.MessageInvalid},
		"a type with a new line": {func(_ *wire.Hook, m *wire.Message) { m.Type = "text/plain\r\nX: y" }, wire.MessageInvalid},
		"no key":                 {func(h *wire.Hook, _ *wire.Message) { h.Keys = nil }, wire.MessageInvalid},
		"a key that verifies": {func(h *wire.Hook, _ *wire.Message) {
			h.Keys = []wire.SigningKey{key(t, key(t, vectors[1].key).Public())}
		}, wire.MessageInvalid},
		"a huge body": {func(_ *wire.Hook, m *wire.Message) { m.Body = thimble.Hide(make([]byte, wire.MaxBody+1)) }, wire.MessageTooLarge},
		"no host":     {func(h *wire.Hook, _ *wire.Message) { h.Hosts = nil }, wire.HostNotListed},
	} {
		h, m := hook(t), message(t, `{}`)
		c.change(&h, &m)
		if out := w.Post(t.Context(), h, m); out.State != wire.Permanent || out.Why != c.why {
			t.Errorf("%s: outcome = %+v, want %s", name, out, c.why)
		}
	}
	if w.bytes() != 0 {
		t.Error("bytes were sent")
	}
}

func TestLoopbackIsForNamedEndpointsOnly(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusNoContent) }))
	defer server.Close()
	endpoint := server.Listener.Addr().String()
	_, port, _ := net.SplitHostPort(endpoint)
	var warned bytes.Buffer
	post := func(loopback []string, address string) wire.Outcome {
		s := must(wire.New(newMeter(), wire.Config{Loopback: loopback, Log: slog.New(slog.NewTextHandler(&warned, nil))}))
		h := hook(t)
		h.URL, h.Hosts = address, []string{"127.0.0.1", "localhost"}
		return s.Post(t.Context(), h, message(t, `{}`))
	}

	if out := post([]string{endpoint}, "http://"+endpoint); out.State != wire.Delivered {
		t.Errorf("the named one = %+v", out)
	}
	if !strings.Contains(warned.String(), "level=WARN") || !strings.Contains(warned.String(), endpoint) {
		t.Errorf("nobody was warned: %s", &warned)
	}
	if out := post([]string{"localhost:" + port}, "http://localhost:"+port); out.State != wire.Delivered {
		t.Errorf("localhost, named = %+v", out)
	}
	for _, out := range []wire.Outcome{post(nil, "http://"+endpoint), post([]string{"127.0.0.1:1"}, "http://"+endpoint), post([]string{endpoint}, "http://localhost:"+port)} {
		if out.State != wire.Permanent {
			t.Errorf("one that is not named = %+v", out)
		}
	}
	for _, bad := range []string{"", "127.0.0.1", "10.0.0.1:80", "example.org:443", "[::ffff:127.0.0.1%lo]:80", "127.0.0.1:0", ":80"} {
		if _, err := wire.New(newMeter(), wire.Config{Loopback: []string{bad}}); !errors.Is(err, thimble.ErrInvalid) {
			t.Errorf("loopback endpoint %q = %v, want ErrInvalid", bad, err)
		}
	}
}

func BenchmarkPost(b *testing.B) {
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		rw.WriteHeader(http.StatusNoContent)
	}))
	defer server.Close()
	s := must(wire.New(newMeter(), wire.Config{Loopback: []string{server.Listener.Addr().String()}, Log: slog.New(slog.DiscardHandler)}))
	h := hook(b)
	h.URL, h.Hosts = server.URL, []string{"127.0.0.1"}
	m := message(b, strings.Repeat(`{"order":"o-1"}`, 100))
	b.ReportAllocs()
	for b.Loop() {
		if out := s.Post(b.Context(), h, m); out.State != wire.Delivered {
			b.Fatalf("%+v", out)
		}
	}
}
