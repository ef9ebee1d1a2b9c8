package portability

import (
	"fmt"
	"regexp"
	"strings"

	"thimble"
	"thimble/internal/pii"
	"thimble/internal/rights"
)

// A Redaction is something that was left out, and why.
type Redaction struct {
	Holder string `json:"holder"`
	Name   string `json:"name"`  // of the datum
	Where  string `json:"where"` // within it
	What   string `json:"what"`
	Rule   string `json:"rule"`
}

// The rules.
const (
	otherPerson  = "the number of another person"
	otherAddress = "an address or number in a text, which is none of those that are known as yours"
)

var subjects = regexp.MustCompile(`sub_[0-9a-zA-Z]{16,64}`)

// A redactor leaves out what leads to somebody else (GDPR Art. 15(4), 20(4)).
type redactor struct {
	own   map[string]bool // addresses and numbers that are the person's, folded
	found []Redaction
}

func newRedactor(a rights.Archive) *redactor {
	r := &redactor{own: map[string]bool{}}
	for _, m := range a.Members {
		r.own[strings.ToLower(m.String())] = true
	}
	for _, d := range a.Data {
		if text, ok := d.Value.(string); ok && d.Holder == "subject" {
			r.own[strings.ToLower(text)] = true
		}
	}
	return r
}

// text returns what may be shown of a text of a datum.
func (r *redactor) text(d thimble.Datum, path, text string) string {
	note := func(what, rule string) string {
		k := kindOf(d)
		r.found = append(r.found, Redaction{Holder: k.holder, Name: k.name, Where: path, What: what, Rule: rule})
		return "[left out: " + what + "]"
	}
	text = subjects.ReplaceAllStringFunc(text, func(s string) string {
		if r.own[strings.ToLower(s)] {
			return s
		}
		return note("the number of another person", otherPerson)
	})
	var out strings.Builder
	last := 0
	for _, span := range pii.Scan(text, nil) {
		whole := strings.TrimSpace(text) == text[span.Start:span.End]
		if whole || span.Kind == pii.URL || r.own[strings.ToLower(text[span.Start:span.End])] {
			continue
		}
		out.WriteString(text[last:span.Start])
		out.WriteString(note(fmt.Sprintf("%s of somebody", kindWords[span.Kind]), otherAddress))
		last = span.End
	}
	return out.String() + text[last:]
}

var kindWords = map[pii.Kind]string{
	pii.Email: "an e-mail address", pii.Phone: "a telephone number", pii.Card: "a card number", pii.IBAN: "an account number", pii.IP: "an IP address",
	pii.Device: "the address of a device", pii.NationalID: "a number that a state gave",
}
