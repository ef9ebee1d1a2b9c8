package device

import (
	"fmt"
	"math"

	"thimble"
)

// A Spend is what a noised file costs in privacy. Rho is that of zero-concentrated
// differential privacy (Bun and Steinke 2016) in millionths, rounded up, which adds up over
// files. Miss is the probability, in units of 1e-12, rounded up, that a pair of one single
// person is named at all; it adds up too.
type Spend struct {
	Rho  uint64 `json:"rho_micro"`
	Miss uint64 `json:"miss_pico"`
}

const (
	micro = 1_000_000
	pico  = 1_000_000_000_000
)

// Plus returns what two files cost together.
func (s Spend) Plus(o Spend) Spend { return Spend{s.Rho + o.Rho, s.Miss + o.Miss} }

// A Guarantee is (ε, δ)-differential privacy: with and without any one person, what comes
// out is as likely up to a factor of exp(ε), but for a probability of δ.
type Guarantee struct{ Epsilon, Delta float64 }

// Guarantee returns the ε that a spend comes to at a δ, by zCDP's conversion
// ρ + 2·√(ρ·ln(1/δ')), where δ' is what Miss leaves of δ. The ε is rounded up.
func (s Spend) Guarantee(delta float64) (Guarantee, error) {
	left := delta - float64(s.Miss)/pico
	if left <= 0 || delta >= 1 {
		return Guarantee{}, fmt.Errorf("device: a spend has no guarantee at δ = %g: %w", delta, thimble.ErrInvalid)
	}
	rho := float64(s.Rho) / micro
	eps := rho + 2*math.Sqrt(rho*math.Log(1/left))
	return Guarantee{math.Ceil(eps*1000) / 1000, delta}, nil
}

// A Budget bounds all noised files of an installation together, for good: a person's data
// may be in each of them.
type Budget struct {
	Guarantee
	// Files is how many files it is meant for.
	Files int
}

// TheBudget allows eight files; together (8, 1e-6).
func TheBudget() Budget { return Budget{Guarantee{Epsilon: 8, Delta: 1e-6}, 8} }

// Each is what one of the budget's files may spend.
func (b Budget) Each() Spend {
	miss := b.Delta / 2 / float64(b.Files)
	root := math.Sqrt(math.Log(2/b.Delta)+b.Epsilon) - math.Sqrt(math.Log(2/b.Delta))
	return Spend{Rho: uint64(root * root / float64(b.Files) * micro), Miss: uint64(miss * pico)}
}

// Fits reports whether one more file fits beside what was spent. The error is of kind
// ErrConflict and says how much is left.
func (b Budget) Fits(spent, more Spend) error {
	got, err := spent.Plus(more).Guarantee(b.Delta)
	if err == nil && got.Epsilon <= b.Epsilon+0.001 {
		return nil
	}
	return fmt.Errorf("device: the budget of (ε %g, δ %g) for all noised files is spent; there is no further one, ever: %w", b.Epsilon, b.Delta, thimble.ErrConflict)
}

// A Bound says how much one person may add: so many of their last items, and with them all
// pairs among those, each once.
type Bound struct{ Items int }

// Pairs is how many counts one person changes at most, each by one. It is the square of the
// statistic's sensitivity in the Euclidean norm.
func (b Bound) Pairs() uint64 { return uint64(b.Items) * uint64(b.Items-1) / 2 }

// Variance is that of the noise with which the counts cost at most rho: Pairs/(2ρ), rounded up.
func (b Bound) Variance(s Spend) (uint64, error) {
	if s.Rho == 0 || b.Items < 2 {
		return 0, fmt.Errorf("device: noise needs a bound of at least two items and a spend: %w", thimble.ErrInvalid)
	}
	v := (b.Pairs()*micro + 2*s.Rho - 1) / (2 * s.Rho)
	if v > maxVariance {
		return 0, fmt.Errorf("device: the spend is too small for any noise: %w", thimble.ErrInvalid)
	}
	return max(v, 1), nil
}

// Threshold is the noised count from which a pair is named. A pair that only one person has
// is counted 1; each of their pairs gets through with probability at most
// exp(-(T-1)²/(2·variance)), as a discrete Gaussian's tail does, all together with at most Miss.
func (b Bound) Threshold(variance uint64, s Spend) (int64, error) {
	if s.Miss == 0 {
		return 0, fmt.Errorf("device: a threshold needs a probability to miss by: %w", thimble.ErrInvalid)
	}
	return 1 + int64(math.Ceil(math.Sqrt(2*float64(variance)*math.Log(float64(b.Pairs())*pico/float64(s.Miss))))), nil
}
