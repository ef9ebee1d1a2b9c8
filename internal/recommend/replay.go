package recommend

import (
	"fmt"
	"slices"

	"thimble"
)

// Explain returns an item's score for a history and its terms, in or out of any
// list. An unknown item, or one that nothing speaks about, has score 0 and no
// terms. The score may be negative.
func Explain(m *Model, history []thimble.Interaction, item thimble.ItemID) Ranked {
	return m.explain(m.past(history), item)
}

// past are the numbers of the items of a history that count, in order.
func (m *Model) past(history []thimble.Interaction) []int32 {
	r := m.ranker()
	defer m.table.pool.Put(r)
	past := m.table.lastDistinct(make([]int32, 0, min(len(history), m.recipe.HistoryCap)), len(history), m.recipe.HistoryCap,
		func(k int) thimble.ItemID { return history[k].Item }, r.seen)
	slices.Sort(past)
	return past
}

func (m *Model) explain(past []int32, item thimble.ItemID) Ranked {
	out := Ranked{Item: item}
	j, ok := m.table.find(item)
	if !ok {
		return out
	}
	for _, i := range past {
		if share := m.share(i, j); share != 0 {
			out.Score += share
			out.Terms = append(out.Terms, Term{m.table.ids[i], share})
		}
	}
	slices.SortStableFunc(out.Terms, func(a, b Term) int { return int(b.Share - a.Share) })
	return out
}

// Replay checks a list against the model and the history it was made from: each
// score and each term must come out again, and the shares must sum to the score.
// The error is of kind ErrConflict and names the place in the list.
func Replay(m *Model, history []thimble.Interaction, list []Ranked) error {
	past := m.past(history)
	for place, got := range list {
		want := m.explain(past, got.Item)
		if got.Score != want.Score || !slices.Equal(got.Terms, want.Terms) {
			return fmt.Errorf("recommend: replaying entry %d of %d: the model gives another score or other terms: %w",
				place+1, len(list), thimble.ErrConflict)
		}
		if sum := Sum(got.Terms); sum != got.Score {
			return fmt.Errorf("recommend: replaying entry %d of %d: the shares sum to %d, the score is %d: %w",
				place+1, len(list), sum, got.Score, thimble.ErrConflict)
		}
	}
	return nil
}

// Sum adds the shares of terms.
func Sum(terms []Term) int64 {
	sum := int64(0)
	for _, t := range terms {
		sum += t.Share
	}
	return sum
}
