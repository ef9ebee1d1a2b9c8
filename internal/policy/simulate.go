package policy

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"thimble"
	"thimble/internal/policy/calendar"
)

// A Group is people whose facts are the same. A shop has few groups, however many
// people it has; a group of one is one person.
type Group struct {
	Places  []string          `json:"places"` // evidenced residences; none is unknown
	Age     int               `json:"age"`    // in years; negative is unknown
	Permits []thimble.Purpose `json:"permits,omitempty"`
	Objects []thimble.Purpose `json:"objects,omitempty"`
	People  int64             `json:"people"`
}

// A Population knows the people on file, as groups.
type Population interface {
	Groups(ctx context.Context) iter.Seq2[Group, error]
}

// A Flow is one use of data, as the shop declares it.
type Flow struct {
	Name       string             `json:"name"`
	Purpose    thimble.Purpose    `json:"purpose"`
	Categories []thimble.Category `json:"categories,omitempty"`
}

// A Trial asks what a pack would change on a day.
type Trial struct {
	On            calendar.Date
	Establishment []string
	Facts         map[string]int64
	Flows         []Flow
}

// A Simulation is what a pack would change for the people on file.
type Simulation struct {
	On      calendar.Date    `json:"on"`
	People  int64            `json:"people"`  // on file
	Touched int64            `json:"touched"` // for whom something changes
	Changes []Effects        `json:"changes"`
	Kinds   map[string]int64 `json:"kinds"` // changes by dimension
	Waits   int64            `json:"waits"` // changes that loosen, and wait to be accepted
	Flows   []FlowChange     `json:"flows"` // uses whose answer changes for somebody
	// ByPlace is how many live where, and for how many of them something changes.
	ByPlace map[string]Tally `json:"by_place"`
}

// A Tally is how many people live somewhere.
type Tally struct {
	People  int64 `json:"people"`
	Touched int64 `json:"touched"`
}

// An Effects is one change with how many people it touches, and where they live.
type Effects struct {
	Change
	People int64    `json:"people"`
	Places []string `json:"places"`
	// ByPlace is how many of the people live where.
	ByPlace map[string]int64 `json:"people_by_place"`
}

// A FlowChange is one use of data whose answer changes.
type FlowChange struct {
	Flow   string   `json:"flow"`
	From   string   `json:"from"` // what the law asks: a mode
	To     string   `json:"to"`
	People int64    `json:"people"` // for whom it asks something else
	Gain   int64    `json:"gain"`   // of whom data may be used then, and may not now
	Lose   int64    `json:"lose"`   // the other way round
	Places []string `json:"places"`
	// ByPlace is how many of the people live where.
	ByPlace map[string]int64 `json:"people_by_place"`
}

// Try returns the library without the pack and with it, as if it were law: it
// takes the place of the pack of its id, and one that is proposed is adopted. The
// file need not be signed: nothing is decided by it.
func (l *Library) Try(f File) (before, after *Library, p *Pack, err error) {
	if p, err = Parse(f.Text); err != nil {
		return nil, nil, nil, fmt.Errorf("%s: %w", f.Name, err)
	}
	before = l
	if old := l.written[p.ID]; old != nil && old.Hash() == p.Hash() && p.Status != Proposed && !l.needed(p.ID) {
		// The pack is in the library already, as a future one is: what it
		// changes is the difference to a library that has never heard of it.
		if before, err = l.variant(p.ID, nil); err != nil {
			return nil, nil, nil, err
		}
	}
	after, err = l.variant(p.ID, p)
	return before, after, p, err
}

// needed reports whether other packs extend or amend the pack.
func (l *Library) needed(id string) bool {
	for _, p := range l.written {
		if p.Extends == id || p.Amends == id {
			return true
		}
	}
	return false
}

// variant returns the library with p, or nothing, in the place of a pack.
func (l *Library) variant(id string, p *Pack) (*Library, error) {
	n := newLibrary()
	for k, v := range l.written {
		n.written[k], n.texts[k], n.signers[k] = v, l.texts[k], l.signers[k]
	}
	adopted := slices.DeleteFunc(slices.Clone(l.adopted), func(a string) bool { return a == id })
	delete(n.written, id)
	delete(n.texts, id)
	if p != nil {
		n.written[id], n.signers[id] = p, "tried"
		if p.Status == Proposed {
			adopted = append(adopted, id)
		}
	}
	return n, n.build(adopted)
}

// Simulate compares the law of everybody in two libraries. It is a pure function
// of what it is given. People are grouped by their facts, so a million people
// cost little more than the groups they form.
func Simulate(before, after *Library, people iter.Seq2[Group, error], t Trial) (Simulation, error) {
	s := &simulator{before: before, after: after, trial: t, pairs: map[string]*pair{}, groups: map[string]*Group{}, tallies: map[string]Tally{}}
	var key []byte
	for g, err := range people {
		if err != nil {
			return Simulation{}, fmt.Errorf("policy: reading people: %w", err)
		}
		key = g.key(key[:0])
		if same := s.groups[string(key)]; same != nil {
			same.People += g.People
			continue
		}
		g.Places, g.Permits, g.Objects = slices.Clone(g.Places), slices.Clone(g.Permits), slices.Clone(g.Objects)
		s.groups[string(key)] = &g
	}
	for _, key := range sorted(s.groups) {
		if err := s.count(s.groups[key]); err != nil {
			return Simulation{}, err
		}
	}
	return s.result(), nil
}

// key appends what makes a group one group.
func (g Group) key(b []byte) []byte {
	for _, p := range g.Places {
		b = append(append(b, p...), ',')
	}
	b = strconv.AppendInt(append(b, '|'), int64(max(g.Age, -1)), 10)
	for _, of := range [][]thimble.Purpose{g.Permits, g.Objects} {
		b = append(b, '|')
		for _, p := range of {
			b = append(append(b, p...), ',')
		}
	}
	return b
}

type simulator struct {
	before, after *Library
	trial         Trial
	groups        map[string]*Group
	pairs         map[string]*pair // by places
	people        int64
	touched       int64
	tallies       map[string]Tally // by place
	effects       map[string]*Effects
	flows         map[string]*FlowChange
}

// A pair is the law of some places, before and after.
type pair struct {
	before, after *Law
	changes       []Change
	flows         [][2]Finding
}

func (s *simulator) pair(places []string) (*pair, error) {
	name := strings.Join(places, ",")
	if p := s.pairs[name]; p != nil {
		return p, nil
	}
	q := Question{On: s.trial.On, Establishment: s.trial.Establishment, Facts: s.trial.Facts}
	for _, place := range places {
		q.Residences = append(q.Residences, Residence{Place: place, Evidence: Declared})
	}
	b, err := s.before.Law(q)
	if err != nil {
		return nil, err
	}
	a, err := s.after.Law(q)
	if err != nil {
		return nil, err
	}
	p := &pair{before: b, after: a}
	if b.digest != a.digest || b.ref != a.ref {
		p.changes = Diff(b, a)
		for _, f := range s.trial.Flows {
			p.flows = append(p.flows, [2]Finding{b.Find(f.Purpose, f.Categories...), a.Find(f.Purpose, f.Categories...)})
		}
	}
	s.pairs[name] = p
	return p, nil
}

// count adds one group to the tallies.
func (s *simulator) count(g *Group) error {
	s.people += g.People
	p, err := s.pair(g.Places)
	if err != nil {
		return err
	}
	touched := false
	for _, c := range p.changes {
		if c.Dim == "minor" && !g.concerned(c, p) {
			continue
		}
		touched = true
		s.effect(c, g)
	}
	for i, f := range p.flows {
		may, might := g.permits(p.before, s.trial.Flows[i], f[0]), g.permits(p.after, s.trial.Flows[i], f[1])
		if f[0].Mode == f[1].Mode && may == might {
			continue
		}
		touched = true
		s.flow(s.trial.Flows[i].Name, f, g, may, might)
	}
	tally := s.tallies[g.where()]
	tally.People += g.People
	if touched {
		s.touched += g.People
		tally.Touched += g.People
	}
	s.tallies[g.where()] = tally
	return nil
}

// concerned reports whether a change of ages concerns the group: somebody of
// unknown age, or of an age for which the need changes.
func (g *Group) concerned(c Change, p *pair) bool {
	if g.Age < 0 {
		return true
	}
	topic, _, _ := strings.Cut(c.Key, "/")
	b, _ := p.before.NeedOf(topic, g.Age)
	a, _ := p.after.NeedOf(topic, g.Age)
	return a != b
}

// permits reports whether data of the group may be used, as the gate would answer.
func (g *Group) permits(l *Law, f Flow, found Finding) bool {
	objects := slices.ContainsFunc(g.Objects, f.Purpose.Within)
	switch {
	case found.Mode <= Notice:
		return true
	case found.Mode == OptOut:
		return !objects
	case found.Mode == OptIn:
		need, _ := l.NeedOf("consent", g.Age)
		return !objects && need < ParentalConsent && slices.Contains(g.Permits, f.Purpose)
	}
	return false
}

func (s *simulator) effect(c Change, g *Group) {
	name := fmt.Sprintf("%s|%s|%s|%s|%t", c.Dim, c.Key, c.From, c.To, c.Loosens)
	if s.effects == nil {
		s.effects = map[string]*Effects{}
	}
	e := s.effects[name]
	if e == nil {
		e = &Effects{Change: c, ByPlace: map[string]int64{}}
		s.effects[name] = e
	}
	e.People += g.People
	e.ByPlace[g.where()] += g.People
}

func (s *simulator) flow(name string, f [2]Finding, g *Group, may, might bool) {
	key := fmt.Sprintf("%s|%d|%d", name, f[0].Mode, f[1].Mode)
	if s.flows == nil {
		s.flows = map[string]*FlowChange{}
	}
	c := s.flows[key]
	if c == nil {
		c = &FlowChange{Flow: name, From: f[0].Mode.String(), To: f[1].Mode.String(), ByPlace: map[string]int64{}}
		s.flows[key] = c
	}
	c.People += g.People
	c.ByPlace[g.where()] += g.People
	if might && !may {
		c.Gain += g.People
	} else if may && !might {
		c.Lose += g.People
	}
}

func (g *Group) where() string { return cmp.Or(strings.Join(g.Places, "+"), "unknown") }

func (s *simulator) result() Simulation {
	r := Simulation{On: s.trial.On, People: s.people, Touched: s.touched, Kinds: map[string]int64{}, Changes: []Effects{}, Flows: []FlowChange{}, ByPlace: s.tallies}
	for _, key := range sorted(s.effects) {
		e := *s.effects[key]
		e.Places = sorted(e.ByPlace)
		r.Changes = append(r.Changes, e)
		r.Kinds[e.Dim]++
		if e.Loosens {
			r.Waits++
		}
	}
	slices.SortStableFunc(r.Changes, func(a, b Effects) int {
		return cmp.Or(slices.Index(dims, a.Dim)-slices.Index(dims, b.Dim), cmp.Compare(a.Key, b.Key))
	})
	for _, key := range sorted(s.flows) {
		f := *s.flows[key]
		f.Places = sorted(f.ByPlace)
		r.Flows = append(r.Flows, f)
	}
	return r
}
