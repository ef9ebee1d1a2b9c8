package trial

import "math"

// Sums are what is kept of a group: how many people, and the first and second moments of
// what they did. Of a measure that is no ratio, Y is 1 for each person.
type Sums struct {
	N          int64   `json:"n"`
	X          float64 `json:"x"`
	Y          float64 `json:"y"`
	XX, XY, YY float64
}

// Add counts one person.
func (s *Sums) Add(x, y int64) {
	fx, fy := float64(x), float64(y)
	s.N++
	s.X += fx
	s.Y += fy
	s.XX += fx * fx
	s.XY += fx * fy
	s.YY += fy * fy
}

// Rate is the group's value: the mean, or the ratio of two means. Of nothing it is NaN.
func (s Sums) Rate() float64 {
	if s.Y == 0 {
		return math.NaN()
	}
	return s.X / s.Y
}

// Variance is that of the rate, by the delta method: of what each person differs from the
// group's rate, over the mean of Y. Of a plain mean it is the usual one.
func (s Sums) Variance() float64 {
	if s.N < 2 || s.Y == 0 {
		return math.NaN()
	}
	n, r, y := float64(s.N), s.Rate(), s.Y/float64(s.N)
	return max(0, s.XX-2*r*s.XY+r*r*s.YY) / (n - 1) / (y * y) / n
}

// An Interval is a difference between two groups and how sure that is.
type Interval struct {
	Diff, Low, High float64
	SE              float64 // the standard error at this look
	N               int64   // people in both
}

// Known reports whether there were enough people to say anything.
func (i Interval) Known() bool { return !math.IsNaN(i.Low) && !math.IsNaN(i.High) }

// Above and Below report whether the whole interval is on one side of no difference.
func (i Interval) Above() bool { return i.Known() && i.Low > 0 }

// Below reports whether the second group is lower for sure.
func (i Interval) Below() bool { return i.Known() && i.High < 0 }

// fewest people of a group for an interval: below, no central limit theorem holds.
const fewest = 50

// Compare returns what b has more than a, with an interval that covers the truth at all
// looks at once with a chance of 1-alpha. Planned is how many people in both groups it is
// narrowest at.
func Compare(a, b Sums, alpha float64, planned int64) Interval {
	i := Interval{Diff: b.Rate() - a.Rate(), Low: math.NaN(), High: math.NaN(), N: a.N + b.N}
	i.SE = math.Sqrt(a.Variance() + b.Variance())
	if min(a.N, b.N) < fewest || math.IsNaN(i.SE) || i.SE == 0 {
		return i
	}
	half := i.SE * boundary(i.N, alpha, planned)
	i.Low, i.High = i.Diff-half, i.Diff+half
	return i
}

// boundary is how many standard errors wide an interval is to each side: the normal
// mixture boundary, with the mixture that makes it narrowest at planned.
func boundary(n int64, alpha float64, planned int64) float64 {
	two := -2 * math.Log(alpha)
	rho2 := (two + math.Log(two) + 1) / float64(max(planned, 2*fewest))
	t := float64(n)*rho2 + 1
	return math.Sqrt(2 * t / (t - 1) * math.Log(math.Sqrt(t)/alpha))
}

// Detectable is the smallest difference that an experiment with so many people in each of
// two groups finds with a chance of 80 %, when one person's value spreads by sd around its
// mean.
func Detectable(people int64, sd, alpha float64) float64 {
	const z80 = 0.8416212335729143
	se := sd * math.Sqrt(2/float64(people))
	return se * (boundary(2*people, alpha, 2*people) + z80)
}

// Needed is how many people in each group find a difference with a chance of 80 %.
func Needed(diff, sd, alpha float64) int64 {
	unit := Detectable(1_000_000, sd, alpha) // scales with the root, since the boundary is the same at its plan
	return max(leastPeople, int64(math.Ceil(1_000_000*(unit/diff)*(unit/diff))))
}

// Uneven returns how strongly the sizes of groups speak against their shares: over 1,000
// the groups were not made by chance. By Ville's inequality, of a thousand experiments
// that were, at most one ever comes over it, however often one looks.
func Uneven(counts []int64, variants []Variant) float64 {
	const prior = 100.0
	var n, shares float64
	for i, v := range variants {
		shares += float64(v.Share)
		n += float64(counts[i])
	}
	log := lgamma(prior) - lgamma(prior+n)
	for i, v := range variants {
		p, x := float64(v.Share)/shares, float64(counts[i])
		log += lgamma(prior*p+x) - lgamma(prior*p) - x*math.Log(p)
	}
	return math.Exp(min(log, 700))
}

// UnevenAt is from where on sizes of groups count as wrong.
const UnevenAt = 1000

func lgamma(x float64) float64 {
	v, _ := math.Lgamma(x)
	return v
}
