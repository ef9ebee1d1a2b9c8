package jobdb_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"thimble"
	"thimble/internal/job"
	"thimble/internal/job/jobdb"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
)

func TestJobMayTakeManyLeases(t *testing.T) {
	sqldbtest.Installations(t, func(t *testing.T, open sqldbtest.Opener) {
		const lease = 300 * time.Millisecond
		db, ran := open(sqldb.Core), make(chan struct{}, 10)
		slow := jobdb.New(db, map[string]jobdb.Handler{"k": func(ctx context.Context, _ job.Job) error {
			ran <- struct{}{}
			select {
			case <-time.After(4 * lease):
				return nil
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}}, jobdb.Config{Lease: lease})
		other := jobdb.New(open(sqldb.Core), map[string]jobdb.Handler{"k": func(context.Context, job.Job) error {
			ran <- struct{}{}
			return errors.New("it was not free")
		}}, jobdb.Config{Lease: lease})
		add(t, db, slow, job.Job{Kind: "k"})
		ctx, stop := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() {
			<-ran // so that the slow one has it
			for ctx.Err() == nil {
				if worked, _ := other.Step(ctx); worked {
					t.Error("another worker took the job over")
				}
				time.Sleep(lease / 10)
			}
		})
		step(t, slow)
		stop()
		all.Wait()
		if j := only(t, slow); j.State != job.Done || j.Tries != 1 {
			t.Errorf("the job is %s after %d tries, error %q; want done after one", j.State, j.Tries, j.Error)
		}
	})
}

func TestHandlerEndsWhenItsJobIsTakenOver(t *testing.T) {
	sqldbtest.Each(t, sqldb.Core, func(t *testing.T, db *sqldb.DB) {
		q := jobdb.New(db, map[string]jobdb.Handler{"k": func(ctx context.Context, _ job.Job) error {
			// Another worker, whose clock is a day ahead, finds the lease run out.
			if err := db.Write(ctx, func(tx *sqldb.Tx) error {
				_, err := tx.Exec(ctx, `update job_jobs set fence = fence + 1`)
				return err
			}); err != nil {
				return err
			}
			select {
			case <-ctx.Done():
				if !errors.Is(context.Cause(ctx), jobdb.ErrTakenOver) {
					t.Errorf("it ended because of %v", context.Cause(ctx))
				}
			case <-time.After(10 * time.Second):
				t.Error("the handler went on")
			}
			return nil
		}}, jobdb.Config{Lease: 150 * time.Millisecond})
		add(t, db, q, job.Job{Kind: "k"})
		step(t, q)
		if j := only(t, q); j.State != job.Running {
			t.Errorf("the job is %s: the result of the one who lost it was recorded", j.State)
		}
	})
}

func TestResultWaitsForTheDatabase(t *testing.T) {
	db, ran := sqldbtest.SQLite(t, sqldb.Core), 0
	pages := func(limit string) {
		err := db.Write(t.Context(), func(tx *sqldb.Tx) error {
			var n int
			return tx.QueryRow(t.Context(), `pragma max_page_count = `+limit).Scan(&n)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	long := errors.New(strings.Repeat("no ", 100_000)) // more than the pages there are
	q := jobdb.New(db, map[string]jobdb.Handler{"k": func(context.Context, job.Job) error { ran++; pages("1"); return long }}, jobdb.Config{})
	add(t, db, q, job.Job{Kind: "k"})
	for range 2 {
		if _, err := q.Step(t.Context()); !errors.Is(err, thimble.ErrUnavailable) {
			t.Fatalf("a step on a full disk = %v, want it to be unavailable", err)
		}
	}
	pages("1000000")
	step(t, q)
	if ran != 1 || only(t, q).Error != long.Error() {
		t.Errorf("ran %d times and is %s, want one run and its result", ran, only(t, q).State)
	}
}

func TestKeyOfAFailedTryWaitsOnce(t *testing.T) {
	sqldbtest.Each(t, sqldb.Core, func(t *testing.T, db *sqldb.DB) {
		c := start()
		var q *jobdb.Queue
		again := false
		q = jobdb.New(db, map[string]jobdb.Handler{"k": func(context.Context, job.Job) error {
			if again {
				add(t, db, q, job.Job{Kind: "k", Dedupe: "once"})
			}
			return errors.New("no")
		}}, jobdb.Config{Now: c.Now})
		waiting := func() (n int) {
			all, err := q.List(t.Context(), 10)
			if err != nil {
				t.Fatal(err)
			}
			for _, j := range all {
				if j.State == job.Waiting {
					n++
				}
			}
			return n
		}
		add(t, db, q, job.Job{Kind: "k", Dedupe: "once"})
		step(t, q)
		add(t, db, q, job.Job{Kind: "k", Dedupe: "once"}) // the try to come will do it
		if n := waiting(); n != 1 {
			t.Errorf("%d jobs of one key wait after a failed try, want 1", n)
		}
		again = true
		c.now = c.now.Add(time.Hour)
		step(t, q)
		if n := waiting(); n != 1 {
			t.Errorf("%d jobs of one key wait after it was queued during a failing run, want 1", n)
		}
	})
}

func TestClockThatJumpsDelaysNoJobForLong(t *testing.T) {
	year := 365 * 24 * time.Hour
	for name, jump := range map[string]time.Duration{"a day": 24 * time.Hour, "past 2038": 12 * year} {
		t.Run(name, func(t *testing.T) {
			sqldbtest.Installations(t, func(t *testing.T, open sqldbtest.Opener) {
				c, db := start(), open(sqldb.Core)
				fail := errors.New("not yet")
				ran := 0
				q := jobdb.New(db, map[string]jobdb.Handler{"k": func(context.Context, job.Job) error { ran++; return fail }}, jobdb.Config{Now: c.Now})
				c.now = c.now.Add(jump)
				add(t, db, q, job.Job{Kind: "k"}) // to be run at once
				c.now = c.now.Add(-jump)          // the clock is set right
				if !step(t, q) {
					t.Error("a job that was to run at once waits for the wrong time")
				}
				c.now = c.now.Add(jump)
				if !step(t, q) {
					t.Error("a job that backs off does not run when the clock leaps")
				}
				c.now = c.now.Add(-jump)
				if !step(t, q) {
					t.Error("a job that backs off waits for the wrong time")
				}
				// A worker whose clock is ahead dies with the job.
				c.now = c.now.Add(jump)
				ctx, die := context.WithCancel(t.Context())
				dying := jobdb.New(db, map[string]jobdb.Handler{"k": func(context.Context, job.Job) error { die(); return nil }}, jobdb.Config{Now: c.Now})
				if worked, err := dying.Step(ctx); !worked || err != nil {
					t.Fatal(worked, err)
				}
				c.now, fail = c.now.Add(-jump), nil
				second := jobdb.New(open(sqldb.Core), map[string]jobdb.Handler{"k": func(context.Context, job.Job) error { ran++; return nil }}, jobdb.Config{Now: c.Now})
				step(t, second) // sees the lease, and that it ends too late
				c.now = c.now.Add(time.Minute)
				if !step(t, second) {
					t.Error("the job of a dead worker whose clock ran ahead is not taken over after a lease")
				}
				if j := only(t, q); j.State != job.Done || ran != 4 {
					t.Errorf("the job is %s, %d runs; want done after 4", j.State, ran)
				}
			})
		})
	}
}

func TestWorkerWhoseClockRunsAheadKeepsItsJob(t *testing.T) {
	sqldbtest.Installations(t, func(t *testing.T, open sqldbtest.Opener) {
		const lease = 300 * time.Millisecond
		db := open(sqldb.Core)
		ahead := func() time.Time { return time.Now().AddDate(1, 0, 0) }
		other := jobdb.New(open(sqldb.Core), map[string]jobdb.Handler{"k": func(context.Context, job.Job) error { t.Error("it ran twice"); return nil }}, jobdb.Config{Lease: lease})
		q := jobdb.New(db, map[string]jobdb.Handler{"k": func(ctx context.Context, _ job.Job) error {
			for began := time.Now(); time.Since(began) < 3*lease && ctx.Err() == nil; time.Sleep(lease / 10) {
				if worked, err := other.Step(context.WithoutCancel(ctx)); worked || err != nil {
					t.Errorf("the other worker: %v, %v", worked, err)
				}
			}
			return context.Cause(ctx)
		}}, jobdb.Config{Lease: lease, Now: ahead})
		add(t, db, q, job.Job{Kind: "k"})
		step(t, q)
		if j := only(t, q); j.State != job.Done {
			t.Errorf("the job is %s, %q", j.State, j.Error)
		}
	})
}
