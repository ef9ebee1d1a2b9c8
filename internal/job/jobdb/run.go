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

// Run queues what the schedules say and works, until ctx ends.
func (q *Queue) Run(ctx context.Context) error {
	job.Steps(ctx, q.cfg.Poll, q.wake, func(ctx context.Context) (bool, error) {
		if err := q.Plan(ctx); err != nil {
			return false, err
		}
		return q.Step(ctx)
	}, func(err error) {
		q.cfg.Log.ErrorContext(ctx, "job queue failed", slog.String("cause", err.Error()))
	})
	return nil
}

// Step takes one due job, does it and records the result. It reports whether
// there was one. A result that cannot be recorded is kept for the next step.
func (q *Queue) Step(ctx context.Context) (bool, error) {
	if err := q.recordOld(ctx); err != nil {
		return false, err
	}
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
	if errors.Is(failure, ErrTakenOver) {
		q.cfg.Log.WarnContext(ctx, "job taken over by another worker", slog.String("kind", j.Kind), slog.Int("try", j.Tries))
		return true, nil // the result is the other's to record
	}
	if err := q.finish(ctx, j, failure); err != nil {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.results = append(q.results, result{j, failure})
		return true, err
	}
	return true, nil
}

// A result waits for the database to be there again. The fence decides whether it
// still counts then.
type result struct {
	job     job.Job
	failure error
}

func (q *Queue) recordOld(ctx context.Context) error {
	for {
		q.mu.Lock()
		if len(q.results) == 0 {
			q.mu.Unlock()
			return nil
		}
		r := q.results[0]
		q.results = q.results[1:]
		q.mu.Unlock()
		if err := q.finish(ctx, r.job, r.failure); err != nil {
			q.mu.Lock()
			q.results = append(q.results, r)
			q.mu.Unlock()
			return err
		}
	}
}

func (q *Queue) do(ctx context.Context, j job.Job) (err error) {
	handler, ok := q.handlers[j.Kind]
	if !ok {
		return fmt.Errorf("job: no handler for %s: %w", j.Kind, thimble.ErrNotFound)
	}
	ctx, end := context.WithCancelCause(ctx)
	renewing := make(chan struct{})
	go func() {
		defer close(renewing)
		q.renew(ctx, j, end)
	}()
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("job: %s panicked: %v", j.Kind, r)
		}
		lost := context.Cause(ctx)
		end(nil)
		<-renewing
		if errors.Is(lost, ErrTakenOver) {
			err = lost // whatever the handler says about it
		}
	}()
	return handler(ctx, j)
}

// finish records a result, unless the job was taken over.
func (q *Queue) finish(ctx context.Context, j job.Job, failure error) error {
	if failure != nil {
		q.cfg.Log.WarnContext(ctx, "job failed", slog.String("kind", j.Kind), slog.Int("try", j.Tries), slog.String("cause", failure.Error()))
	}
	var n int64
	err := q.db.Write(ctx, func(tx *sqldb.Tx) (err error) {
		now := q.cfg.Now()
		switch {
		case failure == nil:
			n, err = settle(ctx, tx, j, job.Done, "", now)
		case j.Tries >= job.MaxTries && !slices.Contains(q.cfg.Forever, j.Kind):
			n, err = settle(ctx, tx, j, job.Failed, failure.Error(), now)
		default:
			n, err = again(ctx, tx, j, failure.Error(), now)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("job: recording %s: %w", j.Kind, err)
	}
	if n == 0 {
		q.cfg.Log.WarnContext(ctx, "result of a job not recorded: another worker has it", slog.String("kind", j.Kind))
	}
	return nil
}

const held = ` where id = $1 and fence = $2 and state = 'running'`

func settle(ctx context.Context, tx *sqldb.Tx, j job.Job, s job.State, text string, now time.Time) (int64, error) {
	return tx.Exec(ctx, `update job_jobs set state = $3, error = $4, finished_at = $5`+held, j.ID, j.Fence, string(s), text, now.UnixMicro())
}

// again lets a job wait for its next try, and gives it its key back. When the key was
// queued anew meanwhile, that job does what this one would.
func again(ctx context.Context, tx *sqldb.Tx, j job.Job, text string, now time.Time) (int64, error) {
	var replaced int
	err := tx.QueryRow(ctx, `select count(*) from job_jobs w where w.dedupe <> '' and w.dedupe = (select claim from job_jobs where id = $1)`, j.ID).Scan(&replaced)
	if err != nil {
		return 0, err
	}
	if replaced > 0 {
		return settle(ctx, tx, j, job.Done, "replaced by a later one; "+text, now)
	}
	return tx.Exec(ctx, `update job_jobs set state = 'waiting', error = $3, run_at = $4, dedupe = nullif(claim, '')`+held,
		j.ID, j.Fence, text, now.Add(job.Backoff(j.Tries)).UnixMicro())
}
