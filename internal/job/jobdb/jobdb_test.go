package jobdb_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"thimble/internal/job"
	"thimble/internal/job/jobdb"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
)

type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

func start() *clock { return &clock{now: time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)} }

func add(t *testing.T, db *sqldb.DB, q *jobdb.Queue, j job.Job) {
	t.Helper()
	if err := db.Write(t.Context(), func(tx *sqldb.Tx) error { return q.Add(t.Context(), tx, j) }); err != nil {
		t.Fatal(err)
	}
}

func step(t *testing.T, q *jobdb.Queue) bool {
	t.Helper()
	worked, err := q.Step(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return worked
}

func only(t *testing.T, q *jobdb.Queue) job.Job {
	t.Helper()
	all, err := q.List(t.Context(), 10)
	if err != nil || len(all) != 1 {
		t.Fatalf("List = %v, %v, want one job", all, err)
	}
	return all[0]
}

func TestJobRunsOnceWhenItIsDue(t *testing.T) {
	sqldbtest.Each(t, sqldb.Core, func(t *testing.T, db *sqldb.DB) {
		c, ran := start(), 0
		q := jobdb.New(db, map[string]jobdb.Handler{"k": func(context.Context, job.Job) error { ran++; return nil }}, jobdb.Config{Now: c.Now})
		add(t, db, q, job.Job{Kind: "k", RunAt: c.now.Add(time.Minute)})
		if step(t, q) {
			t.Fatal("it ran before it was due")
		}
		c.now = c.now.Add(time.Minute)
		for step(t, q) {
		}
		if ran != 1 || only(t, q).State != job.Done {
			t.Errorf("ran %d times, state %s, want once and done", ran, only(t, q).State)
		}
	})
}

func TestJobOfARolledBackTransactionDoesNotExist(t *testing.T) {
	sqldbtest.Each(t, sqldb.Core, func(t *testing.T, db *sqldb.DB) {
		q := jobdb.New(db, nil, jobdb.Config{})
		stop := errors.New("stop")
		err := db.Write(t.Context(), func(tx *sqldb.Tx) error {
			return errors.Join(q.Add(t.Context(), tx, job.Job{Kind: "k"}), stop)
		})
		if all, _ := q.List(t.Context(), 1); !errors.Is(err, stop) || len(all) != 0 {
			t.Errorf("%d jobs are kept, error %v", len(all), err)
		}
	})
}

func TestFailingJobBacksOffAndStaysVisible(t *testing.T) {
	sqldbtest.Each(t, sqldb.Core, func(t *testing.T, db *sqldb.DB) {
		c := start()
		q := jobdb.New(db, map[string]jobdb.Handler{"k": func(_ context.Context, j job.Job) error {
			if j.Tries == 2 {
				panic("second try")
			}
			return errors.New("no")
		}}, jobdb.Config{Now: c.Now})
		add(t, db, q, job.Job{Kind: "k"})
		tries := 0
		for only(t, q).State != job.Failed {
			if step(t, q) {
				tries++
			} else {
				c.now = c.now.Add(time.Second)
			}
		}
		if tries != job.MaxTries || only(t, q).Error == "" {
			t.Errorf("%d tries, error %q, want %d and a reason", tries, only(t, q).Error, job.MaxTries)
		}
	})
}

func TestDeadWorkersJobIsTakenOverAndItsLateResultIsNotRecorded(t *testing.T) {
	sqldbtest.Installations(t, func(t *testing.T, open sqldbtest.Opener) {
		db, c := open(sqldb.Core), start()
		ran := 0
		second := jobdb.New(open(sqldb.Core), map[string]jobdb.Handler{"k": func(context.Context, job.Job) error { ran++; return nil }}, jobdb.Config{Now: c.Now})
		first := jobdb.New(db, map[string]jobdb.Handler{"k": func(context.Context, job.Job) error {
			// While the first worker hangs, its lease ends and the second one does the job.
			c.now = c.now.Add(2 * time.Minute)
			if !step(t, second) {
				t.Error("the job was not taken over")
			}
			return errors.New("too late")
		}}, jobdb.Config{Now: c.Now})
		add(t, db, first, job.Job{Kind: "k"})
		step(t, first)
		if j := only(t, first); ran != 1 || j.State != job.Done {
			t.Errorf("ran %d times, state %s, want the second worker's result", ran, j.State)
		}
	})
}

func TestOneKeyWaitsOnceAndMayWaitAgainWhileItRuns(t *testing.T) {
	sqldbtest.Each(t, sqldb.Core, func(t *testing.T, db *sqldb.DB) {
		var q *jobdb.Queue
		ran := 0
		q = jobdb.New(db, map[string]jobdb.Handler{"k": func(context.Context, job.Job) error {
			if ran++; ran == 1 {
				add(t, db, q, job.Job{Kind: "k", Dedupe: "once"})
			}
			return nil
		}}, jobdb.Config{})
		for range 3 {
			add(t, db, q, job.Job{Kind: "k", Dedupe: "once"})
		}
		for step(t, q) {
		}
		if ran != 2 {
			t.Errorf("ran %d times, want 2", ran)
		}
	})
}
