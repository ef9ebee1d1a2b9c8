package device

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math/bits"

	"thimble"
)

// A Noise draws from the discrete Gaussian exactly: with whole numbers only, by rejection, as
// Canonne, Kamath and Steinke do ("The Discrete Gaussian for Differential Privacy", 2020,
// algorithms 1 to 3). A float in between would leave gaps that tell the true count (Mironov
// 2012). Chance comes from a source such as crypto/rand.Reader.
type Noise struct {
	source *bufio.Reader
	err    error
}

// NewNoise returns a drawer. Its errors are kept: see [Noise.Err].
func NewNoise(source io.Reader) *Noise { return &Noise{source: bufio.NewReaderSize(source, 4096)} }

// Err returns the first error of the source. What was drawn from then on counts for nothing.
func (n *Noise) Err() error {
	if n.err == nil {
		return nil
	}
	return fmt.Errorf("device: drawing noise: %w: %w", n.err, thimble.ErrUnavailable)
}

// maxVariance keeps all numbers of a draw within 64 bits but one, which has 128.
const maxVariance = 1 << 40

// Gaussian draws from the discrete Gaussian of mean 0: the probability of y is in proportion
// to exp(-y²/(2·variance)).
func (n *Noise) Gaussian(variance uint64) int64 {
	if variance == 0 || variance > maxVariance {
		panic("device: the variance is out of range")
	}
	t := isqrt(variance) + 1
	for n.err == nil {
		y := n.laplace(t)
		size := uint64(max(y, -y))
		// Accept with exp(-(|y| - variance/t)² / (2·variance)) = exp(-(|y|·t - variance)² / (2·variance·t²)).
		hi, lo := bits.Mul64(size, t)
		if hi > 0 {
			continue // beyond 2^43 scales: it has no probability that 64 bits could tell
		}
		far := max(lo, variance) - min(lo, variance)
		top, low := bits.Mul64(far, far)
		if n.expBernoulli(top, low, 2*variance, t) {
			return y
		}
	}
	return 0
}

// laplace draws from the discrete Laplace of scale t: the probability of y is in proportion
// to exp(-|y|/t).
func (n *Noise) laplace(t uint64) int64 {
	for n.err == nil {
		u := n.below(t)
		if !n.expUnit(u, t) {
			continue
		}
		v := uint64(0)
		for n.expUnit(1, 1) {
			v++
		}
		y := int64(u + t*v)
		if minus := n.below(2) == 1; !minus {
			return y
		} else if y != 0 {
			return -y
		}
	}
	return 0
}

// expBernoulli is true with probability exp(-(hi·2^64 + lo)/(d·t²)).
func (n *Noise) expBernoulli(hi, lo, d, t uint64) bool {
	// The quotient by d·t² is taken in three steps, so that nothing overflows: the whole part
	// counts as so many draws of exp(-1), the rest r/(d·t²) is below 1.
	whole, rest, over := div128(hi, lo, d, t)
	if over {
		whole = 1<<64 - 1
	}
	for ; whole > 0; whole-- {
		if !n.expUnit(1, 1) {
			return false
		}
	}
	// exp(-rest/(d·t²)) with rest = a·t² + b·t + c in units of 1/(d·t²), each below its base:
	// the product of three draws.
	return n.expUnit(rest[0], d) && n.expNested(rest[1], d, t, 1) && n.expNested(rest[2], d, t, t)
}

// div128 divides hi·2^64 + lo by d·t·t into a whole part and digits: the remainder is
// (digits[0]·t + digits[1])·t + digits[2].
func div128(hi, lo, d, t uint64) (whole uint64, digits [3]uint64, over bool) {
	qh, r := bits.Div64(0, hi, t)
	ql, c := bits.Div64(r, lo, t)
	qh, r = bits.Div64(0, qh, t)
	ql, b := bits.Div64(r, ql, t)
	if qh >= d {
		return 0, digits, true
	}
	whole, a := bits.Div64(qh, ql, d)
	return whole, [3]uint64{a, b, c}, false
}

// expUnit is true with probability exp(-a/b), for a ≤ b: algorithm 1.
func (n *Noise) expUnit(a, b uint64) bool { return n.expNested(a, b, 1, 1) }

// expNested is true with probability exp(-a/(b·c·e)), for a ≤ b·c·e.
func (n *Noise) expNested(a, b, c, e uint64) bool {
	for k := uint64(1); n.err == nil; k++ {
		// A product of draws is a draw of the product, and no number gets too large.
		if !(n.ratio(a, b, c) && n.one(e) && n.one(k)) {
			return k%2 == 1
		}
	}
	return false
}

// ratio is true with probability a/(b·c), for a ≤ b·c below 2^64.
func (n *Noise) ratio(a, b, c uint64) bool { return n.below(b*c) < a }

// one is true with probability 1/k.
func (n *Noise) one(k uint64) bool { return k == 1 || n.below(k) == 0 }

// below draws evenly from 0 to k-1.
func (n *Noise) below(k uint64) uint64 {
	if k == 1 {
		return 0
	}
	mask := uint64(1)<<bits.Len64(k-1) - 1
	for n.err == nil {
		if v := n.word() & mask; v < k {
			return v
		}
	}
	return 0
}

func (n *Noise) word() uint64 {
	var b [8]byte
	if _, err := io.ReadFull(n.source, b[:]); err != nil && n.err == nil {
		n.err = err
	}
	return binary.LittleEndian.Uint64(b[:])
}

// isqrt returns the whole part of the square root.
func isqrt(v uint64) uint64 {
	r := uint64(0)
	for bit := uint64(1) << 31; bit > 0; bit >>= 1 {
		if (r+bit)*(r+bit) <= v {
			r += bit
		}
	}
	return r
}
