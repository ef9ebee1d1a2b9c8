package plan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"thimble"
)

// A Change is one difference between two plans.
type Change struct {
	Path string `json:"path"` // "Order Completed.products[].price"
	Was  string `json:"was"`  // "" for what is new
	Is   string `json:"is"`   // "" for what is gone
	// Loosens says that more is kept than before, in another form, or for more purposes.
	Loosens bool `json:"loosens"`
}

// A leaf is what a plan says of one path, with its groups and uses written out.
type leaf struct {
	typ       Type
	transform Transform
	required  bool
	blocks    bool   // a broken rule of it costs the event
	event     string // the path of the event it is of
	mode      Mode
	use       Use
}

func (l leaf) String() string {
	purposes := make([]string, len(l.use.Purposes))
	for i, p := range l.use.Purposes {
		purposes[i] = string(p)
	}
	slices.Sort(purposes)
	s := fmt.Sprintf("%s, %s, %s for %s", l.typ, l.transform, l.use.Category, strings.Join(purposes, ", "))
	if l.required {
		s += ", required"
	}
	if l.mode != "" {
		s = fmt.Sprintf("%s, %s", l.mode, strings.TrimPrefix(s, ", , "))
	}
	return s
}

// leaves are what a plan says, by path.
func (p *Plan) leaves() map[string]leaf {
	all := map[string]leaf{}
	for i := range p.Events {
		e := &p.Events[i]
		for _, name := range append([]string{e.title()}, e.Also...) {
			at := name
			if e.call() != "track" {
				at = "call " + name
			}
			all[at] = leaf{mode: e.mode(), use: p.Uses[e.Use]}
			p.walk(all, at, e.Use, leaf{event: at, blocks: e.mode() == Block}, e.Groups, e.Properties)
		}
	}
	return all
}

func (p *Plan) walk(all map[string]leaf, at, use string, of leaf, groups []string, own []Property) {
	for _, q := range p.all(groups, own) {
		path, within := at+"."+q.Name, cmp.Or(q.Use, use)
		if q.Type == Objects {
			path += "[]"
		}
		all[path] = leaf{typ: q.Type, transform: q.transform(), required: q.Required, blocks: of.blocks, event: of.event, use: p.Uses[within]}
		p.walk(all, path, within, of, q.Groups, q.Properties)
	}
}

// Diff lists what differs, in the order of paths.
func Diff(was, is *Plan) []Change {
	before, after := was.leaves(), is.leaves()
	paths := map[string]bool{}
	for path := range before {
		paths[path] = true
	}
	for path := range after {
		paths[path] = true
	}
	var all []Change
	if was.Currency != is.Currency {
		all = append(all, Change{Path: "currency", Was: was.Currency, Is: is.Currency})
	}
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		b, had := before[path]
		a, has := after[path]
		c := Change{Path: path}
		if had {
			c.Was = b.String()
		}
		if has {
			c.Is = a.String()
		}
		if c.Was == c.Is {
			continue
		}
		c.Loosens = has && a.looserThan(b, had)
		// A rule less of an event that blocks: events are kept that were refused.
		if _, still := after[b.event]; still && b.blocks {
			c.Loosens = c.Loosens || !has || b.required && !a.required || b.transform != Drop && a.transform == Drop
		}
		all = append(all, c)
	}
	return all
}

// written says how much of a value each transform lets through. Transforms of one
// rank keep different things, so each counts as looser than the others.
var written = map[Transform]int{Drop: 0, Country: 1, AgeBand: 1, Identifier: 2, Address: 2, Scan: 3, Keep: 4}

var strictness = map[Mode]int{Block: 0, Omit: 1, Warn: 2}

func (l leaf) looserThan(was leaf, had bool) bool {
	if l.transform == Drop {
		return false // nothing is kept, whatever it was
	}
	if !had || was.transform == Drop && l.typ != "" {
		return true
	}
	if l.use.Category != was.use.Category || strictness[l.mode] > strictness[was.mode] {
		return true
	}
	for _, p := range l.use.Purposes {
		if !slices.Contains(was.use.Purposes, p) {
			return true
		}
	}
	if l.transform != was.transform && written[l.transform] >= written[was.transform] {
		return true
	}
	// A type says what a value can hold: another one is looked at by a person.
	return l.typ != was.typ
}

// An Acceptance is what a person says to a change that loosens.
type Acceptance struct {
	By     string // the name of a staff account
	Reason string
}

// Accept says whether one plan may follow another: the version counts up by one, and
// a change that loosens has somebody who accepts it, and why. An error is of kind
// ErrInvalid or ErrDenied.
func Accept(was, is *Plan, a Acceptance) error {
	if err := is.Check(); err != nil {
		return err
	}
	if is.Version != was.Version+1 {
		return invalid("version: %d was expected after %d", was.Version+1, was.Version)
	}
	if strings.TrimSpace(a.By) != "" && strings.TrimSpace(a.Reason) != "" {
		return nil
	}
	for _, c := range Diff(was, is) {
		if c.Loosens {
			return fmt.Errorf("plan: %s: more would be kept than before; it needs somebody who accepts it, and their reason: %w", c.Path, thimble.ErrDenied)
		}
	}
	return nil
}
