// Package job names durable work: what must happen later, once, even if the
// process dies in between. Package jobdb keeps and runs it.
//
// It promises:
//
//   - a job added in a transaction exists if and only if the transaction does;
//   - a job runs at least once: a lease that ends without a result is given to
//     another worker, so what a job does is idempotent;
//   - of two workers one holds a job, and the result of one whose lease was taken
//     over is not recorded (the fence);
//   - a failing job backs off and, after its last try, stays visible as failed; a
//     kind that takes people out of something is tried until it succeeds;
//   - a key (Dedupe) is waiting at most once.
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
