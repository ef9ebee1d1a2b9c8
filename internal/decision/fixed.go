package decision

import (
	"math/bits"
	"slices"
)

// exact is the largest magnitude of a number in a record: every reader has it exactly,
// also one that knows only IEEE 754 doubles (RFC 8259 section 6).
const exact = 1<<53 - 1

// A Scale says what the integers stand for. Unit is the score that stands for 1 on
// the link scale, such as 65536; Value is the value that stands for 1. A share is
// weight times value divided by Value, rounded half away from zero. Table maps a
// score to what people are shown, such as a probability in parts of ten thousand; it
// never falls, and lies straight between its points.
type Scale struct {
	Link  Link    `json:"link,omitempty"`
	Unit  int64   `json:"unit,omitempty"`
	Value int64   `json:"value,omitempty"`
	Table []Point `json:"table,omitempty"`
	Shows string  `json:"shows,omitempty"` // what the table maps to
}

// A Link is the scale on which terms add up.
type Link string

// The links.
const (
	Identity Link = "identity"
	Logit    Link = "logit"
	Log      Link = "log"
)

// A Point is one row of a calibration table.
type Point struct {
	Score int64 `json:"score"`
	Shown int64 `json:"shown"`
}

func (s Scale) check() error {
	if s.Link != Identity && s.Link != Logit && s.Link != Log {
		return invalid("scale.link: identity, logit or log was expected")
	}
	if s.Unit < 1 || s.Unit > exact || s.Value < 1 || s.Value > exact {
		return invalid("scale: unit and value between 1 and %d were expected", int64(exact))
	}
	for i, p := range s.Table {
		if abs(p.Score) > exact || abs(p.Shown) > exact {
			return invalid("scale.table: row %d is out of range", i+1)
		}
		if i > 0 && (p.Score <= s.Table[i-1].Score || p.Shown < s.Table[i-1].Shown) {
			return invalid("scale.table: row %d does not rise", i+1)
		}
	}
	if len(s.Table) == 1 {
		return invalid("scale.table: two rows or none were expected")
	}
	return nil
}

// shown returns where a score lies on the table; nil without one.
func (s Scale) shown(score int64) *int64 {
	if len(s.Table) == 0 {
		return nil
	}
	at, found := slices.BinarySearchFunc(s.Table, score, func(p Point, score int64) int { return sign(p.Score - score) })
	at = min(at, len(s.Table)-1)
	p := s.Table[at]
	if found || at == 0 || score > p.Score {
		return &p.Shown
	}
	low := s.Table[at-1]
	part, _ := scaled(score-low.Score, p.Shown-low.Shown, p.Score-low.Score) // smaller than the step: it fits
	part += low.Shown
	return &part
}

// scaled returns a times b divided by unit, rounded half away from zero, without losing
// a bit in between. It reports whether the result is exact for every reader.
func scaled(a, b, unit int64) (int64, bool) {
	high, low := bits.Mul64(uint64(abs(a)), uint64(abs(b)))
	low, carry := bits.Add64(low, uint64(unit)/2, 0)
	high += carry
	if high >= uint64(unit) {
		return 0, false
	}
	q, _ := bits.Div64(high, low, uint64(unit))
	if q > exact {
		return 0, false
	}
	if (a < 0) != (b < 0) {
		return -int64(q), true
	}
	return int64(q), true
}

func sign(n int64) int {
	switch {
	case n < 0:
		return -1
	case n > 0:
		return 1
	}
	return 0
}

func abs(n int64) int64 { return max(n, -n) }
