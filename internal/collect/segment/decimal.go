package segment

// A decimal is a number as its digits: 0.d1d2d3… times ten to the power of point.
type decimal struct {
	negative bool
	point    int
	n        int // digits, without zeros on either side; 0 is zero
	d        [maxNumber]byte
}

// readDecimal reads a number that has JSON's form. Digits beyond 64 are left out.
func readDecimal(raw []byte) (d decimal) {
	i := 0
	if raw[0] == '-' {
		d.negative, i = true, 1
	}
	fraction := false
	for ; i < len(raw); i++ {
		c := raw[i]
		if c == '.' {
			fraction = true
			continue
		}
		if c|0x20 == 'e' {
			break
		}
		if c == '0' && d.n == 0 {
			if fraction {
				d.point--
			}
			continue
		}
		if !fraction {
			d.point++
		}
		if d.n < len(d.d) {
			d.d[d.n] = c - '0'
			d.n++
		}
	}
	if i < len(raw) {
		d.point += exponent(raw[i+1:])
	}
	for d.n > 0 && d.d[d.n-1] == 0 {
		d.n--
	}
	if d.n == 0 {
		d.point = 0
	}
	return d
}

// exponent reads the digits behind the e; a million stands for whatever is more.
func exponent(s []byte) (v int) {
	negative := s[0] == '-'
	if s[0] == '-' || s[0] == '+' {
		s = s[1:]
	}
	for _, c := range s {
		v = min(v*10+int(c-'0'), 1_000_000)
	}
	if negative {
		return -v
	}
	return v
}

// digit returns the digit at a place behind the leading one, 0 beyond the end.
func (d *decimal) digit(i int) uint64 {
	if i < 0 || i >= d.n {
		return 0
	}
	return uint64(d.d[i])
}

// whole returns the number if it has no fraction and is within ±(2^53 - 1).
func (d *decimal) whole() (v int64, ok bool) {
	if d.n > d.point || d.point > 16 {
		return 0, d.n == 0
	}
	for i := range d.point {
		v = v*10 + int64(d.digit(i))
	}
	if v > 1<<53-1 {
		return 0, false
	}
	if d.negative {
		v = -v
	}
	return v, true
}

// scaled returns the number times ten to the power of places, rounded half away from
// zero. The point is at 15 at most, and places at 4, so it fits.
func (d *decimal) scaled(places int) (v uint64) {
	end := d.point + places
	for i := range max(end, 0) {
		v = v*10 + d.digit(i)
	}
	if end >= 0 && d.digit(end) >= 5 {
		v++
	}
	return v
}

// maxMoney is how many digits an amount has before its point.
const maxMoney = 15

// isAmount reports whether a string is an amount: at most 15 digits, and at most six
// behind a point.
func isAmount(s []byte) bool {
	i := 0
	if i < len(s) && s[i] == '-' {
		i++
	}
	start := i
	for i < len(s) && s[i]-'0' < 10 {
		i++
	}
	if i == start || i-start > maxMoney {
		return false
	}
	if i == len(s) {
		return true
	}
	if s[i] != '.' {
		return false
	}
	part := len(s) - i - 1
	for i++; i < len(s); i++ {
		if s[i]-'0' >= 10 {
			return false
		}
	}
	return part >= 1 && part <= 6
}

// places are the decimals of a currency (ISO 4217, minor unit); two for most.
func places(currency []byte) int {
	switch string(currency) {
	case "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF":
		return 0
	case "BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND":
		return 3
	case "CLF", "UYW":
		return 4
	}
	return 2
}
