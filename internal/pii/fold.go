package pii

import (
	"unicode"
	"unicode/utf8"
)

// keep bounds the memory that a scanner holds on to between texts.
const keep = 64 << 10

// fold copies the text for reading: digits of any script become ASCII digits,
// full-width forms their ASCII twins, blanks and dashes ' ' and '-', other signs and
// broken bytes '"', and characters without width vanish. Other letters stay as they are. sc.at says where each byte
// came from; it is empty when nothing moved.
func (sc *scanner) fold() {
	text := sc.raw
	sc.s, sc.at = sc.s[:0], sc.at[:0]
	plain := 0
	for plain < len(text) && text[plain] < utf8.RuneSelf {
		plain++
	}
	sc.s = append(sc.s, text[:plain]...)
	if plain == len(text) {
		return
	}
	for i := range plain {
		sc.at = append(sc.at, int32(i))
	}
	for i := plain; i < len(text); {
		if c := text[i]; c < utf8.RuneSelf {
			sc.put(c, i)
			i++
			continue
		}
		r, n := utf8.DecodeRune(text[i:])
		if c, known := folded(r); known {
			if c != 0 {
				sc.put(c, i)
			}
		} else {
			// A letter, whole: each of its bytes stands for the character's start.
			for j := range n {
				sc.put(text[i+j]|utf8.RuneSelf, i)
			}
		}
		i += n
	}
	sc.at = append(sc.at, int32(len(text)))
}

func (sc *scanner) put(c byte, at int) {
	sc.s, sc.at = append(sc.s, c), append(sc.at, int32(at))
}

// forget wipes what was read, so that no text stays in the pool.
func (sc *scanner) forget() {
	clear(sc.s)
	clear(sc.raw)
	sc.out, sc.seen = nil, 0
	if cap(sc.s) > keep {
		sc.s, sc.at, sc.raw = nil, nil, nil
	}
}

// place returns where the folded bytes [from, to) lie in the text as it came.
func (sc *scanner) place(from, to int) (int, int) {
	if len(sc.at) == 0 {
		return from, to
	}
	return int(sc.at[from]), int(sc.at[to])
}

// folded returns the ASCII twin of a character; 0 if it is to vanish.
func folded(r rune) (c byte, known bool) {
	switch {
	case r >= 0xFF01 && r <= 0xFF5E: // full-width forms
		return byte(r - 0xFEE0), true
	case unicode.Is(unicode.Nd, r):
		return '0' + digitOf(r), true
	case r == 0xAD || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Variation_Selector, r):
		return 0, true
	case unicode.Is(unicode.Zs, r) || r == 0x85 || r == 0x2028 || r == 0x2029:
		return ' ', true
	case unicode.Is(unicode.Pd, r) || r == 0x2212:
		return '-', true
	case r == 0xFE52 || r == 0x2024: // small full stop, one dot leader
		return '.', true
	case r == 0xFE6B: // small commercial at
		return '@', true
	case r == utf8.RuneError || !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsNumber(r):
		return '"', true // quotation marks and what else is no part of a word
	}
	return 0, false
}

// digitOf returns the value of a decimal digit: each script's ten are in a row
// (Unicode Standard, section 4.6), and the ranges of the table are made of such rows.
func digitOf(r rune) byte {
	for _, t := range unicode.Nd.R16 {
		if rune(t.Lo) <= r && r <= rune(t.Hi) {
			return byte((r - rune(t.Lo)) % 10)
		}
	}
	for _, t := range unicode.Nd.R32 {
		if rune(t.Lo) <= r && r <= rune(t.Hi) {
			return byte((r - rune(t.Lo)) % 10)
		}
	}
	return 0
}
