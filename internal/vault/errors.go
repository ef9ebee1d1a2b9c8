package vault

import (
	"errors"
	"fmt"

	"thimble"
)

var (
	errShort   = fmt.Errorf("the sealed value is cut short: %w", thimble.ErrDenied)
	errVersion = fmt.Errorf("the sealed value is of an unknown version: %w", thimble.ErrDenied)
	errOther   = fmt.Errorf("the sealed value belongs to another cell, or was changed: %w", thimble.ErrDenied)
	errNoKey   = fmt.Errorf("the owner has no such key; it was never made, was shredded, or has expired: %w", thimble.ErrDenied)
	errWrapped = fmt.Errorf("a stored key does not open: it was changed, or lies under another root: %w", thimble.ErrDenied)
	errEpoch   = fmt.Errorf("the epoch key of a stored key is destroyed or missing: %w", thimble.ErrDenied)
	errExpired = fmt.Errorf("the month has expired: %w", thimble.ErrDenied)
	errNew     = fmt.Errorf("the vault is not initialised; Init makes its first keys: %w", thimble.ErrUnavailable)
)

// kinds are the errors that may pass a door; anything else a root or store
// answers is an outage.
func hasKind(err error) bool {
	for _, kind := range []error{thimble.ErrNotFound, thimble.ErrInvalid, thimble.ErrConflict, thimble.ErrDenied, thimble.ErrUnavailable} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}

func outage(err error) error {
	if err == nil || hasKind(err) {
		return err
	}
	return fmt.Errorf("%w (%w)", err, thimble.ErrUnavailable)
}
