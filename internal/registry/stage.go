package registry

import (
	"fmt"
	"slices"

	"thimble"
)

// A Stage is where a version is in its life.
type Stage string

// The stages. Files are kept of the first four.
const (
	Shadow     Stage = "shadow"     // kept and verified, shown to nobody
	Challenger Stage = "challenger" // next in line
	Champion   Stage = "champion"   // it serves; a model has one at most
	Retired    Stage = "retired"    // served before, and is kept to go back to
	Revoked    Stage = "revoked"    // must never be loaded again
	Destroyed  Stage = "destroyed"  // its file is gone
)

// Stages are all, in the order of a version's life.
func Stages() []Stage { return []Stage{Shadow, Challenger, Champion, Retired, Revoked, Destroyed} }

// Kept reports whether the file of a version in this stage exists.
func (s Stage) Kept() bool {
	return s == Shadow || s == Challenger || s == Champion || s == Retired
}

var moves = map[Stage][]Stage{
	"":         {Shadow, Challenger, Champion, Retired}, // a new version
	Shadow:     {Challenger, Champion, Revoked, Destroyed},
	Challenger: {Shadow, Champion, Revoked, Destroyed},
	Champion:   {Retired, Revoked, Destroyed},
	Retired:    {Champion, Revoked, Destroyed},
}

// Move refuses a change of stage that life does not have: nothing comes back from
// revocation or destruction. The error is of kind ErrConflict.
func Move(from, to Stage) error {
	if !slices.Contains(moves[from], to) {
		return fmt.Errorf("registry: a version that is %s cannot become %s: %w", from, to, thimble.ErrConflict)
	}
	return nil
}
