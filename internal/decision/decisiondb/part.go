package decisiondb

import (
	"context"
	"fmt"
	"time"

	"thimble"
	"thimble/internal/sqldb"
)

// Part destroys the decisions about subjects that were of one person since a moment,
// when they turn out to be two: each was made of the histories of both, and would
// tell the one what the other bought. The leaves stay. It returns how many there were.
func (s *Store) Part(ctx context.Context, tx *sqldb.Tx, since time.Time, members ...thimble.SubjectID) (n int64, err error) {
	for _, m := range members {
		gone, err := tx.Exec(ctx, `delete from decision_decisions where subject_id = $1 and at >= $2`, m, since.UnixMicro())
		if err != nil {
			return n, fmt.Errorf("decision: parting %s: %w", m, err)
		}
		n += gone
	}
	return n, nil
}
