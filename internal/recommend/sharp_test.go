package recommend

import (
	"math"
	"testing"

	"thimble/internal/ml"
)

// The code of a raised weight is that of the power itself, but where the two round a
// weight that lies between codes to different sides.
func TestARaisedWeightHasTheCodeOfItsPower(t *testing.T) {
	for _, milli := range []int{0, 1, 250, 500, 1000} {
		s := Recipe{SharpenMilli: milli}.sharp()
		before := int8(-ml.CompandMax)
		for n := -12_000; n <= 12_000; n++ {
			v := float64(n) / 10_000
			got := s.code(v)
			raised := math.Copysign(math.Pow(math.Abs(v), 1+float64(milli)/1000), v)
			if want := ml.Compand(raised); got != want {
				edge := ml.CompandMax * math.Sqrt(math.Abs(raised))
				if math.Abs(edge-math.Floor(edge)-0.5) > 1e-6 {
					t.Fatalf("%d: the code of %g is %d, want %d", milli, v, got, want)
				}
			}
			if got < before {
				t.Fatalf("%d: the code of %g is %d, less than that of what is smaller", milli, v, got)
			}
			before = got
		}
		for _, v := range []float64{math.NaN(), 0, math.Copysign(0, -1), 1e-300, -1e-300} {
			if got := s.code(v); got != 0 {
				t.Errorf("%d: the code of %g is %d, want 0", milli, v, got)
			}
		}
		if s.code(math.Inf(1)) != ml.CompandMax || s.code(-7) != -ml.CompandMax {
			t.Errorf("%d: what is too large has another code than the largest", milli)
		}
	}
}
