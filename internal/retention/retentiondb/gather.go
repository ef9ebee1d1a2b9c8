package retentiondb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"thimble"
	"thimble/internal/sqldb"
)

// wasThere are the people of whom something is kept that is of a later day than that on
// which they were there last: what they ordered, chose, asked for and wrote, and their
// sign-ins.
const wasThere = `select n.who, max(n.at) from (
	select subject_id as who, placed_at as at from order_orders where subject_id is not null
	union all select subject_id, at from consent_events
	union all select subject_id, seen_at from session_sessions where subject_id is not null
	union all select subject_id, at from cases_requests where subject_id is not null
	union all select subject_id, at from collect_reviews where subject_id is not null) n
	join subject_subjects s on s.id = n.who
	where s.state = 'active' and s.restricted <> 1 and n.at >= coalesce(s.seen_on, s.created_at) + 86400000000 group by n.who`

// gather takes down who was there, of what is kept of them, before any of it expires: it
// lasts no longer than its own schedule, and the period from the last visit is counted
// without it. It may be interrupted anywhere, and be called again.
func (s *Store) gather(ctx context.Context) error {
	if err := s.putBack(ctx); err != nil {
		return fmt.Errorf("retention: after a backup was put back: %w", err)
	}
	now := s.now()
	seen := map[thimble.SubjectID]time.Time{}
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		clear(seen)
		rows, err := tx.Query(ctx, wasThere)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var who thimble.SubjectID
			var at int64
			if err := rows.Scan(&who, &at); err != nil {
				return err
			}
			seen[who] = instant(min(at, now.UnixMicro())) // an order may be dated ahead
		}
		return rows.Err()
	})
	if err == nil {
		err = s.people.Saw(ctx, seen)
	}
	if err == nil {
		err = s.people.SeenByNow(ctx, now)
	}
	if err == nil && s.cfg.Clocks != nil {
		err = s.gatherEvents(ctx)
	}
	if err != nil {
		return fmt.Errorf("retention: gathering who was there: %w", err)
	}
	return nil
}

// gatherEvents reads what came into the log since the last time. Only then it is noted how
// far it was read.
func (s *Store) gatherEvents(ctx context.Context) error {
	var from int64
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		err := tx.QueryRow(ctx, `select seq from retention_gathered where name = 'log'`).Scan(&from)
		if errors.Is(err, sql.ErrNoRows) {
			err = nil
		}
		return err
	})
	if err != nil {
		return err
	}
	now, seen := s.now(), map[thimble.SubjectID]time.Time{}
	last, err := s.cfg.Clocks.Present(ctx, from, func(who thimble.SubjectID, at time.Time) {
		if at.After(now) {
			at = now
		}
		if at.After(seen[who]) {
			seen[who] = at
		}
	})
	if err == nil {
		err = s.people.Saw(ctx, seen)
	}
	if err != nil || last == from {
		return err
	}
	return s.db.Write(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(ctx, `insert into retention_gathered (name, seq) values ('log', $1) on conflict (name) do update set seq = excluded.seq`, last)
		return err
	})
}

// putBack looks whether a backup was put back. Who was told before it may have been there
// since, and nobody knows: they are told again. The log is read from its start.
func (s *Store) putBack(ctx context.Context) error {
	if s.cfg.Epoch == nil {
		return nil
	}
	is, err := s.cfg.Epoch(ctx)
	if err != nil {
		return err
	}
	var known int64
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		err := tx.QueryRow(ctx, `select seq from retention_gathered where name = 'epoch'`).Scan(&known)
		if errors.Is(err, sql.ErrNoRows) {
			known, err = -1, nil
		}
		return err
	})
	if err != nil || known == is {
		return err
	}
	return s.db.Write(ctx, func(tx *sqldb.Tx) error {
		for _, statement := range []string{`delete from retention_warnings where state <> 'back'`, `delete from retention_gathered where name = 'log'`} {
			if _, err := tx.Exec(ctx, statement); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, `insert into retention_gathered (name, seq) values ('epoch', $1) on conflict (name) do update set seq = excluded.seq`, is)
		return err
	})
}
