package pii

// The bounds of a run: more digits or groups belong to no number that is looked for.
const (
	maxDigits = 34
	maxGroups = 10
)

// A run is a row of groups of digits with one separator between each two: what a
// number may be written as. It begins with the first group; whatever matches takes
// some of the groups from there.
type run struct {
	digits [maxDigits]byte
	groups int
	count  [maxGroups + 1]int // digits before group i
	start  [maxGroups]int     // where group i begins
	end    [maxGroups]int     // where it ends
	sep    [maxGroups]byte    // what stands before group i: a byte, ')' for blanks and brackets, 0 before the first
}

// size returns how many digits group i has.
func (r *run) size(i int) int { return r.count[i+1] - r.count[i] }

// first returns the digits of the first k groups.
func (r *run) first(k int) []byte { return r.digits[:r.count[k]] }

// uniform reports whether one separator stands between all of the first k groups.
func (r *run) uniform(k int) bool {
	for i := 2; i < k; i++ {
		if r.sep[i] != r.sep[1] {
			return false
		}
	}
	return true
}

// read fills the run from the digit at i. It returns where the first group ends.
func (r *run) read(s []byte, i int) (firstEnd int) {
	r.groups, r.sep[0] = 0, 0
	n := 0
	for r.groups < maxGroups {
		start := i
		for i < len(s) && class[s[i]]&isDigit != 0 {
			if n < maxDigits {
				r.digits[n] = s[i] - '0'
			}
			i, n = i+1, n+1
			if n > maxDigits && r.groups > 0 {
				return firstEnd
			}
		}
		if r.groups == 0 {
			firstEnd = i
		}
		if n > maxDigits {
			return firstEnd
		}
		g := r.groups
		r.start[g], r.end[g], r.count[g+1] = start, i, n
		r.groups++
		next, sep := separator(s, i)
		if sep == 0 || r.groups == maxGroups {
			break
		}
		r.sep[r.groups], i = sep, next
	}
	return firstEnd
}

// separator reads what stands between two groups of digits: one of ' ', '-', '.' and
// '/', or a round bracket, or two or three of these, which are ')'. It returns where the next digit is, and 0 if none follows.
func separator(s []byte, i int) (next int, sep byte) {
	from := i
	for i < len(s) && i-from < 3 && isSeparator(s[i]) {
		if i == from {
			sep = s[i]
		}
		i++
	}
	if i == from || i >= len(s) || class[s[i]]&isDigit == 0 {
		return i, 0
	}
	if i-from > 1 || sep == '(' {
		sep = ')'
	}
	return i, sep
}

func isSeparator(c byte) bool {
	return c == ' ' || c == '-' || c == '.' || c == '/' || c == '(' || c == ')'
}

// looks are tried in this order: what is surer comes first.
var looks = [...]func(*scanner) int{
	(*scanner).ipv4, (*scanner).plus, (*scanner).card, (*scanner).mixed, (*scanner).national, (*scanner).phone,
}

// number looks for what begins with, or in the word of, the digit at i. It returns
// where to read on: behind what was found, or behind the first group of digits.
func (sc *scanner) number(i int) int {
	w := i
	for w > 0 && i-w < 8 && class[sc.s[w-1]]&isWord != 0 {
		w--
	}
	if w < i {
		if end := sc.lettered(w, i); end > 0 {
			return end
		}
		return sc.skipDigits(i)
	}
	if i > 2 && sc.s[i-1] == ' ' && class[sc.s[i-2]]&class[sc.s[i-3]]&isLetter != 0 && sc.alone(i-3, i-1) {
		if end := sc.nino(i - 3); end > 0 {
			return end
		}
	}
	if i > 0 && sc.s[i-1] == '_' {
		return sc.skipDigits(i)
	}
	next := sc.r.read(sc.s, i)
	if sc.r.groups == 0 {
		return next // longer than any number
	}
	for _, look := range looks {
		if end := look(sc); end > 0 {
			return end
		}
	}
	return next
}

func (sc *scanner) skipDigits(i int) int {
	for i < len(sc.s) && class[sc.s[i]]&isDigit != 0 {
		i++
	}
	return i
}

// ipv4 looks for four numbers below 256 with dots between them.
func (sc *scanner) ipv4() int {
	r := &sc.r
	if r.groups < 4 || r.sep[1] != '.' || !r.uniform(4) || r.groups > 4 && r.sep[4] == '.' {
		return 0
	}
	for g := range 4 {
		v := 0
		for _, d := range r.digits[r.count[g]:r.count[g+1]] {
			v = v*10 + int(d)
		}
		if r.size(g) > 3 || v > 255 || r.size(g) > 1 && r.digits[r.count[g]] == 0 {
			return 0
		}
	}
	from, to := r.start[0], r.end[3]
	if !sc.alone(from, to) || from > 1 && sc.s[from-1] == '.' {
		return 0
	}
	return sc.found(from, to, IP, "ipv4")
}

// issuers are ranges of the first digits of cards and the lengths that go with them
// (ISO/IEC 7812).
var issuers = [...]struct{ digits, low, high, least, most int }{
	{1, 4, 4, 16, 16}, {1, 4, 4, 19, 19}, {1, 4, 4, 13, 13}, // Visa
	{2, 51, 55, 16, 16}, {4, 2221, 2720, 16, 16}, // Mastercard
	{2, 34, 34, 15, 15}, {2, 37, 37, 15, 15}, // American Express
	{4, 6011, 6011, 16, 19}, {3, 644, 659, 16, 19}, // Discover
	{3, 300, 305, 14, 19}, {2, 36, 36, 14, 19}, {2, 38, 39, 14, 19}, {4, 3095, 3095, 14, 19}, // Diners Club
	{4, 3528, 3589, 16, 19}, {4, 1800, 1800, 15, 15}, {4, 2131, 2131, 15, 15}, // JCB
	{2, 62, 62, 16, 19},                      // UnionPay
	{4, 2200, 2204, 16, 19},                  // Mir
	{2, 50, 50, 12, 19}, {2, 56, 69, 12, 19}, // Maestro
	{2, 81, 82, 16, 16}, {4, 9792, 9792, 16, 16}, // RuPay, Troy
}

// cardWords before a number make it one of a card, whoever issues such cards.
var cardWords = []string{"card", "credit", "debit", "visa", "mastercard", "amex", "kreditkarte", "carte", "tarjeta", "carta"}

// card looks for the longest number of a card. Its groups are written alike, with
// blanks, hyphens or dots between them, or there is one group.
func (sc *scanner) card() int {
	r := &sc.r
	for k := r.groups; k > 0; k-- {
		n := r.count[k]
		if n < 12 || n > 19 || k > 1 && (!r.uniform(k) || r.sep[1] == '/' || r.sep[1] == ')') {
			continue
		}
		if k > 1 && (r.size(0) < 3 || k > 6) {
			continue // four or more digits come first on every card's face
		}
		d := r.first(k)
		if luhn(d) && !alike(d) && (issued(d) || sc.says(cardWords, r.start[0])) && sc.alone(r.start[0], r.end[k-1]) {
			return sc.found(r.start[0], r.end[k-1], Card, "card")
		}
	}
	return 0
}

func issued(d []byte) bool {
	for _, is := range issuers {
		if len(d) < is.least || len(d) > is.most {
			continue
		}
		if p := value(d[:is.digits]); p >= is.low && p <= is.high {
			return true
		}
	}
	return false
}

// value reads digits as a number.
func value(d []byte) (v int) {
	for _, x := range d {
		v = v*10 + int(x)
	}
	return v
}

// luhn checks the last digit (ISO/IEC 7812-1, annex B).
func luhn(d []byte) bool {
	sum := 0
	for i, x := range d {
		v := int(x)
		if (len(d)-i)%2 == 0 {
			if v *= 2; v > 9 {
				v -= 9
			}
		}
		sum += v
	}
	return sum%10 == 0
}
