package intake

import (
	"cmp"
	"time"

	"thimble/internal/collect/frame"
)

// maxCounts bounds how many products of one event are counted.
const maxCounts = 100

// count returns what is left of an event of somebody who permits nothing: that it
// happened, to which products, on which day.
func (w *work) count(it *item) []frame.Count {
	first := len(w.counts)
	of := frame.Count{Event: cmp.Or(it.ev.Message.Name, it.ev.Message.Call), Day: int32(it.ev.Time / (24 * time.Hour).Microseconds()), N: 1}
	if it.ev.Time < 0 {
		of.Day-- // the quotient rounds towards 1970
	}
	w.b.Items(it.ev, func(id []byte) {
		for i := first; i < len(w.counts); i++ {
			if w.counts[i].Item == string(id) {
				w.counts[i].N++
				return
			}
		}
		if len(w.counts)-first < maxCounts {
			of.Item = string(id)
			w.counts = append(w.counts, of)
		}
	})
	if len(w.counts) == first {
		w.counts = append(w.counts, of)
	}
	return w.counts[first:len(w.counts):len(w.counts)]
}
