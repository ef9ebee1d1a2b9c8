package staff

import (
	"encoding/json"
	"fmt"
	"time"

	"thimble"
)

// A Change is what somebody did to an account: the record that its leaf commits to.
type Change struct {
	V       int       `json:"v"`
	Account string    `json:"account"`
	What    What      `json:"what"`
	Roles   []Role    `json:"roles,omitempty"` // as they are now
	Until   time.Time `json:"until,omitzero"`  // until when the training counts
	By      string    `json:"by"`              // an account's name, or "command line"
	At      time.Time `json:"at"`
	Note    string    `json:"note,omitempty"` // why, in the words of whoever did it
}

// CommandLine is who makes a change from the machine itself.
const CommandLine = "command line"

// A What is a kind of change.
type What string

// The kinds of change.
const (
	Added        What = "added"
	LetIn        What = "link"   // a one-time link was made
	SetUp        What = "set up" // password and second factor were set
	NewPassword  What = "new password"
	NewFactor    What = "new second factor"
	RolesChanged What = "roles"
	TrainingSet  What = "training"
	LockedUp     What = "locked"
	Unlocked     What = "unlocked"
	Reset        What = "reset" // password and second factor were taken away
	HasLeft      What = "left"
)

// Marshal returns the canonical form.
func (c Change) Marshal() ([]byte, error) {
	b, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("staff: writing a change: %w", err)
	}
	return b, nil
}

// UnmarshalChange reads the canonical form.
func UnmarshalChange(b []byte) (c Change, err error) {
	if err := json.Unmarshal(b, &c); err != nil || c.V != 1 {
		return Change{}, fmt.Errorf("staff: reading a change: its form is unknown: %w", thimble.ErrInvalid)
	}
	return c, nil
}

// Check refuses what nobody may do to themselves.
func (c Change) Check() error {
	if c.By != c.Account {
		return nil
	}
	switch c.What {
	case RolesChanged, TrainingSet, LockedUp, Unlocked, HasLeft:
		return fmt.Errorf("staff: nobody changes their own %s; ask somebody else who may: %w", c.What, thimble.ErrDenied)
	}
	return nil
}
