package policy

import (
	"cmp"
	"slices"
	"strings"

	"thimble"
	"thimble/internal/policy/calendar"
)

// join computes the values of the law. The portions' atoms are in order already,
// so they are merged.
func (l *Law) join() []Value {
	heads := make([][]Atom, len(l.parts))
	total := 0
	for i, p := range l.parts {
		heads[i] = p.all
		total += len(p.all)
	}
	values := l.purposes(total)
	refs := make([]*Atom, 0, total) // of all values, one after the other
	for {
		var first *Atom
		from := 0
		for i := range heads {
			if len(heads[i]) > 0 && (first == nil || heads[i][0].order(first) < 0) {
				first, from = &heads[i][0], i
			}
		}
		if first == nil {
			return values
		}
		heads[from] = heads[from][1:]
		refs = append(refs, first)
		if n := len(values); n > 0 && values[n-1].Dim == first.Dim && values[n-1].Key == first.Key {
			last := &values[n-1]
			last.add(first)
			last.atoms = refs[len(refs)-1-len(last.atoms) : len(refs) : len(refs)]
			continue
		}
		values = append(values, Value{Dim: first.Dim, Key: first.Key, Text: first.Text, Origin: first.Origin, atoms: refs[len(refs)-1 : len(refs) : len(refs)]})
	}
}

// add takes the next atom, in order from strict to loose.
func (v *Value) add(a *Atom) {
	if a.Text == v.Text {
		v.Also = append(v.Also, a.Origin)
	} else {
		v.Lost = append(v.Lost, a)
	}
}

// uses returns every purpose that a rule of the law names. What the law asks of
// any other purpose is what it asks of the longest of these that covers it.
func (l *Law) uses() []thimble.Purpose {
	var all []thimble.Purpose
	for _, p := range l.parts {
		for _, r := range p.pack.Purposes {
			all = append(all, r.Use)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// purposes returns what the law asks of each of its purposes, with room for more
// values.
func (l *Law) purposes(more int) []Value {
	uses := l.uses()
	values := make([]Value, 0, len(uses)+more)
	all := make([]Atom, 0, len(uses)*len(l.parts)) // never grows, so pointers into it hold
	for _, use := range uses {
		first := len(all)
		for _, p := range l.parts {
			if a, ok := p.purpose(use); ok {
				all = append(all, a)
			}
		}
		atoms := make([]*Atom, 0, len(all)-first)
		for i := first; i < len(all); i++ {
			atoms = append(atoms, &all[i])
		}
		if len(atoms) == 0 {
			continue
		}
		slices.SortFunc(atoms, (*Atom).order)
		v := Value{Dim: "purpose", Key: string(use), Text: atoms[0].Text, Origin: atoms[0].Origin, atoms: atoms}
		for _, a := range atoms[1:] {
			v.add(a)
		}
		values = append(values, v)
	}
	return values
}

func (p *portion) purpose(use thimble.Purpose) (Atom, bool) {
	r := p.pack.rule(use)
	a := Atom{Dim: "purpose", Key: string(use)}
	switch {
	case r != nil && p.silent && r.Mode == Allow:
		return a, false
	case r != nil:
		a.Text, a.rank, a.Origin = r.Mode.String(), int64(r.Mode), p.pack.origin(&r.Source)
	case p.general:
		a.Text, a.rank, a.Origin = Prohibited.String(), int64(Prohibited), Origin{Pack: p.ref, Cite: "no rule covers the purpose"}
	default:
		return a, false
	}
	return a, true
}

// value returns one value of the law, or nil.
func (l *Law) value(dim, key string) *Value {
	all := l.Values()
	for i := range all {
		if all[i].Dim == dim && all[i].Key == key {
			return &all[i]
		}
	}
	return nil
}

// NeedOf returns what a person of the age needs for the topic, and says who asks
// for it. A negative age is unknown.
func (l *Law) NeedOf(topic string, age int) (Need, Origin) {
	need, from := NoNeed, Origin{}
	for _, p := range l.parts {
		for i := range p.pack.Minors {
			m := &p.pack.Minors[i]
			if m.Topic == topic && m.Needs > need && (age >= 0 && age < m.Under || age < 0 && m.UnknownCounts) {
				need, from = m.Needs, p.pack.origin(&m.Source)
			}
		}
	}
	return need, from
}

// Objections returns the purposes to which a signal objects, and whether the
// site must show that it was honoured.
func (l *Law) Objections(signal string) (uses []thimble.Purpose, display bool) {
	for _, p := range l.parts {
		for _, s := range p.pack.Signals {
			if s.Signal == signal {
				uses, display = append(uses, s.Objects...), display || s.Display
			}
		}
	}
	slices.Sort(uses)
	return slices.Compact(uses), display
}

// A Term is how long data of a category may and must be kept.
type Term struct {
	Max []Ceiling // the longest, by what it is counted from; the strictest of each
	Min []Keep    // duties to keep; past the ceiling, FindKept says what for
}

// Retention returns how long data of the category may and must be kept.
func (l *Law) Retention(c thimble.Category) Term {
	var t Term
	covers := func(of thimble.Category) bool { return of == "*" || c.Within(of) || of.Within(c) }
	for _, p := range l.parts {
		for _, m := range p.pack.Retention {
			if !covers(m.Category) {
				continue
			}
			i := slices.IndexFunc(t.Max, func(o Ceiling) bool { return o.After == m.After })
			switch {
			case i < 0:
				t.Max = append(t.Max, m)
			case m.Max.Compare(t.Max[i].Max) < 0:
				t.Max[i] = m
			}
		}
		for _, k := range p.pack.Keep {
			if covers(k.Category) {
				t.Min = append(t.Min, k)
			}
		}
	}
	slices.SortFunc(t.Max, func(a, b Ceiling) int { return strings.Compare(a.After, b.After) })
	slices.SortFunc(t.Min, func(a, b Keep) int {
		return cmp.Or(b.Min.Compare(a.Min), strings.Compare(a.Record, b.Record), strings.Compare(a.Cite, b.Cite))
	})
	return t
}

// ReAsk returns how long the shop waits before it asks again what was refused.
func (l *Law) ReAsk() (calendar.Span, Origin) {
	if v := l.value("bound", "re_ask"); v != nil {
		return v.atoms[0].span, v.Origin
	}
	return calendar.Span{}, Origin{}
}
