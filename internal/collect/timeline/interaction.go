package timeline

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"thimble"
)

// A Kind says what somebody did with a product.
type Kind byte

// The kinds. Searches are none: they name no product.
const (
	View Kind = iota + 1
	Cart
	Wish
	Buy
	Return
)

// String names the kind.
func (k Kind) String() string {
	switch k {
	case View:
		return "view"
	case Cart:
		return "cart"
	case Wish:
		return "wish"
	case Buy:
		return "buy"
	case Return:
		return "return"
	}
	return "other"
}

// KindOf returns what an event of the plan does with its products; false for nothing
// that a taste could be read from.
func KindOf(event string) (Kind, bool) {
	switch event {
	case "Product Viewed", "Product Clicked":
		return View, true
	case "Product Added", "Wishlist Product Added to Cart":
		return Cart, true
	case "Product Added to Wishlist":
		return Wish, true
	case "Order Completed":
		return Buy, true
	case "Order Refunded", "Order Cancelled":
		return Return, true
	}
	return 0, false
}

// An Interaction is what somebody did with a product in one month, as often as they did.
type Interaction struct {
	Item thimble.ItemID
	Kind Kind
	N    int64     // how often
	Last time.Time // the latest
}

// Interactions are those of one person, category and month: sorted by item and kind,
// each pair once.
type Interactions []Interaction

// MostInteractions bounds how many pairs one row has. Of more, those are kept whose hashes
// are the lowest: which these are depends on nothing but the pairs, so that a pair is
// either kept with all that happened to it or not at all, in whatever order it came.
const MostInteractions = 1000

// Add returns the interactions with those of an event. The order in which events are
// added does not matter.
func (all Interactions) Add(w *What) Interactions {
	kind, ok := KindOf(w.Name)
	if !ok || w.At.IsZero() {
		return all
	}
	for _, p := range w.Products {
		if p.Item == "" || len(p.Item) > maxItem {
			continue
		}
		one := Interaction{Item: p.Item, Kind: kind, N: 1, Last: w.At}
		i, found := slices.BinarySearchFunc(all, one, byPair)
		if !found {
			all = slices.Insert(all, i, one)
			continue
		}
		all[i].N++
		if w.At.After(all[i].Last) {
			all[i].Last = w.At
		}
	}
	return all.Bounded()
}

func byPair(a, b Interaction) int {
	return cmp.Or(cmp.Compare(a.Item, b.Item), cmp.Compare(a.Kind, b.Kind))
}

const maxItem = 64 // bytes, as in an order

const interactionsVersion = 1

// Encode writes the interactions: a version, then for each the item with its length,
// the kind, how often, and the latest in microseconds, numbers as varints.
func (all Interactions) Encode() []byte {
	b := make([]byte, 0, 1+24*len(all))
	b = append(b, interactionsVersion)
	for _, i := range all {
		b = binary.AppendUvarint(b, uint64(len(i.Item)))
		b = append(append(b, i.Item...), byte(i.Kind))
		b = binary.AppendUvarint(b, uint64(i.N))
		b = binary.AppendVarint(b, i.Last.UnixMicro())
	}
	return b
}

// DecodeInteractions reads what Encode wrote. The error is of kind ErrInvalid.
func DecodeInteractions(b []byte) (Interactions, error) {
	bad := fmt.Errorf("timeline: interactions that Encode wrote were expected: %w", thimble.ErrInvalid)
	if len(b) == 0 || b[0] != interactionsVersion {
		return nil, bad
	}
	var all Interactions
	for b = b[1:]; len(b) > 0; {
		size, n := binary.Uvarint(b)
		if n <= 0 || size == 0 || size > maxItem || len(b) < n+int(size)+1 {
			return nil, bad
		}
		one := Interaction{Item: thimble.ItemID(b[n : n+int(size)]), Kind: Kind(b[n+int(size)])}
		b = b[n+int(size)+1:]
		times, n := binary.Uvarint(b)
		if n <= 0 || times == 0 || times > 1<<62 {
			return nil, bad
		}
		last, m := binary.Varint(b[n:])
		if m <= 0 {
			return nil, bad
		}
		one.N, one.Last = int64(times), time.UnixMicro(last).UTC()
		if k := len(all); k > 0 && byPair(all[k-1], one) >= 0 {
			return nil, bad
		}
		all, b = append(all, one), b[n+m:]
	}
	return all, nil
}

// Join adds those of another part of the same row, or of another row, without a bound.
func (all Interactions) Join(more Interactions) Interactions {
	for _, one := range more {
		i, found := slices.BinarySearchFunc(all, one, byPair)
		if !found {
			all = slices.Insert(all, i, one)
			continue
		}
		all[i].N += one.N
		if one.Last.After(all[i].Last) {
			all[i].Last = one.Last
		}
	}
	return all
}

// Bounded returns at most [MostInteractions] of them, as one row has.
func (all Interactions) Bounded() Interactions {
	if len(all) <= MostInteractions {
		return all
	}
	hashes := make([]uint64, len(all))
	for i := range all {
		hashes[i] = hashed(string(all[i].Item), byte(all[i].Kind))
	}
	slices.Sort(hashes)
	least := hashes[MostInteractions] // the first that is left out
	return slices.DeleteFunc(all, func(i Interaction) bool { return hashed(string(i.Item), byte(i.Kind)) >= least })
}

// hashed spreads names evenly, the same in every process: FNV-1a, and the finalizer of
// MurmurHash3, so that every bit of the name moves the highest bits.
func hashed(name string, kind byte) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(name) {
		h = (h ^ uint64(name[i])) * 1099511628211
	}
	h = (h ^ uint64(kind)) * 1099511628211
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}
