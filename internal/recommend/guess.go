package recommend

import (
	"math"
	"slices"
	"sync/atomic"

	"thimble/internal/ml"
)

// guessed is the length of the lists for which a least score is guessed.
const guessed = 20

// guesses remember in a model what its rows' shares at place guessed are. They are found when
// a row is first read to rank: who changes a model pays nothing for them.
type guesses []atomic.Int32 // past item → the share and 1; 0: not known

// A guesser finds how much of each score can be passed over.
type guesser struct {
	keys   []uint64
	missed int // grows with each wrong guess by more than it shrinks with a right one
}

const (
	missCosts  = 16  // a ranking done twice is worth so many that were quicker
	mostMissed = 128 // while more, nothing is guessed: this model's rows have too little in common
)

// least guesses a score that all entries of a list have at least: the better it is, the fewer
// candidates are taken and thrown out again. As many items as the list is long have the
// largest of the rows' shares at that place, were each row alone; that they add up has the
// scores grow about as the root of how many rows there are (on Gowalla one guess in
// three hundred is too high). It decides how long a ranking takes, and never what it is. Nothing is guessed for
// longer lists, nor where items are excluded: who excludes is asked about each of them once.
func (g *guesser) least(m *Model, history []int32, q Query) int32 {
	if q.Exclude != nil || q.length() > guessed || g.missed > mostMissed {
		g.missed = max(0, g.missed-1)
		return 1
	}
	most := int32(0)
	for _, i := range history {
		most = max(most, g.share(m, i))
	}
	return max(1, int32(float64(most)*max(1, math.Sqrt(float64(len(history)))/2)))
}

// judge notes whether a guess was right.
func (g *guesser) judge(right bool) {
	if right {
		g.missed = max(0, g.missed-1)
	} else {
		g.missed += missCosts
	}
}

// share returns the share at place guessed of a past item's row, 0 of a shorter one.
func (g *guesser) share(m *Model, i int32) int32 {
	if known := m.guesses[i].Load(); known > 0 {
		return known - 1
	}
	g.keys = g.keys[:0]
	for _, c := range m.row(i) {
		g.keys = append(g.keys, uint64(max(0, c.share())))
	}
	share := int32(0)
	if len(g.keys) >= guessed {
		share = int32(slices.Min(ml.Largest(g.keys, guessed)))
	}
	m.guesses[i].Store(share + 1)
	return share
}
