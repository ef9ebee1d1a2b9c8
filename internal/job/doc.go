// Package job names durable work: what must happen later, once, even if the
// process dies in between. Package jobdb keeps and runs it.
//
// It promises:
//
//   - a job added in a transaction exists if and only if the transaction does;
//   - a job runs at least once: a lease that ends without a result is given to
//     another worker, so what a job does is idempotent;
//   - a worker renews the lease of the job it does, however long that takes; when it
//     cannot, or another has taken the job over, the handler's context ends;
//   - of two workers one holds a job, and the result of one whose lease was taken
//     over is not recorded (the fence), also when their clocks differ;
//   - a failing job backs off and, after its last try, stays visible as failed; a
//     kind that takes people out of something is tried until it succeeds;
//   - a key (Dedupe) is waiting at most once, also while its job waits to be tried
//     again;
//   - a [Schedule] queues its job each time it is due, once for however many workers,
//     and makes up for missed times or leaves them out, as it says;
//   - a clock that jumps delays no job by more than a lease, an hour's back-off, or a
//     schedule's interval once it is right again.
//
// Done jobs are kept for [Kept], failed ones until somebody looks.
//
// A payload holds tokens and counts, nothing personal.
package job

import (
	"time"

	"thimble"
)

// A State is where a job stands.
type State string

// The states.
const (
	Waiting State = "waiting"
	Running State = "running"
	Done    State = "done"
	Failed  State = "failed"
)

// A Job is one piece of work.
type Job struct {
	ID      thimble.ID
	Kind    string
	Payload string // JSON
	Dedupe  string // "" for none
	RunAt   time.Time

	State      State
	Tries      int
	Error      string
	CreatedAt  time.Time
	FinishedAt time.Time
	Fence      int64
}

// MaxTries is how often a job is tried before it stays failed.
const MaxTries = 8

// Backoff returns how long to wait after the given number of failed tries: one
// second, doubling, an hour at most.
func Backoff(tries int) time.Duration {
	return min(time.Hour, time.Second<<min(max(tries-1, 0), 12))
}

// Kept is how long a done job stays in the list.
const Kept = 30 * 24 * time.Hour

// A Missed policy says what becomes of times at which nothing could be queued.
type Missed int

// The policies.
const (
	Once Missed = iota // one run makes up for all of them
	Skip               // they are left out; the next time counts
)

// A Schedule queues a job again and again. Times are counted in UTC from 1970, so
// that no change of clocks in a country moves or doubles one.
type Schedule struct {
	Name    string // also the key of its jobs: one waits at a time
	Kind    string
	Payload string
	Every   time.Duration
	// Jitter delays each time by a part of itself that is drawn anew, so that many
	// installations do not all begin at the full hour.
	Jitter time.Duration
	Missed Missed
}

// Next returns the time of the schedule that follows now, with the given part (0 to
// 1) of its jitter. A jitter is shorter than the interval, so each has one time.
func (s Schedule) Next(now time.Time, part float64) time.Time {
	return now.Truncate(s.Every).Add(s.Every + time.Duration(part*float64(s.Jitter)))
}

// Planned is where a schedule stands.
type Planned struct {
	Name   string
	NextAt time.Time
	LastAt time.Time // zero: never
}
