// Package jobdb keeps jobs in the core database and runs them under leases.
package jobdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"thimble"
	"thimble/internal/job"
	"thimble/internal/sqldb"
)

// A Handler does the work of one kind. It is idempotent, and ends with ctx.
type Handler func(ctx context.Context, j job.Job) error

// Config has working zero values.
type Config struct {
	Now   func() time.Time // nil means time.Now
	Lease time.Duration    // 0 means one minute
	Poll  time.Duration    // 0 means one second
	Log   *slog.Logger
	// Forever are the kinds that are tried until they succeed, an hour apart at most.
	Forever []string
}

// A Queue keeps jobs and runs them.
type Queue struct {
	db       *sqldb.DB
	cfg      Config
	handlers map[string]Handler
	wake     chan struct{}
}

// New returns the queue of a core database. Handlers by kind are known from the
// start; a job of another kind waits for a version that knows it.
func New(db *sqldb.DB, handlers map[string]Handler, cfg Config) *Queue {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Lease == 0 {
		cfg.Lease = time.Minute
	}
	if cfg.Poll == 0 {
		cfg.Poll = time.Second
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Queue{db: db, cfg: cfg, handlers: handlers, wake: make(chan struct{}, 1)}
}

// Add queues a job in the caller's transaction. A job whose key is waiting
// already is not added again.
func (q *Queue) Add(ctx context.Context, tx *sqldb.Tx, j job.Job) error {
	id, err := thimble.NewID(nil)
	if err != nil {
		return err
	}
	now := q.cfg.Now()
	if j.RunAt.IsZero() {
		j.RunAt = now
	}
	if j.Payload == "" {
		j.Payload = "{}"
	}
	var dedupe *string
	if j.Dedupe != "" {
		dedupe = &j.Dedupe
	}
	// The update changes nothing and locks the row: a worker that is about to take
	// the waiting job sees what this transaction does, or this one adds another.
	_, err = tx.Exec(ctx, `insert into job_jobs (id, kind, payload, dedupe, run_at, state, created_at)
		values ($1, $2, $3, $4, $5, 'waiting', $6) on conflict (dedupe) do update set run_at = job_jobs.run_at`,
		id, j.Kind, j.Payload, dedupe, j.RunAt.UnixMicro(), now.UnixMicro())
	if err != nil {
		return fmt.Errorf("job: adding %s: %w", j.Kind, err)
	}
	tx.OnCommit(q.nudge)
	return nil
}

func (q *Queue) nudge() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// Run works until ctx ends.
func (q *Queue) Run(ctx context.Context) error {
	tick := time.NewTicker(q.cfg.Poll)
	defer tick.Stop()
	for {
		worked, err := q.Step(ctx)
		if err != nil && ctx.Err() == nil {
			q.cfg.Log.ErrorContext(ctx, "job queue failed", slog.String("cause", err.Error()))
		}
		if worked && err == nil {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-q.wake:
		}
	}
}

// Step takes one due job, does it and records the result. It reports whether
// there was one.
func (q *Queue) Step(ctx context.Context) (bool, error) {
	j, err := q.take(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("job: taking: %w", err)
	}
	failure := q.do(ctx, j)
	if ctx.Err() != nil {
		return true, nil // the lease ends by itself; the next start takes the job again
	}
	return true, q.finish(ctx, j, failure)
}

func (q *Queue) do(ctx context.Context, j job.Job) (err error) {
	handler, ok := q.handlers[j.Kind]
	if !ok {
		return fmt.Errorf("job: no handler for %s: %w", j.Kind, thimble.ErrNotFound)
	}
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("job: %s panicked: %v", j.Kind, r)
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, q.cfg.Lease*9/10)
	defer cancel()
	return handler(ctx, j)
}

func (q *Queue) take(ctx context.Context) (j job.Job, err error) {
	err = q.db.Write(ctx, func(tx *sqldb.Tx) error {
		now := q.cfg.Now()
		var runAt, created int64
		// A waiting job frees its key as it starts, so that a change during the run
		// queues another.
		err := tx.QueryRow(ctx, `update job_jobs set state = 'running', dedupe = null, tries = tries + 1, fence = fence + 1, lease_until = $1
			where id = (select id from job_jobs where state = 'waiting' and run_at <= $2 or state = 'running' and lease_until <= $2
				order by run_at, id limit 1)
			returning id, kind, payload, run_at, tries, fence, created_at`,
			now.Add(q.cfg.Lease).UnixMicro(), now.UnixMicro()).
			Scan(&j.ID, &j.Kind, &j.Payload, &runAt, &j.Tries, &j.Fence, &created)
		j.RunAt, j.CreatedAt, j.State = time.UnixMicro(runAt), time.UnixMicro(created), job.Running
		return err
	})
	return j, err
}

func (q *Queue) finish(ctx context.Context, j job.Job, failure error) error {
	now := q.cfg.Now()
	state, text, runAt := job.Done, "", j.RunAt
	var finished *int64
	if failure != nil {
		text = failure.Error()
		state, runAt = job.Waiting, now.Add(job.Backoff(j.Tries))
		q.cfg.Log.WarnContext(ctx, "job failed", slog.String("kind", j.Kind), slog.Int("try", j.Tries), slog.String("cause", text))
	}
	if failure != nil && j.Tries >= job.MaxTries && !slices.Contains(q.cfg.Forever, j.Kind) {
		state = job.Failed
	}
	if state != job.Waiting {
		us := now.UnixMicro()
		finished = &us
	}
	err := q.db.Write(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(ctx, `update job_jobs set state = $1, error = $2, run_at = $3, finished_at = $4
			where id = $5 and fence = $6 and state = 'running'`, string(state), text, runAt.UnixMicro(), finished, j.ID, j.Fence)
		return err
	})
	if err != nil {
		return fmt.Errorf("job: recording %s: %w", j.Kind, err)
	}
	return nil
}

// List returns the newest jobs.
func (q *Queue) List(ctx context.Context, limit int) ([]job.Job, error) {
	var all []job.Job
	err := q.db.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, `select id, kind, state, tries, error, run_at, created_at, coalesce(finished_at, 0), fence
			from job_jobs order by created_at desc, id limit $1`, limit)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var j job.Job
			var runAt, created, finished int64
			if err := rows.Scan(&j.ID, &j.Kind, &j.State, &j.Tries, &j.Error, &runAt, &created, &finished, &j.Fence); err != nil {
				return err
			}
			j.RunAt, j.CreatedAt = time.UnixMicro(runAt), time.UnixMicro(created)
			if finished != 0 {
				j.FinishedAt = time.UnixMicro(finished)
			}
			all = append(all, j)
		}
		return rows.Err()
	})
	return all, err
}
