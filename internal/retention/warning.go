package retention

import (
	"time"

	"thimble"
)

// A Warning is what somebody is told before they are forgotten for not having been there
// (DPDP Rules 2025, rule 8(2)).
type Warning struct {
	Subject thimble.SubjectID // who stands for the person
	SeenOn  time.Time         // the day on which they were there last
	Due     time.Time         // from which day they are forgotten, unless they are there before
	Span    string            // the period, such as "3y"
	Source  Source            // who says so
	State   WarningState
	Why     string       // it could not be sent, or not yet; in the words of whoever sends
	Sent    []thimble.ID // the messages that carry it
	At      time.Time    // since when it is owed
	Told    time.Time    // when they were told, or it was certain that nobody can tell them
}

// A WarningState is what became of a warning.
type WarningState string

// The states.
const (
	WarningOwed   WarningState = "owed"   // it is still to be written, or cannot be now
	WarningQueued WarningState = "queued" // it is on its way
	WarningTold   WarningState = "told"
	// WarningUnreached is of who cannot be written to: nobody knows an address of theirs, or
	// none takes letters. The period runs out for them like for anybody.
	WarningUnreached WarningState = "unreached"
	WarningBack      WarningState = "back" // they were there since: nothing is deleted
)

const (
	// Lead is how long before their period ends people are written to: time for the letter to
	// be tried again, and for them.
	Lead = 7 * 24 * time.Hour
	// Notice is how long somebody must have been told at least (DPDP Rules 2025, rule 8(2)).
	Notice = 48 * time.Hour
	// Remembered is how long somebody who came back reads of it.
	Remembered = 30 * 24 * time.Hour
)

// DueOn is the day from which somebody may be forgotten: when their period is over, and never
// so soon that a letter of now would come too late.
func DueOn(seen time.Time, r Rule, now time.Time) time.Time {
	if r.Since.After(seen) {
		seen = r.Since
	}
	due, soonest := After(seen.Add(24*time.Hour-time.Microsecond), r.Span), Soonest(now)
	if due.Before(soonest) {
		return soonest
	}
	return due
}

// Soonest is the first day on which somebody may be forgotten who is told within a day of now.
func Soonest(now time.Time) time.Time {
	return now.UTC().Truncate(24 * time.Hour).Add(24*time.Hour + Notice + 24*time.Hour)
}

// Ripe reports whether somebody who was warned may be forgotten.
func (w Warning) Ripe(now time.Time) bool {
	return (w.State == WarningTold || w.State == WarningUnreached) && !w.Told.After(now.Add(-Notice)) && !w.Due.After(now)
}
