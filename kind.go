package thimble

import "errors"

// The kinds of error that the doors know how to answer. Wrap them with
// fmt.Errorf and %w; ask for them with errors.Is. Anything else is internal and
// is never shown.
var (
	// ErrNotFound says that the thing asked for does not exist, or that the
	// caller may not learn that it does.
	ErrNotFound = errors.New("not found")
	// ErrInvalid says that the input breaks a rule; the text names field and rule.
	ErrInvalid = errors.New("invalid")
	// ErrConflict says that the state has moved on since the caller looked.
	ErrConflict = errors.New("conflict")
	// ErrDenied says no. Doubt is denied: an unknown purpose, a missing pack, a
	// silent ledger, a lost key.
	ErrDenied = errors.New("denied")
	// ErrUnavailable says that the same call may succeed later.
	ErrUnavailable = errors.New("unavailable")
)
