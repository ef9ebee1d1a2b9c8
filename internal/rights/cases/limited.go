package cases

import "time"

// A Limited says whether who disputes a value had the use of their data limited while the
// case is open (GDPR Art. 18(1)(a)).
type Limited int64

// The states of a limit.
const (
	NotLimited   Limited = 0
	LimitAsked   Limited = 1 // it comes into force at once, or after a crash within a minute
	LimitHolds   Limited = 2
	LimitIsEnded Limited = 3 // lifted, or made another by the person
)

// LimitNotice is how long before a limit is lifted its person is told (GDPR Art. 18(3)): with
// the end of the case, on its page and by the letter that follows from it, if one does.
const LimitNotice = 3 * 24 * time.Hour

// LimitEnds is when the limit is lifted; zero while the case is open, or without a limit.
func (c Case) LimitEnds() time.Time {
	if c.Limited != LimitAsked && c.Limited != LimitHolds || c.Closed.IsZero() {
		return time.Time{}
	}
	return c.Closed.Add(LimitNotice)
}
