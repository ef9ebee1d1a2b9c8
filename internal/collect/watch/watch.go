package watch

import (
	"hash/maphash"
	"maps"
	"slices"
	"sync"
	"time"

	"thimble/internal/collect/intake"
	"thimble/internal/collect/plan"
	"thimble/internal/collect/segment"
)

// Bounds of what a source may leave behind between two takes.
const (
	maxViolations = 256
	maxProposals  = 256
	maxRules      = 64
	maxSources    = 4096
	maxMinutes    = 90 // that wait while nothing can be written
)

// A Watch hears of each body that was taken. It is an [intake.Teller], safe for
// concurrent use.
type Watch struct {
	now  func() time.Time
	seed maphash.Seed

	sources sync.Map // number → *source
	mu      sync.Mutex
	known   int
}

var _ intake.Teller = (*Watch)(nil)

// New returns a watch. A nil clock means time.Now.
func New(now func() time.Time) *Watch {
	if now == nil {
		now = time.Now
	}
	return &Watch{now: now, seed: maphash.MakeSeed()}
}

// A source is what was seen of one.
type source struct {
	number uint32

	mu         sync.Mutex
	total      Counts // since the start
	minutes    map[int64]*Counts
	violations map[broken]*Seen
	proposals  map[unknown]*seenProposal
	names      names
	tail       tail
}

// A broken is a rule of the plan that was broken, and how.
type broken struct {
	event, path, expected, got string
}

// An unknown is a proposal by its place, as it is shown: names that are not shown alike
// are one.
type unknown struct{ event, within, name string }

type seenProposal struct {
	Proposal
	looks int64 // of this process since the start of the entry
}

func (w *Watch) source(number uint32) *source {
	if s, ok := w.sources.Load(number); ok {
		return s.(*source)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if s, ok := w.sources.Load(number); ok {
		return s.(*source)
	}
	if w.known >= maxSources {
		return nil
	}
	w.known++
	s := &source{number: number, minutes: map[int64]*Counts{}, violations: map[broken]*Seen{}, proposals: map[unknown]*seenProposal{}}
	w.sources.Store(number, s)
	return s
}

// Tell implements [intake.Teller].
func (w *Watch) Tell(from intake.Source, a intake.Arrival, t intake.Taken, b *segment.Body) {
	s := w.source(from.Number)
	if s == nil {
		return
	}
	now, c := w.now().UTC(), countsOf(t, b)
	var by sender
	if b != nil {
		by = w.senderOf(from, a.Address, b)
	}
	at := now.Truncate(time.Second)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.total.Add(c)
	s.minute(at.Unix() / 60).Add(c)
	if b == nil {
		return
	}
	s.broke(b, at)
	w.propose(s, b, by, at)
	w.note(s, b, by, now)
}

// minute returns the counts of a minute. When too many wait, the oldest is joined with
// the next: nothing is counted twice or lost.
func (s *source) minute(at int64) *Counts {
	c := s.minutes[at]
	if c != nil {
		return c
	}
	if len(s.minutes) >= maxMinutes {
		old := slices.Sorted(maps.Keys(s.minutes))
		s.minutes[old[1]].Add(*s.minutes[old[0]])
		delete(s.minutes, old[0])
	}
	c = &Counts{}
	s.minutes[at] = c
	return c
}

func titleOf(m *plan.Message) string {
	switch {
	case m == nil:
		return "context"
	case m.Name != "":
		return m.Name
	}
	return m.Call
}

// broke notes which rules were broken.
func (s *source) broke(b *segment.Body, at time.Time) {
	for i := range b.Violations {
		v := &b.Violations[i]
		s.note(broken{titleOf(v.Message), v.Path, string(v.Expected), v.Got.String()}, at)
	}
	for _, r := range b.Refused {
		if r.Rule != segment.Blocked { // what blocked it was told
			s.note(broken{expected: r.Rule.String()}, at)
		}
	}
}

func (s *source) note(k broken, at time.Time) {
	seen := s.violations[k]
	if seen == nil {
		if len(s.violations) >= maxViolations+maxRules || k.event != "" && len(s.violations) >= maxViolations {
			return
		}
		seen = &Seen{}
		s.violations[k] = seen
	}
	seen.add(1, at)
}

// propose notes what the plan does not know. A value is looked at when a property comes
// for the first, second, fourth, eighth time and so on.
func (w *Watch) propose(s *source, b *segment.Body, by sender, at time.Time) {
	for i := range b.Unknown {
		u := &b.Unknown[i]
		text := b.Bytes(u.Name)
		k := w.property(u, text)
		p := s.proposal(unknown{k.event, k.within, s.names.sent(k, text, by, plan.Shown)})
		if p == nil {
			continue
		}
		if p.looks++; p.looks&(p.looks-1) == 0 {
			held := b.Bytes(u.Held)
			p.merge(plan.Propose(text, held), shapeOf(held))
		}
		p.add(1, at)
	}
	for i := range b.Events {
		ev := &b.Events[i]
		if ev.Message != nil || ev.Call == segment.Alias {
			continue
		}
		p := s.proposal(unknown{event: w.called(s, b, ev, by)})
		if p == nil {
			continue
		}
		p.Proposal.Proposal = categoryless
		p.add(1, at)
	}
}

func (w *Watch) property(u *segment.Unknown, text []byte) name {
	return name{titleOf(u.Message), u.Within, maphash.Bytes(w.seed, text)}
}

// called is what an event that is not planned is called, as it is shown.
func (w *Watch) called(s *source, b *segment.Body, ev *segment.Event, by sender) string {
	if ev.Call != segment.Track {
		return ev.Call.String()
	}
	text := b.Bytes(ev.Name)
	return s.names.sent(name{event: ev.Call.String(), hash: maphash.Bytes(w.seed, text)}, text, by, plan.ShownEvent)
}

func (s *source) proposal(k unknown) *seenProposal {
	p := s.proposals[k]
	if p == nil && len(s.proposals) < maxProposals {
		p = &seenProposal{Proposal: Proposal{Source: s.number, Event: k.event, Within: k.within, Name: k.name}}
		s.proposals[k] = p
	}
	return p
}

// shapeOf is the type of a value as it stands in a body.
func shapeOf(held []byte) string {
	if len(held) == 0 {
		return ""
	}
	switch held[0] {
	case '"':
		return segment.Text.String()
	case '{':
		return segment.Object.String()
	case '[':
		return segment.Array.String()
	case 't', 'f':
		return segment.Bool.String()
	case 'n':
		return "" // null says nothing
	}
	return segment.Number.String()
}

// A Batch is what was seen since the last one.
type Batch struct {
	Minutes    []Minute
	Violations []Violation
	Proposals  []Proposal
}

// Empty reports whether nothing came.
func (b *Batch) Empty() bool { return len(b.Minutes)+len(b.Violations)+len(b.Proposals) == 0 }

// Take returns what was seen since the last call, and forgets it.
func (w *Watch) Take() (out Batch) {
	w.sources.Range(func(_, v any) bool {
		s := v.(*source)
		s.mu.Lock()
		defer s.mu.Unlock()
		for at, c := range s.minutes {
			out.Minutes = append(out.Minutes, Minute{Source: s.number, At: at, Counts: *c})
		}
		for k, seen := range s.violations {
			out.Violations = append(out.Violations, Violation{Source: s.number, Event: k.event, Path: k.path, Expected: k.expected, Got: k.got, Seen: *seen})
		}
		for _, p := range s.proposals {
			out.Proposals = append(out.Proposals, p.Proposal)
		}
		clear(s.minutes)
		clear(s.violations)
		clear(s.proposals)
		return true
	})
	return out
}

// Return puts back the counts of a batch that could not be written. Violations and
// proposals come again by themselves, and are let go.
func (w *Watch) Return(b Batch) {
	for _, m := range b.Minutes {
		if s := w.source(m.Source); s != nil {
			s.mu.Lock()
			s.minute(m.At).Add(m.Counts)
			s.mu.Unlock()
		}
	}
}

// A Total is what came from a source since the process started.
type Total struct {
	Source uint32
	Counts
}

// Totals returns what came since the start, by source.
func (w *Watch) Totals() (all []Total) {
	w.sources.Range(func(_, v any) bool {
		s := v.(*source)
		s.mu.Lock()
		defer s.mu.Unlock()
		all = append(all, Total{s.number, s.total})
		return true
	})
	slices.SortFunc(all, func(a, b Total) int { return int(a.Source) - int(b.Source) })
	return all
}
