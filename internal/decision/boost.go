package decision

import (
	"slices"

	"thimble"
)

// A Boosting is how the rules of a shop may move the scores of a list: each boost by its
// percent of what the terms sum to, and all together by Most percent at most.
type Boosting struct {
	Most   int64   `json:"most"`
	Boosts []Boost `json:"boosts"`
}

// A Boost is one rule that moves scores.
type Boost struct {
	Name    string `json:"name"`  // its own in the record
	Words   string `json:"words"` // for whom the decision is about
	Percent int64  `json:"percent"`
}

// A Boosted is what one boost added to a score, or took from it: a term of its own.
type Boosted struct {
	Boost string `json:"boost"` // its name
	Share int64  `json:"share"`
}

// Bounds of a boosting.
const (
	mostPercent = 100
	maxBoosts   = 100
)

// Of returns what each of some boosts moves a score by. Of several, each has what the sum
// of the percents so far, held within Most, moves beyond those before it; so that all of
// them together are the score times the percent that counts, over a hundred, cut to a
// whole number.
func (b *Boosting) Of(score int64, names ...string) (all []Boosted, ok bool) {
	if b == nil {
		return nil, len(names) == 0
	}
	percent, before := int64(0), int64(0)
	for _, name := range names {
		i := slices.IndexFunc(b.Boosts, func(one Boost) bool { return one.Name == name })
		if i < 0 {
			return nil, false
		}
		percent += b.Boosts[i].Percent
		moved := part(score, min(max(percent, -b.Most), b.Most))
		all = append(all, Boosted{name, moved - before})
		before = moved
	}
	return all, true
}

// part is percent of a score within [exact], cut towards zero.
func part(score, percent int64) int64 {
	return score/100*percent + score%100*percent/100
}

func (b *Boosting) check() error {
	if b == nil {
		return nil
	}
	if b.Most < 0 || b.Most > mostPercent || len(b.Boosts) > maxBoosts {
		return invalid("boosting: 0 to %d percent and at most %d boosts were expected", mostPercent, maxBoosts)
	}
	for i, one := range b.Boosts {
		if one.Name == "" || one.Words == "" || slices.ContainsFunc(b.Boosts[:i], func(o Boost) bool { return o.Name == one.Name }) {
			return invalid("boosting.boosts[%d]: a name of its own and words are needed", i)
		}
		if abs(one.Percent) > b.Most || one.Percent == 0 {
			return invalid("boosting.boosts[%d].percent must be within most, and not 0", i)
		}
	}
	return nil
}

// moves does again what boosts add to a result's score.
func (r Record) moves(i int) (sum int64, err error) {
	res := r.Results[i]
	if res.Held != "" && (res.Score != 0 || len(res.Terms)+len(res.Boosts) > 0) {
		return 0, invalid("results[%d].held: a place that is held is not won by a score", i)
	}
	names := make([]string, len(res.Boosts))
	for j, b := range res.Boosts {
		if names[j] = b.Boost; slices.Contains(names[:j], b.Boost) {
			return 0, invalid("results[%d].boosts[%d]: one moves a score once", i, j)
		}
	}
	want, ok := r.Boosting.Of(res.Score, names...)
	if !ok || !slices.Equal(want, res.Boosts) {
		return 0, invalid("results[%d].boosts: what the boosts move comes out otherwise", i)
	}
	for _, b := range res.Boosts {
		sum += b.Share
	}
	return sum, nil
}

// boost works out the shares of a result's boosts, and their sum. A name that is none is
// found by Check.
func (r Record) boost(res *Result) (sum int64) {
	names := make([]string, len(res.Boosts))
	for i, b := range res.Boosts {
		names[i] = b.Boost
	}
	if all, ok := r.Boosting.Of(res.Score, names...); ok {
		res.Boosts = all
	}
	for _, b := range res.Boosts {
		sum += b.Share
	}
	return sum
}

// WordsOf are the words of a boost; its name when the record has none.
func (r Record) WordsOf(boost string) string {
	if r.Boosting != nil {
		for _, b := range r.Boosting.Boosts {
			if b.Name == boost {
				return b.Words
			}
		}
	}
	return boost
}

// ranked are the results whose place is won by their score.
func (r Record) ranked() (all []Result) {
	if !slices.ContainsFunc(r.Results, func(res Result) bool { return res.Held != "" }) {
		return r.Results
	}
	for _, res := range r.Results {
		if res.Held == "" {
			all = append(all, res)
		}
	}
	return all
}

// counts is what a result comes to when some purchases are left out.
func (r Record) counts(res Result, without map[thimble.ItemID]bool) int64 {
	sum := res.Base
	for _, t := range res.Terms {
		if !without[t.Because] {
			sum += t.Share
		}
	}
	return sum + part(sum, r.percent(res))
}

// percent is what boosts move a result by, within the bound.
func (r Record) percent(res Result) (sum int64) {
	if r.Boosting == nil {
		return 0
	}
	for _, b := range res.Boosts {
		for _, one := range r.Boosting.Boosts {
			if one.Name == b.Boost {
				sum += one.Percent
			}
		}
	}
	return min(max(sum, -r.Boosting.Most), r.Boosting.Most)
}
