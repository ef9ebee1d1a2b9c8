package subject

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"thimble"
)

// A Kind says what an identifier is.
type Kind string

// The kinds. What has few possible values (a birthday, a postcode) is none.
const (
	Account Kind = "account" // the shop's own number or name of a customer
	Email   Kind = "email"
	Phone   Kind = "phone"
	Device  Kind = "device" // a browser's or an app's random id
)

// Kinds returns all kinds.
func Kinds() []Kind { return []Kind{Account, Email, Phone, Device} }

// Category returns what kind of data the identifier is.
func (k Kind) Category() thimble.Category {
	switch k {
	case Email:
		return "user.contact.email"
	case Phone:
		return "user.contact.phone_number"
	case Device:
		return "user.device.device_id"
	}
	return thimble.AccountIdentifier
}

// An Identifier is how the outside names a person.
type Identifier struct {
	Kind  Kind
	Value thimble.Personal[string]
}

// NewIdentifier hides the value and normalizes it.
func NewIdentifier(kind Kind, value string) (Identifier, error) {
	return Normalize(Identifier{Kind: kind, Value: thimble.Hide(value)})
}

const maxLength = 254 // of an e-mail address, RFC 5321 errata 1690

// Normalize returns the one spelling under which an identifier is stored and found:
// Unicode NFC without surrounding blanks; e-mail in lower case; a phone number as
// +country and digits. The error is of kind thimble.ErrInvalid and names the kind and
// the rule.
func Normalize(id Identifier) (Identifier, error) {
	// The value is revealed to be compared and sealed; it goes nowhere else.
	value, rule := normalize(id.Kind, id.Value.Reveal())
	if rule != "" {
		return Identifier{}, fmt.Errorf("subject: an identifier of kind %q: %s: %w", kindName(id.Kind), rule, thimble.ErrInvalid)
	}
	return Identifier{Kind: id.Kind, Value: thimble.Hide(value)}, nil
}

// kindName does not echo an unknown kind: a caller may have mixed up the fields.
func kindName(k Kind) Kind {
	for _, known := range Kinds() {
		if k == known {
			return k
		}
	}
	return "unknown"
}

func normalize(kind Kind, v string) (value, rule string) {
	if !utf8.ValidString(v) {
		return "", "valid UTF-8 was expected"
	}
	v = strings.TrimSpace(norm.NFC.String(v))
	switch {
	case v == "":
		return "", "a value was expected"
	case len(v) > maxLength:
		return "", fmt.Sprintf("at most %d bytes were expected", maxLength)
	case strings.ContainsFunc(v, unprintable):
		return "", "no control or invisible characters were expected"
	}
	switch kind {
	case Account, Device:
		value = v
	case Email:
		value, rule = normalizeEmail(v)
	case Phone:
		value, rule = normalizePhone(v)
	default:
		return "", "one of account, email, phone, device was expected"
	}
	if rule == "" {
		rule = blocked(kind, value)
	}
	return value, rule
}

func unprintable(r rune) bool {
	return unicode.Is(unicode.C, r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r)
}

// normalizeEmail folds case on both sides of the @: no provider of note tells
// people apart by it. Dots and plus tags stay: there, providers differ.
func normalizeEmail(v string) (value, rule string) {
	local, domain, ok := strings.Cut(v, "@")
	switch {
	case !ok || local == "" || strings.Contains(domain, "@"):
		return "", "name@domain was expected"
	case strings.ContainsFunc(v, unicode.IsSpace):
		return "", "no blanks were expected"
	}
	domain = strings.TrimSuffix(domain, ".")
	if domain == "" || strings.HasPrefix(domain, ".") || strings.HasSuffix(domain, ".") || strings.Contains(domain, "..") || !strings.Contains(domain, ".") {
		return "", "a domain such as example.org was expected after the @"
	}
	return norm.NFC.String(strings.ToLower(local + "@" + domain)), ""
}

// normalizePhone asks for the country: a number without it is another person's in
// another country.
func normalizePhone(v string) (value, rule string) {
	digits := make([]byte, 0, len(v))
	for i, r := range v {
		switch {
		case r >= '0' && r <= '9':
			digits = append(digits, byte(r))
		case r == '+' && i == 0, strings.ContainsRune(" -./()\u00a0\u2011\u202f", r):
		default:
			return "", "digits, blanks and -./() were expected"
		}
	}
	n := string(digits)
	if !strings.HasPrefix(v, "+") {
		rest, ok := strings.CutPrefix(n, "00")
		if !ok {
			return "", "a country code such as +44 was expected"
		}
		n = rest
	}
	// ITU-T E.164: at most 15 digits; no country code begins with 0.
	if len(n) < 7 || len(n) > 15 || n[0] == '0' {
		return "", "7 to 15 digits after + were expected, the first not 0"
	}
	return "+" + n, ""
}
