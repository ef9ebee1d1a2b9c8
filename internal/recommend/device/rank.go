package device

import (
	"cmp"
	"slices"

	"thimble"
	"thimble/internal/ml"
)

// A Ranked is one entry of a browser's list. The shares of its terms sum to its score.
type Ranked struct {
	Item  thimble.ItemID
	Score int64 // in units of 1/ml.CompandUnit, positive
	Terms []Term
}

// A Term is what one past item added to a score, and which fields it has in common.
type Term struct {
	Item   thimble.ItemID
	Share  int64
	Fields []string
}

// Rank is the list that a browser makes of a history: higher score first, then smaller id.
// Repeated items count once, unknown ones not at all, and what is in the history is not
// listed.
func (f *File) Rank(history []thimble.ItemID, n int) []Ranked {
	past := map[int32]bool{}
	for _, id := range history {
		if i, ok := f.at[id]; ok {
			past[i] = true
		}
	}
	all := map[int32]*Ranked{}
	for i := range past {
		for _, c := range f.rows[i] {
			if past[c.Item] {
				continue
			}
			r := all[c.Item]
			if r == nil {
				r = &Ranked{Item: f.items[c.Item].ID}
				all[c.Item] = r
			}
			share := int64(ml.Expand(c.Code))
			r.Score += share
			r.Terms = append(r.Terms, Term{f.items[i].ID, share, f.alike(c.Fields)})
		}
	}
	list := make([]Ranked, 0, len(all))
	for _, r := range all {
		if r.Score > 0 {
			list = append(list, *r)
		}
	}
	slices.SortFunc(list, func(a, b Ranked) int { return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Item, b.Item)) })
	list = list[:min(n, len(list))]
	for _, r := range list {
		slices.SortFunc(r.Terms, func(a, b Term) int { return cmp.Or(cmp.Compare(b.Share, a.Share), cmp.Compare(a.Item, b.Item)) })
	}
	return list
}

func (f *File) alike(bits uint8) (names []string) {
	for k, name := range f.Fields {
		if bits&(1<<k) != 0 {
			names = append(names, name)
		}
	}
	return names
}
