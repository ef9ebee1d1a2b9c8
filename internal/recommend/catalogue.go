package recommend

import (
	"fmt"
	"math"
	"slices"
	"sync"

	"thimble"
)

// maxItems is how many items fit beside an 8-bit code in a cell of 32 bits.
const maxItems = 1 << 24

// A catalogue numbers the items in the order of their ids. It is immutable, and
// shared by a data set and every model trained on it.
type catalogue struct {
	ids  []thimble.ItemID
	at   map[thimble.ItemID]int32
	pool sync.Pool // of *ranker, sized for this catalogue
}

func newCatalogue(items []thimble.ItemID) *catalogue {
	ids := slices.Clone(items)
	slices.Sort(ids)
	ids = slices.Compact(ids)
	c := &catalogue{ids: ids, at: make(map[thimble.ItemID]int32, len(ids))}
	for i, id := range ids {
		c.at[id] = int32(i)
	}
	return c
}

// check refuses ids that the model's file cannot hold.
func (c *catalogue) check() error {
	for _, id := range c.ids {
		if len(id) > math.MaxUint16 {
			return fmt.Errorf("recommend: an item id is %d bytes long, at most %d fit: %w", len(id), math.MaxUint16, thimble.ErrInvalid)
		}
	}
	return nil
}

// lastDistinct appends to dst the numbers of the last distinct known items among
// item(0) … item(n-1), at most limit of them and most recent last. seen holds one
// bit per item, zero before and after.
func (c *catalogue) lastDistinct(dst []int32, n, limit int, item func(int) thimble.ItemID, seen []uint64) []int32 {
	from := len(dst)
	for k := n - 1; k >= 0 && len(dst)-from < limit; k-- {
		i, ok := c.at[item(k)]
		if !ok || seen[i>>6]&(1<<(i&63)) != 0 {
			continue
		}
		seen[i>>6] |= 1 << (i & 63)
		dst = append(dst, i)
	}
	for _, i := range dst[from:] {
		seen[i>>6] = 0
	}
	slices.Reverse(dst[from:])
	return dst
}

func bitWords(n int) int { return (n + 63) / 64 }
