package recommend

import (
	"cmp"
	"slices"
	"time"

	"thimble"
)

// An Interest is what somebody did with an item without ordering it. Interests of the same
// item are put together with [Interest.Join] in any order, and doing the same again on the
// same day adds nothing: events that come late, twice or out of order give the same.
type Interest struct {
	Item thimble.ItemID
	// First and Last are the first and the last day on which it was looked at, in days
	// since 1970, UTC; 0 for never.
	First, Last uint16
	Cart, Wish  bool   // whether it was put in the cart, or wished for
	At          uint32 // when something was last done with it, in seconds since 1970
}

// Looked is the interest of a look.
func Looked(item thimble.ItemID, at time.Time) Interest {
	i := Interest{Item: item, At: seconds(at)}
	i.First = max(1, uint16(i.At/(24*60*60)))
	i.Last = i.First
	return i
}

// Carted and Wished are the interests of putting an item in the cart, and of wishing for it.
func Carted(item thimble.ItemID, at time.Time) Interest {
	return Interest{Item: item, Cart: true, At: seconds(at)}
}

// Wished is that of wishing for it.
func Wished(item thimble.ItemID, at time.Time) Interest {
	return Interest{Item: item, Wish: true, At: seconds(at)}
}

// seconds are those of a time until 2106; what lies outside is at the bound.
func seconds(at time.Time) uint32 { return uint32(min(max(at.Unix(), 0), 1<<32-1)) }

// Join returns both as one.
func (i Interest) Join(o Interest) Interest {
	if i.First == 0 || o.First > 0 && o.First < i.First {
		i.First = o.First
	}
	i.Last, i.At = max(i.Last, o.Last), max(i.At, o.At)
	i.Cart, i.Wish = i.Cart || o.Cart, i.Wish || o.Wish
	return i
}

// When returns when something was last done with the item.
func (i Interest) When() time.Time { return time.Unix(int64(i.At), 0).UTC() }

// Interested returns r with the rule by which versions learn from what people did without
// ordering: a look is one point, on two days or more two; the cart and a wish are two each;
// from two points on an item is one that somebody had. At most 50 items of a person are
// learned from so.
func (r Recipe) Interested() Recipe {
	r.LookPoints, r.CartPoints, r.WishPoints, r.InterestFrom, r.InterestCap = 1, 2, 2, 2, 50
	return r
}

// Counts reports whether an interest makes its item one that somebody had.
func (r Recipe) Counts(i Interest) bool {
	if r.InterestFrom == 0 {
		return false
	}
	points := 0
	if i.First > 0 {
		points += r.LookPoints
	}
	if i.Last > i.First {
		points += r.LookPoints
	}
	if i.Cart {
		points += r.CartPoints
	}
	if i.Wish {
		points += r.WishPoints
	}
	return points >= r.InterestFrom
}

// With returns what somebody had, the oldest first: what they kept of their orders, and of
// their interests those that count, at most so many as the recipe says, the latest. Each
// interest is of another item. What an item was last ordered or came back at is in ordered:
// of an item in it an interest counts only if it is later and the item is not kept.
func (r Recipe) With(kept []thimble.Interaction, ordered map[thimble.ItemID]time.Time, interests []Interest) []thimble.Interaction {
	has := make(map[thimble.ItemID]bool, len(kept))
	for _, k := range kept {
		has[k.Item] = true
	}
	var more []thimble.Interaction
	for _, i := range interests {
		if last, was := ordered[i.Item]; has[i.Item] || was && !i.When().After(last) || !r.Counts(i) {
			continue
		}
		more = append(more, thimble.Interaction{Item: i.Item, At: i.When()})
	}
	if len(more) == 0 {
		return kept
	}
	slices.SortFunc(more, byTime)
	all := slices.Concat(kept, more[max(0, len(more)-r.InterestCap):])
	slices.SortStableFunc(all, byTime)
	return all
}

func byTime(a, b thimble.Interaction) int {
	return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Item, b.Item))
}
