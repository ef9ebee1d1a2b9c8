package sourcedb

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"thimble"
	"thimble/internal/collect/intake"
	"thimble/internal/collect/source"
)

// A hanging is a store whose database answers until it hangs.
type hanging struct {
	*Store
	key   string
	reads atomic.Int64
	hangs atomic.Bool
}

func newHanging(t *testing.T) *hanging {
	t.Helper()
	key, err := source.NewKey(nil, intake.Server)
	if err != nil {
		t.Fatal(err)
	}
	hash, err := source.HashOf(key)
	if err != nil {
		t.Fatal(err)
	}
	h := &hanging{Store: New(nil, nil, nil), key: key}
	h.load = func(ctx context.Context) (*known, error) {
		since := time.Now()
		h.reads.Add(1)
		if h.hangs.Load() {
			ctx, stop := context.WithTimeout(ctx, patience)
			defer stop()
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return &known{since: since, sources: map[source.Hash]opened{hash: {&source.Source{}, source.Key{}}}}, nil
	}
	return h
}

func (h *hanging) ask(ctx context.Context) (waited time.Duration, err error) {
	began := time.Now()
	_, err = h.Open(ctx, h.key)
	return time.Since(began), err
}

// The time of these tests is made up: nothing depends on the machine.
func TestWhileTheDatabaseHangsWhatIsKnownServesForASecondAndNobodyQueues(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHanging(t)
		if _, err := h.ask(t.Context()); err != nil {
			t.Fatal(err)
		}
		h.hangs.Store(true)
		time.Sleep(stale - time.Millisecond)
		for range 1000 {
			if waited, err := h.ask(t.Context()); err != nil || waited != 0 {
				t.Fatalf("for what is known: %v after %v", err, waited)
			}
		}
		time.Sleep(time.Millisecond)
		var all sync.WaitGroup
		for range 1000 {
			all.Go(func() {
				if waited, err := h.ask(t.Context()); !errors.Is(err, thimble.ErrUnavailable) || waited > patience {
					t.Errorf("after a second: %v after %v, want unavailable within %v", err, waited, patience)
				}
			})
		}
		all.Wait()
		if n := h.reads.Load(); n > 3 {
			t.Errorf("the database was read %d times, want once at a time", n)
		}
		ctx, stop := context.WithTimeout(t.Context(), time.Millisecond)
		defer stop()
		if waited, err := h.ask(ctx); !errors.Is(err, thimble.ErrUnavailable) || waited > time.Millisecond {
			t.Errorf("of who has no time: %v after %v", err, waited)
		}
		h.hangs.Store(false)
		time.Sleep(patience)
		if _, err := h.ask(t.Context()); err != nil {
			t.Errorf("when it answers again: %v", err)
		}
	})
}

func TestAReadThatHangsAcrossAChangeIsNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHanging(t)
		h.hangs.Store(true)
		var first sync.WaitGroup
		first.Go(func() {
			if _, err := h.ask(t.Context()); !errors.Is(err, thimble.ErrUnavailable) {
				t.Errorf("before the change: %v", err)
			}
		})
		synctest.Wait()
		h.forget()
		h.hangs.Store(false)
		if waited, err := h.ask(t.Context()); err != nil || waited != 0 {
			t.Errorf("after the change: %v after %v", err, waited)
		}
		first.Wait()
	})
}
