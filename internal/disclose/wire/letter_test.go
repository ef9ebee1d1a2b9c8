package wire_test

import (
	"bytes"
	"io"
	"log/slog"
	"mime"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/disclose/wire"
)

func quoted(r io.Reader) io.Reader { return quotedprintable.NewReader(r) }

// asciiLines reports what of a letter breaks the rules of the wire.
func asciiLines(data []byte) string {
	for l := range bytes.SplitSeq(data, []byte("\r\n")) {
		if len(l) > 998 {
			return "a line is too long"
		}
		for _, c := range l {
			if c == '\r' || c == '\n' || c == 0 || c >= 0x7f {
				return "a line has a byte that may not be in it"
			}
		}
	}
	if !bytes.HasSuffix(data, []byte("\r\n")) {
		return "the end has no new line"
	}
	return ""
}

func TestNothingFromOutsideGetsIntoAHeader(t *testing.T) {
	at := time.Unix(1_800_000_000, 0)
	for name, c := range map[string]struct {
		change func(*wire.Letter)
		why    wire.Why
	}{
		"subject with a header":         {func(l *wire.Letter) { l.Subject = thimble.Hide("x\r\nBcc: eve@evil.example") }, wire.MessageInvalid},
		"subject with a bare LF":        {func(l *wire.Letter) { l.Subject = thimble.Hide("x\nBcc: eve@evil.example") }, wire.MessageInvalid},
		"subject with a bare CR":        {func(l *wire.Letter) { l.Subject = thimble.Hide("x\rBcc: eve@evil.example") }, wire.MessageInvalid},
		"subject with NUL":              {func(l *wire.Letter) { l.Subject = thimble.Hide("x\x00") }, wire.MessageInvalid},
		"subject that is no UTF-8":      {func(l *wire.Letter) { l.Subject = thimble.Hide("x\xff") }, wire.MessageInvalid},
		"subject too long":              {func(l *wire.Letter) { l.Subject = thimble.Hide(strings.Repeat("x", 501)) }, wire.MessageInvalid},
		"text that is no UTF-8":         {func(l *wire.Letter) { l.Text = thimble.Hide("x\xff") }, wire.MessageInvalid},
		"no id":                         {func(l *wire.Letter) { l.ID = thimble.ID{} }, wire.MessageInvalid},
		"to with a header":              {func(l *wire.Letter) { l.To = thimble.Hide("ada@mail.example\r\nBcc: eve@evil.example") }, wire.AddressInvalid},
		"to with a command":             {func(l *wire.Letter) { l.To = thimble.Hide("ada@mail.example>\r\nRCPT TO:<eve@evil.example") }, wire.AddressInvalid},
		"to with parameters":            {func(l *wire.Letter) { l.To = thimble.Hide("ada@mail.example> NOTIFY=NEVER") }, wire.AddressInvalid},
		"two addresses":                 {func(l *wire.Letter) { l.To = thimble.Hide("ada@mail.example, eve@evil.example") }, wire.AddressInvalid},
		"an address with a name":        {func(l *wire.Letter) { l.To = thimble.Hide("Ada <ada@mail.example>") }, wire.AddressInvalid},
		"a quoted local part":           {func(l *wire.Letter) { l.To = thimble.Hide(`"a b"@mail.example`) }, wire.AddressInvalid},
		"a source route":                {func(l *wire.Letter) { l.To = thimble.Hide("@evil.example:ada@mail.example") }, wire.AddressInvalid},
		"two at signs":                  {func(l *wire.Letter) { l.To = thimble.Hide("ada@evil.example@mail.example") }, wire.AddressInvalid},
		"a literal":                     {func(l *wire.Letter) { l.To = thimble.Hide("ada@[127.0.0.1]") }, wire.AddressInvalid},
		"another alphabet":              {func(l *wire.Letter) { l.To = thimble.Hide("ädä@mail.example") }, wire.AddressInvalid},
		"no domain":                     {func(l *wire.Letter) { l.To = thimble.Hide("ada") }, wire.AddressInvalid},
		"nobody":                        {func(l *wire.Letter) { l.To = thimble.Personal[string]{} }, wire.AddressInvalid},
		"from with a header":            {func(l *wire.Letter) { l.From = "Shop\r\nBcc: eve@evil.example <shop@laden.example>" }, wire.AddressInvalid},
		"no from":                       {func(l *wire.Letter) { l.From = "" }, wire.AddressInvalid},
		"unsubscribe with a header":     {func(l *wire.Letter) { l.Unsubscribe = thimble.Hide("https://laden.example/>\r\nBcc: x") }, wire.MessageInvalid},
		"unsubscribe with a second one": {func(l *wire.Letter) { l.Unsubscribe = thimble.Hide("https://laden.example/>,<https://evil.example/") }, wire.MessageInvalid},
		"unsubscribe in the clear":      {func(l *wire.Letter) { l.Unsubscribe = thimble.Hide("http://laden.example/") }, wire.MessageInvalid},
		"unsubscribe by script":         {func(l *wire.Letter) { l.Unsubscribe = thimble.Hide("javascript:alert(1)") }, wire.MessageInvalid},
	} {
		l := letter(t)
		c.change(&l)
		if data, _, why := wire.Compose(l, at); why != c.why || data != nil {
			t.Errorf("%s: %q, want %q", name, why, c.why)
		}
	}
}

func TestHeadersSurviveWhatIsOddInThem(t *testing.T) {
	for _, subject := range []string{
		"", "plain", "with =?utf-8?q?words?= inside", "=?utf-8?b?AAAA?=", strings.Repeat("ä", 250), strings.Repeat("x", 500), "🧵 Fingerhut", "a: b; c", "\u202eevil", "trailing ",
	} {
		l := letter(t)
		l.Subject = thimble.Hide(subject)
		data, _, why := wire.Compose(l, time.Unix(1_800_000_000, 0))
		if why != "" || asciiLines(data) != "" {
			t.Fatalf("%q: %q %s", subject, why, asciiLines(data))
		}
		m := must(mail.ReadMessage(bytes.NewReader(data)))
		if got := must(new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))); got != strings.TrimSpace(subject) {
			t.Errorf("subject %q came out as %q", subject, got)
		}
	}
	for _, name := range []string{"Shop", "Schöner Laden", `"Shop, the \"best\""`, `"Dr. X; @home"`, "=?utf-8?q?a=40evil.example?=", ""} {
		l := letter(t)
		l.From = strings.TrimSpace(name + " <shop@laden.example>")
		want := must(mail.ParseAddress(l.From))
		data, _, why := wire.Compose(l, time.Unix(1_800_000_000, 0))
		if why != "" {
			t.Fatalf("%q: %q", name, why)
		}
		got := must(must(mail.ReadMessage(bytes.NewReader(data))).Header.AddressList("From"))
		if len(got) != 1 || *got[0] != *want {
			t.Errorf("from %q came out as %+v", l.From, got)
		}
	}
}

func FuzzCompose(f *testing.F) {
	f.Add("Shop <shop@laden.example>", "ada@mail.example", "Subject", "text\r\n.\r\n", "<p>", "https://laden.example/u")
	f.Add("shop@laden.example", "a@b.cc\r\nRCPT TO:<x@y.zz>", "x\r\nBcc: y", "\n.\nQUIT\n", "", "")
	f.Add("\"a\\\"b\" <a@b.cc>", "a.b+c@b.cc", "=?utf-8?q?x?=", strings.Repeat("ä", 100), "--=_", "")
	at := time.Unix(1_800_000_000, 0)
	id := thimble.ID{1}
	f.Fuzz(func(t *testing.T, from, to, subject, text, html, unsubscribe string) {
		l := wire.Letter{ID: id, Disclosure: id, From: from, To: thimble.Hide(to), Subject: thimble.Hide(subject), Text: thimble.Hide(text), HTML: thimble.Hide(html), Unsubscribe: thimble.Hide(unsubscribe)}
		data, commands, why := wire.Compose(l, at)
		if why != "" {
			return
		}
		if fault := asciiLines(data); fault != "" {
			t.Fatalf("%s: %q", fault, data)
		}
		if strings.ContainsAny(commands[0]+commands[1], "\r\n<> \x00") {
			t.Fatalf("a command may break: %q", commands)
		}
		m, err := mail.ReadMessage(bytes.NewReader(data))
		if err != nil {
			t.Fatalf("the letter cannot be read: %v", err)
		}
		known := map[string]bool{"From": true, "To": true, "Subject": true, "Date": true, "Message-Id": true, "Auto-Submitted": true, "List-Unsubscribe": true, "List-Unsubscribe-Post": true, "Mime-Version": true, "Content-Type": true, "Content-Transfer-Encoding": true}
		for name, values := range m.Header {
			if !known[name] || len(values) != 1 {
				t.Errorf("a header that nobody wrote: %s: %q", name, values)
			}
		}
		if list, err := m.Header.AddressList("To"); err != nil || len(list) != 1 || list[0].Address != to {
			t.Errorf("to = %v, %v", list, err)
		}
		if list, err := m.Header.AddressList("From"); err != nil || len(list) != 1 || list[0].Address != commands[0] {
			t.Errorf("from = %v, %v", list, err)
		}
		// After the dots are doubled, only our own end ends it.
		if bytes.Contains(wire.Stuffed(data), []byte("\r\n.\r\n")) || bytes.HasPrefix(wire.Stuffed(data), []byte(".\r\n")) {
			t.Error("a line ends the letter before its end")
		}
		if html == "" {
			body := must(io.ReadAll(quoted(m.Body)))
			if got, want := strings.TrimRight(string(body), "\r\n"), strings.TrimRight(strings.ReplaceAll(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text), "\n", "\r\n"), "\r\n"); got != want {
				t.Errorf("text %q came out as %q", want, got)
			}
		}
	})
}

func FuzzReply(f *testing.F) {
	for _, s := range []string{"220 hi\r\n", "250-a\r\n250-b\r\n250 c\r\n", "250\r\n", "250-a\r\n220 b\r\n", "2", "", "999 x\r\n", "250 a\n", "HTTP/1.1 200 OK\r\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		code, lines, err := wire.ReadReply(bytes.NewReader(text))
		if err != nil {
			return
		}
		if code < 200 || code > 599 || len(lines) == 0 || len(lines) > 128 {
			t.Errorf("%q is read as %d with %d lines", text, code, len(lines))
		}
		for _, l := range lines {
			if len(l) > 2048 || strings.Contains(l, "\n") {
				t.Errorf("%q has a line of %d bytes", text, len(l))
			}
		}
	})
}

func BenchmarkMail(b *testing.B) {
	box := mailboxOn(b)
	s := must(wire.New(newMeter(), wire.Config{Loopback: []string{box}, Log: slog.New(slog.DiscardHandler)}))
	host, port := split(box)
	l := letter(b)
	b.ReportAllocs()
	for b.Loop() {
		if out := s.Mail(b.Context(), wire.Relay{Host: host, Port: port}, l); out.State != wire.Delivered {
			b.Fatalf("%+v", out)
		}
	}
}
