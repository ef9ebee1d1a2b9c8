package decisiondb

import (
	"context"
	"fmt"
	"time"

	"thimble"
	"thimble/internal/sqldb"
	"thimble/internal/subject/subjectdb"
)

// records are what a hold keeps of decisions, with what was said about them.
var records = subjectdb.Records{What: "decisions", Table: "decision_decisions d", Category: thimble.AutomatedDecision, Subject: "d.subject_id", At: "d.at"}

// Expire implements thimble.Holder: it deletes the decisions of before.
func (s *Store) Expire(ctx context.Context, c thimble.Category, before time.Time) (thimble.Erasure, error) {
	if !thimble.AutomatedDecision.Within(c) {
		return thimble.Erasure{}, nil
	}
	all := 0
	for {
		var n int64
		err := s.db.Write(ctx, func(tx *sqldb.Tx) (err error) {
			n, err = s.forget(ctx, tx, `d.id in (select d.id from decision_decisions d where d.at < $1 and `+records.Free()+` order by d.at, d.id limit 1000)`, before.UnixMicro())
			return err
		})
		if err != nil {
			return thimble.Erasure{Erased: all}, fmt.Errorf("decision: expiring: %w", err)
		}
		if all += int(n); n == 0 {
			return s.expired(ctx, all, before)
		}
	}
}

// expired says what went, and what holds keep of before.
func (s *Store) expired(ctx context.Context, n int, before time.Time) (thimble.Erasure, error) {
	e := thimble.Erasure{Erased: n}
	err := s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		e.Kept, err = records.Kept(ctx, tx, `d.at < $1`, before.UnixMicro())
		return err
	})
	if err != nil {
		err = fmt.Errorf("decision: counting what is held: %w", err)
	}
	return e, err
}

// Unmerge implements thimble.Holder. After [Store.Part] in the transaction of the cut
// it finds nothing.
func (s *Store) Unmerge(ctx context.Context, m thimble.Merge) error {
	return s.db.Write(ctx, func(tx *sqldb.Tx) error { return s.part(ctx, tx, m, m.Survivor, m.Absorbed) })
}
