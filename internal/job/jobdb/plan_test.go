package jobdb_test

import (
	"context"
	"testing"
	"time"

	"thimble/internal/job"
	"thimble/internal/job/jobdb"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
)

// planned is a queue with one schedule, and how often its job ran.
func planned(db *sqldb.DB, c *clock, s job.Schedule, part float64) (*jobdb.Queue, *int) {
	ran := new(int)
	s.Name, s.Kind = "sweep", "k"
	return jobdb.New(db, map[string]jobdb.Handler{"k": func(context.Context, job.Job) error { *ran++; return nil }},
		jobdb.Config{Now: c.Now, Schedules: []job.Schedule{s}, Chance: func() float64 { return part }}), ran
}

func plan(t *testing.T, q *jobdb.Queue) {
	t.Helper()
	if err := q.Plan(t.Context()); err != nil {
		t.Fatal(err)
	}
	for step(t, q) {
	}
}

func TestScheduleRunsOnceEachTimeForAllWorkers(t *testing.T) {
	sqldbtest.Installations(t, func(t *testing.T, open sqldbtest.Opener) {
		c := start()
		one, ran1 := planned(open(sqldb.Core), c, job.Schedule{Every: time.Hour, Jitter: 10 * time.Minute}, 0.5)
		two, ran2 := planned(open(sqldb.Core), c, job.Schedule{Every: time.Hour, Jitter: 10 * time.Minute}, 0.1)
		for range 24 * 12 {
			plan(t, one)
			plan(t, two)
			c.now = c.now.Add(5 * time.Minute)
		}
		if n := *ran1 + *ran2; n != 24 {
			t.Errorf("it ran %d times in a day, want 24: at once, and each hour", n)
		}
		all, err := one.Planned(t.Context())
		if err != nil || len(all) != 1 || all[0].LastAt.IsZero() || !all[0].NextAt.After(c.now) {
			t.Errorf("Planned = %+v, %v", all, err)
		}
	})
}

func TestMissedTimesAreMadeUpForOrLeftOut(t *testing.T) {
	for policy, want := range map[job.Missed]int{job.Once: 2, job.Skip: 1} {
		sqldbtest.Each(t, sqldb.Core, func(t *testing.T, db *sqldb.DB) {
			c := start()
			q, ran := planned(db, c, job.Schedule{Every: time.Hour, Missed: policy}, 0)
			plan(t, q)
			c.now = c.now.Add(7*time.Hour + 20*time.Minute) // nobody served
			plan(t, q)
			plan(t, q)
			if *ran != want {
				t.Errorf("policy %d: ran %d times, want %d", policy, *ran, want)
			}
			c.now = c.now.Add(40 * time.Minute)
			plan(t, q)
			if *ran != want+1 {
				t.Errorf("policy %d: after the next full hour it ran %d times, want %d", policy, *ran, want+1)
			}
		})
	}
}

func TestScheduleOutlivesAClockThatRanAhead(t *testing.T) {
	sqldbtest.Each(t, sqldb.Core, func(t *testing.T, db *sqldb.DB) {
		c := start()
		q, ran := planned(db, c, job.Schedule{Every: time.Hour}, 0)
		plan(t, q)
		c.now = c.now.AddDate(10, 0, 0)
		plan(t, q)
		c.now = c.now.AddDate(-10, 0, 0)
		for range 13 {
			plan(t, q)
			c.now = c.now.Add(5 * time.Minute)
		}
		if *ran != 3 {
			t.Errorf("ran %d times, want 3: at first, in the wrong year, and within an hour after it", *ran)
		}
	})
}

func TestScheduleIsInUTCSoThatSummerTimeMovesNothing(t *testing.T) {
	lisbon, err := time.LoadLocation("Europe/Lisbon")
	if err != nil {
		t.Skip(err)
	}
	s := job.Schedule{Every: 24 * time.Hour}
	for at := time.Date(2026, 3, 27, 3, 0, 0, 0, lisbon); at.Before(time.Date(2026, 3, 31, 0, 0, 0, 0, lisbon)); at = at.Add(time.Hour) {
		next := s.Next(at, 0)
		if gap := next.Sub(at); gap <= 0 || gap > 24*time.Hour || next.UTC().Hour() != 0 {
			t.Errorf("after %s comes %s", at, next)
		}
	}
}

func TestDoneJobsAreForgottenAndFailedOnesAreNot(t *testing.T) {
	sqldbtest.Each(t, sqldb.Core, func(t *testing.T, db *sqldb.DB) {
		c := start()
		q := jobdb.New(db, map[string]jobdb.Handler{"good": func(context.Context, job.Job) error { return nil }}, jobdb.Config{Now: c.Now})
		add(t, db, q, job.Job{Kind: "good"})
		add(t, db, q, job.Job{Kind: "unknown"})
		for range job.MaxTries {
			for step(t, q) {
			}
			c.now = c.now.Add(time.Hour)
		}
		c.now = c.now.Add(job.Kept)
		if err := q.Plan(t.Context()); err != nil {
			t.Fatal(err)
		}
		if j := only(t, q); j.Kind != "unknown" || j.State != job.Failed {
			t.Errorf("%s %s is left, want the failed one", j.State, j.Kind)
		}
	})
}
