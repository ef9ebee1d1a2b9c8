package job_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"thimble/internal/job"
)

func TestStepsGoOnWhileThereIsSomethingAndThenWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		begin, wake := time.Now(), make(chan struct{}, 1)
		var at []time.Duration
		var failures int
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			job.Steps(ctx, time.Minute, wake, func(context.Context) (bool, error) {
				at = append(at, time.Since(begin))
				if len(at) == 3 {
					return true, errors.New("not now")
				}
				return len(at) < 4, nil
			}, func(error) { failures++ })
		}()
		time.Sleep(90 * time.Second)
		wake <- struct{}{}
		synctest.Wait()
		stop()
		<-ended
		want := []time.Duration{0, 0, 0, time.Minute, 90 * time.Second}
		if len(at) != len(want) || failures != 1 {
			t.Fatalf("steps at %v with %d failures, want %v and one", at, failures, want)
		}
		for i := range want {
			if at[i] != want[i] {
				t.Errorf("step %d at %v, want %v", i, at[i], want[i])
			}
		}
	})
}
