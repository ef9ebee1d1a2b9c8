package app

import (
	"testing"
	"time"
)

// What failed is tried soon, then ever later, and never later than what is looked at anyway.
func TestWhatFailedIsTriedSoonAndThenEverLater(t *testing.T) {
	want := []time.Duration{time.Minute, 5 * time.Second, 10 * time.Second, 20 * time.Second, 40 * time.Second, time.Minute, time.Minute}
	for failed, w := range want {
		if got := mendAfter(failed); got != w {
			t.Errorf("after %d failures in %v, want %v", failed, got, w)
		}
	}
	if got := mendAfter(1 << 40); got != time.Minute {
		t.Errorf("after many failures in %v, want a minute", got)
	}
}
