package till

import (
	"crypto/ed25519"
	"fmt"
	"slices"
	"time"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/consent/till/signed"
	"thimble/internal/subject"
)

// Known is what a batch is held against.
type Known struct {
	Now time.Time
	// Key returns the till's key of that id, nil for none and for a revoked one.
	Key func(till, id string) ed25519.PublicKey
	// Used reports whether the till's number was recorded before.
	Used func(till string, sequence int64) bool
	// Notice returns the text of a hash, and whether it was ever shown.
	Notice func(sha256 string) (consent.Notice, bool)
}

// A Choice is one choice that counts, ready to be recorded.
type Choice struct {
	Line    int
	Who     subject.Identifier
	Purpose thimble.Purpose
	State   consent.State
	At      time.Time // by the till's clock; it decides nothing but what is stricter
	Notice  consent.Notice
}

// Grants reports whether the choice is a yes.
func (c Choice) Grants() bool { return c.State == consent.Given }

// A Reject is an entry that was left out, by its line in the file.
type Reject struct {
	Line int
	Rule string
}

// Verify returns what counts of a batch and what does not. An error means that nothing
// counts: of kind ErrDenied when the origin is in doubt, ErrConflict when the till's
// number was used before, ErrInvalid else.
func (b *Batch) Verify(k Known) ([]Choice, []Reject, error) {
	if err := b.origin(k); err != nil {
		return nil, nil, err
	}
	var choices []Choice
	var rejects []Reject
	for i, e := range b.Entries {
		line := i + 2
		found, rule := b.entry(e, line, k)
		if rule != "" {
			rejects = append(rejects, Reject{line, rule})
		}
		choices = append(choices, found...)
	}
	choices, more := stricter(choices)
	rejects = append(rejects, more...)
	slices.SortStableFunc(rejects, func(a, b Reject) int { return a.Line - b.Line })
	return choices, rejects, nil
}

func (b *Batch) origin(k Known) error {
	text, err := b.Canonical()
	if err != nil {
		return err
	}
	err = form.Verify(opening(b.Header), signed.Origin{
		Text: text, Signature: b.signature, Key: k.Key(b.Till, b.Key), Used: k.Used(b.Till, b.Sequence), Now: k.Now,
	})
	if err != nil {
		return err
	}
	if _, ok := k.Notice(b.Notice); !ok {
		return fmt.Errorf("till: notice: no text of this hash was ever shown; give %s the current notice: %w", b.Till, thimble.ErrInvalid)
	}
	return nil
}

// The rules by which an entry is left out.
const (
	ruleIdentifier = "the identifier is none of its kind"
	ruleChoice     = "choice: given, refused or withdrawn was expected"
	rulePurpose    = "a purpose is not one that is asked for"
	ruleFuture     = "at: it was chosen after the batch was closed"
	ruleNotice     = "notice: a grant needs the text that was shown, and no text of this hash was"
	ruleBoth       = "the batch says yes and no to the same: no holds"
	ruleTwice      = "the same choice comes twice in the batch"
)

func (b *Batch) entry(e Entry, line int, k Known) ([]Choice, string) {
	who, err := subject.NewIdentifier(e.Kind, e.Value)
	notice, shown := k.Notice(e.Notice)
	switch {
	case err != nil:
		return nil, ruleIdentifier
	case e.Choice != consent.Given && e.Choice != consent.Refused && e.Choice != consent.Withdrawn:
		return nil, ruleChoice
	case e.At.IsZero() || e.At.After(b.Created.Add(skew)):
		return nil, ruleFuture
	case !shown && e.Choice == consent.Given:
		return nil, ruleNotice
	case len(e.Purposes) == 0:
		return nil, rulePurpose
	}
	if !shown { // a no needs no proof of what was read
		notice, _ = k.Notice(b.Notice)
	}
	var all []Choice
	for _, p := range e.Purposes {
		c := Choice{Line: line, Who: who, Purpose: p, State: e.Choice, At: e.At.UTC(), Notice: notice}
		if (consent.Choice{Purpose: p, State: e.Choice}).Check() != nil {
			return nil, rulePurpose
		}
		all = append(all, c)
	}
	return all, ""
}

// stricter leaves of each person and purpose one choice: the first no, else the first yes.
func stricter(all []Choice) (kept []Choice, rejects []Reject) {
	type about struct {
		kind    subject.Kind
		value   string
		purpose thimble.Purpose
	}
	of := func(c Choice) about { return about{c.Who.Kind, c.Who.Value.Reveal(), c.Purpose} } // compared, and goes nowhere
	chosen := map[about]int{}
	for i, c := range all {
		if j, there := chosen[of(c)]; !there || all[j].Grants() && !c.Grants() {
			chosen[of(c)] = i
		}
	}
	for i, c := range all {
		switch j := chosen[of(c)]; {
		case i == j:
			kept = append(kept, c)
		case c.Grants() != all[j].Grants():
			rejects = append(rejects, Reject{c.Line, ruleBoth})
		default:
			rejects = append(rejects, Reject{c.Line, ruleTwice})
		}
	}
	return kept, rejects
}
