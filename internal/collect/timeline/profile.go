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
	// Country and Language are the latest.
	Country  string `json:"country,omitempty"`
	Language string `json:"language,omitempty"`
}

// mostNames bounds how many names of events a profile tells apart: plans have fewer.
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
	latest := !at.Before(p.Last)
	if latest {
		p.Last = at
	}
	if w.Country != "" && (latest || p.Country == "") {
		p.Country = w.Country
	}
	if w.Language != "" && (latest || p.Language == "") {
		p.Language = w.Language
	}
	if name != "" {
		if p.Events == nil {
			p.Events = map[string]int64{}
		}
		if _, known := p.Events[name]; known || len(p.Events) < mostNames {
			p.Events[name]++
		}
	}
	return true
}

// Join returns what two profiles say together, of months or categories.
func (p Profile) Join(q Profile) Profile {
	if p.First.IsZero() {
		return q
	}
	if q.First.IsZero() {
		return p
	}
	older, newer := p, q
	if q.Last.Before(p.Last) {
		older, newer = q, p
	}
	all := Profile{First: p.First, Last: newer.Last, Events: map[string]int64{}, Country: newer.Country, Language: newer.Language}
	if q.First.Before(all.First) {
		all.First = q.First
	}
	if all.Country == "" {
		all.Country = older.Country
	}
	if all.Language == "" {
		all.Language = older.Language
	}
	for _, m := range []map[string]int64{p.Events, q.Events} {
		for name, n := range m {
			all.Events[name] += n
		}
	}
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
