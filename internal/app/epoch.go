package app

import (
	"context"
	"errors"
	"fmt"

	"thimble"
	"thimble/internal/ledger"
	"thimble/internal/ledger/ledgerdb"
)

// OpenEpoch ends the log and begins the next, after its database was put back from a
// backup. Seen is the last checkpoint that anybody saw of the log: a witness, an auditor,
// a receipt. Beside it counts what this installation remembers itself. Call it while
// nobody serves, and open the installation anew afterwards. The error is of kind
// ErrConflict when nothing was lost: the log goes on as it is.
func (a *App) OpenEpoch(ctx context.Context, seen []byte) (number int64, err error) {
	if seen, err = a.newerSeen(seen); err != nil {
		return 0, err
	}
	if len(seen) == 0 {
		return 0, fmt.Errorf("this installation remembers no checkpoint of its log; give the last one that a witness or an auditor saw, with --seen: %w", thimble.ErrInvalid)
	}
	switch err := a.Ledger.Sound(ctx, seen); {
	case err == nil:
		return 0, fmt.Errorf("the log extends the last checkpoint that was seen; a new epoch is not needed: %w", thimble.ErrConflict)
	case !errors.Is(err, ledger.ErrRolledBack) && !errors.Is(err, ledger.ErrForked):
		return 0, err
	}
	before, err := ledgerdb.Epoch(ctx, a.Core)
	if err != nil {
		return 0, err
	}
	next, err := a.logSigner(ctx, before+1)
	if err != nil {
		return 0, err
	}
	if _, err := ledgerdb.OpenEpoch(ctx, a.Core, a.Ledger, next, seen, ledgerdb.Config{Log: a.Log}); err != nil {
		return 0, err
	}
	a.Ledger = ledgerdb.New(a.Core, next, ledgerdb.Config{Log: a.Log})
	return before + 1, a.Remember(ctx)
}

// newerSeen returns the larger of what was given and what is remembered. Either must be
// of this log.
func (a *App) newerSeen(given []byte) ([]byte, error) {
	own, err := a.seen()
	if err != nil || len(given) == 0 {
		return own, err
	}
	c, err := ledger.OpenCheckpoint(given, a.Ledger.VerifierKey())
	if err != nil {
		return nil, fmt.Errorf("--seen: %w", err)
	}
	mine, err := ledger.OpenCheckpoint(own, a.Ledger.VerifierKey())
	if err == nil && mine.Size > c.Size {
		return own, nil
	}
	return given, nil
}
