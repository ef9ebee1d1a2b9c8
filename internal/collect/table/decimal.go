package table

import "strings"

// Decimal returns a number as digits with a point: "1.234,50" is "1234.50" where the
// decimal mark is a comma. A currency's sign or code before or behind it goes; it is the
// second result if it is a code of three capital letters. A thousands separator must cut
// groups of three; anything else that is no number is not one.
func Decimal(s string, mark string) (number, currency string, ok bool) {
	s, currency = money(strings.TrimSpace(s))
	sign := ""
	if rest, minus := strings.CutPrefix(s, "-"); minus {
		sign, s = "-", strings.TrimSpace(rest)
	}
	s, rest := money(s) // "-€5"
	if currency == "" {
		currency = rest
	}
	if mark != "," {
		mark = "."
	}
	units, decimals, pointed := strings.Cut(s, mark)
	units, ok = ungrouped(units, mark)
	if !ok || pointed && !digits(decimals) {
		return "", "", false
	}
	if pointed {
		units += "." + decimals
	}
	return sign + units, currency, true
}

// signs are those of currencies. They are dropped: a dollar is not always one of the
// United States.
const signs = "€$£¥₹₩₽₺₴₪฿"

// money takes sign and code off.
func money(s string) (number, code string) {
	s = strings.Trim(s, signs+" \u00a0\u202f")
	if n := len(s); n > 3 && capitals(s[n-3:]) && !letter(s[n-4]) {
		return strings.Trim(s[:n-3], " \u00a0\u202f"), s[n-3:]
	}
	if len(s) > 3 && capitals(s[:3]) && !letter(s[3]) {
		return strings.Trim(s[3:], " \u00a0\u202f"), s[:3]
	}
	return s, ""
}

func letter(b byte) bool { return b|0x20 >= 'a' && b|0x20 <= 'z' }

func capitals(s string) bool {
	for i := range len(s) {
		if s[i] < 'A' || s[i] > 'Z' {
			return false
		}
	}
	return true
}

// ungrouped takes thousands separators out of whole units.
func ungrouped(s, mark string) (string, bool) {
	if digits(s) {
		return s, true
	}
	for _, sep := range []string{",", ".", " ", "\u00a0", "\u202f", "'", "’"} {
		if sep == mark || !strings.Contains(s, sep) {
			continue
		}
		groups := strings.Split(s, sep)
		for i, g := range groups {
			if !digits(g) || i > 0 && len(g) != 3 || i == 0 && len(g) > 3 {
				return "", false
			}
		}
		return strings.Join(groups, ""), true
	}
	return "", false
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// decimalOf says which decimal mark a value can only have: "." or ",", "" for either.
func decimalOf(s string) string {
	_, _, point := Decimal(s, ".")
	_, _, comma := Decimal(s, ",")
	switch {
	case point && !comma:
		return "."
	case comma && !point:
		return ","
	}
	return ""
}

// Number reports whether a value is a number by one mark or the other.
func Number(s string) bool {
	_, _, point := Decimal(s, ".")
	_, _, comma := Decimal(s, ",")
	return point || comma
}
