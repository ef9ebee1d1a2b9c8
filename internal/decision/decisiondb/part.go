package decisiondb

import (
	"context"
	"fmt"
	"math"
	"time"

	"thimble"
	"thimble/internal/sqldb"
)

// Part destroys the decisions that were made about subjects while a merge made them
// one person, whichever of them they name: each may have drawn on all, and would tell
// the one what the other bought. The leaves stay, and say nothing. It is called in the
// transaction that cuts the link, so that nobody reads such a decision afterwards;
// that transaction moves the epochs, so that none is kept later.
func (s *Store) Part(ctx context.Context, tx *sqldb.Tx, m thimble.Merge, members ...thimble.SubjectID) error {
	m.Until = time.Time{} // whatever the clock of another process says: nothing is younger than the cut
	return s.part(ctx, tx, m, members...)
}

func (s *Store) part(ctx context.Context, tx *sqldb.Tx, m thimble.Merge, members ...thimble.SubjectID) error {
	until := int64(math.MaxInt64)
	if !m.Until.IsZero() {
		until = m.Until.UnixMicro()
	}
	for _, who := range members {
		_, err := s.forget(ctx, tx, `d.subject_id = $1 and d.at >= $2 and d.at < $3`, who, m.At.UnixMicro(), until)
		if err != nil {
			return fmt.Errorf("decision: forgetting what was decided about a person as of one with others: %w", err)
		}
	}
	return nil
}
