package listsdb_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"thimble"
	"thimble/internal/recommend/listsdb"
	"thimble/internal/sqldb"
	"thimble/internal/thimbletest"
)

func TestWhoIsWrittenDownIsSoWithTheChangeOrTheChangeIsNotMade(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		ctx, no := t.Context(), errors.New("no")
		ada := s.Subject("ada")
		queued := error(nil)
		leaving := listsdb.New(s.Core, time.Now, func(context.Context, *sqldb.Tx) error { return queued })
		waits := func() (turn int64, n int) {
			t.Helper()
			turn, all, err := leaving.Waiting(ctx, 10)
			if err != nil {
				t.Fatal(err)
			}
			return turn, len(all)
		}
		change := func(after error) error {
			return s.Core.Write(ctx, func(tx *sqldb.Tx) error {
				leaving.Moving(tx, ada)
				leaving.Moving(tx, thimble.SubjectID{}) // everybody is nobody to take out
				return after
			})
		}
		if err := change(no); !errors.Is(err, no) {
			t.Fatal(err)
		}
		if _, n := waits(); n != 0 {
			t.Errorf("%d rows of a change that was not made", n)
		}
		queued = no
		if err := change(nil); !errors.Is(err, no) {
			t.Errorf("the change is made although nobody will look at it: %v", err)
		}
		queued = nil
		if err := change(nil); err != nil {
			t.Fatal(err)
		}
		turn, all, err := leaving.Waiting(ctx, 10)
		if err != nil || len(all) != 1 || all[0].Who != ada {
			t.Fatalf("waiting: %v, %v; want her", all, err)
		}
		next, err := leaving.Settled(ctx, all)
		if err != nil || next != turn+1 {
			t.Errorf("the turn is %d after %d, %v", next, turn, err)
		}
		if now, n := waits(); n != 0 || now != next {
			t.Errorf("%d rows wait in turn %d, want none in %d", n, now, next)
		}
	})
}
