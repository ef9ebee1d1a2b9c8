package pii

import (
	"sync"

	"thimble"
)

// A Kind is what a span is.
type Kind uint8

// The kinds.
const (
	Email Kind = iota + 1
	Phone
	Card
	IBAN
	IP
	Device     // the address of a network interface (MAC)
	NationalID // a number for taxes, social security or identity
	URL        // one that carries ids
)

var kinds = [...]struct {
	name     string
	category thimble.Category
}{
	Email:      {"email", "user.contact.email"},
	Phone:      {"phone", "user.contact.phone_number"},
	Card:       {"card", "user.financial.credit_card"},
	IBAN:       {"iban", "user.financial.bank_account"},
	IP:         {"ip", "user.device.ip_address"},
	Device:     {"device", "user.device.device_id"},
	NationalID: {"national-id", "user.government_id.national_identification_number"},
	URL:        {"url", "user.unique_id"},
}

// String returns the kind in one word, such as "email".
func (k Kind) String() string {
	if int(k) >= len(kinds) || k == 0 {
		return "unknown"
	}
	return kinds[k].name
}

// Category returns what kind of data it is, by its key in the taxonomy.
func (k Kind) Category() thimble.Category {
	if int(k) >= len(kinds) {
		return ""
	}
	return kinds[k].category
}

// A Span is a place in a text.
type Span struct {
	Start, End int // bytes
	Kind       Kind
	Rule       string // the rule that found it, such as "de.steuer_id"
}

var scanners = sync.Pool{New: func() any { return new(scanner) }}

// Scan appends what it finds in the text to into, and returns it. With room in into
// it allocates nothing in the steady state.
func Scan[T string | []byte](text T, into []Span) []Span {
	sc := scanners.Get().(*scanner)
	out := scan(sc, text, into)
	scanners.Put(sc)
	return out
}

// A Scanner scans one text after the other in memory of its own. It belongs to one
// goroutine.
type Scanner struct{ sc scanner }

// Scan is [Scan].
func (s *Scanner) Scan(text []byte, into []Span) []Span { return scan(&s.sc, text, into) }

func scan[T string | []byte](sc *scanner, text T, into []Span) []Span {
	sc.out, sc.first = into, len(into)
	sc.raw = append(sc.raw[:0], text...)
	sc.fold()
	sc.run()
	out := sc.out
	sc.forget()
	return out
}

// Redact appends the text to dst with each span replaced by its kind in brackets,
// such as "[email]". The spans are those that [Scan] gave for the text.
func Redact[T string | []byte](dst []byte, text T, spans []Span) []byte {
	from := 0
	for _, s := range spans {
		dst = append(dst, text[from:s.Start]...)
		dst = append(append(append(dst, '['), s.Kind.String()...), ']')
		from = s.End
	}
	return append(dst, text[from:]...)
}
