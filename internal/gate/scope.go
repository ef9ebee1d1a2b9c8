package gate

import (
	"time"

	"thimble/internal/consent"
)

// A Scope says what a use is for within its purpose, and to whom it goes. The zero
// scope names nothing: a use in the shop's own name.
type Scope struct {
	Recipient string // who gets the data
	Brand     string
	Channel   string
	Feature   string
}

// Known says which words a scope may use. A use that names another is refused:
// nobody can have permitted what nobody knows. The zero value knows none.
type Known struct {
	Recipients, Brands, Channels, Features []string
}

// unknown returns the part of a scope that is not known, or "".
func (k *known) unknown(s Scope) string {
	switch {
	case s == Scope{}:
		return ""
	case s.Recipient != "" && !k.recipients[s.Recipient]:
		return "recipient"
	case s.Brand != "" && !k.brands[s.Brand]:
		return "brand"
	case s.Channel != "" && !k.channels[s.Channel]:
		return "channel"
	case s.Feature != "" && !k.features[s.Feature]:
		return "feature"
	}
	return ""
}

// known is Known, ready to be asked.
type known struct{ recipients, brands, channels, features map[string]bool }

func newKnown(k Known) *known {
	set := func(words []string) map[string]bool {
		m := make(map[string]bool, len(words))
		for _, w := range words {
			m[w] = true
		}
		return m
	}
	return &known{set(k.Recipients), set(k.Brands), set(k.Channels), set(k.Features)}
}

// A Said is where a person stands on a purpose within a scope.
type Said struct {
	Scope Scope
	consent.Standing
}

// covers reports whether what was said within s reaches a use of scope t.
func (s Scope) covers(t Scope) bool {
	reaches := func(own, other string) bool { return own == "" || own == other }
	return reaches(s.Recipient, t.Recipient) && reaches(s.Brand, t.Brand) && reaches(s.Channel, t.Channel) && reaches(s.Feature, t.Feature)
}

// stand returns which of the standings of one subject answers a use of a scope. The narrowest that reaches it counts: a narrower word narrows a wider
// yes, and only a yes of its own takes a scope out of a wider no. Where two that
// do not lie within each other reach it, the one that does not permit counts.
func stand(said []Said, a ask, at time.Time) consent.Standing {
	found := consent.Standing{Purpose: a.purpose}
	for i, s := range said {
		if s.Purpose != a.purpose || !s.Scope.covers(a.scope) || narrowed(said, i, a.scope) {
			continue
		}
		if found.State == "" || found.Now(at).Permits() {
			found = s.Standing
		}
	}
	return found
}

// narrowed reports whether another standing that reaches t is narrower than said[i].
func narrowed(said []Said, i int, t Scope) bool {
	for j, s := range said {
		if j != i && s.Purpose == said[i].Purpose && s.Scope != said[i].Scope && said[i].Scope.covers(s.Scope) && s.Scope.covers(t) {
			return true
		}
	}
	return false
}

// steady returns until when stand gives the same answers: the first end of a yes.
func steady(said []Said, at time.Time) time.Time {
	var until time.Time
	for _, s := range said {
		if s.Expires.After(at) && (until.IsZero() || s.Expires.Before(until)) {
			until = s.Expires
		}
	}
	return until
}
