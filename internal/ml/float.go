package ml

import "math"

// Dot returns the inner product of two vectors of one length, summed from the
// first element to the last.
func Dot(a, b []float64) float64 {
	b = b[:len(a)]
	sum := 0.0
	for i, v := range a {
		// The conversion rounds the product, which forbids a fused multiply-add.
		sum += float64(v * b[i])
	}
	return sum
}

// AddScaled adds s·src to dst, element by element.
func AddScaled(dst []float64, s float64, src []float64) {
	src = src[:len(dst)]
	for i := range dst {
		dst[i] += float64(s * src[i])
	}
}

// powBits is how many binary places of the logarithm Pow uses.
const powBits = 44

// Pow returns x to the power y for a finite x > 0, to about eleven digits, with
// the same bits on every processor; math.Pow does not promise that. It is for
// tables, not for inner loops: one call takes about 100 ns. It returns NaN for
// other x.
func Pow(x, y float64) float64 {
	if !(x > 0) || math.IsInf(x, 1) {
		return math.NaN()
	}
	return exp2(float64(y * log2(x)))
}

// log2 finds the binary digits of the logarithm by squaring: only exact or
// singly rounded operations.
func log2(x float64) float64 {
	m, e := math.Frexp(x)
	m, e = m*2, e-1
	frac, digit := 0.0, 0.5
	for range powBits {
		m = float64(m * m)
		if m >= 2 {
			m /= 2
			frac += digit
		}
		digit /= 2
	}
	return float64(e) + frac
}

// exp2 multiplies the square roots of two that the binary digits of x ask for.
func exp2(x float64) float64 {
	whole := math.Floor(x)
	frac, root, out := x-whole, 2.0, 1.0
	for range powBits {
		root = math.Sqrt(root)
		frac *= 2
		if frac >= 1 {
			frac--
			out = float64(out * root)
		}
	}
	return math.Ldexp(out, int(max(min(whole, 2000), -2000)))
}

// Round returns the integer nearest to v, halves away from zero.
func Round(v float64) int64 {
	if v < 0 {
		return -int64(math.Floor(0.5 - v))
	}
	return int64(math.Floor(v + 0.5))
}
