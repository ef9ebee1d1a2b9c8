package staff

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"thimble"
)

// Breaking the glass opens one person's data to somebody whose role does not, in an
// emergency, to look. Nobody is asked beforehand; somebody else looks at it afterwards.
const (
	GlassLives    = 15 * time.Minute
	GlassReview   = 72 * time.Hour // then whoever broke it sees nobody's data until it is reviewed
	glassReason   = 20             // characters at least
	maxReasonText = 500
)

// A GlassKind is a kind of reason to break it.
type GlassKind string

// The kinds.
const (
	SafetyGlass   GlassKind = "safety"   // somebody may come to harm
	FraudGlass    GlassKind = "fraud"    // an account is being misused right now
	IncidentGlass GlassKind = "incident" // a fault that a person suffers from, which cannot wait
	LegalGlass    GlassKind = "legal"    // an authority that may ask, and did
)

// GlassKinds returns all kinds.
func GlassKinds() []GlassKind {
	return []GlassKind{SafetyGlass, FraudGlass, IncidentGlass, LegalGlass}
}

// A Glass is one time that it was broken.
type Glass struct {
	ID         thimble.ID
	Account    string
	Subject    thimble.SubjectID
	Kind       GlassKind
	At         time.Time
	Until      time.Time
	ReviewedBy string // "" until somebody did
	ReviewedAt time.Time
	Fine       bool // whoever reviewed it found it right
}

// GlassPrefix is the prefix of its id in text.
const GlassPrefix = "gls"

// Live reports whether it opens anything at an instant. An instant of before it was
// broken is one of a clock that was set back.
func (g Glass) Live(at time.Time) bool { return !at.Before(g.At) && at.Before(g.Until) }

// Overdue reports whether nobody has looked at it in time.
func (g Glass) Overdue(at time.Time) bool {
	return g.ReviewedBy == "" && at.Sub(g.At) > GlassReview
}

// A GlassRecord is what its leaf commits to.
type GlassRecord struct {
	V       int               `json:"v"`
	Glass   string            `json:"glass"`
	What    string            `json:"what"` // "broken" or "reviewed"
	Account string            `json:"account"`
	Subject thimble.SubjectID `json:"subject"`
	Kind    GlassKind         `json:"kind"`
	Reason  string            `json:"reason"` // in the words of whoever broke it; of a review, of whoever made it
	By      string            `json:"by"`
	Fine    bool              `json:"fine,omitempty"`
	At      time.Time         `json:"at"`
}

// Marshal returns the canonical form.
func (r GlassRecord) Marshal() ([]byte, error) {
	b, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("staff: writing a record: %w", err)
	}
	return b, nil
}

// CheckGlass says what is wrong with a reason to break it.
func CheckGlass(kind GlassKind, reason thimble.Personal[string]) error {
	if !slices.Contains(GlassKinds(), kind) {
		return fmt.Errorf("staff: kind: one of safety, fraud, incident, legal was expected: %w", thimble.ErrInvalid)
	}
	return CheckReason(reason, glassReason)
}

// CheckReason says what is wrong with a reason that a person will read. It does not repeat
// it.
func CheckReason(reason thimble.Personal[string], least int) error {
	// Revealed to be measured.
	text := strings.TrimSpace(reason.Reveal())
	switch n := utf8.RuneCountInString(text); {
	case !utf8.ValidString(text) || n < least:
		return fmt.Errorf("staff: reason: at least %d characters were expected, for the person to understand it: %w", least, thimble.ErrInvalid)
	case n > maxReasonText:
		return fmt.Errorf("staff: reason: at most %d characters were expected: %w", maxReasonText, thimble.ErrInvalid)
	}
	if distinct(text) < 4 {
		return fmt.Errorf("staff: reason: words were expected: %w", thimble.ErrInvalid)
	}
	return nil
}

func distinct(p string) int {
	seen := map[rune]bool{}
	for _, r := range p {
		seen[r] = true
	}
	return len(seen)
}
