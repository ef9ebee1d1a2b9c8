package policy

import (
	"cmp"
	"slices"

	"thimble"
)

// A Change is one value that differs between two laws.
type Change struct {
	Dim     string `json:"dimension"`
	Key     string `json:"key"`
	From    string `json:"from,omitempty"` // empty when there was none
	To      string `json:"to,omitempty"`   // empty when there is none any more
	Loosens bool   `json:"loosens"`        // or may loosen, on some day
	Before  Origin `json:"before,omitzero"`
	After   Origin `json:"after,omitzero"`
}

// Name returns dimension and key: "deadline/access".
func (c Change) Name() string { return c.Dim + "/" + c.Key }

// Diff returns every value that differs, in order. Where two values cannot be
// compared, such as two wordings or two ways to count days, the change counts as
// one that loosens.
func Diff(before, after *Law) []Change {
	changes := diffPurposes(before, after)
	var rest []Change
	old, now := index(before), index(after)
	for name, b := range old {
		if a, stays := now[name]; !stays {
			c := Change{Dim: b.Dim, Key: b.Key, From: b.Text, Before: b.Origin, Loosens: true}
			rest = append(rest, c)
		} else if c, differs := compare(b, a); differs {
			rest = append(rest, c)
		}
	}
	for name, a := range now {
		if old[name] == nil {
			rest = append(rest, Change{Dim: a.Dim, Key: a.Key, To: a.Text, After: a.Origin})
		}
	}
	slices.SortFunc(rest, func(a, b Change) int {
		return cmp.Or(slices.Index(dims, a.Dim)-slices.Index(dims, b.Dim), cmp.Compare(a.Key, b.Key))
	})
	return append(changes, rest...)
}

func index(l *Law) map[string]*Value {
	all := l.Values()
	m := make(map[string]*Value, len(all))
	for i := range all {
		if v := &all[i]; v.Dim != "purpose" {
			m[v.Dim+"/"+v.Key] = v
		}
	}
	return m
}

// compare says whether two values of one key differ. All atoms count, not only
// the strictest: which of two clocks runs out first depends on the day.
func compare(b, a *Value) (Change, bool) {
	c := Change{Dim: b.Dim, Key: b.Key, From: b.Text, To: a.Text, Before: b.Origin, After: a.Origin}
	uncovered := func(these, by []*Atom) bool {
		return slices.ContainsFunc(these, func(x *Atom) bool {
			return !slices.ContainsFunc(by, func(y *Atom) bool { return y.covers(x) })
		})
	}
	c.Loosens = uncovered(b.atoms, a.atoms)
	return c, c.Loosens || uncovered(a.atoms, b.atoms)
}

func diffPurposes(before, after *Law) []Change {
	var changes []Change
	for _, use := range bothUses(before, after) {
		b, a := before.Find(use), after.Find(use)
		if b.Mode == a.Mode {
			continue
		}
		changes = append(changes, Change{
			Dim: "purpose", Key: string(use), From: b.Mode.String(), To: a.Mode.String(), Loosens: a.Mode < b.Mode,
			Before: Origin{Pack: b.Pack, Cite: b.Cite}, After: Origin{Pack: a.Pack, Cite: a.Cite},
		})
	}
	return changes
}

func bothUses(a, b *Law) []thimble.Purpose {
	all := append(a.uses(), b.uses()...)
	slices.Sort(all)
	return slices.Compact(all)
}
