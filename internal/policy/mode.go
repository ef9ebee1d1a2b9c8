package policy

import (
	"fmt"
	"strings"

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

// A Need says what a minor needs before their data is used.
type Need int

// The needs, loose to strict.
const (
	NoNeed Need = iota
	OwnConsent
	ParentalConsent
	VerifiedParentalConsent
	Forbidden
)

var needs = [...]string{"none", "own_consent", "parental_consent", "verified_parental_consent", "forbidden"}

// String returns the pack's word for n.
func (n Need) String() string {
	if n < 0 || int(n) >= len(needs) {
		return "forbidden"
	}
	return needs[n]
}

// MarshalText implements encoding.TextMarshaler.
func (n Need) MarshalText() ([]byte, error) { return []byte(n.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (n *Need) UnmarshalText(text []byte) error {
	for i, word := range needs {
		if word == string(text) {
			*n = Need(i)
			return nil
		}
	}
	return fmt.Errorf("the need is one of %s: %w", strings.Join(needs[1:], ", "), thimble.ErrInvalid)
}
