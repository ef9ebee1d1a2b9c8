package wire

import (
	"bytes"
	"encoding/base64"
	"mime/quotedprintable"
	"net/mail"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	// MaxLetter bounds a letter as it is sent, in bytes.
	MaxLetter      = 1 << 20
	maxSubject     = 500 // bytes
	maxSenderName  = 200 // bytes
	maxUnsubscribe = 900 // bytes: a header line has 998 (RFC 5322 §2.1.1), and a URL cannot be folded
)

// composed is a letter as it goes over the wire: ASCII, in lines of at most 998 bytes that
// end in CR LF, with no CR or LF elsewhere.
type composed struct {
	from, to, domain string
	data             []byte
}

// compose writes a letter as MIME. What comes from outside stands in a header after a
// check, or encoded; in the body, quoted-printable.
func compose(l Letter, now time.Time) (composed, Why) {
	// The letter is on its way out, to the person whom it is about.
	to, subject, text, html, unsubscribe := l.To.Reveal(), l.Subject.Reveal(), l.Text.Reveal(), l.HTML.Reveal(), l.Unsubscribe.Reveal()
	from, err := mail.ParseAddress(l.From)
	if err != nil || !mailbox(from.Address) || !mailbox(to) {
		return composed{}, AddressInvalid
	}
	if l.ID.IsZero() || !line(subject, maxSubject) || !line(from.Name, maxSenderName) || !oneClick(unsubscribe) || !utf8.ValidString(text) || !utf8.ValidString(html) {
		return composed{}, MessageInvalid
	}
	c := composed{from: from.Address, to: to}
	_, c.domain, _ = strings.Cut(from.Address, "@")
	var b bytes.Buffer
	head := func(name, value string) { b.WriteString(name + ": " + value + "\r\n") }
	head("From", strings.TrimSpace(phrase(from.Name)+" <"+from.Address+">"))
	head("To", "<"+to+">")
	head("Subject", encodedWords(subject))
	head("Date", now.Format(time.RFC1123Z))
	head("Message-ID", "<"+l.ID.Token(messagePrefix)+"@"+c.domain+">")
	head("Auto-Submitted", "auto-generated") // RFC 3834: no out-of-office answers
	if unsubscribe != "" {
		head("List-Unsubscribe", "<"+unsubscribe+">")
		head("List-Unsubscribe-Post", "List-Unsubscribe=One-Click") // RFC 8058 §3.1
	}
	head("MIME-Version", "1.0")
	bodies(&b, l.ID.Token(messagePrefix), text, html)
	if c.data = b.Bytes(); len(c.data) > MaxLetter {
		return composed{}, MessageTooLarge
	}
	return c, ""
}

// bodies writes the rest of the head and the text, with the HTML beside it if there is any.
func bodies(b *bytes.Buffer, id, text, html string) {
	if html == "" {
		part(b, "text/plain", text)
		return
	}
	// In quoted-printable no line has "=_", so no text can end its part.
	boundary := "=_" + id
	b.WriteString("Content-Type: multipart/alternative; boundary=\"" + boundary + "\"\r\n\r\n")
	b.WriteString("--" + boundary + "\r\n")
	part(b, "text/plain", text)
	b.WriteString("\r\n--" + boundary + "\r\n")
	part(b, "text/html", html)
	b.WriteString("\r\n--" + boundary + "--\r\n")
}

func part(b *bytes.Buffer, kind, text string) {
	b.WriteString("Content-Type: " + kind + "; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n")
	w := quotedprintable.NewWriter(b) // ends lines in CR LF, at 76 bytes
	_, _ = w.Write([]byte(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text)))
	_ = w.Close()
	b.WriteString("\r\n")
}

// mailbox accepts local@domain in ASCII, without quotes, comments or literals: what goes
// into a command of SMTP is letters, digits and a few signs.
func mailbox(address string) bool {
	local, domain, ok := strings.Cut(address, "@")
	if !ok || len(address) > 254 || len(local) > 64 || local == "" {
		return false
	}
	for atom := range strings.SplitSeq(local, ".") {
		if atom == "" {
			return false
		}
		for _, c := range []byte(atom) {
			if c <= ' ' || c >= 0x7f || strings.IndexByte(`()<>[]:;@\,"`, c) >= 0 {
				return false
			}
		}
	}
	return checkLabels(strings.ToLower(domain)) == nil
}

// line accepts text that may stand in a header once it is encoded.
func line(s string, most int) bool {
	return len(s) <= most && utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

func oneClick(address string) bool {
	if address == "" {
		return true
	}
	if len(address) > maxUnsubscribe || strings.ContainsFunc(address, func(c rune) bool { return c <= ' ' || c >= 0x7f || c == '<' || c == '>' || c == '"' || c == '\\' }) {
		return false
	}
	u, err := url.Parse(address)
	return err == nil && u.Scheme == "https" && u.Host != "" && u.User == nil
}

// phrase writes a display name: as it is, in quotes, or encoded.
func phrase(name string) string {
	encoded := encodedWords(name)
	if encoded == name && strings.ContainsAny(name, "()<>[]:;@\\,.\"") {
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + `"`
	}
	return encoded
}

// encodedWords writes text that is not plain ASCII, or that looks encoded, as folded
// encoded words (RFC 2047 §2): 75 bytes each at most, split between characters.
func encodedWords(s string) string {
	plain := !strings.Contains(s, "=?")
	for _, c := range []byte(s) {
		plain = plain && c < 0x7f
	}
	if plain {
		return s
	}
	var words []string
	for s != "" {
		n := 0
		for n < len(s) {
			_, size := utf8.DecodeRuneInString(s[n:])
			if n+size > 45 {
				break
			}
			n += size
		}
		words, s = append(words, "=?utf-8?b?"+base64.StdEncoding.EncodeToString([]byte(s[:n]))+"?="), s[n:]
	}
	return strings.Join(words, "\r\n ")
}
