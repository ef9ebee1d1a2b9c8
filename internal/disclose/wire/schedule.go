package wire

import "time"

// A Schedule says when to try again. The zero value is the default: 5 seconds, four
// times as long after each further try, 12 hours at most, for 3 days in all.
type Schedule struct {
	First   time.Duration // after the first failed try
	Factor  float64       // by which each wait is longer than the last, at least 1
	Cap     time.Duration // of one wait
	Horizon time.Duration // from the first try to the last
	// Jitter is the part of a wait, 0 to 1, that is drawn: many messages to a recipient
	// that was away do not all come back in one second. 0 means a quarter.
	Jitter float64
}

// maxAfter bounds what a recipient may ask for, so that none parks a message for ever.
const maxAfter = 24 * time.Hour

func (s Schedule) filled() Schedule {
	fill := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	fill(&s.First, 5*time.Second)
	fill(&s.Cap, 12*time.Hour)
	fill(&s.Horizon, 72*time.Hour)
	if s.Factor == 0 {
		s.Factor = 4
	}
	s.Factor = max(s.Factor, 1)
	if s.Jitter == 0 {
		s.Jitter = 0.25
	}
	s.Jitter = min(max(s.Jitter, 0), 1)
	return s
}

// Next returns how long to wait after the given number of failed tries, the last of
// which was since after the first began. The wait is never shorter than after, which the
// recipient asked for, up to a day. part, from 0 to less than 1, is drawn by the
// caller. It is false when the next try would lie beyond the horizon: the message is dead.
func (s Schedule) Next(tries int, since, after time.Duration, part float64) (wait time.Duration, again bool) {
	s = s.filled()
	bare, most := float64(s.First), float64(s.Cap)
	for range max(tries-1, 0) {
		if bare >= most || s.Factor == 1 {
			break
		}
		bare *= s.Factor
	}
	bare = min(bare, most)
	// Half of the jitter lies on each side, so that its mean is the bare wait.
	wait = min(time.Duration(bare*(1+s.Jitter*(min(max(part, 0), 1)-0.5))), s.Cap)
	wait = max(wait, min(after, maxAfter), time.Millisecond)
	return wait, wait <= s.Horizon-since
}
