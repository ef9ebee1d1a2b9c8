package ml

import "math"

// CompandMax is the largest magnitude of a companded code.
const CompandMax = 127

// CompandUnit is the integer that stands for 1 after Expand.
const CompandUnit = CompandMax * CompandMax

// Compand returns the 8-bit square-root code of v: small magnitudes keep the
// finer steps. Magnitudes above 1 are clipped, NaN becomes 0.
func Compand(v float64) int8 {
	mag := math.Abs(v)
	if !(mag > 0) {
		return 0
	}
	code := Round(float64(CompandMax * math.Sqrt(min(mag, 1))))
	if v < 0 {
		code = -code
	}
	return int8(code)
}

// Expand returns what a code stands for, in units of 1/CompandUnit. It is a product and no
// table, which whoever reads much else would find out of the cache.
func Expand(code int8) int32 {
	c := int32(code)
	return c * max(c, -c)
}
