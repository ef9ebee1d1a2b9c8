package wire_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"mime/multipart"
	"net"
	"net/mail"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/disclose/wire"
	"thimble/internal/disclose/wiretest"
)

const server = "mail.partner.example"

// posted returns a world whose connections end at a mailbox.
func posted(t testing.TB, cfg wire.Config, box *wiretest.Mailbox, secure bool) *world {
	t.Helper()
	ready := make(chan struct{})
	w := newWorld(t, cfg, func(_ *world, raw net.Conn) {
		<-ready
		box.Serve(raw)
		_ = raw.(*counting).Conn.(*net.TCPConn).CloseWrite()
		rest(raw)
	}, server)
	w.names.answers[server] = [][]netip.Addr{{goodAddress}}
	if secure {
		box.TLS = with(w.cert)
	}
	close(ready)
	return w
}

func letter(t testing.TB) wire.Letter {
	t.Helper()
	return wire.Letter{
		ID: newID(t), Disclosure: newID(t), From: "Schöner Laden <shop@laden.example>", To: thimble.Hide("ada@mail.example"),
		Subject: thimble.Hide("Ihr Code für heute"), Text: thimble.Hide("Ihr Code ist 123456.\n.\n..punkt\nGrüße"),
	}
}

func TestALetterArrivesWhole(t *testing.T) {
	for name, c := range map[string]struct {
		implicit bool
		port     uint16
	}{"STARTTLS": {false, 587}, "TLS from the first byte": {true, 465}} {
		t.Run(name, func(t *testing.T) {
			box := &wiretest.Mailbox{Implicit: c.implicit, User: "shop", Password: "geheim"}
			at := time.Now().Truncate(time.Second)
			w := posted(t, wire.Config{Now: func() time.Time { return at }}, box, true)
			l := letter(t)

			out := w.Mail(t.Context(), wire.Relay{Host: server, Port: c.port, User: "shop", Password: "geheim"}, l)

			if out.State != wire.Delivered {
				t.Fatalf("outcome = %+v; the server heard %q", out, box.Heard())
			}
			w.shut()
			got := box.Received()
			if len(got) != 1 || got[0].From != "shop@laden.example" || got[0].To != "ada@mail.example" || !got[0].TLS {
				t.Fatalf("received %+v", got)
			}
			m := must(mail.ReadMessage(strings.NewReader(got[0].Data)))
			for header, want := range map[string]string{
				"Subject": "Ihr Code für heute", "To": "<ada@mail.example>", "Message-ID": "<" + l.ID.Token("msg") + "@laden.example>",
				"Date": at.Format(time.RFC1123Z), "Auto-Submitted": "auto-generated", "Mime-Version": "1.0", "List-Unsubscribe": "",
				"Content-Type": "text/plain; charset=utf-8",
			} {
				if got := must(new(mime.WordDecoder).DecodeHeader(m.Header.Get(header))); got != want {
					t.Errorf("%s = %q, want %q", header, got, want)
				}
			}
			if from := must(m.Header.AddressList("From")); from[0].Name != "Schöner Laden" || from[0].Address != "shop@laden.example" {
				t.Errorf("from = %v", from)
			}
			if text := decoded(t, m.Header.Get("Content-Transfer-Encoding"), m.Body); strings.TrimRight(text, "\r\n") != "Ihr Code ist 123456.\r\n.\r\n..punkt\r\nGrüße" {
				t.Errorf("text = %q", text)
			}
			if begun, sent := w.meter.of(l.Disclosure); begun != 1 || sent != w.bytes() {
				t.Errorf("begun %d times; %d bytes metered, %d received", begun, sent, w.bytes())
			}
		})
	}
}

func decoded(t *testing.T, encoding string, body io.Reader) string {
	t.Helper()
	if encoding != "quoted-printable" {
		t.Errorf("encoding = %q", encoding)
	}
	return string(must(io.ReadAll(quoted(body))))
}

func TestALetterWithHTMLHasBothTexts(t *testing.T) {
	box := &wiretest.Mailbox{}
	w := posted(t, wire.Config{}, box, true)
	l := letter(t)
	l.HTML = thimble.Hide("<p>Grüße --=_" + l.ID.Token("msg") + "--</p>")
	l.Unsubscribe = thimble.Hide("https://laden.example/u/abc?x=1")
	if out := w.Mail(t.Context(), wire.Relay{Host: server}, l); out.State != wire.Delivered {
		t.Fatalf("outcome = %+v", out)
	}
	w.shut()
	m := must(mail.ReadMessage(strings.NewReader(box.Received()[0].Data)))
	if got := m.Header.Get("List-Unsubscribe") + " " + m.Header.Get("List-Unsubscribe-Post"); got != "<https://laden.example/u/abc?x=1> List-Unsubscribe=One-Click" {
		t.Errorf("unsubscribe headers = %q", got)
	}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("type = %q, %v", kind, err)
	}
	var kinds, texts []string
	for r := multipart.NewReader(m.Body, params["boundary"]); ; {
		p, err := r.NextRawPart()
		if err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		kinds, texts = append(kinds, p.Header.Get("Content-Type")), append(texts, decoded(t, p.Header.Get("Content-Transfer-Encoding"), p))
	}
	if !slices.Equal(kinds, []string{"text/plain; charset=utf-8", "text/html; charset=utf-8"}) || !strings.Contains(texts[1], "<p>Grüße --=_") || !strings.HasSuffix(texts[1], "--</p>\r\n") && !strings.HasSuffix(texts[1], "--</p>") {
		t.Errorf("parts = %q %q", kinds, texts)
	}
}

func TestWithoutTLSNeitherPasswordNorLetterGoesOut(t *testing.T) {
	for name, c := range map[string]struct {
		box    *wiretest.Mailbox
		secure bool
		why    wire.Why
	}{
		"none is offered":                   {&wiretest.Mailbox{User: "shop"}, false, wire.Untrusted},
		"the offer is refused":              {&wiretest.Mailbox{User: "shop", Answer: map[string]string{"STARTTLS": "454 not now\r\n"}}, true, wire.Failing},
		"the offer is refused for good":     {&wiretest.Mailbox{User: "shop", Answer: map[string]string{"STARTTLS": "502 no\r\n"}}, true, wire.RelayRefused},
		"words are put in before the TLS":   {&wiretest.Mailbox{User: "shop", Answer: map[string]string{"STARTTLS": "220 go\r\n250 AUTH PLAIN\r\n"}}, true, wire.AnswerInvalid},
		"words are put in after the hello":  {&wiretest.Mailbox{User: "shop", Answer: map[string]string{"EHLO": "250-x\r\n250 STARTTLS\r\n220 go\r\n"}}, true, wire.AnswerInvalid},
		"TLS is offered and is none":        {&wiretest.Mailbox{User: "shop", NoTLS: true}, true, wire.Untrusted},
		"the certificate is another host's": {&wiretest.Mailbox{User: "shop"}, true, wire.Untrusted},
	} {
		t.Run(name, func(t *testing.T) {
			box := c.box
			w := posted(t, quick, box, c.secure)
			if strings.HasPrefix(name, "the certificate") {
				box.TLS = with(w.roots.issue(nil, good))
			}
			out := w.Mail(t.Context(), wire.Relay{Host: server, User: "shop", Password: "geheim"}, letter(t))
			if out.State != wire.Retry || out.Why != c.why {
				t.Errorf("outcome = %+v, want %s", out, c.why)
			}
			w.shut()
			for _, l := range box.Heard() {
				if verb, _, _ := strings.Cut(l, " "); slices.Contains([]string{"AUTH", "MAIL", "RCPT", "DATA"}, verb) {
					t.Errorf("the server heard %q in the clear", l)
				}
			}
			if len(box.Received()) != 0 {
				t.Error("the letter arrived")
			}
		})
	}
}

func TestWhateverAMailServerDoesHasAName(t *testing.T) {
	many := strings.Repeat("250-x\r\n", 500) + "250 x\r\n"
	cases := []struct {
		name  string
		step  string
		say   string
		state wire.State
		why   wire.Why
	}{
		{"it hangs up before the greeting", "greeting", wiretest.Cut, wire.Retry, wire.AnswerCut},
		{"it says nothing", "greeting", wiretest.Hang, wire.Retry, wire.NoAnswer},
		{"it cuts the greeting", "greeting", "220 mail.exa", wire.Retry, wire.AnswerCut},
		{"it is not open", "greeting", "554 no service\r\n", wire.Retry, wire.RelayRefused},
		{"it is closing", "greeting", "421 later\r\n", wire.Retry, wire.Busy},
		{"it speaks HTTP", "greeting", "HTTP/1.1 400 Bad Request\r\n", wire.Retry, wire.AnswerInvalid},
		{"it greets with a wrong code", "greeting", "250 hello\r\n", wire.Retry, wire.AnswerInvalid},
		{"its code is no number", "greeting", "2x0 hello\r\n", wire.Retry, wire.AnswerInvalid},
		{"its code is out of range", "greeting", "999 hello\r\n", wire.Retry, wire.AnswerInvalid},
		{"it changes its code between lines", "EHLO", "250-x\r\n220 y\r\n", wire.Retry, wire.AnswerInvalid},
		{"it has lines without end", "EHLO", many, wire.Retry, wire.AnswerInvalid},
		{"it has one line without end", "EHLO", "250 " + strings.Repeat("x", 5000) + "\r\n", wire.Retry, wire.AnswerInvalid},
		{"it answers before it is asked", "greeting", "220 hi\r\n250 ok\r\n", wire.Retry, wire.AnswerInvalid},
		{"it hangs up after the hello", "EHLO", wiretest.Cut, wire.Retry, wire.AnswerCut},
		{"it does not know EHLO", "EHLO", "500 what\r\n", wire.Retry, wire.RelayRefused},
		{"it does not know us", "AUTH", "535 no\r\n", wire.Retry, wire.RelayRefused},
		{"it cannot look us up", "AUTH", "454 later\r\n", wire.Retry, wire.Failing},
		{"it wants another sender", "MAIL", "550 no\r\n", wire.Permanent, wire.Rejected},
		{"it is greylisting", "RCPT", "451 later\r\n", wire.Retry, wire.Failing},
		{"the mailbox is unknown", "RCPT", "550 nobody\r\n", wire.Permanent, wire.Rejected},
		{"the mailbox is full", "RCPT", "452 full\r\n", wire.Retry, wire.Failing},
		{"it will forward it", "RCPT", "251 ok\r\n", wire.Delivered, ""},
		{"it shuts down", "RCPT", "421 bye\r\n", wire.Retry, wire.Busy},
		{"it wants no data", "DATA", "554 no\r\n", wire.Permanent, wire.Rejected},
		{"it takes data with a wrong code", "DATA", "250 ok\r\n", wire.Retry, wire.AnswerInvalid},
		{"it hangs up at the data", "DATA", wiretest.Cut, wire.Retry, wire.AnswerCut},
		{"it takes the letter and hangs up", "body", wiretest.Cut, wire.Retry, wire.AnswerCut},
		{"it takes the letter and says nothing", "body", wiretest.Hang, wire.Retry, wire.NoAnswer},
		{"it begins its last word and stops", "body", "250 ta", wire.Retry, wire.AnswerCut},
		{"it dislikes the letter", "body", "554 spam\r\n", wire.Permanent, wire.Rejected},
		{"it is out of space", "body", "452 later\r\n", wire.Retry, wire.Failing},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			box := &wiretest.Mailbox{User: "shop", Password: "geheim", Answer: map[string]string{c.step: c.say}}
			w := posted(t, quick, box, true)

			out := w.Mail(t.Context(), wire.Relay{Host: server, User: "shop", Password: "geheim"}, letter(t))

			if out.State != c.state || out.Why != c.why {
				t.Errorf("outcome = %+v, want %s %s; the server heard %q", out, c.state, c.why, box.Heard())
			}
			if code, err := strconv.Atoi(c.say[:min(3, len(c.say))]); err == nil && c.why != wire.AnswerInvalid && c.why != wire.AnswerCut && c.state != wire.Delivered && out.Status != code {
				t.Errorf("status = %d, want %d", out.Status, code)
			}
		})
	}
}

func TestASlowMailServerIsNotWaitedForForEver(t *testing.T) {
	w := newWorld(t, quick, func(_ *world, raw net.Conn) { drips("220 " + strings.Repeat("x", 1000))(raw) }, server)
	w.names.answers[server] = [][]netip.Addr{{goodAddress}}
	if out := w.Mail(t.Context(), wire.Relay{Host: server}, letter(t)); out.State != wire.Retry || out.Why != wire.AnswerSlow {
		t.Errorf("outcome = %+v, want a retry: slow", out)
	}
}

func TestEveryWayToSignInIsUnderTLS(t *testing.T) {
	for _, mechanisms := range []string{"PLAIN", "LOGIN", "LOGIN PLAIN", "CRAM-MD5"} {
		box := &wiretest.Mailbox{User: "shop", Password: "geheim", Mechanisms: mechanisms}
		w := posted(t, wire.Config{}, box, true)
		out := w.Mail(t.Context(), wire.Relay{Host: server, User: "shop", Password: "geheim"}, letter(t))
		if want := mechanisms != "CRAM-MD5"; want != (out.State == wire.Delivered) {
			t.Errorf("%s: outcome = %+v", mechanisms, out)
		}
		wrong := w.Mail(t.Context(), wire.Relay{Host: server, User: "shop", Password: "falsch"}, letter(t))
		if wrong.State != wire.Retry || wrong.Why != wire.RelayRefused {
			t.Errorf("%s with a wrong password: %+v", mechanisms, wrong)
		}
		w.shut()
		for _, l := range box.Heard() {
			if strings.Contains(l, "AUTH") && !strings.HasPrefix(l, "tls ") {
				t.Errorf("%s: in the clear: %q", mechanisms, l)
			}
		}
	}
}

func TestNoLetterGoesOutWithoutALeaf(t *testing.T) {
	for name, set := range map[string]func(*world, *wire.Letter){
		"the meter refuses": func(w *world, _ *wire.Letter) { w.meter.refuse = errors.New("no leaf") },
		"no id at all":      func(_ *world, l *wire.Letter) { l.Disclosure = thimble.ID{} },
	} {
		for _, port := range []uint16{587, 465} {
			box := &wiretest.Mailbox{Implicit: port == 465}
			w := posted(t, wire.Config{}, box, true)
			l := letter(t)
			set(w, &l)
			if out := w.Mail(t.Context(), wire.Relay{Host: server, Port: port}, l); out.State != wire.Retry || out.Why != wire.NotRecorded {
				t.Errorf("%s: outcome = %+v, want a retry: not recorded", name, out)
			}
			if n := w.bytes(); n != 0 || w.meter.sum(t) != 0 {
				t.Errorf("%s: %d bytes arrived", name, n)
			}
		}
	}
}

func TestALetterTooLargeForTheServerStaysHere(t *testing.T) {
	box := &wiretest.Mailbox{Offer: []string{"SIZE 500"}}
	w := posted(t, wire.Config{}, box, true)
	l := letter(t)
	l.Text = thimble.Hide(strings.Repeat("x", 1000))
	if out := w.Mail(t.Context(), wire.Relay{Host: server}, l); out.State != wire.Permanent || out.Why != wire.MessageTooLarge {
		t.Errorf("outcome = %+v", out)
	}
	l.Text = thimble.Hide(strings.Repeat("x", wire.MaxLetter))
	if out := w.Mail(t.Context(), wire.Relay{Host: server}, l); out.State != wire.Permanent || out.Why != wire.MessageTooLarge {
		t.Errorf("outcome = %+v", out)
	}
}

func TestAMailServerIsAPublicOneOrANamedOneOfThisMachine(t *testing.T) {
	box := &wiretest.Mailbox{}
	endpoint := box.Start(t)
	host, port := split(endpoint)
	s := must(wire.New(newMeter(), wire.Config{Loopback: []string{endpoint}, Log: slog.New(slog.DiscardHandler)}))
	if out := s.Mail(t.Context(), wire.Relay{Host: host, Port: port}, letter(t)); out.State != wire.Delivered {
		t.Errorf("the named one = %+v", out)
	}
	if out := s.Mail(t.Context(), wire.Relay{Host: host, Port: port, User: "shop"}, letter(t)); out.Why != wire.Untrusted {
		t.Errorf("a password without TLS = %+v, want untrusted", out)
	}
	for _, r := range []wire.Relay{{Host: "127.0.0.2", Port: port}, {Host: "127.0.0.1"}, {Host: "localhost"}, {Host: "10.0.0.1"}, {Host: "mail.local"}, {Host: server, Port: 2525}, {Host: "a b"}, {}} {
		if out := s.Mail(t.Context(), r, letter(t)); out.State != wire.Permanent {
			t.Errorf("%+v = %+v, want a refusal", r, out)
		}
	}
}

func TestAShutdownStopsALetter(t *testing.T) {
	box := &wiretest.Mailbox{Answer: map[string]string{"RCPT": wiretest.Hang}}
	w := posted(t, wire.Config{}, box, true)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(200*time.Millisecond, cancel)
	if out := w.Mail(ctx, wire.Relay{Host: server}, letter(t)); out.State != wire.Retry || out.Why != wire.Stopped {
		t.Errorf("outcome = %+v, want a retry: stopped", out)
	}
}

func mailboxOn(tb testing.TB) string { return (&wiretest.Mailbox{}).Start(tb) }

func split(endpoint string) (string, uint16) {
	host, port, _ := net.SplitHostPort(endpoint)
	return host, uint16(must(strconv.Atoi(port)))
}

func TestAMailServerIsReadFromItsURL(t *testing.T) {
	for text, want := range map[string]wire.Relay{
		"smtp://mail.partner.example":                         {Host: server, Port: 587},
		"smtp://shop:a%40b@mail.partner.example":              {Host: server, Port: 587, User: "shop", Password: "a@b"},
		"smtp://mail.partner.example:25/":                     {Host: server, Port: 25},
		"smtps://shop%40laden.example:x@mail.partner.example": {Host: server, Port: 465, User: "shop@laden.example", Password: "x"},
		"smtp://127.0.0.1:1025":                               {Host: "127.0.0.1", Port: 1025},
		"smtp://[::1]:1025":                                   {Host: "::1", Port: 1025},
	} {
		if got, err := wire.ParseRelay(text); err != nil || got != want {
			t.Errorf("%s = %v %q, %v", text, got, got.User, err)
		}
	}
	for _, text := range []string{"", "mail.partner.example", "http://mail.partner.example", "smtp://", "smtp://mail.partner.example:0", "smtp://mail.partner.example:99999",
		"smtp://mail.partner.example:465", "smtps://mail.partner.example:587", "smtp://geheim@mail.partner.example", "smtp://:geheim@mail.partner.example", "smtp://mail.partner.example/geheim", "smtp://mail.partner.example?geheim", "smtp://a:geheim@%zz"} {
		if _, err := wire.ParseRelay(text); !errors.Is(err, thimble.ErrInvalid) || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%q = %v", text, err)
		}
	}
}

func TestTheMailServersPasswordCannotBePrinted(t *testing.T) {
	r := wire.Relay{Host: server, Port: 587, User: "benutzer", Password: "geheim"}
	shown := fmt.Sprintf("%v %+v %#v %s %q", r, r, &r, []wire.Relay{r}, r) + string(must(json.Marshal(r)))
	if strings.Contains(shown, "geheim") || strings.Contains(shown, "benutzer") || !strings.Contains(shown, server) {
		t.Errorf("shown as %s", shown)
	}
}

func TestAMailServerIsCheckedWhenItIsConfigured(t *testing.T) {
	s := must(wire.New(newMeter(), wire.Config{Loopback: []string{"[::1]:1025"}, Log: slog.New(slog.DiscardHandler)}))
	for text, ok := range map[string]bool{"smtp://mail.partner.example": true, "smtp://[::1]:1025": true, "smtp://[::1]:1026": false, "smtp://10.0.0.5": false, "smtp://mail": false, "smtp://mail.partner.example:2525": false} {
		if err := s.CheckRelay(must(wire.ParseRelay(text))); ok != (err == nil) || !ok && !errors.Is(err, thimble.ErrInvalid) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
