package policy

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"thimble"
	"thimble/internal/policy/calendar"
)

// Evidence says how a residence is known.
type Evidence string

// The kinds of evidence. An IP address is a hint: its law is joined, but the
// residence counts as unknown.
const (
	Declared Evidence = "declared"
	Delivery Evidence = "delivery" // an address that goods went to
	Store    Evidence = "store"    // a shop that was visited
	Payment  Evidence = "payment"  // the billing address of a payment
	IP       Evidence = "ip"
)

func (e Evidence) strong() bool {
	return e == Declared || e == Delivery || e == Store || e == Payment
}

// A Residence is where somebody lives, how that is known, and since when.
type Residence struct {
	Place       string // ISO 3166: "DE", "US-CA"
	Evidence    Evidence
	From, Until time.Time // Until is zero while it lasts
}

// A Question asks which laws apply.
type Question struct {
	Residences    []Residence
	Establishment []string         // where the shop is established
	Facts         map[string]int64 // about the shop, as thresholds name them
	// At is the instant; or On is the day, as each law's own place counts it.
	At time.Time
	On calendar.Date
}

// A Chosen is a pack that applies, and why.
type Chosen struct {
	Pack string `json:"pack"`
	Why  string `json:"why"`
}

// day returns what day it is in the zone.
func (q Question) day(zone *time.Location) calendar.Date {
	if !q.On.IsZero() {
		return q.On
	}
	return calendar.On(q.At, zone)
}

func (q Question) instant() time.Time {
	if !q.On.IsZero() {
		return q.On.Start(time.UTC).Add(12 * time.Hour)
	}
	return q.At
}

func (q Question) check() error {
	if q.At.IsZero() == q.On.IsZero() {
		return fmt.Errorf("policy: choosing packs: either an instant or a day is needed: %w", thimble.ErrInvalid)
	}
	for _, r := range q.Residences {
		if !placeForm.MatchString(r.Place) {
			return fmt.Errorf("policy: choosing packs: a residence is not a place; write an ISO 3166 code, such as DE or US-CA: %w", thimble.ErrInvalid)
		}
		if !r.Evidence.strong() && r.Evidence != IP {
			return fmt.Errorf("policy: choosing packs: the residence in %s needs evidence: declared, delivery, store, payment or ip: %w", r.Place, thimble.ErrInvalid)
		}
	}
	for _, e := range q.Establishment {
		if !placeForm.MatchString(e) {
			return fmt.Errorf("policy: choosing packs: establishment %q is not a place; write an ISO 3166 code, such as DE or US-CA: %w", e, thimble.ErrInvalid)
		}
	}
	return nil
}

// places returns where the person lives now, as far as evidence goes, and where
// else hints point. A later residence ends an earlier one; those that began
// together count together. A hint ends nothing.
func (q Question) places() (lives, hints []string) {
	now := q.instant()
	var latest time.Time
	for _, r := range q.Residences {
		if r.From.After(now) || !r.Until.IsZero() && !now.Before(r.Until) {
			continue
		}
		switch {
		case !r.Evidence.strong():
			hints = append(hints, r.Place)
		case lives == nil || r.From.After(latest):
			lives, latest = []string{r.Place}, r.From
		case r.From.Equal(latest):
			lives = append(lives, r.Place)
		}
	}
	slices.Sort(lives)
	slices.Sort(hints)
	return slices.Compact(lives), slices.Compact(hints)
}

// within reports whether a place is one of a pack's: US-CA is within US.
func placeWithin(place string, of []string) bool {
	return slices.ContainsFunc(of, func(o string) bool { return place == o || strings.HasPrefix(place, o+"-") })
}

// why returns for what reason a pack applies to people in the places, or nothing.
func (a Applies) why(q Question, lives, hints []string) (reason string, residence bool) {
	if !a.reached(q.Facts) {
		return "", false
	}
	if a.Everyone {
		return "everybody", true
	}
	for _, p := range lives {
		if placeWithin(p, a.Residence) {
			return "residence in " + p, true
		}
	}
	for _, p := range hints {
		if placeWithin(p, a.Residence) {
			return "a hint at " + p, true
		}
	}
	for _, e := range q.Establishment {
		if placeWithin(e, a.Establishment) {
			return "the shop is established in " + e, false
		}
	}
	return "", false
}

func (a Applies) reached(facts map[string]int64) bool {
	if len(a.Thresholds) == 0 {
		return true
	}
	return slices.ContainsFunc(a.Thresholds, func(t Threshold) bool {
		n, known := facts[t.Fact]
		if !known {
			return t.Unknown != "out"
		}
		return n >= t.AtLeast
	})
}

// Choose returns the law for a question, and why each pack is in it.
func (l *Library) Choose(q Question) (*Law, []Chosen, error) {
	if err := q.check(); err != nil {
		return nil, nil, err
	}
	lives, hints := q.places()
	type match struct {
		p         *entry
		why       string
		residence bool
	}
	var matches []match
	governed := map[string]bool{} // the places of residence whose general law is known
	for _, e := range l.entries {
		if !e.applies(q) {
			continue
		}
		why, residence := e.pack.Applies.why(q, lives, hints)
		if why == "" {
			continue
		}
		matches = append(matches, match{e, why, residence})
		for _, p := range lives {
			if e.pack.Kind.General() && placeWithin(p, e.pack.Applies.Residence) {
				governed[p] = true
			}
		}
	}
	// A law that applies for the shop's seat gives way to the form that it has
	// where the person lives.
	matches = slices.DeleteFunc(matches, func(m match) bool {
		return !m.residence && slices.ContainsFunc(matches, func(n match) bool { return n.residence && l.builds(n.p.pack, m.p.pack.ID) })
	})
	unknown := ""
	for _, p := range lives {
		if !governed[p] {
			unknown = "no general law of " + p + " is known here"
		}
	}
	if len(lives) == 0 {
		unknown = "residence unknown"
	}
	if unknown != "" {
		for _, e := range l.entries {
			if e.pack.Applies.Unknown && e.applies(q) {
				matches = append(matches, match{e, unknown, true})
			}
		}
	}
	var parts []*portion
	var chosen []Chosen
	for _, m := range matches {
		parts = append(parts, m.p.at(q.day(m.p.pack.compute.Zone)))
		chosen = append(chosen, Chosen{Pack: m.p.pack.Ref(), Why: m.why})
	}
	slices.SortFunc(chosen, func(a, b Chosen) int { return strings.Compare(a.Pack, b.Pack) })
	return compose(parts), chosen, nil
}

// A Governing is the law of a request that was under way when law or residence
// changed.
type Governing struct {
	// Clock is the law of the instant of receipt: it sets the dates, and those
	// stay when the person moves.
	Clock *Law
	// Substance is the stricter of then and now.
	Substance *Law
}

// ForRequest returns the laws of a request that was received earlier.
func (l *Library) ForRequest(q Question, received time.Time) (Governing, error) {
	then := q
	then.At, then.On = received, calendar.Date{}
	clock, err := l.Law(then)
	if err != nil {
		return Governing{}, err
	}
	now, err := l.Law(q)
	if err != nil {
		return Governing{}, err
	}
	return Governing{Clock: clock, Substance: Join(clock, now)}, nil
}
