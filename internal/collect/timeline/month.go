package timeline

import "time"

// A Month numbers the months since January 1970, in UTC. What is kept of a person is
// kept by the month in which it came in, as its keys are.
func Month(at time.Time) int64 {
	at = at.UTC()
	return int64(at.Year()-1970)*12 + int64(at.Month()) - 1
}

// MonthTime returns the instant at which a month begins.
func MonthTime(month int64) time.Time {
	return time.Date(1970+int(month/12), time.Month(month%12)+1, 1, 0, 0, 0, 0, time.UTC)
}
