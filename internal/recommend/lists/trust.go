package lists

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"

	"thimble"
	"thimble/internal/recommend"
)

// told is what a data set learns of a person: what they had, when first and when last. An
// order is a purchase that the shop itself recorded, so that only age is left to ask for; who
// has none is not trusted, because anybody can send events.
func told(items []thimble.ItemID, when span) recommend.History {
	h := recommend.History{Items: items, Trusted: when.ordered}
	if !when.from.IsZero() {
		h.Since, h.Epoch = recommend.Month(when.from), recommend.Month(when.to)
	}
	return h
}

// oneInRecent is of how many people one must have been here in an epoch, or since, for it to
// be the one in which weights are whole.
const oneInRecent = 10

// aged freezes the epoch of a recipe that lets weights decay: the latest month in which, or
// since which, one in ten of those who ordered had something last, and no later than now. In a
// shop that was asleep for years it is one of before, so that one order of today does not
// make everything else old.
func aged(l line) recommend.Recipe {
	r := l.recipe
	r.DecayEpoch = 0
	if r.HalfLife > 0 {
		r.DecayEpoch = min(l.set.data.LatestEpoch(oneInRecent), recommend.Month(l.until))
	}
	return r
}

// bound freezes, in the recipe of a new version, what age does to a weight, who is trusted
// and what the others may move: whoever bought first in a month before the last is trusted. A young shop, where
// most are not, has nobody to hold the others against: there everybody who ordered counts.
// Who never ordered is bound in any shop. Versions that are derived anew keep their recipe.
func bound(all []line) error {
	key := int64(0)
	for _, l := range all {
		key = max(key, l.recipe.ChoiceKey) // one key for all, so that a new version is no new lot
	}
	for i := range all {
		l := &all[i]
		if l.of.Number > 0 {
			continue
		}
		l.recipe = aged(*l)
		r := l.recipe
		r.TrustedBefore = recommend.Month(l.until) - 1
		// Of who ordered: how many others there are, anybody can choose.
		people := l.set.data.Trusted(recommend.Recipe{})
		if 2*l.set.data.Trusted(r) < people {
			r.TrustedBefore = 0
		}
		if r.TrustedBefore == 0 && people == l.set.data.People() {
			continue
		}
		if key == 0 {
			var b [8]byte
			if _, err := rand.Read(b[:]); err != nil {
				return fmt.Errorf("recommend: drawing a key: %w", err)
			}
			key = int64(binary.BigEndian.Uint64(b[:])>>1 | 1)
		}
		l.recipe = r.Bounded(people, key)
	}
	return nil
}
