package decisiondb

import (
	"context"

	"thimble/internal/sqldb"
)

// forget deletes the decisions that a condition names, and counts them as gone in their
// batches: an audit finds the ones that somebody else deleted.
func (s *Store) forget(ctx context.Context, tx *sqldb.Tx, where string, args ...any) (int64, error) {
	_, err := tx.Exec(ctx, `update decision_batches set gone = gone + (select count(*) from decision_decisions d where d.batch = decision_batches.id and `+where+`)
		where id in (select batch from decision_decisions d where batch is not null and `+where+`)`, args...)
	if err != nil {
		return 0, err
	}
	// What was said about a decision goes with it.
	const reviews = `(select c.id from decision_contests c where c.decision_id in (select d.id from decision_decisions d where `
	for _, statement := range []string{`delete from decision_steps where contest_id in ` + reviews + where + `))`, `delete from decision_contests where id in ` + reviews + where + `))`} {
		if _, err := tx.Exec(ctx, statement, args...); err != nil {
			return 0, err
		}
	}
	return tx.Exec(ctx, `delete from decision_decisions where id in (select d.id from decision_decisions d where `+where+`)`, args...)
}
