package session

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"time"

	"thimble"
)

// An Audience is the door a link or session is for.
type Audience string

// The audiences.
const (
	Staff    Audience = "staff"
	Customer Audience = "customer"
)

// Who names the one that is signed in: a member of staff by account name, a
// customer by subject.
type Who struct {
	Audience Audience
	Subject  thimble.SubjectID
	Staff    string
}

// A Session is one browser in which somebody is signed in.
type Session struct {
	Who
	ID      thimble.ID
	Device  string // as [Device] names it
	Created time.Time
	Seen    time.Time
	Raised  time.Time // when they last proved who they are
}

// IDPrefix is the prefix of a session's id in text.
const IDPrefix = "ses"

// FreshFor is how long a proof of who somebody is counts for what a stolen cookie
// must not do: taking everything along, being forgotten, changing a password
// (ASVS 5.0, 7.5: re-authentication before sensitive actions).
const FreshFor = 10 * time.Minute

// Fresh reports whether somebody who last proved who they are at raised may do such
// things. A proof from the future was made by a clock that ran ahead, and is none.
func Fresh(raised, now time.Time) bool {
	return now.Sub(raised) < FreshFor && raised.Sub(now) < Skew
}

// How long links and sessions live (ASVS 5.0 V7: idle and absolute limits).
const (
	// Skew is how far in the future a link or session may have been made: one that is
	// later was made by a clock that ran ahead, and would live too long.
	Skew           = 5 * time.Minute
	LinkLives      = 15 * time.Minute
	StaffIdle      = 30 * time.Minute
	StaffWhole     = 8 * time.Hour
	CustomerIdle   = 24 * time.Hour
	CustomerWhole  = 30 * 24 * time.Hour
	seenResolution = time.Minute
)

// Idle returns how long a session of the audience may rest, and Whole how long it
// may last.
func (a Audience) Idle() time.Duration {
	if a == Staff {
		return StaffIdle
	}
	return CustomerIdle
}

// Whole returns how long a session of the audience may last.
func (a Audience) Whole() time.Duration {
	if a == Staff {
		return StaffWhole
	}
	return CustomerWhole
}

// Stale reports whether a session last seen at the given time should be marked
// as seen again: not more often than once a minute, so that reading a page is
// not a write.
func Stale(seen, now time.Time) bool { return now.Sub(seen) >= seenResolution }

// NewToken draws a token and its hash.
func NewToken(r io.Reader) (token string, hash []byte, err error) {
	if r == nil {
		r = rand.Reader
	}
	b := make([]byte, 32)
	if _, err := io.ReadFull(r, b); err != nil {
		return "", nil, fmt.Errorf("session: drawing a token: %w", err)
	}
	token = base64.RawURLEncoding.EncodeToString(b)
	return token, Hash(token), nil
}

// Hash returns what is stored of a token.
func Hash(token string) []byte {
	h := sha256.Sum256([]byte(token))
	return h[:]
}
