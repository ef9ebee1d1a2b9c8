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

// Unmerge implements thimble.Holder: the decisions made while two were taken for one
// may have drawn on both, and are deleted, whoever of the two they name. Their leaves
// stay and say nothing. Those from before the merge stay.
func (s *Store) Unmerge(ctx context.Context, m thimble.Merge) error {
	until := int64(1<<63 - 1)
	if !m.Until.IsZero() {
		until = m.Until.UnixMicro()
	}
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(ctx, `delete from decision_decisions where subject_id in ($1, $2) and at >= $3 and at < $4`,
			m.Survivor, m.Absorbed, m.At.UnixMicro(), until)
		return err
	})
	if err != nil {
		return fmt.Errorf("decision: forgetting what was decided about %s and %s as one: %w", m.Survivor, m.Absorbed, err)
	}
	return nil
}
