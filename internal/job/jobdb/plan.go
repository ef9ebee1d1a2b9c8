package jobdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"thimble/internal/job"
	"thimble/internal/sqldb"
)

// Plan queues the jobs of the schedules that are due, and forgets jobs that were done
// long ago. Run calls it; of many workers that do, one queues each time.
func (q *Queue) Plan(ctx context.Context) error {
	now := q.cfg.Now()
	for _, s := range q.cfg.Schedules {
		if is, err := q.isDue(ctx, s, now); err != nil || !is {
			if err != nil {
				return fmt.Errorf("job: planning %s: %w", s.Name, err)
			}
			continue
		}
		if err := q.db.Write(ctx, func(tx *sqldb.Tx) error { return q.plan(ctx, tx, s, now) }); err != nil {
			return fmt.Errorf("job: planning %s: %w", s.Name, err)
		}
	}
	return q.prune(ctx, now)
}

// farthest is how far ahead the next time of a schedule can be. One that is farther
// was set by a clock that ran ahead.
func farthest(s job.Schedule, now time.Time) int64 {
	return now.Add(s.Every + s.Jitter + time.Second).UnixMicro()
}

func nextAt(ctx context.Context, tx *sqldb.Tx, name string) (at int64, known bool, err error) {
	err = tx.QueryRow(ctx, `select next_at from job_schedules where name = $1`, name).Scan(&at)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, false, nil
	}
	return at, err == nil, err
}

// isDue spares the common answer, no, a writing transaction.
func (q *Queue) isDue(ctx context.Context, s job.Schedule, now time.Time) (is bool, err error) {
	err = q.db.Read(ctx, func(tx *sqldb.Tx) error {
		at, known, err := nextAt(ctx, tx, s.Name)
		is = !known || at <= now.UnixMicro() || at > farthest(s, now)
		return err
	})
	return is, err
}

func (q *Queue) plan(ctx context.Context, tx *sqldb.Tx, s job.Schedule, now time.Time) error {
	// The row is locked before it is read: two workers do not both queue.
	if _, err := tx.Exec(ctx, `insert into job_schedules (name, next_at) values ($1, 0)
		on conflict (name) do update set next_at = job_schedules.next_at`, s.Name); err != nil {
		return err
	}
	at, _, err := nextAt(ctx, tx, s.Name)
	if err != nil || at > now.UnixMicro() && at <= farthest(s, now) {
		return err
	}
	next := s.Next(now, q.cfg.Chance())
	late := at > 0 && s.Missed == job.Skip && now.Sub(time.UnixMicro(at)) >= s.Every
	if at > now.UnixMicro() || late { // set right, or left out
		_, err := tx.Exec(ctx, `update job_schedules set next_at = $1 where name = $2`, next.UnixMicro(), s.Name)
		return err
	}
	if _, err := tx.Exec(ctx, `update job_schedules set next_at = $1, last_at = $2 where name = $3`, next.UnixMicro(), now.UnixMicro(), s.Name); err != nil {
		return err
	}
	return q.Add(ctx, tx, job.Job{Kind: s.Kind, Payload: s.Payload, Dedupe: s.Name})
}

const pruneEvery = time.Hour

func (q *Queue) prune(ctx context.Context, now time.Time) error {
	q.mu.Lock()
	since := now.Sub(q.pruned)
	if !q.pruned.IsZero() && since >= 0 && since < pruneEvery {
		q.mu.Unlock()
		return nil
	}
	q.pruned = now
	q.mu.Unlock()
	err := q.db.Write(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(ctx, `delete from job_jobs where state = 'done' and finished_at < $1`, now.Add(-job.Kept).UnixMicro())
		return err
	})
	if err != nil {
		return fmt.Errorf("job: forgetting old jobs: %w", err)
	}
	return nil
}

// Planned returns where the schedules stand, in the order of the configuration.
func (q *Queue) Planned(ctx context.Context) ([]job.Planned, error) {
	var all []job.Planned
	err := q.db.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		for _, s := range q.cfg.Schedules {
			var next, last int64
			err := tx.QueryRow(ctx, `select next_at, last_at from job_schedules where name = $1`, s.Name).Scan(&next, &last)
			if errors.Is(err, sql.ErrNoRows) {
				continue // Run has not begun yet
			}
			if err != nil {
				return err
			}
			p := job.Planned{Name: s.Name, NextAt: time.UnixMicro(next)}
			if last > 0 {
				p.LastAt = time.UnixMicro(last)
			}
			all = append(all, p)
		}
		return nil
	})
	return all, err
}
