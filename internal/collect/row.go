package collect

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"thimble"
	"thimble/internal/order"
	"thimble/internal/subject"
)

// A row is one line of an order as the file has it.
type row struct {
	line     int64
	number   string
	back     bool // a return
	name     string
	item     order.Line
	at       time.Time
	customer subject.Identifier // of no kind: a guest
	beside   subject.Identifier // what is said beside an account
	country  string
	placed   bool      // the country has a code
	returned time.Time // when it came back, of a line that did; zero of one that did not
}

// orderRow reads a row or says which rule it breaks.
func (m *meaning) orderRow(v values) (row, Reason) {
	var r row
	var ok bool
	if r.number, ok = m.orderNumber(m.get(v, "number")); !ok {
		return r, BadNumber
	}
	units := m.get(v, "units")
	if m.mapped {
		r.back = strings.HasPrefix(units, "-")
	} else {
		switch letter := bookLetter(r.number); letter {
		case 0:
		case 'C':
			r.back = true
		default:
			return r, Adjustment
		}
	}
	code := itemCode(m.get(v, "item"))
	if code == "" || len(code) > order.MaxItem || broken(string(code)) {
		return r, BadItem
	}
	r.name = strings.Join(strings.Fields(m.get(v, "name")), " ") // the books' blanks, tabs and line ends
	if utf8.RuneCountInString(r.name) > 200 {
		return r, BadDescription
	}
	n, reason := parseUnits(units, r.back)
	if reason != "" {
		return r, reason
	}
	price, reason := m.money(v)
	if reason != "" {
		return r, reason
	}
	if r.at, ok = m.time(m.get(v, "time")); !ok {
		return r, BadDate
	}
	if r.customer, r.beside, ok = m.buyer(v); !ok {
		return r, BadCustomer
	}
	r.country, r.placed = m.country(m.get(v, "country"))
	r.item = order.Line{Item: code, Units: n, Price: price}
	if !r.back && came(m.get(v, "returned")) {
		if r.returned, ok = m.time(m.get(v, "returned_at")); !ok {
			r.returned = r.at
		}
	}
	return r, ""
}

// came reports whether a line came back, in the words of shops.
func came(s string) bool {
	switch strings.ToLower(s) {
	case "yes", "true", "1", "y", "ja", "oui", "si", "sí", "refunded", "returned", "retour", "retoure", "rembourse", "remboursé", "devuelto", "reso":
		return true
	}
	return false
}

// broken reports whether a quoted text has tabs or line ends in it.
func broken(s string) bool { return strings.ContainsAny(s, "\t\r\n") }

// bookLetter returns the letter of a number that is one letter and digits, as the
// shop's books mark what is not a sale: C is a return, A an adjustment of a bad
// debt. Other numbers, such as "ORD-1", have none.
func bookLetter(number string) byte {
	letter := number[0] &^ ('a' - 'A')
	if letter < 'A' || letter > 'Z' || !digits(number[1:]) {
		return 0
	}
	return letter
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// itemCode writes a code of ASCII letters and digits in upper case: the file has
// 85123A and 85123a for one item. Other codes stay as they are.
func itemCode(s string) thimble.ItemID {
	for i := range len(s) {
		c := s[i]
		if !(c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z') {
			return thimble.ItemID(s)
		}
	}
	return thimble.ItemID(strings.ToUpper(s))
}

// whole takes the ".0" off that a spreadsheet puts behind a number: "17850.0" is
// "17850". Anything else stays as it is.
func whole(s string) string {
	before, after, found := strings.Cut(s, ".")
	if found && digits(before) && digits(after) && strings.Trim(after, "0") == "" {
		return before
	}
	return s
}

// account returns the customer's number as people are found by it; "" is a guest.
func account(s string) (number string, ok bool) {
	s = whole(s)
	if s == "" || digits(s) && len(s) <= maxAccount && strings.Trim(s, "0") != "" {
		return s, true
	}
	if len(s) > maxAccount {
		return "", false
	}
	id, err := subject.NewIdentifier(subject.Account, s)
	return id.Value.Reveal(), err == nil // to compare it with the other rows' of its order
}

const maxAccount = 64 // bytes

// parseUnits returns the units as a positive number, whatever the direction.
func parseUnits(s string, back bool) (int64, Reason) {
	negative := strings.HasPrefix(s, "-")
	s = whole(strings.TrimPrefix(s, "-"))
	if !digits(s) || len(s) > 9 {
		return 0, BadQuantity
	}
	n, err := strconv.ParseInt(s, 10, 64)
	switch {
	case err != nil:
		return 0, BadQuantity
	case n == 0:
		return 0, ZeroQuantity
	case negative != back:
		return 0, QuantitySign
	}
	return n, ""
}

var layouts = []string{"2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02T15:04:05", time.RFC3339, "2006-01-02"}

func (opt Options) parseTime(s string) (time.Time, bool) {
	tried := layouts
	if opt.DateLayout != "" {
		tried = []string{opt.DateLayout}
	}
	for _, layout := range tried {
		at, err := time.ParseInLocation(layout, s, opt.Zone)
		if err != nil {
			continue
		}
		at = at.UTC().Truncate(time.Microsecond)
		return at, at.Year() >= 1970 && at.Year() <= 9999
	}
	return time.Time{}, false
}
