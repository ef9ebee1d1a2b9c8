package rightsdb

import (
	"context"
	"fmt"
	"slices"

	"thimble"
	"thimble/internal/rights"
	"thimble/internal/sqldb"
)

// Erasing reports, in the caller's transaction, whether an erasure of one of these people
// is open; of none named, whether any is.
func (s *Store) Erasing(ctx context.Context, tx *sqldb.Tx, who ...thimble.SubjectID) (bool, error) {
	open, err := list(ctx, tx, `where kind = 'erase' and state = 'executing' order by at, id`)
	if err != nil {
		return false, fmt.Errorf("rights: looking for open erasures: %w", err)
	}
	return slices.ContainsFunc(open, func(r rights.Request) bool {
		return len(who) == 0 || slices.Contains(who, r.Subject) || slices.ContainsFunc(r.Others, func(o thimble.SubjectID) bool { return slices.Contains(who, o) })
	}), nil
}
