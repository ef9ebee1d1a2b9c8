package collect

import (
	"strconv"
	"strings"
)

// exponents are the decimals of currencies that have not two (ISO 4217).
var exponents = map[string]int{
	"BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "ISK": 0, "JPY": 0, "KMF": 0, "KRW": 0, "PYG": 0, "RWF": 0, "UGX": 0, "UYI": 0, "VND": 0, "VUV": 0,
	"XAF": 0, "XOF": 0, "XPF": 0, "BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3,
}

func decimals(currency string) int {
	if n, ok := exponents[currency]; ok {
		return n
	}
	return 2
}

// parsePrice reads decimal digits into minor units of a currency, rounding half up.
func parsePrice(s, currency string) (int64, Reason) {
	s, negative := strings.CutPrefix(s, "-")
	units, rest, pointed := strings.Cut(s, ".")
	if !digits(units) || pointed && !digits(rest) || len(units) > 9 || len(rest) > 18 {
		return 0, BadPrice
	}
	n := decimals(currency)
	minor, err := strconv.ParseInt(units+(rest + "000")[:n], 10, 64)
	if err != nil {
		return 0, BadPrice
	}
	if negative && strings.Trim(units+rest, "0") != "" {
		return 0, NegativePrice
	}
	if len(rest) > n && rest[n] >= '5' {
		minor++
	}
	return minor, ""
}

// Decimal writes minor units as the digits that parsePrice reads.
func Decimal(minor int64, currency string) string {
	n := decimals(currency)
	sign := ""
	if minor < 0 {
		sign, minor = "-", -minor
	}
	text := strconv.FormatInt(minor, 10)
	if n == 0 {
		return sign + text
	}
	if len(text) <= n {
		text = strings.Repeat("0", n-len(text)+1) + text
	}
	return sign + text[:len(text)-n] + "." + text[len(text)-n:]
}
