package pii

// codeDigits says how many digits the country code has that begins with these two
// (ITU-T E.164, list of assigned codes); 0 if there is none.
var codeDigits = func() (t [100]byte) {
	for _, two := range []byte{
		20, 27, 30, 31, 32, 33, 34, 36, 39, 40, 41, 43, 44, 45, 46, 47, 48, 49, 51, 52, 53, 54, 55, 56, 57, 58,
		60, 61, 62, 63, 64, 65, 66, 81, 82, 84, 86, 90, 91, 92, 93, 94, 95, 98,
	} {
		t[two] = 2
	}
	for _, three := range []byte{21, 22, 23, 24, 25, 26, 29, 35, 37, 38, 42, 50, 59, 67, 68, 69, 80, 85, 87, 88, 96, 97, 99} {
		t[three] = 3
	}
	for i := 10; i < 20; i++ {
		t[i] = 1 // the North American plan
	}
	for i := 70; i < 80; i++ {
		t[i] = 1 // Russia and Kazakhstan
	}
	return t
}()

// international reports whether the digits are a number of E.164 (6.2.1: 15 digits
// at most) that begins with a country code in use.
func international(d []byte) bool {
	if len(d) < 8 || len(d) > 15 {
		return false
	}
	code := int(codeDigits[d[0]*10+d[1]])
	return code > 0 && len(d)-code >= 5 && (code > 1 || d[0] != 1 || northAmerican(d[1:]))
}

// northAmerican reports whether ten digits are a number of the North American plan:
// area and exchange begin with 2 to 9.
func northAmerican(d []byte) bool {
	return len(d) == 10 && d[0] >= 2 && d[3] >= 2 && (d[1] != 9 || d[2] != 9)
}

// words before a number that make it a telephone number.
var phoneWords = []string{
	"phone", "tel ", "tel:", "tel.", "teleph", "telef", "call", "mobile", "mobil", "cell", "fax", "whatsapp", "sms", "text me", "dial", "reach me", "my number", "ring me",
	"handy", "rufnummer", "anrufen", "festnetz", "appel", "portable", "llam", "movil", "cellulare", "chiam", "bel ", "puhelin", "ligue",
}

// phoneLabels behind a number say the same, as on a letterhead.
var phoneLabels = []string{"office", "fax", "mobile", "cell", "phone", "landline"}

// followed reports whether a label comes next, on the same line.
func (sc *scanner) followed(to int) bool {
	i := to
	for i < len(sc.s) && i < to+3 && (sc.s[i] == ' ' || sc.s[i] == '-' || sc.s[i] == '(' || sc.s[i] == ',') {
		i++
	}
	for _, label := range phoneLabels {
		if i > to && sc.has(label, i, len(sc.s)) {
			return true
		}
	}
	return false
}

// plus looks for a number behind a plus sign or the prefix 00.
func (sc *scanner) plus() int {
	r := &sc.r
	from, skip := r.start[0], 0
	switch {
	case from > 0 && sc.s[from-1] == '+' && (from == 1 || class[sc.s[from-2]]&isWord == 0):
		from--
	case from > 1 && sc.s[from-1] == '(' && sc.s[from-2] == '+':
		from -= 2
	case r.digits[0] == 0 && r.count[1] >= 3 && r.digits[1] == 0 && r.digits[2] != 0:
		skip = 2
	default:
		return 0
	}
	for k := r.groups; k > 0; k-- {
		// A trunk prefix in brackets, as in +41 (0)96, is written and not dialled.
		d, full := r.first(k), r.count[k]
		if full < skip+2 {
			break
		}
		if international(d[skip:]) && sc.ends(r.end[k-1]) || sc.trunk(k, skip) {
			return sc.extension(from, r.end[k-1], "phone.e164")
		}
		if end := sc.extended(r.end[k-1]); end > 0 && international(d[skip:]) {
			return sc.found(from, end, Phone, "phone.e164")
		}
	}
	return 0
}

// trunk reports whether the first k groups are a number with "(0)" behind the
// country code.
func (sc *scanner) trunk(k, skip int) bool {
	r := &sc.r
	if k < 3 || r.size(1) != 1 || r.digits[r.count[1]] != 0 || !sc.ends(r.end[k-1]) {
		return false
	}
	var d [maxDigits]byte
	n := copy(d[:], r.digits[skip:r.count[1]])
	n += copy(d[n:], r.digits[r.count[2]:r.count[k]])
	return international(d[:n])
}

// phone looks for a national number: one of the North American plan by its groups,
// one that begins with 0 by its groups, or any behind a word such as "call".
func (sc *scanner) phone() int {
	r := &sc.r
	from := r.start[0]
	if from > 0 && sc.s[from-1] == '(' {
		from--
	}
	// What goes on to the left is a part of something longer.
	if from > 1 && (sc.s[from-1] == '-' || sc.s[from-1] == '/' || sc.s[from-1] == '.') && class[sc.s[from-2]]&isWord != 0 {
		return 0
	}
	asked, said := false, false // looking for a word is dear, so it is done once
	for k := r.groups; k > 0; k-- {
		end := r.end[k-1]
		n := r.count[k]
		if n < 7 || n > 13 || !sc.ends(end) && sc.extended(end) == 0 || sc.date(k) || sc.decimal(k) {
			continue
		}
		if !asked {
			asked, said = true, sc.says(phoneWords, from)
		}
		rule := ""
		switch {
		case sc.groupedNorthAmerican(k):
			rule = "phone.nanp"
		case k > 1 && sc.zeroFirst(k):
			rule = "phone.trunk"
		case (n <= 11 || k > 1) && (k == 1 || sc.plainGroups(k)) && (said || sc.followed(end)):
			rule = "phone.context"
		default:
			continue
		}
		return sc.extension(from, end, rule)
	}
	return 0
}

// groupedNorthAmerican reports whether the first k groups are 3-3-4 digits, behind
// a 1 or none, and with the last two in one at the most.
func (sc *scanner) groupedNorthAmerican(k int) bool {
	r, g := &sc.r, 0
	if r.size(0) == 1 && r.digits[0] == 1 && k > 1 {
		g = 1
	}
	if k-g == 2 {
		return r.size(g) == 3 && r.size(g+1) == 7 && northAmerican(r.digits[r.count[g]:r.count[k]])
	}
	return k-g == 3 && r.size(g) == 3 && r.size(g+1) == 3 && r.size(g+2) == 4 && northAmerican(r.digits[r.count[g]:r.count[k]])
}

// zeroFirst reports whether the first k groups are a number with its trunk prefix:
// 0, then another digit, nine to eleven in all, no group but the first of one digit.
func (sc *scanner) zeroFirst(k int) bool {
	r := &sc.r
	n := r.count[k]
	return r.digits[0] == 0 && r.digits[1] != 0 && n >= 9 && n <= 11 && r.size(0) >= 2 && r.size(0) <= 6 && sc.plainGroups(k)
}

// plainGroups reports whether no group but the first is of one digit.
func (sc *scanner) plainGroups(k int) bool {
	for g := 1; g < k; g++ {
		if sc.r.size(g) < 2 || sc.r.sep[g] == '/' && g > 1 {
			return false
		}
	}
	return true
}

// date reports whether the first k groups begin with a date: 2026-11-29, 29.11.2026
// or 29/11/26.
func (sc *scanner) date(k int) bool {
	r := &sc.r
	if k < 3 || r.sep[1] != r.sep[2] || r.sep[1] == ')' || r.sep[1] == ' ' {
		return false
	}
	a, b, c := r.size(0), r.size(1), r.size(2)
	v, w := value(r.first(1)), value(r.digits[r.count[1]:r.count[2]])
	if a == 4 && b <= 2 && c <= 2 {
		return v >= 1900 && v < 2200
	}
	return a <= 2 && b <= 2 && (c == 4 || c == 2 && k == 3) && v <= 31 && w <= 31 && (v <= 12 || w <= 12)
}

// decimal reports whether the groups are one number with a decimal point or
// thousands, such as 1234.5678901.
func (sc *scanner) decimal(k int) bool { return k == 2 && sc.r.sep[1] == '.' }

// extension adds "x123" or "ext. 123" to a number if it follows.
func (sc *scanner) extension(from, to int, rule string) int {
	if end := sc.extended(to); end > 0 {
		to = end
	}
	return sc.found(from, to, Phone, rule)
}

func (sc *scanner) extended(to int) (end int) {
	i, s := to, sc.s
	for i < len(s) && s[i] == ' ' && i < to+2 {
		i++
	}
	switch {
	case sc.has("ext", i, len(s)):
		i += 3
	case sc.has("x", i, len(s)):
		i++
	default:
		return 0
	}
	for i < len(s) && (s[i] == '.' || s[i] == ' ') && i < to+8 {
		i++
	}
	from := i
	for i < len(s) && i-from < 7 && class[s[i]]&isDigit != 0 {
		i++
	}
	if i == from || i-from > 6 || !sc.ends(i) {
		return 0
	}
	return i
}
