package timeline

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"thimble"
)

// A Profile is what the parts of one category say of when a person was here in one
// month, and what for.
type Profile struct {
	First  time.Time        `json:"first"`
	Last   time.Time        `json:"last"`
	Events map[string]int64 `json:"events,omitempty"` // by name, calls by theirs
	// Country and Language are the latest, with when they were said.
	Country    string    `json:"country,omitempty"`
	CountryAt  time.Time `json:"country_at,omitzero"`
	Language   string    `json:"language,omitempty"`
	LanguageAt time.Time `json:"language_at,omitzero"`
}

// mostNames bounds how many names of events a profile tells apart: plans have fewer. Of
// more, those are kept whose hashes are the lowest.
const mostNames = 200

// Add counts an event, as far as one part of it says something. It reports whether
// anything was said.
func (p *Profile) Add(w *What, received time.Time) bool {
	name := w.Name
	if name == "" {
		name = w.Type
	}
	if name == "" && w.Country == "" && w.Language == "" {
		return false
	}
	at := w.At
	if at.IsZero() {
		at = received // the part does not say when
	}
	if p.First.IsZero() || at.Before(p.First) {
		p.First = at
	}
	if !at.Before(p.Last) {
		p.Last = at
	}
	if w.Country != "" && !at.Before(p.CountryAt) {
		p.Country, p.CountryAt = w.Country, at
	}
	if w.Language != "" && !at.Before(p.LanguageAt) {
		p.Language, p.LanguageAt = w.Language, at
	}
	if name != "" {
		if p.Events == nil {
			p.Events = map[string]int64{}
		}
		p.Events[name]++
		p.bound()
	}
	return true
}

// bound leaves the names whose hashes are the lowest.
func (p *Profile) bound() {
	for len(p.Events) > mostNames {
		highest, at := "", uint64(0)
		for name := range p.Events {
			if h := hashed(name, 0); h >= at {
				highest, at = name, h
			}
		}
		delete(p.Events, highest)
	}
}

// Join returns what two profiles say together, of months or categories, or of two parts of
// one month of which q is the later in the log.
func (p Profile) Join(q Profile) Profile {
	if p.First.IsZero() {
		return q
	}
	if q.First.IsZero() {
		return p
	}
	all := p
	all.Events = nil
	if q.First.Before(all.First) {
		all.First = q.First
	}
	if !q.Last.Before(all.Last) {
		all.Last = q.Last
	}
	if q.Country != "" && !q.CountryAt.Before(p.CountryAt) {
		all.Country, all.CountryAt = q.Country, q.CountryAt
	}
	if q.Language != "" && !q.LanguageAt.Before(p.LanguageAt) {
		all.Language, all.LanguageAt = q.Language, q.LanguageAt
	}
	for _, m := range []map[string]int64{p.Events, q.Events} {
		for name, n := range m {
			if all.Events == nil {
				all.Events = map[string]int64{}
			}
			all.Events[name] += n
		}
	}
	all.bound()
	return all
}

// Encode writes the profile as JSON, names in order: equal profiles have equal bytes.
func (p Profile) Encode() ([]byte, error) { return json.Marshal(p) }

// DecodeProfile reads what Encode wrote. The error is of kind ErrInvalid.
func DecodeProfile(b []byte) (p Profile, err error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return Profile{}, fmt.Errorf("timeline: a profile that Encode wrote was expected: %w", thimble.ErrInvalid)
	}
	return p, nil
}
