package policy

import (
	"time"

	"thimble/internal/policy/calendar"
)

// Until returns the first instant after at from which an answer of the library may
// differ although nobody moved: the midnight, where a law is from, of a day on
// which that law changes. The zero time says that none is known.
func (l *Library) Until(at time.Time) time.Time {
	var first time.Time
	for _, e := range l.entries {
		zone := e.pack.compute.Zone
		today := calendar.On(at, zone)
		for _, day := range e.days {
			if !today.Before(day) {
				continue
			}
			if start := day.Start(zone); first.IsZero() || start.Before(first) {
				first = start
			}
			break // days are in order
		}
	}
	return first
}
