package wire

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"

	"thimble"
)

var mailPorts = []uint16{465, 587, 25}

// Mail hands a letter to the relay. Delivered means that the relay has it; what comes back
// later comes back to the sender's address.
func (s *Sender) Mail(ctx context.Context, relay Relay, l Letter) Outcome {
	c, why := compose(l, s.now())
	if why != "" {
		return permanent(why)
	}
	to, err := s.relay(relay)
	if r, ok := errors.AsType[*refusal](err); ok {
		return permanent(r.why)
	}
	try, cancel := context.WithTimeout(ctx, s.cfg.Whole)
	defer cancel()
	out := s.handOver(try, l.Disclosure, to, relay, c)
	if out.State != Delivered && ctx.Err() != nil {
		return Outcome{State: Retry, Why: Stopped, Status: out.Status}
	}
	return out
}

func (s *Sender) handOver(ctx context.Context, disclosure thimble.ID, to place, relay Relay, c composed) Outcome {
	raw, why := s.dial(ctx, disclosure, to)
	if why == AddressForbidden {
		return permanent(why)
	} else if why != "" {
		return retry(why)
	}
	defer raw.Close()
	// Reads and writes end with the try.
	defer context.AfterFunc(ctx, func() { _ = raw.Close() })()
	t := &talk{ctx: ctx, sender: s, to: to, encrypted: to.tls}
	t.use(raw)
	if to.tls {
		if out := t.encrypt(); out.State != "" {
			return out
		}
	}
	for _, step := range []func() Outcome{
		t.greeted, func() Outcome { return t.hello(c.domain) }, func() Outcome { return t.secured(c.domain) },
		func() Outcome { return t.signedIn(relay) }, func() Outcome { return t.letter(c) },
	} {
		if out := step(); out.State != "" {
			return out
		}
	}
	// The relay has the letter; whether it hears the goodbye is all the same.
	_, _ = io.WriteString(t.conn, "QUIT\r\n")
	return Outcome{State: Delivered, Status: 250}
}

// A talk is one session of SMTP. Each step returns an empty outcome when the next may follow.
type talk struct {
	ctx       context.Context
	sender    *Sender
	to        place
	conn      *watched
	in        *bufio.Reader
	encrypted bool
	offers    map[string]string // extensions by their keyword
}

func (t *talk) use(conn net.Conn) {
	t.conn = &watched{Conn: conn}
	t.in = bufio.NewReader(t.conn)
}

func (t *talk) encrypt() Outcome {
	secure, why := t.sender.encrypt(t.ctx, t.conn.Conn, t.to)
	if why != "" {
		return retry(why)
	}
	t.use(secure)
	t.encrypted = true
	return Outcome{}
}

// refused says what a refusal of a step with 5xx means. Before the letter it is about
// the relay or our account there, which somebody can mend: the letter waits.
type refused Outcome

var (
	ofRelay  = refused(retry(RelayRefused))
	ofLetter = refused(permanent(Rejected))
)

// ask sends a line, unless it is empty, and expects a reply of a code.
func (t *talk) ask(line string, want int, no refused) (reply, Outcome) {
	if t.in.Buffered() > 0 {
		// What came before the question answers another one: somebody put it in.
		return reply{}, retry(AnswerInvalid)
	}
	t.conn.got.Store(0) // whether this reply has begun decides what its lack is called
	if line != "" {
		if _, err := io.WriteString(t.conn, line+"\r\n"); err != nil {
			return reply{}, t.broken(err)
		}
	}
	r, err := readReply(t.in)
	if err != nil {
		return reply{}, t.broken(err)
	}
	if r.code == want || want == 250 && r.code == 251 { // 251: it will be forwarded
		return r, Outcome{}
	}
	return r, judged(r.code, no)
}

func judged(code int, no refused) Outcome {
	out := Outcome{State: Retry, Why: AnswerInvalid, Status: code}
	switch {
	case code == 421:
		out.Why = Busy
	case code >= 400 && code < 500:
		out.Why = Failing
	case code >= 500:
		out.State, out.Why = no.State, no.Why
	}
	return out
}

func (t *talk) broken(err error) Outcome {
	if errors.Is(err, errReply) {
		return retry(AnswerInvalid)
	}
	return retry(noAnswer(t.ctx, t.conn, err))
}

func (t *talk) greeted() Outcome {
	_, out := t.ask("", 220, ofRelay)
	return out
}

// hello introduces the sender by the domain of its address, and hears what is offered.
func (t *talk) hello(domain string) Outcome {
	r, out := t.ask("EHLO "+domain, 250, ofRelay)
	if out.State != "" {
		return out
	}
	t.offers = map[string]string{}
	for _, l := range r.lines[1:] {
		name, args, _ := strings.Cut(strings.ToUpper(l), " ")
		t.offers[name] = args
	}
	return Outcome{}
}

// secured turns to TLS. Who takes STARTTLS out of the offer on the way gets nothing.
func (t *talk) secured(domain string) Outcome {
	if t.encrypted {
		return Outcome{}
	}
	if _, ok := t.offers["STARTTLS"]; !ok {
		if t.to.loopback {
			return Outcome{}
		}
		return retry(Untrusted)
	}
	if _, out := t.ask("STARTTLS", 220, ofRelay); out.State != "" {
		return out
	}
	if t.in.Buffered() > 0 {
		// Said in the clear, to be heard as if it were encrypted (CVE-2011-0411).
		return retry(AnswerInvalid)
	}
	if out := t.encrypt(); out.State != "" {
		return out
	}
	return t.hello(domain) // what was offered in the clear does not count: RFC 3207 §4.2
}

// signedIn shows the password, under TLS only.
func (t *talk) signedIn(relay Relay) Outcome {
	if relay.User == "" {
		return Outcome{}
	}
	if !t.encrypted {
		return retry(Untrusted)
	}
	encode := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	mechanisms := strings.Fields(t.offers["AUTH"])
	switch {
	case slices.Contains(mechanisms, "PLAIN"): // RFC 4616
		_, out := t.ask("AUTH PLAIN "+encode("\x00"+relay.User+"\x00"+relay.Password), 235, ofRelay)
		return out
	case slices.Contains(mechanisms, "LOGIN"):
		if _, out := t.ask("AUTH LOGIN", 334, ofRelay); out.State != "" {
			return out
		}
		if _, out := t.ask(encode(relay.User), 334, ofRelay); out.State != "" {
			return out
		}
		_, out := t.ask(encode(relay.Password), 235, ofRelay)
		return out
	}
	return retry(RelayRefused)
}

// letter names sender and mailbox and sends the letter. The letter is the relay's only
// when its last reply has come: one that is cut off before may arrive twice, with one
// Message-ID.
func (t *talk) letter(c composed) Outcome {
	size := ""
	if most, ok := t.offers["SIZE"]; ok { // RFC 1870
		if n, err := strconv.Atoi(most); err == nil && n > 0 && len(c.data) > n {
			return permanent(MessageTooLarge)
		}
		size = " SIZE=" + strconv.Itoa(len(c.data))
	}
	if _, out := t.ask("MAIL FROM:<"+c.from+">"+size, 250, ofLetter); out.State != "" {
		return out
	}
	if _, out := t.ask("RCPT TO:<"+c.to+">", 250, ofLetter); out.State != "" {
		return out
	}
	if _, out := t.ask("DATA", 354, ofLetter); out.State != "" {
		return out
	}
	if _, err := t.conn.Write(stuffed(c.data)); err != nil {
		return t.broken(err)
	}
	_, out := t.ask(".", 250, ofLetter)
	return out
}

// stuffed doubles a dot that begins a line (RFC 5321 §4.5.2). The data ends in CR LF.
func stuffed(data []byte) []byte {
	out := bytes.ReplaceAll(data, []byte("\r\n."), []byte("\r\n.."))
	if bytes.HasPrefix(out, []byte(".")) {
		out = append([]byte("."), out...)
	}
	return out
}
