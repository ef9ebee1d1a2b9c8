package recommend

import (
	"math"
	"slices"

	"thimble/internal/ml"
)

// A sharp makes codes of weights whose magnitude is raised to a recipe's exponent. It has
// the least magnitude that each code stands for: to look a weight up costs less than to
// raise it, and most are smaller than any that is kept. A nil one raises nothing.
type sharp struct {
	least []float64 // of the codes 1 to ml.CompandMax
}

func (r Recipe) sharp() *sharp {
	if r.SharpenMilli == 0 {
		return nil
	}
	// A code stands for the weight (c/127)², which is the magnitude to the exponent.
	root := 2 / (1 + float64(r.SharpenMilli)/1000)
	s := &sharp{}
	for c := range ml.CompandMax {
		s.least = append(s.least, ml.Pow((float64(c)+0.5)/ml.CompandMax, root))
	}
	return s
}

func (s *sharp) code(v float64) int8 {
	if s == nil {
		return ml.Compand(v)
	}
	mag := math.Abs(v)
	if !(mag >= s.least[0]) { // what is no number is nothing
		return 0
	}
	n, is := slices.BinarySearch(s.least, mag)
	if is {
		n++
	}
	if v < 0 {
		return int8(-n)
	}
	return int8(n)
}
