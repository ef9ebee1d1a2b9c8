// Package jobdb keeps jobs in the core database and runs them under leases.
package jobdb

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
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
	// Schedules are the jobs that Run queues again and again.
	Schedules []job.Schedule
	Chance    func() float64 // draws jitter, from 0 to 1; nil means math/rand
}

// A Queue keeps jobs and runs them.
type Queue struct {
	db       *sqldb.DB
	cfg      Config
	handlers map[string]Handler
	wake     chan struct{}

	mu       sync.Mutex
	suspects map[thimble.ID]suspect
	results  []result  // those that could not be recorded yet
	pruned   time.Time // when Plan last looked for old jobs
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
	if cfg.Chance == nil {
		cfg.Chance = rand.Float64
	}
	return &Queue{db: db, cfg: cfg, handlers: handlers, wake: make(chan struct{}, 1), suspects: map[thimble.ID]suspect{}}
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
	_, err = tx.Exec(ctx, `insert into job_jobs (id, kind, payload, dedupe, run_at, state, created_at, claim)
		values ($1, $2, $3, $4, $5, 'waiting', $6, $7) on conflict (dedupe) do update set run_at = job_jobs.run_at`,
		id, j.Kind, j.Payload, dedupe, j.RunAt.UnixMicro(), now.UnixMicro(), j.Dedupe)
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
