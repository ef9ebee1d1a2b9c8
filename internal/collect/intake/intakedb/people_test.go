package intakedb

import (
	"context"
	"testing"
	"testing/synctest"

	"thimble/internal/collect/intake"
	"thimble/internal/subject"
)

func someIDs(t *testing.T, n int) []subject.Identifier {
	t.Helper()
	ids := make([]subject.Identifier, n)
	for i := range ids {
		var err error
		if ids[i], err = subject.NewIdentifier(subject.Device, string(rune('a'+i%26))+"-device"); err != nil {
			t.Fatal(err)
		}
	}
	return ids
}

// A body waits for its own people, and not for those of bodies that come after it: one
// that makes a round leaves the next to who waits.
func TestNobodyMakesThePeopleOfThoseWhoComeLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turn := make(chan struct{})
		var sizes []int
		p := &People{}
		p.make = func(_ context.Context, ids []subject.Identifier) ([]intake.Made, error) {
			sizes = append(sizes, len(ids))
			<-turn
			return make([]intake.Made, len(ids)), nil
		}
		answered := make(chan int)
		asks := func(body, n int) {
			go func() {
				made, err := p.Make(t.Context(), someIDs(t, n))
				if err != nil || len(made) != n {
					t.Errorf("body %d: %d made, %v", body, len(made), err)
				}
				answered <- body
			}()
			synctest.Wait()
		}
		asks(1, 2)
		asks(2, perCommit-1)
		asks(3, 1)
		asks(4, 1) // does not fit into the commit of the two before
		turn <- struct{}{}
		// With a leader that works until nobody waits, the first would not be answered here.
		if got := <-answered; got != 1 {
			t.Errorf("body %d was answered first, want 1", got)
		}
		turn <- struct{}{}
		if a, b := <-answered, <-answered; a+b != 5 {
			t.Errorf("bodies %d and %d were answered, want 2 and 3 together", a, b)
		}
		turn <- struct{}{}
		<-answered
		if len(sizes) != 3 || sizes[0] != 2 || sizes[1] != perCommit || sizes[2] != 1 {
			t.Errorf("rounds of %v people", sizes)
		}
	})
}

func TestWhoLeavesBeforeTheirTurnHandsItOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turn := make(chan struct{})
		made := 0
		p := &People{}
		p.make = func(_ context.Context, ids []subject.Identifier) ([]intake.Made, error) {
			<-turn
			made += len(ids)
			return make([]intake.Made, len(ids)), nil
		}
		left, leave := context.WithCancel(t.Context())
		answers := make(chan error, 3)
		for _, ctx := range []context.Context{t.Context(), left, t.Context()} {
			go func() {
				_, err := p.Make(ctx, someIDs(t, 1))
				answers <- err
			}()
			synctest.Wait()
		}
		leave()
		synctest.Wait()
		if err := <-answers; err == nil {
			t.Error("who left was answered as if they had stayed")
		}
		close(turn)
		for range 2 {
			if err := <-answers; err != nil {
				t.Error(err)
			}
		}
		if made != 2 || p.busy {
			t.Errorf("%d people were made, want 2; busy %v", made, p.busy)
		}
	})
}
