package signal

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"thimble"
	"thimble/internal/consent"
)

// A Source is a kind of signal.
type Source string

// The sources.
const (
	FromGPC     Source = "gpc"
	FromTCF     Source = "tcf"
	FromGPP     Source = "gpp"
	FromUSP     Source = "usp"
	FromGoogle  Source = "google"
	FromSegment Source = "segment"
)

// Actor is who makes the choice, in the words of a consent event: "signal:gpc".
func (s Source) Actor() string { return "signal:" + string(s) }

// A Line is what a signal says about one purpose.
type Line struct {
	Purpose thimble.Purpose
	Allows  bool
	Cite    string // the standard and its place
}

// A Reading is what one signal says. The zero Reading says nothing.
type Reading struct {
	Source Source
	Lines  []Line
	// Refused says why the signal cannot be relied on: then it denies everything
	// that rests on consent.
	Refused *Refusal
	// Notes are remarks that change nothing.
	Notes []Refusal
}

// A Refusal says what is wrong with a signal and what to do about it.
type Refusal struct{ What, Do string }

// A Reason says why a purpose is not permitted, or what was remarkable.
type Reason struct {
	Source  Source
	Purpose thimble.Purpose // "" when it concerns all
	Denies  bool
	Text    string // what the signal says, or what is wrong with it
	Cite    string
	Do      string // what the caller can do; "" for nothing
}

// A Narrowed is what is left.
type Narrowed struct {
	States  map[thimble.Purpose]consent.State
	Reasons []Reason // sorted, each once
}

// Permits reports whether the purpose is permitted. An unknown one is not.
func (n Narrowed) Permits(p thimble.Purpose) bool { return n.States[p].Permits() }

// Narrow holds signals against the states that the ledger gives: a purpose stays
// given only if no signal denies it. The states are not changed; the result has its own.
func Narrow(states map[thimble.Purpose]consent.State, signals ...Reading) Narrowed {
	n := Narrowed{States: maps.Clone(states)}
	if n.States == nil {
		n.States = map[thimble.Purpose]consent.State{}
	}
	for _, r := range signals {
		n.apply(states, r)
	}
	n.contradictions(signals)
	slices.SortFunc(n.Reasons, compare)
	n.Reasons = slices.Compact(n.Reasons)
	return n
}

func (n *Narrowed) apply(states map[thimble.Purpose]consent.State, r Reading) {
	if r.Refused != nil {
		n.Reasons = append(n.Reasons, Reason{Source: r.Source, Denies: true, Text: r.Refused.What, Do: r.Refused.Do})
	}
	for _, note := range r.Notes {
		n.Reasons = append(n.Reasons, Reason{Source: r.Source, Text: note.What, Do: note.Do})
	}
	for p, s := range states {
		if r.Refused != nil && restsOnConsent(p) {
			n.deny(p, s)
		}
		for _, l := range r.Lines {
			if l.Allows || !concerns(l.Purpose, p) {
				continue
			}
			n.deny(p, s)
			n.Reasons = append(n.Reasons, Reason{Source: r.Source, Purpose: p, Denies: true, Text: "the signal says no to " + string(l.Purpose), Cite: l.Cite})
		}
	}
}

func (n *Narrowed) deny(p thimble.Purpose, s consent.State) {
	if s.Permits() {
		n.States[p] = consent.Refused
	}
}

const contradiction = "signals contradict each other: the stricter holds"

// contradictions names the purposes that one signal allows and one denies.
func (n *Narrowed) contradictions(signals []Reading) {
	said := map[thimble.Purpose][2]bool{}
	for _, r := range signals {
		for _, l := range r.Lines {
			s := said[l.Purpose]
			s[0], s[1] = s[0] || l.Allows, s[1] || !l.Allows
			said[l.Purpose] = s
		}
	}
	for p, s := range said {
		if s[0] && s[1] {
			n.Reasons = append(n.Reasons, Reason{Purpose: p, Denies: true, Text: contradiction, Do: "ask the person which of the two they meant"})
		}
	}
}

func compare(a, b Reason) int {
	deny := func(r Reason) int {
		if r.Denies {
			return 0
		}
		return 1
	}
	return cmp.Or(cmp.Compare(deny(a), deny(b)), cmp.Compare(a.Source, b.Source), cmp.Compare(a.Purpose, b.Purpose),
		cmp.Compare(a.Text, b.Text), cmp.Compare(a.Cite, b.Cite), cmp.Compare(a.Do, b.Do))
}

// Options are what a string is held against.
type Options struct {
	Now time.Time
	// Languages are those the shop's banner can show, such as "en"; none means any.
	Languages []string
	// VendorList is the newest version of the IAB's vendor list that is known; 0
	// means that none is kept, and any version but 0 counts.
	VendorList int
}

// skew is how far another machine's clock may be ahead.
const skew = 5 * time.Minute

func refused(s Source, what, do string) Reading {
	return Reading{Source: s, Refused: &Refusal{What: what, Do: do}}
}

// unreadable refuses a string that breaks a rule. The errors of the decoders name
// field and rule, and quote nothing.
func unreadable(s Source, err error) Reading {
	return refused(s, "it cannot be read: "+err.Error(), "have the consent platform write it anew, or send none")
}

// GPC reads the values of the header Sec-GPC. Only "1" means something; one such
// value is enough (Global Privacy Control, W3C, 3.2).
func GPC(values []string) Reading {
	r := Reading{Source: FromGPC}
	if !slices.Contains(values, "1") {
		return r
	}
	for _, p := range optedOut {
		r.Lines = append(r.Lines, Line{Purpose: p, Cite: "Global Privacy Control (W3C), 2; Cal. Civ. Code 1798.135(e); 11 CCR 7025"})
	}
	return r
}
