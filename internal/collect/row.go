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
	customer string // "": a guest
	country  string
	placed   bool // the country has a code
}

// parseRow reads a row or says which rule it breaks.
func (h header) parseRow(record []string, opt Options) (row, Reason) {
	var r row
	get := func(f field) string { return strings.TrimSpace(record[h[f]]) }
	r.number = get(fieldNumber)
	if r.number == "" || len(r.number) > order.MaxNumber || broken(r.number) {
		return r, BadNumber
	}
	switch letter := bookLetter(r.number); letter {
	case 0:
	case 'C':
		r.back = true
	default:
		return r, Adjustment
	}
	code := itemCode(get(fieldItem))
	if code == "" || len(code) > order.MaxItem || broken(string(code)) {
		return r, BadItem
	}
	r.name = strings.Join(strings.Fields(get(fieldName)), " ") // the books' blanks, tabs and line ends
	if utf8.RuneCountInString(r.name) > 200 {
		return r, BadDescription
	}
	units, reason := parseUnits(get(fieldUnits), r.back)
	if reason != "" {
		return r, reason
	}
	minor, reason := parsePrice(get(fieldPrice))
	if reason != "" {
		return r, reason
	}
	var ok bool
	if r.at, ok = opt.parseTime(get(fieldTime)); !ok {
		return r, BadDate
	}
	if r.customer, ok = account(get(fieldCustomer)); !ok {
		return r, BadCustomer
	}
	r.country, r.placed = countryCode(get(fieldCountry))
	r.item = order.Line{Item: code, Units: units, Price: thimble.Money{Minor: minor, Currency: opt.Currency}}
	return r, ""
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
	if s == "" || digits(s) && len(s) <= maxAccount {
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

// parsePrice reads decimal digits into minor units of a currency with two
// decimals, rounding half up.
func parsePrice(s string) (int64, Reason) {
	s, negative := strings.CutPrefix(s, "-")
	units, decimals, pointed := strings.Cut(s, ".")
	if !digits(units) || pointed && !digits(decimals) || len(units) > 9 || len(decimals) > 18 {
		return 0, BadPrice
	}
	minor, err := strconv.ParseInt(units+(decimals + "00")[:2], 10, 64)
	if err != nil {
		return 0, BadPrice
	}
	if negative && strings.Trim(units+decimals, "0") != "" {
		return 0, NegativePrice
	}
	if len(decimals) > 2 && decimals[2] >= '5' {
		minor++
	}
	return minor, ""
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
