package policy

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strings"
	"sync"

	"thimble"
	"thimble/internal/policy/calendar"
)

// A Law is what packs say together on one day: the join of their values. For
// each value the strictest wins, so that adding a pack never loosens anything.
// It does not change once it is made.
type Law struct {
	parts  []*portion
	ref    string
	digest [8]byte
	values func() []Value
}

// A portion is a pack with the values that are in force on a day.
type portion struct {
	pack    *Pack
	stage   int // how many of the pack's changes have happened
	all     []Atom
	ref     string
	general bool
	silent  bool // asks of purposes only what stands pending
}

// A Value is one value of a law with its sources: who won, who says the same,
// and who lost.
type Value struct {
	Dim    string   `json:"dimension"`
	Key    string   `json:"key"`
	Text   string   `json:"value"`
	Origin Origin   `json:"origin"`
	Also   []Origin `json:"also,omitempty"`
	Lost   []*Atom  `json:"lost,omitempty"`

	atoms []*Atom // all of them, the winner first
}

// portionOf returns what the pack says on a day of its own zone, with the day's stage.
func portionOf(p *Pack, on calendar.Date) *portion {
	now := *p
	for _, l := range now.lists() {
		l.keep(func(v value) bool { return v.src().Covers(on) })
	}
	return &portion{pack: &now, stage: stageOf(p.changes(), on), all: now.atoms(), ref: p.Ref(), general: p.Kind.General()}
}

// changes returns the days on which what the pack says changes, in order.
func (p *Pack) changes() []calendar.Date {
	days := []calendar.Date{p.Effective.From}
	if to := p.Effective.To; !to.IsZero() {
		days = append(days, to.Add(1))
	}
	for _, l := range p.lists() {
		for i := range l.len {
			s := l.at(i).src()
			days = append(days, s.From)
			if !s.To.IsZero() {
				days = append(days, s.To.Add(1))
			}
		}
	}
	slices.SortFunc(days, calendar.Date.Compare)
	return slices.Compact(days)
}

func stageOf(changes []calendar.Date, on calendar.Date) int {
	n := 0
	for n < len(changes) && !on.Before(changes[n]) {
		n++
	}
	return n
}

// compose joins portions. The same portion twice counts once.
func compose(parts []*portion) *Law {
	parts = slices.Clone(parts)
	slices.SortFunc(parts, func(a, b *portion) int {
		return cmp.Or(cmp.Compare(a.ref, b.ref), cmp.Compare(a.stage, b.stage), bytes.Compare(a.pack.hash[:], b.pack.hash[:]))
	})
	parts = slices.CompactFunc(parts, func(a, b *portion) bool {
		return a.ref == b.ref && a.stage == b.stage && a.pack.hash == b.pack.hash
	})
	l := &Law{parts: parts}
	var names strings.Builder
	// What is hashed is fixed in length but for the names, which have none of
	// the separator.
	h := make([]byte, 0, 64*len(parts))
	for i, p := range parts {
		if i > 0 {
			names.WriteByte('+')
		}
		names.WriteString(p.ref)
		h = append(h, p.ref...)
		h = append(h, 0)
		h = append(h, p.pack.hash[:]...)
		h = binary.BigEndian.AppendUint32(h, uint32(p.stage))
	}
	l.ref = names.String()
	sum := sha256.Sum256(h)
	l.digest = [8]byte(sum[:8])
	l.values = sync.OnceValue(l.join)
	return l
}

// Join returns the law of both. It is commutative, associative and idempotent.
func Join(a, b *Law) *Law { return compose(append(slices.Clone(a.parts), b.parts...)) }

// LawOf returns the law of the packs alone, on a day of their own zones. Packs
// that are not in force then are left out.
func LawOf(on calendar.Date, packs ...*Pack) *Law {
	var parts []*portion
	for _, p := range packs {
		if p.Effective.Covers(on) {
			parts = append(parts, portionOf(p, on))
		}
	}
	return compose(parts)
}

// Ref names the packs: "eu.eprivacy@2026.11.0+eu.gdpr.de@2026.11.0".
func (l *Law) Ref() string { return l.ref }

// Digest stands for everything the law says, as ledger leaves carry it.
func (l *Law) Digest() [8]byte { return l.digest }

// Packs returns the names of the packs.
func (l *Law) Packs() []string {
	var all []string
	for _, p := range l.parts {
		all = append(all, p.ref)
	}
	return all
}

// Values returns everything the law says, by dimension and key.
func (l *Law) Values() []Value { return l.values() }

// Find returns what the law asks before data of the categories is used for the
// purpose. A law without a general pack permits nothing: its people's general
// law is not known.
func (l *Law) Find(use thimble.Purpose, categories ...thimble.Category) Finding {
	best := Finding{Mode: Prohibited, Basis: "none", Pack: l.ref, Cite: "no general law is known"}
	found, general := false, false
	for _, p := range l.parts {
		f, speaks := p.find(use, categories)
		if !speaks {
			continue
		}
		// Of two that ask the same, the general law is named.
		if !found || f.Mode > best.Mode || f.Mode == best.Mode && p.general && !general {
			best, general = f, p.general
		}
		found = true
	}
	if !slices.ContainsFunc(l.parts, func(p *portion) bool { return p.general }) && best.Mode != Prohibited {
		return Finding{Mode: Prohibited, Basis: "none", Pack: l.ref, Cite: "no general law is known"}
	}
	return best
}

// FindKept returns what the law asks of data that is kept only because a keep
// duty says so: nothing but legal obligations. A keep duty narrows, and never
// permits what the law does not.
func (l *Law) FindKept(use thimble.Purpose, categories ...thimble.Category) Finding {
	f := l.Find(use, categories...)
	if !use.Within(thimble.LegalObligation) && f.Mode != Prohibited {
		f.Mode, f.Basis, f.Cite = Prohibited, "legal_obligation", "kept under a keep duty, for legal obligations only"
	}
	return f
}

func (p *portion) find(use thimble.Purpose, categories []thimble.Category) (Finding, bool) {
	if p.general {
		return p.pack.Find(use, categories...), true
	}
	f := Finding{Mode: Allow, Pack: p.ref}
	r := p.pack.rule(use)
	if r != nil {
		f = Finding{Mode: r.Mode, Basis: r.Basis, Pack: p.ref, Cite: r.Cite}
	}
	stricter := p.pack.sensitive(f, categories)
	if stricter != f && r == nil {
		stricter.Basis = "consent"
	}
	return stricter, r != nil && !(p.silent && r.Mode == Allow) || stricter != f
}

// A Finding is what a law says about one use, with its source.
type Finding struct {
	Mode  Mode
	Basis string
	Pack  string // the pack's Ref
	Cite  string
}

// Find returns what the pack asks before data of the categories is used for the
// purpose: the longest rule that covers the purpose, made stricter by the
// categories. A purpose that no rule covers is prohibited.
func (p *Pack) Find(use thimble.Purpose, categories ...thimble.Category) Finding {
	found := Finding{Mode: Prohibited, Basis: "none", Pack: p.Ref(), Cite: "no rule covers the purpose"}
	if r := p.rule(use); r != nil {
		found = Finding{Mode: r.Mode, Basis: r.Basis, Pack: p.Ref(), Cite: r.Cite}
	}
	return p.sensitive(found, categories)
}

func (p *Pack) rule(use thimble.Purpose) *Rule {
	var longest *Rule
	for i := range p.Purposes {
		r := &p.Purposes[i]
		if use.Within(r.Use) && (longest == nil || len(r.Use) > len(longest.Use)) {
			longest = r
		}
	}
	return longest
}

func (p *Pack) sensitive(found Finding, categories []thimble.Category) Finding {
	for _, c := range categories {
		for i := range p.Sensitive {
			s := &p.Sensitive[i]
			// A request for a whole branch asks for its sensitive part too.
			if (c.Within(s.Category) || s.Category.Within(c)) && s.Mode > found.Mode {
				found.Mode, found.Cite = s.Mode, s.Cite
			}
		}
	}
	return found
}
