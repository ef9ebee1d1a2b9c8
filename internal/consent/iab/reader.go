package iab

import (
	"encoding/binary"
	"fmt"

	"thimble"
)

// Limits of one string.
const (
	// MaxLength is how many characters one consent string may have. The vendor
	// lists in use need a fifth of it.
	MaxLength = 16 << 10
	// MaxID is the largest id of a vendor or a section.
	MaxID = 1<<16 - 1
	// padding is the shortest run of bits that no encoder appends: the least
	// common multiple of a byte and a character of base64.
	padding = 24
	// slack are the zero bytes behind the bits, so that eight can be loaded anywhere.
	slack = 8
)

// An Error says which field breaks which rule.
type Error struct{ Field, Rule string }

// Error implements error.
func (e *Error) Error() string { return "iab: " + e.Field + ": " + e.Rule }

// Unwrap gives the kind.
func (e *Error) Unwrap() error { return thimble.ErrInvalid }

// Invalid returns an error of kind thimble.ErrInvalid.
func Invalid(field, rule string, args ...any) error {
	if len(args) > 0 {
		rule = fmt.Sprintf(rule, args...)
	}
	return &Error{Field: field, Rule: rule}
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// bad marks what is no character of base64url.
const bad = 0xff

var values = func() (t [256]byte) {
	for i := range t {
		t[i] = bad
	}
	for i, c := range []byte(alphabet) {
		t[c] = byte(i)
	}
	return t
}()

// room is how many bytes a Reader has inside; nearly all strings fit.
const room = 1024

// A Reader reads bits from the most significant on. It keeps the first error, and
// returns zeros from then on. It may be opened again and again.
type Reader struct {
	near   [room]byte // the bits, then slack
	far    []byte     // instead of near, for long strings
	pos, n int        // in bits
	err    error
}

// Open decodes one segment.
func (r *Reader) Open(field, s string) error {
	r.pos, r.n, r.err, r.far = 0, len(s)*6, nil, nil
	if s == "" {
		return Invalid(field, "characters of base64url were expected, there are none")
	}
	if len(s) > MaxLength {
		return Invalid(field, "at most %d characters were expected", MaxLength)
	}
	size := (len(s)*6+7)/8 + slack
	if size <= room {
		return fill(r.near[:size], field, s)
	}
	r.far = make([]byte, size)
	return fill(r.far, field, s)
}

// fill decodes s into b, which has slack bytes to spare.
func fill(b []byte, field, s string) error {
	clear(b[len(b)-slack:])
	at, i := 0, 0
	for ; i+8 <= len(s); i, at = i+8, at+6 {
		// Eight characters are 48 bits; what is written behind them is written again.
		q, to := s[i:i+8], b[at:at+8]
		a, c, d, e := values[q[0]], values[q[1]], values[q[2]], values[q[3]]
		f, g, h, j := values[q[4]], values[q[5]], values[q[6]], values[q[7]]
		if (a|c|d|e|f|g|h|j)&0xc0 != 0 {
			return Invalid(field, "a character is not of base64url")
		}
		high := uint64(a)<<18 | uint64(c)<<12 | uint64(d)<<6 | uint64(e)
		low := uint64(f)<<18 | uint64(g)<<12 | uint64(h)<<6 | uint64(j)
		binary.BigEndian.PutUint64(to, high<<40|low<<16)
	}
	return tail(b[at:], field, s[i:])
}

// tail decodes up to seven characters.
func tail(b []byte, field, s string) error {
	var v uint64
	for i := range 8 {
		v <<= 6
		if i >= len(s) {
			continue
		}
		c := values[s[i]]
		if c == bad {
			return Invalid(field, "a character is not of base64url")
		}
		v |= uint64(c)
	}
	binary.BigEndian.PutUint64(b[:8], v<<16)
	return nil
}

// window returns the next bits, at least 57 of them, from the left.
func (r *Reader) window() uint64 {
	if r.far != nil {
		return binary.BigEndian.Uint64(r.far[r.pos>>3:]) << (r.pos & 7)
	}
	return binary.BigEndian.Uint64(r.near[r.pos>>3:]) << (r.pos & 7)
}

// Err returns the first error.
func (r *Reader) Err() error { return r.err }

// Fail records an error, if it is the first.
func (r *Reader) Fail(field, rule string, args ...any) {
	if r.err == nil {
		r.err = Invalid(field, rule, args...)
	}
}

// take reports whether so many bits are left, and fails if not.
func (r *Reader) take(field string, bits int) bool {
	if r.err == nil && r.n-r.pos >= bits {
		return true
	}
	r.Fail(field, "the string ends before it")
	return false
}

// Uint reads an integer of up to 57 bits.
func (r *Reader) Uint(field string, bits int) uint64 {
	if !r.take(field, bits) || bits == 0 {
		return 0
	}
	v := r.window() >> (64 - bits)
	r.pos += bits
	return v
}

// Bool reads one bit.
func (r *Reader) Bool(field string) bool { return r.Uint(field, 1) == 1 }

// End checks that only padding is left.
func (r *Reader) End(field string) error {
	if r.err != nil {
		return r.err
	}
	if r.n-r.pos >= padding || r.n > r.pos && r.window()>>(64-(r.n-r.pos)) != 0 {
		return Invalid(field, "bits are left over after the last field")
	}
	return nil
}

// Letters reads two letters of six bits each.
func (r *Reader) Letters(field string) [2]byte {
	a, b := r.Uint(field, 6), r.Uint(field, 6)
	if a > 'Z'-'A' || b > 'Z'-'A' {
		r.Fail(field, "two letters from A to Z were expected")
		return [2]byte{}
	}
	return [2]byte{'A' + byte(a), 'A' + byte(b)}
}

// Fibonacci reads an integer from 1 to [MaxID] in Fibonacci coding: the sum of the
// Fibonacci numbers whose bits are set, smallest first, ended by two set bits.
func (r *Reader) Fibonacci(field string) int {
	if r.err != nil {
		return 0
	}
	w, left := r.window(), r.n-r.pos
	sum, a, b := 0, 1, 2
	for i, last := 0, false; i < left && i < 57 && sum <= MaxID; i++ {
		set := w>>63 == 1
		w <<= 1
		if set && last {
			r.pos += i + 1
			return sum
		}
		if set {
			sum += a
		}
		last = set
		a, b = b, a+b
	}
	r.Fail(field, "a Fibonacci code of 1 to %d was expected", MaxID)
	return 0
}
