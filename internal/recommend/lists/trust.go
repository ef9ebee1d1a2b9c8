package lists

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"time"

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

// frozen returns a recipe with what it has of the data that a version is made of until a time:
// the epoch in which weights are whole, and before which somebody must have come to be trusted.
// It reports whether people who are not trusted are capped, in a shop of so many people.
//
// The epoch is the latest month in which, or since which, one in ten of those who ordered had
// something last, and no later than the time. In a shop that was asleep for years it is one of
// before, so that one order of today does not make everything else old. Whoever bought first in a
// month before the last is trusted. A young shop, where most are not, has nobody to hold the
// others against: there everybody who ordered counts. Who never ordered is capped in any shop.
func frozen(r recommend.Recipe, data *recommend.Dataset, until time.Time) (out recommend.Recipe, people int, capped bool) {
	r.DecayEpoch = 0
	if r.HalfLife > 0 {
		r.DecayEpoch = min(data.LatestEpoch(oneInRecent), recommend.Month(until))
	}
	r.TrustedBefore = recommend.Month(until) - 1
	// Of who ordered: how many others there are, anybody can choose.
	people = data.Trusted(recommend.Recipe{})
	if 2*data.Trusted(r) < people {
		r.TrustedBefore = 0
	}
	if r.TrustedBefore == 0 && people == data.People() {
		return r, people, false
	}
	return r, people, true
}

// bound freezes the recipes of new versions. Those that are derived anew keep theirs.
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
		r, people, capped := frozen(l.recipe, l.set.data, l.until)
		if l.recipe = r; !capped {
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
