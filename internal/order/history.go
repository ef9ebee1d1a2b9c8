package order

import (
	"cmp"
	"slices"
	"time"

	"thimble"
)

// History returns what one person kept: each item with the units bought less those
// returned, where any are left, dated by its latest purchase. The oldest comes
// first, equal times by item. The order of the orders does not matter.
func History(orders []Order) []thimble.Interaction {
	type kept struct {
		units int64
		at    time.Time
	}
	lines := 0
	for _, o := range orders {
		lines += len(o.Lines)
	}
	items := make(map[thimble.ItemID]kept, lines)
	for _, o := range orders {
		for _, l := range o.Lines {
			k := items[l.Item]
			if o.Return {
				k.units -= l.Units
			} else {
				k.units += l.Units
				if o.PlacedAt.After(k.at) {
					k.at = o.PlacedAt
				}
			}
			items[l.Item] = k
		}
	}
	history := make([]thimble.Interaction, 0, len(items))
	for item, k := range items {
		if k.units > 0 {
			history = append(history, thimble.Interaction{Item: item, At: k.at, Units: int(k.units)})
		}
	}
	slices.SortFunc(history, func(a, b thimble.Interaction) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Item, b.Item))
	})
	return history
}
