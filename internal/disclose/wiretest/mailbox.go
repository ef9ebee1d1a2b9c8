// Package wiretest is the other end of the ways out, for tests: a mail server that speaks
// enough of SMTP to take letters, and misbehaves when it is told to.
package wiretest

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// A Received is a letter as it came in, with the dots taken back.
type Received struct {
	From, To string
	Data     string
	TLS      bool
}

// A Mailbox takes every letter. Its fields are set before it serves.
type Mailbox struct {
	TLS            *tls.Config // for STARTTLS, or from the first byte with Implicit; nil offers none
	Implicit       bool
	NoTLS          bool // offers STARTTLS, and goes on in the clear
	User, Password string
	Mechanisms     string // "PLAIN LOGIN" when empty; offered when there is a User, in the clear too
	Offer          []string
	// Answer replaces the reply to a step: greeting, EHLO, STARTTLS, AUTH, MAIL, RCPT, DATA,
	// body. "" is the usual one. [Cut] ends the connection and [Hang] says nothing more; a
	// text that does not end in a new line is said and then cut.
	Answer map[string]string

	mu       sync.Mutex
	received []Received
	heard    []string // lines that came in, with "tls " before those under TLS
}

// What a mailbox may do instead of answering.
const (
	Cut  = "\x00cut"
	Hang = "\x00hang"
)

// Start serves on loopback until the test ends, and returns host and port.
func (m *Mailbox) Start(tb testing.TB) string {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer conn.Close()
				m.Serve(conn)
			})
		}
	})
	tb.Cleanup(func() { l.Close(); serving.Wait() })
	return l.Addr().String()
}

// Received returns the letters that came in.
func (m *Mailbox) Received() []Received {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]Received{}, m.received...)
}

// Heard returns the lines that came in, but for the letters themselves.
func (m *Mailbox) Heard() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]string{}, m.heard...)
}

// A visit is one session.
type visit struct {
	m        *Mailbox
	conn     net.Conn
	in       *bufio.Reader
	tls      bool
	from, to string
}

// Serve answers one connection; the caller closes it.
func (m *Mailbox) Serve(conn net.Conn) {
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	v := &visit{m: m, conn: conn, in: bufio.NewReader(conn)}
	if m.Implicit && !v.secure() || !v.say("greeting", "220 mail.example ESMTP\r\n") {
		return
	}
	for {
		line, ok := v.hear()
		if !ok || !v.step(line) {
			return
		}
	}
}

func (v *visit) secure() bool {
	conn := tls.Server(v.conn, v.m.TLS)
	if conn.Handshake() != nil {
		return false
	}
	v.conn, v.in, v.tls = conn, bufio.NewReader(conn), true
	return true
}

func (v *visit) hear() (string, bool) {
	line, err := v.in.ReadString('\n')
	if err != nil {
		return "", false
	}
	line = strings.TrimSuffix(line, "\r\n")
	v.m.mu.Lock()
	defer v.m.mu.Unlock()
	mark := ""
	if v.tls {
		mark = "tls "
	}
	v.m.heard = append(v.m.heard, mark+line)
	return line, true
}

// say answers a step, and reports whether the session goes on.
func (v *visit) say(step, usual string) bool {
	text, other := v.m.Answer[step]
	switch {
	case !other || text == "":
		text = usual
	case text == Cut:
		return false
	case text == Hang:
		_, _ = io.Copy(io.Discard, v.conn)
		return false
	}
	_, err := io.WriteString(v.conn, text)
	return err == nil && strings.HasSuffix(text, "\n") && !strings.HasPrefix(text, "421")
}

func (v *visit) step(line string) bool {
	verb, args, _ := strings.Cut(line, " ")
	switch strings.ToUpper(verb) {
	case "EHLO":
		return v.say("EHLO", v.offer())
	case "STARTTLS":
		if v.m.TLS == nil {
			return v.say("STARTTLS", "502 not here\r\n")
		}
		return v.say("STARTTLS", "220 go ahead\r\n") && (v.m.NoTLS || v.m.Answer["STARTTLS"] != "" || v.secure())
	case "AUTH":
		return v.auth(args)
	case "MAIL":
		v.from = between(args)
		return v.say("MAIL", "250 ok\r\n")
	case "RCPT":
		v.to = between(args)
		return v.say("RCPT", "250 ok\r\n")
	case "DATA":
		return v.say("DATA", "354 go ahead\r\n") && (v.m.Answer["DATA"] != "" || v.take())
	case "QUIT":
		_, _ = io.WriteString(v.conn, "221 bye\r\n")
		return false
	}
	_, err := io.WriteString(v.conn, "500 what?\r\n")
	return err == nil
}

func (v *visit) offer() string {
	lines := []string{"mail.example"}
	if v.m.TLS != nil && !v.tls {
		lines = append(lines, "STARTTLS")
	}
	if v.m.User != "" {
		mechanisms := v.m.Mechanisms
		if mechanisms == "" {
			mechanisms = "PLAIN LOGIN"
		}
		lines = append(lines, "AUTH "+mechanisms)
	}
	lines = append(lines, v.m.Offer...)
	var text strings.Builder
	for i, l := range lines {
		sign := "-"
		if i == len(lines)-1 {
			sign = " "
		}
		text.WriteString("250" + sign + l + "\r\n")
	}
	return text.String()
}

func (v *visit) auth(args string) bool {
	mechanism, first, _ := strings.Cut(args, " ")
	given := decode(first)
	if mechanism == "LOGIN" {
		given = ""
		for _, prompt := range []string{"334 VXNlcm5hbWU6\r\n", "334 UGFzc3dvcmQ6\r\n"} {
			_, _ = io.WriteString(v.conn, prompt)
			line, ok := v.hear()
			if !ok {
				return false
			}
			given += "\x00" + decode(line)
		}
	}
	if given != "\x00"+v.m.User+"\x00"+v.m.Password {
		return v.say("AUTH", "535 no\r\n")
	}
	return v.say("AUTH", "235 ok\r\n")
}

// take reads a letter up to its single dot.
func (v *visit) take() bool {
	var data strings.Builder
	for {
		line, err := v.in.ReadString('\n')
		if err != nil {
			return false
		}
		if line == ".\r\n" {
			break
		}
		data.WriteString(strings.TrimPrefix(line, "."))
	}
	if v.m.Answer["body"] == "" {
		v.m.mu.Lock()
		v.m.received = append(v.m.received, Received{v.from, v.to, data.String(), v.tls})
		v.m.mu.Unlock()
	}
	return v.say("body", "250 taken\r\n")
}

func between(args string) string {
	_, rest, _ := strings.Cut(args, "<")
	inside, _, _ := strings.Cut(rest, ">")
	return inside
}

func decode(s string) string {
	b, _ := base64.StdEncoding.DecodeString(s)
	return string(b)
}
