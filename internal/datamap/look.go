package datamap

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// A look is a kind of number with a form and a checksum.
type look struct {
	name    string
	form    *regexp.Regexp
	check   func(compact string) bool // of what the form found, without separators
	asPhone bool                      // a telephone number can have this form
	shorter bool                      // a shorter part from the same start is tried too
}

var looks = []look{
	// A number of a card may be followed by its month, so it is tried at every length.
	{name: "the number of a payment card", form: regexp.MustCompile(`[0-9](?:[ -]?[0-9]){13,18}`), check: isCard, shorter: true},
	{name: "a Spanish DNI or NIE", form: regexp.MustCompile(`(?i)(?:[0-9]{8}|[XYZ][0-9]{7})-?[A-Z]`), check: isDNI},
	{name: "an Italian codice fiscale", form: regexp.MustCompile(`(?i)[A-Z]{6}[0-9LMNP-V]{2}[A-EHLMPRST][0-9LMNP-V]{2}[A-Z][0-9LMNP-V]{3}[A-Z]`), check: isCodiceFiscale},
	{name: "a French NIR", form: regexp.MustCompile(`(?i)[12] ?[0-9]{2} ?[0-9]{2} ?[0-9][0-9AB] ?[0-9]{3} ?[0-9]{3} ?[0-9]{2}`), check: isNIR},
	{name: "a Finnish henkilötunnus", form: regexp.MustCompile(`(?i)[0-9]{6}[-+A-FU-Y][0-9]{3}[0-9A-Y]`), check: isHETU},
	{name: "a Polish PESEL", form: regexp.MustCompile(`[0-9]{11}`), check: isPESEL, asPhone: true},
	{name: "a Brazilian CPF", form: regexp.MustCompile(`[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}`), check: isCPF},
	{name: "a Chinese resident identity number", form: regexp.MustCompile(`(?i)[1-9][0-9]{16}[0-9X]`), check: isResident},
	{name: "an Indian Aadhaar number", form: regexp.MustCompile(`[2-9][0-9]{3} [0-9]{4} [0-9]{4}`), check: isAadhaar},
	// It has no check digit: the form with hyphens and the ranges never given must do.
	{name: "a US social security number", form: regexp.MustCompile(`[0-9]{3}-[0-9]{2}-[0-9]{4}`), check: isSSN},
}

func (l look) found(value string) bool {
	for from := 0; from < len(value); {
		at := l.form.FindStringIndex(value[from:])
		if at == nil {
			return false
		}
		start, end := from+at[0], from+at[1]
		if l.is(value, start, end) {
			return true
		}
		from = start + 1
	}
	return false
}

func (l look) is(value string, start, end int) bool {
	for ; end > start; end-- {
		if alone(value, start, end) && l.check(compact(value[start:end])) {
			return true
		}
		if !l.shorter {
			return false
		}
	}
	return false
}

// alone reports whether no letter or digit goes on before or after.
func alone(s string, start, end int) bool {
	return (start == 0 || !wordy(s[start-1])) && (end == len(s) || !wordy(s[end]))
}

func wordy(b byte) bool {
	return b >= '0' && b <= '9' || b >= 'A' && b <= 'Z' || b >= 'a' && b <= 'z' || b == '_' || b >= 0x80
}

func compact(s string) string {
	return strings.ToUpper(strings.NewReplacer(" ", "", "-", "", ".", "", "+", "").Replace(s))
}

// issuers are ranges of first digits and the lengths that go with them (ISO/IEC
// 7812). Maestro's shorter numbers are left out: article and telephone numbers
// have their form.
var issuers = []struct{ digits, low, high, least, most int }{
	{1, 4, 4, 16, 19},           // Visa
	{2, 51, 55, 16, 16},         // Mastercard
	{4, 2221, 2720, 16, 16},     // Mastercard
	{2, 34, 34, 15, 15},         // American Express
	{2, 37, 37, 15, 15},         // American Express
	{4, 6011, 6011, 16, 19},     // Discover
	{3, 644, 649, 16, 19},       // Discover
	{2, 65, 65, 16, 19},         // Discover
	{4, 3528, 3589, 16, 19},     // JCB
	{3, 300, 305, 14, 19},       // Diners Club
	{2, 36, 36, 14, 19},         // Diners Club
	{2, 38, 39, 16, 19},         // Diners Club
	{2, 62, 62, 16, 19},         // UnionPay
	{4, 5018, 5018, 16, 19},     // Maestro
	{4, 5020, 5038, 16, 19},     // Maestro
	{4, 6304, 6304, 16, 19},     // Maestro
	{4, 6759, 6763, 16, 19},     // Maestro
	{4, 2200, 2204, 16, 19},     // Mir
	{6, 508500, 508999, 16, 16}, // RuPay
}

func isCard(s string) bool {
	if len(s) < 14 {
		return false
	}
	for _, i := range issuers {
		if n := number(s[:i.digits]); n >= i.low && n <= i.high && len(s) >= i.least && len(s) <= i.most {
			return luhn(s)
		}
	}
	return false
}

func luhn(s string) bool {
	sum := 0
	for i := range len(s) {
		d := int(s[len(s)-1-i] - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}

// number reads digits; the forms let nothing else through.
func number(s string) int {
	n, _ := strconv.Atoi(s) // at most 17 digits
	return n
}

func isDNI(s string) bool {
	n := strings.NewReplacer("X", "0", "Y", "1", "Z", "2").Replace(s[:1]) + s[1:8]
	return s[8] == "TRWAGMYFPDXBNJZSQVHLCKE"[number(n)%23]
}

func isNIR(s string) bool {
	// Corsica's departments are 2A and 2B; they count as 19 and 18.
	body := strings.NewReplacer("2A", "19", "2B", "18").Replace(s[:13])
	month := number(s[3:5])
	return digits(body) && (month >= 1 && month <= 12 || month >= 20) && 97-number(body)%97 == number(s[13:])
}

func digits(s string) bool { return strings.Trim(s, "0123456789") == "" }

// In odd places, counted from one, a letter or digit has a value of its own.
var fiscalOdd = [...]int{1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23}

func isCodiceFiscale(s string) bool {
	sum := 0
	for i := range 15 {
		v := int(s[i] - 'A')
		if s[i] <= '9' {
			v = int(s[i] - '0')
		}
		if i%2 == 0 {
			v = fiscalOdd[v]
		}
		sum += v
	}
	return int(s[15]-'A') == sum%26
}

func isHETU(s string) bool {
	// compact took the sign of the nineteenth and twentieth century away.
	if len(s) == 11 {
		s = s[:6] + s[7:]
	}
	return day("020106", s[:6]) && s[9] == "0123456789ABCDEFHJKLMNPRSTUVWXY"[number(s[:9])%31]
}

func isPESEL(s string) bool {
	sum := 0
	for i, w := range []int{1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1} {
		sum += w * int(s[i]-'0')
	}
	// The century is in the month: 80, 0, 20, 40 or 60 are added to it.
	month := number(s[2:4])%20 + 100
	return sum%10 == 0 && day("060102", s[:2]+strconv.Itoa(month)[1:]+s[4:6])
}

// day reports whether text is a day of the given form. A year of two digits is of
// the years 1969 to 2068, which have the leap years of the years they stand for
// but 1900: one day too many is let through.
func day(form, text string) bool {
	_, err := time.Parse(form, text)
	return err == nil
}

func isCPF(s string) bool {
	if strings.Count(s, s[:1]) == len(s) {
		return false
	}
	for n := 9; n <= 10; n++ {
		sum := 0
		for i := range n {
			sum += int(s[i]-'0') * (n + 1 - i)
		}
		if sum*10%11%10 != int(s[n]-'0') {
			return false
		}
	}
	return true
}

func isResident(s string) bool {
	sum := 0
	for i := range 17 {
		sum += int(s[i]-'0') * (1 << (17 - i) % 11)
	}
	return day("20060102", s[6:14]) && s[17] == "10X98765432"[sum%11]
}

// isAadhaar is Verhoeff's check, in the dihedral group of order ten.
func isAadhaar(s string) bool {
	times := func(a, b int) int {
		switch {
		case a < 5 && b < 5:
			return (a + b) % 5
		case a < 5:
			return (a+b)%5 + 5
		case b < 5:
			return (a-b+5)%5 + 5
		}
		return (a - b + 10) % 5
	}
	turns := [10]int{1, 5, 7, 6, 2, 8, 3, 0, 9, 4}
	c := 0
	for i := range len(s) {
		d := int(s[len(s)-1-i] - '0')
		for range i % 8 {
			d = turns[d]
		}
		c = times(c, d)
	}
	return c == 0
}

func isSSN(s string) bool {
	area := number(s[:3])
	return area != 0 && area != 666 && area < 900 && s[3:5] != "00" && s[5:] != "0000"
}
