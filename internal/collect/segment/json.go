package segment

import (
	"encoding/binary"
	"hash/maphash"
	"math/bits"
	"unicode/utf8"
)

// The grammar of RFC 8259. The functions read from r.i on, return whether what they
// read is JSON, and note in r.fault what is JSON but breaks a rule of this package: the
// event is refused then, and reading goes on behind it.

// special are bytes that end a run of plain characters in a string.
func special(w uint64) uint64 {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	quote := w ^ ones*'"'
	slash := w ^ ones*'\\'
	return ((w - ones*0x20) | (quote - ones) | (slash - ones) | w) & tops
}

func (r *Reader) blank() {
	for r.i < len(r.b) && (r.b[r.i] == ' ' || r.b[r.i] == '\n' || r.b[r.i] == '\t' || r.b[r.i] == '\r') {
		r.i++
	}
}

// note keeps the first fault.
func (r *Reader) note(f Rule) {
	if r.fault == 0 {
		r.fault = f
	}
}

// str reads a string whose opening quote is at r.i. The span is without quotes.
func (r *Reader) str() (from, to int, escaped, ok bool) {
	b, i := r.b, r.i+1
	from = i
	high := false
	for {
		for i+8 <= len(b) {
			m := special(binary.LittleEndian.Uint64(b[i:]))
			if m != 0 {
				i += bits.TrailingZeros64(m) >> 3
				break
			}
			i += 8
		}
		if i >= len(b) {
			return 0, 0, false, false
		}
		switch c := b[i]; {
		case c == '"':
			r.i = i + 1
			if high && !utf8.Valid(b[from:i]) {
				r.note(BadUTF8)
			}
			return from, i, escaped, true
		case c == '\\':
			n := r.escape(i)
			if n == 0 {
				return 0, 0, false, false
			}
			escaped, i = true, i+n
		case c < 0x20:
			return 0, 0, false, false
		case c >= utf8.RuneSelf:
			for high = true; i < len(b) && b[i] >= utf8.RuneSelf; i++ {
			}
		default:
			i++
		}
	}
}

// escape returns the length of the escape at i, 0 if it is none. A surrogate must be
// followed by its other half.
func (r *Reader) escape(i int) int {
	if i+1 >= len(r.b) {
		return 0
	}
	switch r.b[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
	default:
		return 0
	}
	c := unhex(r.b, i+2)
	if c < 0 {
		return 0
	}
	if c < 0xD800 || c > 0xDFFF {
		return 6
	}
	if c < 0xDC00 && i+7 < len(r.b) && r.b[i+6] == '\\' && r.b[i+7] == 'u' {
		if low := unhex(r.b, i+8); low >= 0xDC00 && low <= 0xDFFF {
			return 12
		}
	}
	r.note(LoneSurrogate)
	return 6
}

func unhex(b []byte, i int) rune {
	if i+4 > len(b) {
		return -1
	}
	var v rune
	for _, c := range b[i : i+4] {
		switch {
		case c >= '0' && c <= '9':
			v = v<<4 | rune(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			v = v<<4 | rune(c|0x20-'a'+10)
		default:
			return -1
		}
	}
	return v
}

// unescaped appends a string without its escapes.
func unescaped(dst, s []byte) []byte {
	for i := 0; i < len(s); {
		if s[i] != '\\' {
			dst = append(dst, s[i])
			i++
			continue
		}
		switch c := s[i+1]; c {
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			v := unhex(s, i+2)
			i += 4
			if v >= 0xD800 && v < 0xDC00 && i+8 <= len(s) && s[i+2] == '\\' && s[i+3] == 'u' {
				v = (v-0xD800)<<10 | (unhex(s, i+4) - 0xDC00) + 0x10000
				i += 6
			}
			dst = utf8.AppendRune(dst, v)
		default:
			dst = append(dst, c)
		}
		i += 2
	}
	return dst
}

// number reads a number at r.i.
func (r *Reader) number() (from, to int, ok bool) {
	b, i := r.b, r.i
	from = i
	if i < len(b) && b[i] == '-' {
		i++
	}
	digits := i
	for i < len(b) && b[i]-'0' < 10 {
		i++
	}
	if i == digits || b[digits] == '0' && i > digits+1 {
		return 0, 0, false
	}
	whole := i - digits
	if i < len(b) && b[i] == '.' {
		i++
		part := i
		for i < len(b) && b[i]-'0' < 10 {
			i++
		}
		if i == part {
			return 0, 0, false
		}
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		part := i
		for i < len(b) && b[i]-'0' < 10 {
			i++
		}
		if i == part {
			return 0, 0, false
		}
		whole = maxNumber + 1 // look closer
	}
	if whole > maxNumber || i-from > maxNumber {
		if d := readDecimal(b[from:i]); i-from > maxNumber || d.point > maxExponent || d.point < -maxExponent {
			r.note(BadNumber)
		}
	}
	r.i = i
	return from, i, true
}

const (
	maxNumber   = 64  // bytes
	maxExponent = 308 // decimal places before the point; 10^308 is the last power that float64 has
)

// literal reads null, true or false.
func (r *Reader) literal(word string) bool {
	if r.i+len(word) > len(r.b) || string(r.b[r.i:r.i+len(word)]) != word {
		return false
	}
	r.i += len(word)
	return true
}

// shape says what begins at r.i, and false if nothing does.
func (r *Reader) shape() (Shape, bool) {
	if r.i >= len(r.b) {
		return 0, false
	}
	switch c := r.b[r.i]; c {
	case '"':
		return Text, true
	case '{':
		return Object, true
	case '[':
		return Array, true
	case 't', 'f':
		return Bool, true
	case 'n':
		return Null, true
	default:
		return Number, c == '-' || c-'0' < 10
	}
}

// simple reads a value that is neither object nor array.
func (r *Reader) simple(s Shape) bool {
	switch s {
	case Text:
		_, _, _, ok := r.str()
		return ok
	case Null:
		return r.literal("null")
	case Bool:
		return r.literal("true") || r.literal("false")
	}
	_, _, ok := r.number()
	return ok
}

// skip reads any value below depth levels without looking at what is in it. It does
// not recurse, so that depth costs no stack.
func (r *Reader) skip(depth int) bool {
	base := len(r.open)
	ok := r.skipFrom(base, depth)
	r.open = r.open[:base]
	return ok
}

func (r *Reader) skipFrom(base, depth int) bool {
	for {
		s, ok := r.shape()
		if !ok {
			return false
		}
		if s != Object && s != Array {
			if !r.simple(s) {
				return false
			}
		} else if empty, ok := r.enter(s, depth+len(r.open)-base); !ok {
			return false
		} else if !empty {
			r.open = append(r.open, s)
			if s == Object && !r.anyKey() {
				return false
			}
			continue
		}
		for {
			if len(r.open) == base {
				return true
			}
			s := r.open[len(r.open)-1]
			more, ok := r.next(s)
			if !ok {
				return false
			}
			if more {
				if s == Object && !r.anyKey() {
					return false
				}
				break
			}
			r.open = r.open[:len(r.open)-1]
		}
	}
}

// enter reads the opening of an object or array that lies below depth levels, and its
// end if nothing is in it.
func (r *Reader) enter(s Shape, depth int) (empty, ok bool) {
	if depth >= maxDepth {
		r.note(TooDeep)
		if depth >= maxNested {
			return false, false
		}
	}
	r.i++
	r.blank()
	if r.i < len(r.b) && r.b[r.i] == closing(s) {
		r.i++
		return true, true
	}
	return false, true
}

// next reads what stands behind a member: a comma, or the end.
func (r *Reader) next(s Shape) (more, ok bool) {
	r.blank()
	if r.i >= len(r.b) {
		return false, false
	}
	c := r.b[r.i]
	r.i++
	if c == ',' {
		r.blank()
		return true, true
	}
	return false, c == closing(s)
}

func closing(s Shape) byte {
	if s == Object {
		return '}'
	}
	return ']'
}

// anyKey reads a key and the colon behind it.
func (r *Reader) anyKey() bool {
	if r.i >= len(r.b) || r.b[r.i] != '"' {
		return false
	}
	_, _, _, ok := r.str()
	return ok && r.colon()
}

func (r *Reader) colon() bool {
	r.blank()
	if r.i >= len(r.b) || r.b[r.i] != ':' {
		return false
	}
	r.i++
	r.blank()
	return true
}

// key reads a key and the colon behind it, and returns the key without escapes. It
// holds until the next one.
func (r *Reader) key() (name []byte, at Value, ok bool) {
	if r.i >= len(r.b) || r.b[r.i] != '"' {
		return nil, at, false
	}
	v, ok := r.text()
	if !ok || !r.colon() {
		return nil, at, false
	}
	return r.bytes(v), v, true
}

// text reads a string as a value; one with escapes goes to the arena without them.
func (r *Reader) text() (Value, bool) {
	from, to, escaped, ok := r.str()
	if !ok {
		return Value{}, false
	}
	if !escaped {
		return Value{from: uint32(from), to: uint32(to), where: inBody}, true
	}
	start := len(r.arena)
	r.arena = unescaped(r.arena, r.b[from:to])
	return Value{from: uint32(start), to: uint32(len(r.arena)), where: inArena}, true
}

// once notes a key of the object whose keys began at mark, and whether it is new. Names
// are compared by a keyed hash of 64 bits, so nobody can make two that collide.
func (r *Reader) once(mark int, name []byte) {
	if len(r.keys)-mark >= maxKeys {
		r.note(TooManyKeys)
		return
	}
	h := maphash.Bytes(r.seed, name)
	for _, k := range r.keys[mark:] {
		if k == h {
			r.note(TwiceKey)
			return
		}
	}
	r.keys = append(r.keys, h)
}

// checked reads a value and looks at the keys of its objects, as many levels down as
// levels says; below that it skips.
func (r *Reader) checked(depth, levels int) bool {
	s, ok := r.shape()
	if !ok || s != Object || levels == 0 {
		return ok && r.skip(depth)
	}
	mark := len(r.keys)
	defer func() { r.keys = r.keys[:mark] }()
	empty, ok := r.enter(Object, depth)
	for more := !empty; more && ok; {
		var name []byte
		if name, _, ok = r.key(); !ok {
			return false
		}
		r.once(mark, name)
		if !r.checked(depth+1, levels-1) {
			return false
		}
		more, ok = r.next(Object)
	}
	return ok
}
