package device

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"

	"thimble"
	"thimble/internal/ml"
)

// A pair is two items, the smaller number first.
type pair struct{ a, b int32 }

// Pairs are the bounded counts of a noised file: how many people had both items. It holds
// people's data until it is noised.
type Pairs struct {
	bound  Bound
	at     map[thimble.ItemID]int32
	counts map[pair]int64
	people int
}

// NewPairs returns empty counts over the items of a catalogue.
func NewPairs(items []Item, b Bound) *Pairs {
	p := &Pairs{bound: b, at: make(map[thimble.ItemID]int32, len(items)), counts: map[pair]int64{}}
	for i, it := range items {
		p.at[it.ID] = int32(i)
	}
	return p
}

// Add counts one person once: the pairs among the last of their items, as many as the bound
// says. Which these are depends on this person alone.
func (p *Pairs) Add(items []thimble.ItemID) {
	var last []int32
	for k := len(items) - 1; k >= 0 && len(last) < p.bound.Items; k-- {
		if i, ok := p.at[items[k]]; ok && !slices.Contains(last, i) {
			last = append(last, i)
		}
	}
	if len(last) > 0 {
		p.people++
	}
	slices.Sort(last)
	for i, a := range last {
		for _, b := range last[i+1:] {
			p.counts[pair{a, b}]++
		}
	}
}

// People returns how many people were counted.
func (p *Pairs) People() int { return p.people }

// Noised draws noise for every pair that was counted and returns those that reach the
// threshold, with their noised counts. Pairs that nobody has are not named: leaving those
// out is what Miss pays for. What comes out may be used in any way.
func (p *Pairs) Noised(s Spend, chance io.Reader) (Released, error) {
	variance, err := p.bound.Variance(s)
	if err != nil {
		return Released{}, err
	}
	least, err := p.bound.Threshold(variance, s)
	if err != nil {
		return Released{}, err
	}
	// In one order, so that a test with a source of its own repeats.
	all := slices.SortedFunc(maps.Keys(p.counts), func(x, y pair) int { return cmp.Or(cmp.Compare(x.a, y.a), cmp.Compare(x.b, y.b)) })
	out := Released{counts: map[pair]int64{}, Variance: variance, Threshold: least}
	noise := NewNoise(chance)
	for _, k := range all {
		if got := p.counts[k] + noise.Gaussian(variance); got >= least {
			out.counts[k] = got
		}
	}
	return out, noise.Err()
}

// Released are noised counts. No person is in them but by what the guarantee allows.
type Released struct {
	counts    map[pair]int64
	Variance  uint64
	Threshold int64
}

// Pairs returns how many pairs are named.
func (r Released) Pairs() int { return len(r.counts) }

// Rows turns noised counts into the rows of a file: for each item those that share most
// with it, by the cosine of their counts.
func (r Released) Rows(n, width int) [][]Cell {
	degree := make([]int64, n)
	for k, v := range r.counts {
		degree[k.a] += v
		degree[k.b] += v
	}
	rows := make([][]Cell, n)
	for k, v := range r.counts {
		code := ml.Compand(float64(v) / math.Sqrt(float64(degree[k.a])*float64(degree[k.b])))
		if code > 0 {
			rows[k.a] = append(rows[k.a], Cell{Item: k.b, Code: code})
			rows[k.b] = append(rows[k.b], Cell{Item: k.a, Code: code})
		}
	}
	for i := range rows {
		rows[i] = strongest(rows[i], width)
	}
	return rows
}

// strongest keeps the cells of the largest codes, in ascending order of their items.
func strongest(row []Cell, width int) []Cell {
	slices.SortFunc(row, func(a, b Cell) int { return cmp.Or(cmp.Compare(size(b), size(a)), cmp.Compare(a.Item, b.Item)) })
	row = slices.Clone(row[:min(width, len(row))])
	slices.SortFunc(row, func(a, b Cell) int { return cmp.Compare(a.Item, b.Item) })
	return row
}

func size(c Cell) int { return int(max(c.Code, -c.Code)) }

// PeoplePerSigma is how many people a shop needs for each unit of noise, so that a noised
// model is about 3 % worse than one without. Estimated from a trial on dense data
// (MovieLens-1M: noise of 0.05 beside 6,022 people), carried over by the ratio of noise to
// people. Retail data are sparser, and need more.
const PeoplePerSigma = 120_000

// Needs is about how many people a noised file of some use needs. The trial's counts were
// changed by 0.75 at most by one person; here by √Pairs.
func (b Bound) Needs(variance uint64) int {
	sigma := math.Sqrt(float64(variance)) * 0.75 / math.Sqrt(float64(b.Pairs()))
	return int(math.Ceil(sigma*PeoplePerSigma/1000)) * 1000
}

// Refuse says in words why a shop is too small for a noised file, or nothing. The error is
// of kind ErrConflict.
func (b Bound) Refuse(people int, s Spend) error {
	variance, err := b.Variance(s)
	if err != nil {
		return err
	}
	needs := b.Needs(variance)
	if people >= needs {
		return nil
	}
	return fmt.Errorf("device: %d people permit that we learn from them, and a noised file needs about %d: with fewer, the noise that hides "+
		"each of them hides what they have in common as well. The model of the catalogue's fields holds no person, and stays: %w", people, needs, thimble.ErrConflict)
}
