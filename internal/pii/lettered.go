package pii

// lettered looks for numbers that begin with letters: the word begins at w, and its
// first digit is at i. It returns 0 if there is none.
func (sc *scanner) lettered(w, i int) int {
	for _, c := range sc.s[w:i] {
		if class[c]&isLetter == 0 {
			return 0
		}
	}
	if w > 0 && (class[sc.s[w-1]]&isWord != 0 || sc.s[w-1] == '_') {
		return 0
	}
	switch i - w {
	case 1:
		return sc.nie(w)
	case 2:
		if i+1 < len(sc.s) && class[sc.s[i+1]]&isDigit != 0 {
			if end := sc.iban(w); end > 0 {
				return end
			}
		}
		return sc.nino(w)
	case 6:
		return sc.codiceFiscale(w)
	}
	return 0
}

const controls = "TRWAGMYFPDXBNJZSQVHLCKE"

// nie: X, Y or Z, seven digits and a letter (Spain, foreigners).
func (sc *scanner) nie(w int) int {
	first := upper(sc.s[w])
	if first < 'X' || first > 'Z' {
		return 0
	}
	i, v := w+1, int(first-'X')
	if i < len(sc.s) && sc.s[i] == '-' {
		i++
	}
	return sc.control(w, i, 7, v, "es.nie")
}

// control reads n digits and the letter that v and they choose (modulus 23).
func (sc *scanner) control(w, i, n, v int, rule string) int {
	for ; n > 0; n-- {
		if i >= len(sc.s) || class[sc.s[i]]&isDigit == 0 {
			return 0
		}
		v, i = v*10+int(sc.s[i]-'0'), i+1
	}
	if i < len(sc.s) && sc.s[i] == '-' {
		i++
	}
	if i >= len(sc.s) || upper(sc.s[i]) != controls[v%23] || !sc.alone(w, i+1) {
		return 0
	}
	return sc.found(w, i+1, NationalID, rule)
}

// nino: two letters, six digits and A to D, with blanks or without (HMRC, NIM39110).
func (sc *scanner) nino(w int) int {
	a, b := upper(sc.s[w]), upper(sc.s[w+1])
	switch {
	case a == 'D' || a == 'F' || a == 'I' || a == 'Q' || a == 'U' || a == 'V',
		b == 'D' || b == 'F' || b == 'I' || b == 'O' || b == 'Q' || b == 'U' || b == 'V',
		a == 'B' && b == 'G', a == 'G' && b == 'B', a == 'K' && b == 'N', a == 'N' && (b == 'K' || b == 'T'), a == 'T' && b == 'N', a == 'Z' && b == 'Z':
		return 0
	}
	i := w + 2
	for n := 0; n < 7; i++ {
		switch {
		case i >= len(sc.s):
			return 0
		case sc.s[i] == ' ' && n%2 == 0 && sc.s[i-1] != ' ':
		case n < 6 && class[sc.s[i]]&isDigit != 0, n == 6 && upper(sc.s[i]) >= 'A' && upper(sc.s[i]) <= 'D':
			n++
		default:
			return 0
		}
	}
	if !sc.alone(w, i) {
		return 0
	}
	return sc.found(w, i, NationalID, "uk.nino")
}

// The values of the odd places of a codice fiscale, of 0 to 9 and of A to Z (decree
// of 23 December 1976). Digits may be letters where two people share the rest.
var odd = [26]int{1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23}

// codiceFiscale: sixteen letters and digits, of which the last checks the others.
func (sc *scanner) codiceFiscale(w int) int {
	if w+16 > len(sc.s) || !sc.alone(w, w+16) {
		return 0
	}
	sum := 0
	for i := range 15 {
		c := upper(sc.s[w+i])
		isNumber := class[c]&isDigit != 0
		if class[c]&(isDigit|isLetter) == 0 || (i < 6 || i == 8 || i == 11) == isNumber {
			return 0
		}
		v := int(c - 'A')
		if isNumber {
			v = int(c - '0')
		}
		if i%2 == 0 {
			v = odd[v]
		}
		sum += v
	}
	if upper(sc.s[w+15]) != byte('A'+sum%26) {
		return 0
	}
	return sc.found(w, w+16, NationalID, "it.codice_fiscale")
}

// mixed looks for numbers that begin with digits and have letters in them.
func (sc *scanner) mixed() int {
	r := &sc.r
	w, s := r.start[0], sc.s
	if w > 0 && class[s[w-1]]&isWord != 0 {
		return 0
	}
	switch r.size(0) {
	case 8: // DNI: eight digits and a letter (Spain)
		return sc.control(w, w, 8, 0, "es.dni")
	case 7:
		return sc.pps(w)
	case 6:
		return sc.hetu(w)
	case 17: // a Chinese resident's number whose check is ten
		if end := w + 18; end <= len(s) && upper(s[end-1]) == 'X' && sc.ends(end) && resident(r.digits[:17]) == 10 {
			return sc.found(w, end, NationalID, "cn.resident")
		}
	}
	return 0
}

// pps: seven digits, a letter that checks them, and one more or none (Ireland).
func (sc *scanner) pps(w int) int {
	i := w + 7
	if i >= len(sc.s) || class[sc.s[i]]&isLetter == 0 {
		return 0
	}
	sum := weighed(sc.r.digits[:7], 8, 7, 6, 5, 4, 3, 2)
	end := i + 1
	if end < len(sc.s) && class[sc.s[end]]&isLetter != 0 {
		if c := upper(sc.s[end]); c != 'W' {
			sum += 9 * int(c-'A'+1)
		}
		end++
	}
	if !sc.alone(w, end) || upper(sc.s[i]) != "WABCDEFGHIJKLMNOPQRSTUV"[sum%23] {
		return 0
	}
	return sc.found(w, end, NationalID, "ie.pps")
}

const finnish = "0123456789ABCDEFHJKLMNPRSTUVWXY"

// hetu: the day of birth, a sign for the century, three digits and a check (Finland).
func (sc *scanner) hetu(w int) int {
	if w+11 > len(sc.s) || !sc.alone(w, w+11) {
		return 0
	}
	d, v := sc.r.digits[:6], 0
	switch c := upper(sc.s[w+6]); {
	case c == '-' || c == '+' || c >= 'A' && c <= 'F' || c >= 'U' && c <= 'Y':
	default:
		return 0
	}
	for _, c := range sc.s[w+7 : w+10] {
		if class[c]&isDigit == 0 {
			return 0
		}
		v = v*10 + int(c-'0')
	}
	if !born(two(d, 2), two(d, 0)) || upper(sc.s[w+10]) != finnish[(value(d)*1000+v)%31] {
		return 0
	}
	return sc.found(w, w+11, NationalID, "fi.hetu")
}
