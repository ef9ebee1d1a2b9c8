package recommend

import (
	"time"

	"thimble"
)

// A History is what a person is learned from.
type History struct {
	// Items is what they had, most recent last. Items outside the table are ignored; of
	// a repeated item the most recent place counts.
	Items []thimble.ItemID
	// Epoch is when they last had something, in the epochs that the recipe counts in; 0
	// and below mean that it is not known, and then it does not decay.
	Epoch int
	// Since is when they first had something; 0 and below mean that it is not known.
	Since int
	// Trusted says that it takes effort to be this person, such as a purchase that is
	// verified. Who is trusted under a recipe must be of some age besides
	// ([Recipe.TrustedBefore]); the others count within its caps.
	Trusted bool
}

// maxEpoch bounds an epoch: months of more than 80,000 years.
const maxEpoch = 1_000_000

// Month returns the epoch of a time for a recipe that counts in months, UTC.
func Month(t time.Time) int {
	t = t.UTC()
	return 12*t.Year() + int(t.Month()) - 1
}

// A mark is what a data set knows of a person besides their items.
type mark struct {
	epoch, since int32
	trusted      bool
}

func (h History) mark() mark {
	return mark{epoch: epoch(h.Epoch), since: epoch(h.Since), trusted: h.Trusted}
}

func epoch(n int) int32 { return int32(min(max(n, 0), maxEpoch)) }

// history is the reverse of History.mark, but for the items.
func (m mark) history() History {
	return History{Epoch: int(m.epoch), Since: int(m.since), Trusted: m.trusted}
}
