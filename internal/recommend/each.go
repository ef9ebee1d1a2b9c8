package recommend

import (
	"iter"

	"thimble"
)

// Histories yields what each person had, most recent last, in no particular order and
// without saying who they are. The slice is overwritten by the next.
func (d *Dataset) Histories() iter.Seq[[]thimble.ItemID] {
	return func(yield func([]thimble.ItemID) bool) {
		var items []thimble.ItemID
		for _, history := range d.histories {
			if len(history) == 0 {
				continue
			}
			items = items[:0]
			for _, i := range history {
				items = append(items, d.table.ids[i])
			}
			if !yield(items) {
				return
			}
		}
	}
}

// Row returns what an item in a history adds to the scores of others, ascending by item.
func (m *Model) Row(item thimble.ItemID) []Weight {
	i, ok := m.table.find(item)
	if !ok {
		return nil
	}
	row := m.row(i)
	out := make([]Weight, 0, len(row))
	for _, c := range row {
		out = append(out, Weight{m.table.ids[c.item()], int64(c.share())})
	}
	return out
}
