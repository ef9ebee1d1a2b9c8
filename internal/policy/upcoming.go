package policy

import (
	"cmp"
	"slices"
	"strings"

	"thimble/internal/policy/calendar"
)

// A Turn says what happens to a pack or to one of its values.
type Turn string

// The turns.
const (
	Starts   Turn = "starts"   // comes into force
	Changes  Turn = "changes"  // another value takes a value's place
	Ends     Turn = "ends"     // is repealed, after the day before
	Proposes Turn = "proposed" // would come, if it is adopted
)

// An Event is a day on which the law changes. A whole pack has no Dim and Key.
type Event struct {
	On   calendar.Date `json:"on,omitzero"` // zero: a proposal without a day
	Turn Turn          `json:"turn"`
	Pack string        `json:"pack"`
	// Packs are others in which the same value turns on the same day, since they
	// extend one law.
	Packs  []string `json:"also,omitempty"`
	Title  string   `json:"title"`
	List   string   `json:"list,omitempty"` // purposes, rights …
	Key    string   `json:"key,omitempty"`
	Cite   string   `json:"cite"`
	Verify bool     `json:"verify,omitempty"`
}

// Upcoming returns what turns from a day on, by day: packs that come into force or
// are repealed, values that change within a pack, and proposals.
func (l *Library) Upcoming(from calendar.Date) []Event {
	var all []Event
	for _, id := range sorted(l.packs) {
		p := l.packs[id]
		if p.Status == Proposed && !slices.Contains(l.adopted, id) {
			all = append(all, Event{On: p.Effective.From, Turn: Proposes, Pack: p.Ref(), Title: p.Title, Cite: p.Effective.Cite, Verify: p.Effective.Verify})
			continue
		}
		all = append(all, p.turns(from)...)
	}
	slices.SortStableFunc(all, func(a, b Event) int {
		if a.On.IsZero() != b.On.IsZero() {
			return cmp.Compare(a.On.Year, b.On.Year) * -1 // what has no day comes last
		}
		return cmp.Or(a.On.Compare(b.On), cmp.Compare(a.List, b.List), cmp.Compare(a.Key, b.Key), cmp.Compare(a.Turn, b.Turn))
	})
	return gather(all)
}

// turns are the days of one pack.
func (p *Pack) turns(from calendar.Date) (all []Event) {
	e := p.Effective
	whole := Event{Pack: p.Ref(), Title: p.Title, Cite: e.Cite, Verify: e.Verify}
	if !e.From.Before(from) {
		whole.On, whole.Turn = e.From, Starts
		all = append(all, whole)
	}
	if end := e.To; !end.IsZero() && !end.Add(1).Before(from) {
		whole.On, whole.Turn = end.Add(1), Ends
		all = append(all, whole)
	}
	for _, l := range p.lists() {
		begins := map[string]bool{} // keys with days on which a value begins
		for i := range l.len {
			v := l.at(i)
			begins[v.key()+v.src().From.String()] = true
		}
		for i := range l.len {
			v := l.at(i)
			s := v.src()
			turn := Event{Pack: p.Ref(), Title: p.Title, List: l.name, Key: v.key(), Cite: s.Cite, Verify: s.Verify}
			if e.From.Before(s.From) && !s.From.Before(from) {
				turn.On, turn.Turn = s.From, Changes
				all = append(all, turn)
			}
			if s.To.IsZero() || s.To == e.To || s.To.Add(1).Before(from) || begins[v.key()+s.To.Add(1).String()] {
				continue
			}
			turn.On, turn.Turn = s.To.Add(1), Ends
			all = append(all, turn)
		}
	}
	return all
}

// gather makes one event of those that differ in their packs only: an amendment of
// a law reaches everything that extends it.
func gather(all []Event) (gathered []Event) {
	at := map[string]int{}
	for _, e := range all {
		key := strings.Join([]string{e.On.String(), string(e.Turn), e.List, e.Key, e.Cite}, "|")
		if i, seen := at[key]; seen && e.List != "" {
			gathered[i].Packs = append(gathered[i].Packs, e.Pack)
			continue
		}
		at[key] = len(gathered)
		gathered = append(gathered, e)
	}
	return gathered
}
