package taste

import (
	"cmp"
	"slices"

	"thimble"
	"thimble/internal/recommend"
)

// A Ranking is what a list is picked from.
type Ranking struct {
	// Best returns the k best entries, better ones first, then the smaller item id. Of
	// fewer than k there are no more.
	Best func(k int) []recommend.Ranked
	// Speaks returns what an item in a history adds to the score of another.
	Speaks func(past, item thimble.ItemID) int64
	// Category returns the category of an item, "" when it is not known. Nil knows none.
	Category func(item thimble.ItemID) string
}

// An Entry is one of a list: its terms, and what speaks against it because the person
// wants less of something. All of them sum to the score.
type Entry struct {
	recommend.Ranked
	Against []recommend.Term // not above zero
}

// Picked is a list with what the person's choices did to it.
type Picked struct {
	Entries []Entry
	Left    bool // something was left out because of a choice
	Moved   bool // something stands lower, or fell out, because of an unwanted item
}

// Pick returns the n entries that a person's choices leave on top. It is exact: it asks
// for more of the ranking until nothing beyond what it has seen could stand in the list.
func (s State) Pick(n int, r Ranking) Picked {
	if n <= 0 {
		return Picked{}
	}
	if s.Empty() {
		best := r.Best(n)
		return Picked{Entries: entries(best[:min(n, len(best))])}
	}
	for k := 2*n + len(s.Standing); ; k *= 4 {
		best := r.Best(k)
		if out, sure := s.pick(n, best, len(best) < k, r); sure || k > mostLooked {
			return out
		}
	}
}

// mostLooked bounds how far a ranking is looked through: no list is longer.
const mostLooked = 10_000

func entries(ranked []recommend.Ranked) []Entry {
	all := make([]Entry, len(ranked))
	for i, e := range ranked {
		all[i] = Entry{Ranked: e}
	}
	return all
}

func (s State) pick(n int, best []recommend.Ranked, whole bool, r Ranking) (out Picked, sure bool) {
	unwanted := s.Unwanted()
	left := make([]Entry, 0, len(best))
	for _, e := range best {
		if s.Hides(e.Item, r.category(e.Item)) {
			out.Left = true
			continue
		}
		one := Entry{Ranked: e}
		for _, u := range unwanted {
			if share := r.Speaks(u, e.Item); share > 0 {
				one.Against = append(one.Against, recommend.Term{Item: u, Share: -share})
				one.Score -= share
				out.Moved = true
			}
		}
		if one.Score > 0 {
			left = append(left, one)
		}
	}
	slices.SortStableFunc(left, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Item, b.Item))
	})
	seen := map[string]bool{}
	for _, e := range left {
		if !whole && e.Score <= best[len(best)-1].Score {
			return out, false // one that was not seen might stand here
		}
		c := r.category(e.Item)
		if c != "" && s.has(Less, "", c) {
			if seen[c] {
				out.Left = true
				continue
			}
			seen[c] = true
		}
		if out.Entries = append(out.Entries, e); len(out.Entries) == n {
			return out, true
		}
	}
	return out, whole
}

func (r Ranking) category(item thimble.ItemID) string {
	if r.Category == nil {
		return ""
	}
	return r.Category(item)
}
