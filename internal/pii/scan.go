package pii

// The classes of bytes, after folding.
const (
	isDigit = 1 << iota
	isLetter
	isHigh    // part of a character beyond ASCII, which here is a letter
	isLocal   // may stand in the local part of an e-mail address (RFC 5322, atext and dot)
	isHex     // hexadecimal
	isTrigger // something may begin or lie here
	isBlank
	isWord = isDigit | isLetter | isHigh
)

var class = func() (t [256]uint8) {
	for c := range 256 {
		switch {
		case c >= '0' && c <= '9':
			t[c] = isDigit | isLocal | isHex | isTrigger
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			t[c] = isLetter | isLocal
		case c >= 0x80:
			t[c] = isHigh | isLocal
		}
	}
	for _, c := range "abcdefABCDEF" {
		t[c] |= isHex
	}
	for _, c := range ".!#$%&'*+/=?^_`{|}~-" {
		t[c] |= isLocal
	}
	for _, c := range " \t\r\n\v\f" {
		t[c] |= isBlank
	}
	t['@'] |= isTrigger
	t[':'] |= isTrigger
	return t
}()

// A scanner reads one text. Everything is found from three places: a digit, an at
// sign and a colon. Each is looked at for a bounded distance to both sides, so the
// work is linear.
type scanner struct {
	raw   []byte  // the text as it came
	s     []byte  // the folded text
	at    []int32 // where each byte of s came from, and the end
	out   []Span
	first int // of this text's spans in out
	seen  int // where the last URL that was looked at ends
	r     run
}

func (sc *scanner) run() {
	s := sc.s
	for i := 0; i < len(s); {
		if class[s[i]]&isTrigger == 0 {
			i++
			continue
		}
		switch s[i] {
		case '@':
			i = sc.email(i)
		case ':':
			i = sc.colon(i)
		default:
			i = sc.number(i)
		}
	}
}

// found adds a span of folded bytes. Spans that it covers give way: an address is
// more than the number in it.
func (sc *scanner) found(from, to int, k Kind, rule string) int {
	start, end := sc.place(from, to)
	for n := len(sc.out); n > sc.first && sc.out[n-1].End > start; n-- {
		start = min(start, sc.out[n-1].Start)
		sc.out = sc.out[:n-1]
	}
	sc.out = append(sc.out, Span{Start: start, End: end, Kind: k, Rule: rule})
	return to
}

// alone reports whether no letter or digit goes on before from or from to on.
func (sc *scanner) alone(from, to int) bool {
	return (from == 0 || class[sc.s[from-1]]&isWord == 0 && sc.s[from-1] != '_') && sc.ends(to)
}

func (sc *scanner) ends(to int) bool {
	return to >= len(sc.s) || class[sc.s[to]]&isWord == 0 && sc.s[to] != '_'
}

// before is how far back a word counts as the context of a number, in bytes.
const before = 40

// says reports whether one of the words, in lower case, stands
// shortly before the place: at the beginning of a word, in any case.
func (sc *scanner) says(words []string, at int) bool {
	from := max(0, at-before)
	for i := from; i < at; i++ {
		if class[sc.s[i]]&isLetter == 0 || i > from && class[sc.s[i-1]]&isWord != 0 {
			continue
		}
		first := sc.s[i] | 0x20
		for _, w := range words {
			if w[0] == first && sc.has(w, i, at) {
				return true
			}
		}
	}
	return false
}

func (sc *scanner) has(word string, i, limit int) bool {
	if i+len(word) > limit {
		return false
	}
	for j := range len(word) {
		c := sc.s[i+j]
		if class[c]&isLetter != 0 {
			c |= 0x20
		}
		if c != word[j] {
			return false
		}
	}
	return true
}
