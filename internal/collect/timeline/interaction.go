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

// MostInteractions bounds how many pairs one row has: of more, those whose latest is
// the oldest are left out.
const MostInteractions = 1000

// Add returns the interactions with those of an event. The order in which events are
// added does not matter while there are fewer than [MostInteractions].
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
	return all.bounded()
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

// Join adds those of another part of the same row, or of another row.
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
	return all.bounded()
}

func (all Interactions) bounded() Interactions {
	for len(all) > MostInteractions {
		oldest := 0
		for i := range all {
			if all[i].Last.Before(all[oldest].Last) {
				oldest = i
			}
		}
		all = slices.Delete(all, oldest, oldest+1)
	}
	return all
}
