package policy

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"thimble"
)

// A Mode says what a purpose needs before data may be used for it. The order is
// from loose to strict; joining laws takes the stricter.
type Mode int

// The modes, loose to strict.
const (
	Allow Mode = iota
	Notice
	OptOut
	OptIn
	OptInExplicit
	Prohibited
)

var modes = [...]string{"allow", "notice", "opt_out", "opt_in", "opt_in_explicit", "prohibited"}

// String returns the pack's word for m.
func (m Mode) String() string {
	if m < 0 || int(m) >= len(modes) {
		return "prohibited"
	}
	return modes[m]
}

// MarshalText implements encoding.TextMarshaler.
func (m Mode) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (m *Mode) UnmarshalText(text []byte) error {
	for i, word := range modes {
		if word == string(text) {
			*m = Mode(i)
			return nil
		}
	}
	return fmt.Errorf("the mode is one of %s: %w", strings.Join(modes[:], ", "), thimble.ErrInvalid)
}

// A Rule says what one law asks of one purpose.
type Rule struct {
	Use   thimble.Purpose `json:"use" yaml:"use"`
	Mode  Mode            `json:"mode" yaml:"mode"`
	Basis string          `json:"basis" yaml:"basis"`
	Cite  string          `json:"cite" yaml:"cite"`
}

// A Sensitive says what one law asks before data of a category is used at all.
type Sensitive struct {
	Category thimble.Category `json:"category" yaml:"category"`
	Mode     Mode             `json:"mode" yaml:"mode"`
	Cite     string           `json:"cite" yaml:"cite"`
}

// A Pack is one law.
type Pack struct {
	Format    string      `json:"pack" yaml:"pack"`
	ID        string      `json:"id" yaml:"id"`
	Version   string      `json:"version" yaml:"version"`
	Title     string      `json:"title" yaml:"title"`
	Kind      string      `json:"kind" yaml:"kind"`
	Effective Period      `json:"effective" yaml:"effective"`
	Purposes  []Rule      `json:"purposes" yaml:"purposes"`
	Sensitive []Sensitive `json:"sensitive" yaml:"sensitive"`

	hash [32]byte
}

// A Period runs from the first day, in UTC, on which a pack is in force.
type Period struct {
	From time.Time `json:"from" yaml:"from"`
}

// Ref names the pack and its version: "baseline.strict@2026.11.0".
func (p *Pack) Ref() string { return p.ID + "@" + p.Version }

// Hash returns the SHA-256 of the pack's canonical JSON.
func (p *Pack) Hash() [32]byte { return p.hash }

// Digest returns the first eight bytes of the hash, as ledger leaves carry it.
func (p *Pack) Digest() [8]byte { return [8]byte(p.hash[:8]) }

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
	longest := -1
	for _, r := range p.Purposes {
		if use.Within(r.Use) && len(r.Use) > longest {
			longest = len(r.Use)
			found = Finding{Mode: r.Mode, Basis: r.Basis, Pack: p.Ref(), Cite: r.Cite}
		}
	}
	for _, c := range categories {
		for _, s := range p.Sensitive {
			// A request for a whole branch asks for its sensitive part too.
			if (c.Within(s.Category) || s.Category.Within(c)) && s.Mode > found.Mode {
				found.Mode, found.Cite = s.Mode, s.Cite
			}
		}
	}
	return found
}

func (p *Pack) seal() error {
	canonical, err := json.Marshal(p)
	if err != nil {
		return err
	}
	p.hash = sha256.Sum256(canonical)
	return nil
}
