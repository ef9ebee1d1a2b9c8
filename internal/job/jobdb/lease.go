package jobdb

import (
	"context"
	"fmt"
	"time"

	"thimble"
	"thimble/internal/job"
	"thimble/internal/sqldb"
)

// ErrTakenOver is why a handler's context ends when another worker has its job.
var ErrTakenOver = fmt.Errorf("job: another worker has taken the job over: %w", thimble.ErrConflict)

// renew keeps the lease of a job until ctx ends. It ends the job when the lease is
// lost, or when it could not be renewed for as long as it lasts.
func (q *Queue) renew(ctx context.Context, j job.Job, end context.CancelCauseFunc) {
	tick := time.NewTicker(q.cfg.Lease / 3)
	defer tick.Stop()
	renewed := time.Now() // not the configured clock: this one goes on steadily
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		n, err := q.extend(ctx, j)
		switch {
		case err == nil && n == 0:
			end(ErrTakenOver)
			return
		case err == nil:
			renewed = time.Now()
		case time.Since(renewed) > q.cfg.Lease && ctx.Err() == nil:
			end(fmt.Errorf("job: the lease of %s ran out: %w", j.Kind, err))
			return
		}
	}
}

func (q *Queue) extend(ctx context.Context, j job.Job) (n int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, q.cfg.Lease/3)
	defer cancel()
	err = q.db.Write(ctx, func(tx *sqldb.Tx) error {
		n, err = tx.Exec(ctx, `update job_jobs set lease_until = $3`+held, j.ID, j.Fence, q.cfg.Now().Add(q.cfg.Lease).UnixMicro())
		return err
	})
	return n, err
}

// Due are the waiting jobs whose time has come, and the running ones whose lease has
// run out. A job that was to run at once is due whatever the clock says now, and one
// that backs off for longer than the longest back-off was put there by a clock that
// ran ahead.
const due = `state = 'waiting' and (run_at <= $2 or run_at = created_at or tries > 0 and run_at > $3)
	or state = 'running' and lease_until <= $2`

func (q *Queue) take(ctx context.Context) (j job.Job, err error) {
	err = q.db.Write(ctx, func(tx *sqldb.Tx) error {
		now := q.cfg.Now()
		dead, fence, err := q.dead(ctx, tx, now)
		if err != nil {
			return err
		}
		var runAt, created int64
		// A waiting job frees its key as it starts, so that a change during the run
		// queues another.
		err = tx.QueryRow(ctx, `update job_jobs set state = 'running', dedupe = null, tries = tries + 1, fence = fence + 1, lease_until = $1
			where id = (select id from job_jobs where `+due+` or id = $4 and fence = $5 and state = 'running'
				order by run_at, id limit 1)
			returning id, kind, payload, claim, run_at, tries, fence, created_at`,
			now.Add(q.cfg.Lease).UnixMicro(), now.UnixMicro(), now.Add(job.Backoff(64)).UnixMicro(), dead, fence).
			Scan(&j.ID, &j.Kind, &j.Payload, &j.Dedupe, &runAt, &j.Tries, &j.Fence, &created)
		j.RunAt, j.CreatedAt, j.State = time.UnixMicro(runAt), time.UnixMicro(created), job.Running
		return err
	})
	return j, err
}

// A suspect is a lease that ends later than any that begins now: the clock of who
// holds it runs ahead of ours, or ran ahead when it died.
type suspect struct {
	fence, until int64
	since        time.Time
}

// dead returns a suspect that was not renewed for as long as a lease lasts, by our
// clock alone. Who is alive renews three times in that time.
func (q *Queue) dead(ctx context.Context, tx *sqldb.Tx, now time.Time) (id thimble.ID, fence int64, err error) {
	rows, err := tx.Query(ctx, `select id, fence, lease_until from job_jobs where state = 'running' and lease_until > $1`,
		now.Add(q.cfg.Lease+time.Second).UnixMicro())
	if err != nil {
		return id, 0, err
	}
	defer rows.Close()
	q.mu.Lock()
	defer q.mu.Unlock()
	found := map[thimble.ID]suspect{}
	for rows.Next() {
		var at thimble.ID
		s := suspect{since: now}
		if err := rows.Scan(&at, &s.fence, &s.until); err != nil {
			return id, 0, err
		}
		if old, known := q.suspects[at]; known && old.fence == s.fence && old.until == s.until && !old.since.After(now) {
			s.since = old.since
		}
		if found[at] = s; now.Sub(s.since) >= q.cfg.Lease {
			id, fence = at, s.fence
		}
	}
	q.suspects = found
	return id, fence, rows.Err()
}
