package gatedb

import (
	"context"
	"fmt"
	"time"

	"thimble"
)

// Expire implements thimble.Holder: it deletes the uses of before.
func (l *Log) Expire(ctx context.Context, c thimble.Category, before time.Time) (thimble.Erasure, error) {
	if !thimble.AccessRecord.Within(c) {
		return thimble.Erasure{}, nil
	}
	n, err := l.db.Drain(ctx, `delete from gate_uses where id in (
		select id from gate_uses where at < $1 limit 1000)`, before.UnixMicro())
	if err != nil {
		err = fmt.Errorf("gate: expiring the use log: %w", err)
	}
	return thimble.Erasure{Erased: n}, err
}

// Unmerge implements thimble.Holder. It has nothing to do: the gate writes a use of a
// person's data down for each of their subjects, so that either has it.
func (l *Log) Unmerge(context.Context, thimble.Merge) error { return nil }
