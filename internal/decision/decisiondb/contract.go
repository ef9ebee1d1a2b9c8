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
	all := 0
	for {
		var n int64
		err := s.db.Write(ctx, func(tx *sqldb.Tx) (err error) {
			n, err = s.forget(ctx, tx, `d.id in (select id from decision_decisions where at < $1 order by at, id limit 1000)`, before.UnixMicro())
			return err
		})
		if err != nil {
			return thimble.Erasure{Erased: all}, fmt.Errorf("decision: expiring: %w", err)
		}
		if all += int(n); n == 0 {
			return thimble.Erasure{Erased: all}, nil
		}
	}
}

// Unmerge implements thimble.Holder. After [Store.Part] in the transaction of the cut
// it finds nothing.
func (s *Store) Unmerge(ctx context.Context, m thimble.Merge) error {
	return s.db.Write(ctx, func(tx *sqldb.Tx) error { return s.part(ctx, tx, m, m.Survivor, m.Absorbed) })
}
