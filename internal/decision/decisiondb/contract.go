package decisiondb

import (
	"context"
	"fmt"
	"time"

	"thimble"
	"thimble/internal/sqldb"
)

// Expire implements thimble.Holder: it deletes the decisions of before.
func (s *Store) Expire(ctx context.Context, c thimble.Category, before time.Time) (thimble.Erasure, error) {
	if !thimble.AutomatedDecision.Within(c) {
		return thimble.Erasure{}, nil
	}
	n, err := s.db.Drain(ctx, `delete from decision_decisions where id in (
		select id from decision_decisions where at < $1 limit 1000)`, before.UnixMicro())
	if err != nil {
		err = fmt.Errorf("decision: expiring: %w", err)
	}
	return thimble.Erasure{Erased: n}, err
}

// Unmerge implements thimble.Holder. After [Store.Part] in the transaction of the cut
// it finds nothing.
func (s *Store) Unmerge(ctx context.Context, m thimble.Merge) error {
	return s.db.Write(ctx, func(tx *sqldb.Tx) error { return s.part(ctx, tx, m, m.Survivor, m.Absorbed) })
}
