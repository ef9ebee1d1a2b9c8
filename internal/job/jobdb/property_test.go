package jobdb_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"thimble/internal/job"
	"thimble/internal/job/jobdb"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
)

// naive is the queue as one would write it down: a list.
type naive struct {
	jobs []*naiveJob
}

type naiveJob struct {
	n, tries        int
	key, held       string // held: the key while it waits
	runAt, leaseEnd time.Time
	created         time.Time
	state           job.State
	forever         bool
}

func (m *naive) add(j *naiveJob) {
	for _, old := range m.jobs {
		if j.key != "" && old.state == job.Waiting && old.held == j.key {
			return
		}
	}
	j.state, j.held = job.Waiting, j.key
	m.jobs = append(m.jobs, j)
}

// take returns what a worker gets: the one that is due the longest.
func (m *naive) take(now time.Time, lease time.Duration) *naiveJob {
	var got *naiveJob
	for _, j := range m.jobs {
		due := j.state == job.Waiting && (!j.runAt.After(now) || j.runAt.Equal(j.created)) || j.state == job.Running && !j.leaseEnd.After(now)
		if due && (got == nil || j.runAt.Before(got.runAt)) {
			got = j
		}
	}
	if got != nil {
		got.state, got.held, got.leaseEnd = job.Running, "", now.Add(lease)
		got.tries++
	}
	return got
}

func (m *naive) finish(j *naiveJob, failed bool, now time.Time) {
	switch {
	case !failed:
		j.state = job.Done
	case j.tries >= job.MaxTries && !j.forever:
		j.state = job.Failed
	case j.key != "" && slices.ContainsFunc(m.jobs, func(o *naiveJob) bool { return o.held == j.key && o.state == job.Waiting }):
		j.state = job.Done
	default:
		j.state, j.held, j.runAt = job.Waiting, j.key, now.Add(job.Backoff(j.tries))
	}
}

// What becomes of a run. The process dies before it begins, in its middle, or after
// its work and before the result is recorded; or it ends.
const (
	succeeds = iota
	fails
	dies
	runs
)

func TestQueueAgreesWithANaiveOneThroughDeaths(t *testing.T) {
	sqldbtest.Installations(t, func(t *testing.T, open sqldbtest.Opener) {
		db, lives, steps := open(sqldb.Core), 5, 40
		if os.Getenv("THIMBLE_SOAK") != "" {
			lives = 400
		}
		for life := range lives {
			drawn := uint64(20261122 + life)
			rapidly := rapid.Custom(func(t *rapid.T) []int { return rapid.SliceOfN(rapid.IntRange(0, 1<<20), steps, steps).Draw(t, "moves") })
			if err := db.Write(t.Context(), func(tx *sqldb.Tx) error { _, err := tx.Exec(t.Context(), `delete from job_jobs`); return err }); err != nil {
				t.Fatal(err)
			}
			live(t, db, drawn, rapidly.Example(int(drawn)))
			if t.Failed() {
				return
			}
		}
	})
}

// live plays one life of two workers and compares after each move.
func live(t *testing.T, db *sqldb.DB, drawn uint64, moves []int) {
	const lease = time.Minute
	c, m := start(), &naive{}
	outcome, gotten := succeeds, -1
	var die context.CancelFunc
	handler := func(ctx context.Context, j job.Job) error {
		gotten, _ = strconv.Atoi(j.Payload) // a payload of ours
		switch outcome {
		case fails:
			return errors.New("no")
		case dies:
			die()
		}
		return ctx.Err()
	}
	handlers := map[string]jobdb.Handler{"k": handler, "ever": handler}
	worker := func() *jobdb.Queue {
		return jobdb.New(db, handlers, jobdb.Config{Now: c.Now, Lease: lease, Forever: []string{"ever"}})
	}
	workers := []*jobdb.Queue{worker(), worker()}
	for at, move := range moves {
		c.now = c.now.Add(time.Second + 7*time.Microsecond) // so that no two have one time, also after a back-off
		w := move / 16 % 2
		switch kind := move % 16; {
		case kind < 5:
			j := &naiveJob{n: len(m.jobs)*1000 + at, created: c.now, runAt: c.now, forever: kind == 0}
			if kind == 1 {
				j.runAt = c.now.Add(time.Duration(move/32%180)*time.Second + 3*time.Microsecond)
			}
			if kind > 2 {
				j.key = fmt.Sprint("key ", move/32%3)
			}
			m.add(j)
			kinds := map[bool]string{true: "ever", false: "k"}
			add(t, db, workers[w], job.Job{Kind: kinds[j.forever], Payload: strconv.Itoa(j.n), Dedupe: j.key, RunAt: j.runAt})
		case kind < 13:
			outcome, gotten = move/32%runs, -1
			want := m.take(c.now, lease)
			ctx, cancel := context.WithCancel(t.Context())
			die = cancel
			worked, err := workers[w].Step(ctx)
			cancel()
			if err != nil || worked != (want != nil) || worked && gotten != want.n {
				t.Fatalf("seed %d, move %d: took %v %d, %v; want %+v", drawn, at, worked, gotten, err, want)
			}
			if want != nil && outcome == dies {
				workers[w] = worker() // it starts anew
			} else if want != nil {
				m.finish(want, outcome == fails, c.now)
			}
		default:
			c.now = c.now.Add(time.Duration(move/32%120) * time.Second)
		}
		agree(t, workers[w], m, drawn, at)
	}
}

func agree(t *testing.T, q *jobdb.Queue, m *naive, drawn uint64, at int) {
	t.Helper()
	all, err := q.List(t.Context(), 1000)
	if err != nil {
		t.Fatal(err)
	}
	states := func(s job.State, tries int) string { return fmt.Sprint(s, " ", tries) }
	var got, want []string
	for _, j := range all {
		got = append(got, states(j.State, j.Tries))
	}
	for _, j := range m.jobs {
		want = append(want, states(j.state, j.tries))
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Fatalf("seed %d, after move %d:\n got %v\nwant %v", drawn, at, got, want)
	}
}
