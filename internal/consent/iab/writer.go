package iab

import (
	"math/bits"
	"slices"
)

// A Padding says to what multiple of bits a string is filled up with zeros.
type Padding int

// The paddings.
const (
	Whole   Padding = iota // of 24: whole bytes and whole characters, as the TCF does
	Compact                // of 8, then of 6, as the sections of the GPP do
)

// A Writer writes bits from the most significant on. It keeps the first error.
type Writer struct {
	b   []byte
	n   int // in bits
	err error
}

// Err returns the first error.
func (w *Writer) Err() error { return w.err }

// Fail records an error, if it is the first.
func (w *Writer) Fail(field, rule string, args ...any) {
	if w.err == nil {
		w.err = Invalid(field, rule, args...)
	}
}

// Uint writes an integer that must fit its width.
func (w *Writer) Uint(field string, v uint64, width int) {
	if bits.Len64(v) > width {
		w.Fail(field, "a number of at most %d bits was expected", width)
		return
	}
	for i := width - 1; i >= 0; i-- {
		if w.n%8 == 0 {
			w.b = append(w.b, 0)
		}
		w.b[w.n/8] |= byte(v>>i&1) << (7 - w.n%8)
		w.n++
	}
}

// Bool writes one bit.
func (w *Writer) Bool(v bool) {
	var bit uint64
	if v {
		bit = 1
	}
	w.Uint("", bit, 1)
}

// Letters writes two letters.
func (w *Writer) Letters(field string, v [2]byte) {
	for _, c := range v {
		if c < 'A' || c > 'Z' {
			w.Fail(field, "two letters from A to Z were expected")
			return
		}
		w.Uint(field, uint64(c-'A'), 6)
	}
}

// Fibonacci writes an integer from 1 on.
func (w *Writer) Fibonacci(field string, v int) {
	if v < 1 || v > MaxID {
		w.Fail(field, "a number from 1 to %d was expected", MaxID)
		return
	}
	f := []int{1, 2}
	for f[len(f)-1] <= v {
		f = append(f, f[len(f)-1]+f[len(f)-2])
	}
	// Greedy from the largest: no two neighbours are set (Zeckendorf). The last bit
	// of the code is the second of the two that end it.
	code, width := uint64(1), 1
	for i := len(f) - 1; i >= 0; i-- {
		if f[i] <= v {
			v -= f[i]
			code |= 1 << width
		}
		if code > 1 {
			width++
		}
	}
	w.Uint(field, code, width)
}

// Set writes a set in the shorter of its two forms.
func (w *Writer) Set(field string, s Set, c Coding) {
	top := s.Max()
	w.Uint(field, uint64(top), idBits)
	var r Writer
	r.Ranges(field, s.Ranges(), c)
	if r.err == nil && r.n <= top {
		w.Bool(true)
		w.Ranges(field, s.Ranges(), c)
		return
	}
	w.Bool(false)
	for id := 1; id <= top; id++ {
		w.Bool(s.Has(id))
	}
}

// Ranges writes ranges, which must be in ascending order.
func (w *Writer) Ranges(field string, all []Range, c Coding) {
	if len(all) >= 1<<countBits {
		w.Fail(field, "at most %d ranges were expected", 1<<countBits-1)
		return
	}
	w.Uint(field, uint64(len(all)), countBits)
	before := 0
	for _, r := range all {
		if r.First <= before || r.Last < r.First || r.Last > MaxID {
			w.Fail(field, "ranges in ascending order from 1 to %d were expected", MaxID)
			return
		}
		group := r.Last > r.First
		w.Bool(group)
		before = w.id(field, c, before, r.First)
		if group {
			before = w.id(field, c, before, r.Last)
		}
	}
}

func (w *Writer) id(field string, c Coding, before, id int) int {
	if c == Fibonacci {
		w.Fibonacci(field, id-before)
	} else {
		w.Uint(field, uint64(id), idBits)
	}
	return id
}

// String returns what was written, filled up with zeros.
func (w *Writer) String(p Padding) (string, error) {
	if w.err != nil {
		return "", w.err
	}
	n := (w.n + padding - 1) / padding * padding
	if p == Compact {
		n = ((w.n+7)/8*8 + 5) / 6 * 6
	}
	out := make([]byte, n/6)
	if len(out) > MaxLength {
		return "", Invalid("string", "at most %d characters can be written", MaxLength)
	}
	b := append(slices.Clip(w.b), 0, 0, 0)
	for i := range out {
		at := i * 6
		v := uint16(b[at/8])<<8 | uint16(b[at/8+1])
		out[i] = alphabet[v>>(10-at%8)&63]
	}
	return string(out), nil
}
