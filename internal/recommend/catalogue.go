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
	finder
	pool sync.Pool // of *ranker, sized for this catalogue
}

func newCatalogue(items []thimble.ItemID) *catalogue {
	ids := slices.Clone(items)
	slices.Sort(ids)
	return &catalogue{finder: newFinder(slices.Compact(ids))}
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
	keep := func(i int32) bool {
		if len(dst)-from == limit {
			return false
		}
		if seen[i>>6]&(1<<(i&63)) == 0 {
			seen[i>>6] |= 1 << (i & 63)
			dst = append(dst, i)
		}
		return true
	}
	for more := true; more && n > 0; n -= min(n, findBatch) {
		more = c.findMany(min(n, findBatch), func(k int) thimble.ItemID { return item(n - 1 - k) }, keep)
	}
	for _, i := range dst[from:] {
		seen[i>>6] = 0
	}
	slices.Reverse(dst[from:])
	return dst
}

func bitWords(n int) int { return (n + 63) / 64 }
