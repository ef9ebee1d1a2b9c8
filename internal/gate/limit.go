package gate

import (
	"thimble"
	"thimble/internal/policy"
)

// limited is the law of somebody who limits what is done with sensitive data (Cal. Civ.
// Code 1798.121; 11 CCR 7027): what their law calls sensitive is closed to all purposes
// but those that the law lists. Each verdict is by it, whoever asks: the gate, its
// compiled states, and the door at which data comes in.
type limited struct{ Law }

// limitedBasis is the basis of what is closed so.
const limitedBasis = "limited"

// Find implements Law: of several categories the first of the strictest, as a table has it.
func (l limited) Find(use thimble.Purpose, categories ...thimble.Category) (found policy.Finding) {
	if len(categories) == 0 {
		return l.Law.Find(use)
	}
	for i, c := range categories {
		f := l.Law.Find(use, c)
		if rule, closed := l.Limits(use, c); closed && f.Mode != policy.Prohibited {
			f = rule
			f.Mode, f.Basis = policy.Prohibited, limitedBasis
		}
		if i == 0 || f.Mode > found.Mode {
			found = f
		}
	}
	return found
}

// Ref implements Law. The digest stays that of the law itself, which leaves carry; the
// name keeps what was compiled of the two apart.
func (l limited) Ref() string { return l.Law.Ref() + " (limited)" }
