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
	Signal    string // what of the person is used, such as returns
}

// Known says which words a scope may use. A use that names another is refused:
// nobody can have permitted what nobody knows. The zero value knows none.
type Known struct {
	Recipients, Brands, Channels, Features, Signals []string
	// Recipient knows the recipients that come and go while the gate is at work; nil
	// knows none.
	Recipient func(name string) bool
}

// unknown returns the part of a scope that is not known, or "".
func (k *known) unknown(s Scope) string {
	switch {
	case s == Scope{}:
		return ""
	case s.Recipient != "" && !k.recipients[s.Recipient] && (k.recipient == nil || !k.recipient(s.Recipient)):
		return "recipient"
	case s.Brand != "" && !k.brands[s.Brand]:
		return "brand"
	case s.Channel != "" && !k.channels[s.Channel]:
		return "channel"
	case s.Feature != "" && !k.features[s.Feature]:
		return "feature"
	case s.Signal != "" && !k.signals[s.Signal]:
		return "signal"
	}
	return ""
}

// known is Known, ready to be asked.
type known struct {
	recipients, brands, channels, features, signals map[string]bool
	recipient                                       func(string) bool
}

func newKnown(k Known) *known {
	set := func(words []string) map[string]bool {
		m := make(map[string]bool, len(words))
		for _, w := range words {
			m[w] = true
		}
		return m
	}
	return &known{set(k.Recipients), set(k.Brands), set(k.Channels), set(k.Features), set(k.Signals), k.Recipient}
}

// reach is the part of a scope that people choose about.
func (s Scope) reach() consent.Scope {
	return consent.Scope{Brand: s.Brand, Channel: s.Channel, Feature: s.Feature, Signal: s.Signal}
}

// stand returns which of the standings of one subject answers a use of a scope.
func stand(said []consent.Standing, a ask, at time.Time) consent.Standing {
	of := make([]consent.Standing, 0, 4)
	for _, s := range said {
		if s.Purpose == a.purpose {
			of = append(of, s)
		}
	}
	found := consent.Decide(of, a.scope.reach(), at)
	found.Purpose = a.purpose
	return found
}

// steady returns until when stand gives the same answers: the first end of a yes.
func steady(said []consent.Standing, at time.Time) time.Time {
	var until time.Time
	for _, s := range said {
		if s.Expires.After(at) && (until.IsZero() || s.Expires.Before(until)) {
			until = s.Expires
		}
	}
	return until
}
