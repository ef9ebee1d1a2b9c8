package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"thimble"
)

// resolve makes packs whole: amendments change what they amend, and a pack that
// extends another starts from its values. Proposed amendments change nothing
// unless they are adopted.
func resolve(authored map[string]*Pack, adopted func(id string) bool) (map[string]*Pack, error) {
	r := &resolver{authored: authored, amendments: map[string][]*Pack{}, done: map[string]*Pack{}}
	for _, id := range sorted(authored) {
		p := authored[id]
		if p.Amends == "" {
			continue
		}
		if p.Amends == id {
			return nil, fmt.Errorf("policy: packs go round in a circle: %s amends itself: %w", id, thimble.ErrInvalid)
		}
		if authored[p.Amends] == nil {
			return nil, fmt.Errorf("policy: pack %s amends %s, which is not there: %w", id, p.Amends, thimble.ErrInvalid)
		}
		if p.Status != Proposed || adopted(id) {
			r.amendments[p.Amends] = append(r.amendments[p.Amends], p)
		}
	}
	for _, id := range sorted(authored) {
		if _, err := r.whole(id); err != nil {
			return nil, err
		}
	}
	return r.done, nil
}

type resolver struct {
	authored   map[string]*Pack
	amendments map[string][]*Pack
	done       map[string]*Pack
	open       []string // the packs under way
}

func (r *resolver) whole(id string) (*Pack, error) {
	if p := r.done[id]; p != nil {
		return p, nil
	}
	if i := slices.Index(r.open, id); i >= 0 {
		return nil, fmt.Errorf("policy: packs go round in a circle: %s: %w", strings.Join(append(r.open[i:], id), " extends "), thimble.ErrInvalid)
	}
	own := r.authored[id]
	amendments := r.amendments[id]
	if own.Extends == "" && own.Amends == "" && len(amendments) == 0 {
		r.done[id] = own
		return own, nil
	}
	r.open = append(r.open, id)
	defer func() { r.open = r.open[:len(r.open)-1] }()
	p := *own
	if from := cmp.Or(own.Extends, own.Amends); from != "" {
		base := r.authored[from]
		if base == nil {
			return nil, fmt.Errorf("policy: pack %s extends %s, which is not there: %w", id, from, thimble.ErrInvalid)
		}
		if base.Amends != "" {
			return nil, fmt.Errorf("policy: pack %s builds on %s, and %s is an amendment: %w", id, from, from, thimble.ErrInvalid)
		}
		if own.Amends == "" { // an amendment is not whole by itself, and asks for the calendar only
			var err error
			if base, err = r.whole(from); err != nil {
				return nil, err
			}
			if err := p.extend(base); err != nil {
				return nil, err
			}
		}
		p.Calendar = p.Calendar.over(base.Calendar)
	}
	slices.SortStableFunc(amendments, func(a, b *Pack) int { return a.Effective.From.Compare(b.Effective.From) })
	for _, a := range amendments {
		p.Sources = documents(p.Sources, a.Sources)
		for _, l := range p.lists() {
			l.amend(a)
		}
	}
	var err error
	if p.compute, err = p.Calendar.compile(); err != nil {
		return nil, fmt.Errorf("policy: pack %s: %w", id, err)
	}
	if err := p.seal(); err != nil {
		return nil, err
	}
	r.done[id] = &p
	return &p, nil
}

// extend puts the values of base below p's own.
func (p *Pack) extend(base *Pack) error {
	drops := map[string]bool{}
	for _, name := range p.Without {
		drops[name] = false
	}
	p.Sources = documents(p.Sources, base.Sources)
	for _, l := range p.lists() {
		l.overlay(base, func(key string) bool {
			if _, drop := drops[key]; !drop {
				return false
			}
			drops[key] = true
			return true
		})
	}
	for _, name := range p.Without {
		if !drops[name] {
			return fmt.Errorf("policy: pack %s: without: %s has no %s: %w", p.ID, base.ID, name, thimble.ErrInvalid)
		}
	}
	return nil
}

// over returns c with base's answers where it has none.
func (c Calendar) over(base Calendar) Calendar {
	if c.Holidays == nil {
		c.Holidays = base.Holidays
	}
	if c.Weekend == nil {
		c.Weekend = base.Weekend
	}
	if c.Rule == "" {
		c.Verify = c.Verify || base.Verify
	}
	c.Rule, c.Zone, c.Cite = cmp.Or(c.Rule, base.Rule), cmp.Or(c.Zone, base.Zone), cmp.Or(c.Cite, base.Cite)
	return c
}

// documents returns both lists of sources; the first wins an id.
func documents(first, second []Document) []Document {
	all := slices.Clone(first)
	for _, d := range second {
		if !slices.ContainsFunc(all, func(e Document) bool { return e.ID == d.ID }) {
			all = append(all, d)
		}
	}
	return all
}

func sorted[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
