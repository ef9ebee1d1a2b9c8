package policy

import (
	"slices"

	"thimble"
)

// Despite are the purposes that stay open to sensitive data when the person limits its
// use and the law lists none: what they asked for, and what a law obliges to.
func Despite() []thimble.Purpose {
	return []thimble.Purpose{thimble.EssentialService, thimble.LegalObligation}
}

// Limits reports whether a use is closed for somebody who limits what is done with
// sensitive data (such as Cal. Civ. Code 1798.121), with the rule that closes it: one of
// the categories is sensitive, and the purpose is none of those that stay open to it.
func (p *Pack) Limits(use thimble.Purpose, categories ...thimble.Category) (Finding, bool) {
	for i := range p.Sensitive {
		s := &p.Sensitive[i]
		// A request for a whole branch asks for its sensitive part too.
		touches := slices.ContainsFunc(categories, func(c thimble.Category) bool { return c.Within(s.Category) || s.Category.Within(c) })
		if touches && !s.stays(use) {
			return Finding{Mode: Prohibited, Basis: "none", Pack: p.Ref(), Cite: s.Cite}, true
		}
	}
	return Finding{}, false
}

func (s *Sensitive) stays(use thimble.Purpose) bool {
	open := s.Despite
	if len(open) == 0 {
		open = Despite()
	}
	return slices.ContainsFunc(open, use.Within)
}

// Limits is [Pack.Limits] by all packs of the law: what one of them closes is closed.
func (l *Law) Limits(use thimble.Purpose, categories ...thimble.Category) (Finding, bool) {
	for _, p := range l.parts {
		if f, closed := p.pack.Limits(use, categories...); closed {
			return f, true
		}
	}
	return Finding{}, false
}

// Sensitive returns the categories that the law calls sensitive, each once.
func (l *Law) Sensitive() (all []thimble.Category) {
	for _, p := range l.parts {
		for _, s := range p.pack.Sensitive {
			all = append(all, s.Category)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
