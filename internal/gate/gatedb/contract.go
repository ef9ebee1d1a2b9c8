package gatedb

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"thimble"
	"thimble/internal/sqldb"
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

// Unmerge implements thimble.Holder: who used the data of one while the two were
// taken for one used the other's as well, so each gets a copy of the other's uses of
// that time. A copy has no receipt: the leaf names the other.
func (l *Log) Unmerge(ctx context.Context, m thimble.Merge) error {
	if err := l.Flush(ctx); err != nil {
		return err
	}
	err := l.db.Write(ctx, func(tx *sqldb.Tx) error {
		survivors, err := uses(ctx, tx, m, m.Survivor)
		if err != nil {
			return err
		}
		absorbeds, err := uses(ctx, tx, m, m.Absorbed)
		if err != nil {
			return err
		}
		if err := l.copy(ctx, tx, m, m.Absorbed, survivors); err != nil {
			return err
		}
		return l.copy(ctx, tx, m, m.Survivor, absorbeds)
	})
	if err != nil {
		return fmt.Errorf("gate: copying the uses of %s and %s as one: %w", m.Survivor, m.Absorbed, err)
	}
	return nil
}

// uses are those of one member from the time of the merge, without copies of it.
func uses(ctx context.Context, tx *sqldb.Tx, m thimble.Merge, who thimble.SubjectID) (all []Use, err error) {
	rows, err := tx.Query(ctx, `select id, at, actor_kind, actor, purpose, categories, uses from gate_uses
		where subject_id = $1 and at >= $2 and (merge_id is null or merge_id <> $3) order by at, id`, who, m.At.UnixMicro(), m.ID[:])
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var u Use
		var at int64
		var cats string
		if err := rows.Scan(&u.ID, &at, &u.Kind, &u.Actor, &u.Purpose, &cats, &u.Uses); err != nil {
			return nil, err
		}
		if u.At, u.Categories = time.UnixMicro(at), []string{cats}; m.During(u.At) {
			all = append(all, u)
		}
	}
	return all, rows.Err()
}

// copy gives a member the other's uses, each once, unless the member was erased.
func (l *Log) copy(ctx context.Context, tx *sqldb.Tx, m thimble.Merge, to thimble.SubjectID, all []Use) error {
	err := l.cfg.Alive(ctx, tx, to)
	if errors.Is(err, thimble.ErrNotFound) || to.IsZero() {
		return nil
	}
	for _, u := range all {
		if err == nil {
			_, err = tx.Exec(ctx, `insert into gate_uses (id, subject_id, at, actor_kind, actor, purpose, categories, uses, opening, merge_id)
				values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict (id) do nothing`,
				copyID(m, to, u), to, u.At.UnixMicro(), string(u.Kind), u.Actor, string(u.Purpose), u.Categories[0], u.Uses, []byte{}, m.ID[:])
		}
	}
	return err
}

// copyID is the same for the same copy, so that it is made once, and tells nobody
// who has the one row where the other is.
func copyID(m thimble.Merge, to thimble.SubjectID, u Use) thimble.ID {
	h := sha256.New()
	for _, part := range [][]byte{[]byte("thimble gate copy 1"), m.ID[:], to[:], u.ID[:]} {
		h.Write(part)
	}
	return thimble.ID(h.Sum(nil)[:16])
}
