package policy

import (
	"slices"

	"thimble"
)

// Accept returns the law to apply when after takes the place of before, and the
// changes that wait. What tightens applies at once. What loosens, or may, waits
// until accepted says yes to it; until then the old value is joined to the new
// law. A right is accepted as a whole: its old form stays while any of its
// changes waits. Nil accepts nothing.
func Accept(before, after *Law, accepted func(Change) bool) (effective *Law, pending []Change) {
	waits := map[string]bool{}
	for _, c := range Diff(before, after) {
		if c.Loosens && (accepted == nil || !accepted(c)) {
			pending = append(pending, c)
			waits[c.Name()] = true
		}
	}
	if len(pending) == 0 {
		return after, nil
	}
	parts := slices.Clone(after.parts)
	uses := bothUses(before, after)
	for _, p := range before.parts {
		if kept := p.kept(waits, uses); kept != nil {
			parts = append(parts, kept)
		}
	}
	if !slices.ContainsFunc(before.parts, func(p *portion) bool { return p.general }) {
		// No law was known, so everything was prohibited. That loosens too.
		parts = append(parts, before.nothing(waits, uses))
	}
	return compose(parts), pending
}

// kept returns of p what waits, or nil when nothing does.
func (p *portion) kept(waits map[string]bool, uses []thimble.Purpose) *portion {
	old := *p.pack
	how := p.pack.counting()
	something := false
	for _, l := range old.lists() {
		l.keep(func(v value) bool {
			switch v.(type) {
			case *Rule:
				return false
			case *Stop: // the clocks that stay keep the reasons they had
				return true
			}
			stays := slices.ContainsFunc(p.pack.split(v, how), func(a Atom) bool { return waits[a.Dim+"/"+a.Key] })
			something = something || stays
			return stays
		})
	}
	old.Purposes = nil
	for _, use := range uses {
		r := Rule{Use: use, Mode: Allow, Basis: "none", Source: Source{Cite: "nothing waits for this purpose", Period: old.Effective.Period}}
		if f, speaks := p.find(use, nil); speaks && waits["purpose/"+string(use)] {
			something = true
			r.Mode, r.Basis, r.Cite = f.Mode, f.Basis, f.Cite
		}
		old.Purposes = append(old.Purposes, r)
	}
	if !something {
		return nil
	}
	return old.waiting(p)
}

// nothing is what a law without a general pack asks: no to everything that waits.
func (l *Law) nothing(waits map[string]bool, uses []thimble.Purpose) *portion {
	none := Pack{Format: format, ID: "unknown", Version: "0", Kind: House, Sources: []Document{{ID: "none", Title: "No general law is known"}}}
	for _, use := range uses {
		r := Rule{Use: use, Mode: Allow, Basis: "none", Source: Source{Cite: "no general law is known"}}
		if waits["purpose/"+string(use)] {
			r.Mode = Prohibited
		}
		none.Purposes = append(none.Purposes, r)
	}
	return none.waiting(nil)
}

// waiting makes a portion that adds to a law only what waits.
func (p *Pack) waiting(old *portion) *portion {
	w := &portion{pack: p, silent: true, ref: p.Ref() + "~waiting"}
	if old != nil {
		w.stage = old.stage
	}
	// The seal tells one set of waiting values from another. It cannot fail:
	// the pack was read from text, or has only words.
	_ = p.seal()
	w.all = p.atoms()
	return w
}
