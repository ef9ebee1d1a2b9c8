package timelinedb_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/collect/timeline"
	"thimble/internal/collect/timelinedb"
	"thimble/internal/sqldb"
)

// damage puts other bytes where a frame was, and returns how to mend it.
func (w *world) damage(seq int64) (mend func()) {
	w.tb.Helper()
	var whole []byte
	put := func(b []byte) {
		w.must(w.Events.Write(w.tb.Context(), func(tx *sqldb.Tx) error {
			if err := tx.QueryRow(w.tb.Context(), `select bytes from log_frames where seq = $1`, seq).Scan(&whole); err != nil {
				return err
			}
			_, err := tx.Exec(w.tb.Context(), `update log_frames set bytes = $2 where seq = $1`, seq, b)
			return err
		}))
	}
	w.log.cold = true
	put([]byte("damaged"))
	before := whole
	return func() { put(before) }
}

func TestADamagedFrameStopsNobodyAndIsBuiltInWhenItIsMended(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.person(taste)
		var told []string
		w.must(w.store.Listen("test", taste, []thimble.Category{browsing}, func(_ context.Context, events []timeline.Event) error {
			for _, e := range events {
				said := e.What()
				told = append(told, string(said.Products[0].Item))
			}
			return nil
		}))
		w.views(ada, "a")
		bad := w.append(w.record(ada, noon, viewed("b", noon)), w.sold(ada, trusted, "Order Completed", "100", shirts))
		w.views(ada, "c")
		mend := w.damage(bad)

		w.flush()
		if got, want := w.items(ada), []string{"C", "A"}; !slices.Equal(got, want) {
			t.Errorf("with a damaged frame: got %v, want %v", got, want)
		}
		if got, want := told, []string{"A", "C"}; !slices.Equal(got, want) {
			t.Errorf("a listener is told of %v, want %v", got, want)
		}
		if c, err := w.store.Check(t.Context()); err != nil || !slices.Equal(c.Unreadable, []int64{bad}) || len(c.Mended) > 0 || c.Frames != 3 || c.Records != 2 {
			t.Errorf("a check says %+v, %v, want that frame %d cannot be read", c, err, bad)
		}

		mend()
		if c, err := w.store.Check(t.Context()); err != nil || len(c.Unreadable) > 0 || !slices.Equal(c.Mended, []int64{bad}) {
			t.Errorf("a check says %+v, %v, want that frame %d was mended", c, err, bad)
		}
		w.flush()
		if got, want := w.interactions(ada), []string{"A view 1", "B view 1", "C view 1", "SCARF buy 1", "SHIRT buy 1"}; !slices.Equal(got, want) {
			t.Errorf("mended: got %v, want %v", got, want)
		}
		if got := w.orders(ada); len(got) != 1 {
			t.Errorf("mended: the orders are %v, want the one of the frame", got)
		}
		if !slices.Contains(told, "B") {
			t.Errorf("mended: a listener was told of %v", told)
		}
		if c, err := w.store.Check(t.Context()); err != nil || len(c.Unreadable)+len(c.Mended) > 0 {
			t.Errorf("a second check says %+v, %v", c, err)
		}
	})
}

func TestADamagedFrameIsNamedToItsPersonAndWaitsForCompaction(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.person(taste)
		w.views(ada, "a", "b")
		w.flush()
		mend := w.damage(1)
		if got, want := w.items(ada), []string{"B"}; !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		lost := 0
		for d, err := range w.store.Export(t.Context(), ada) {
			w.must(err)
			if e, ok := d.Value.(timelinedb.Exported); ok && strings.Contains(e.What, "cannot be read") {
				lost++
			}
		}
		if lost != 1 {
			t.Errorf("the copy of the data names %d events that cannot be read, want 1", lost)
		}
		w.must(w.store.Derive(t.Context(), ada))
		if got, want := w.interactions(ada), []string{"B view 1"}; !slices.Equal(got, want) {
			t.Errorf("built again: got %v, want %v", got, want)
		}

		w.Erase(ada)
		_, err := w.store.Erase(t.Context(), ada)
		w.must(err)
		done, err := w.store.Compact(t.Context())
		if err != nil || done.Records != 1 || done.Waiting != 1 {
			t.Errorf("compacted %+v, %v, want one record, and the damaged frame to wait", done, err)
		}
		mend()
		_, err = w.store.Check(t.Context())
		w.must(err)
		w.flush()
		done, err = w.store.Compact(t.Context())
		if err != nil || done.Records != 1 || done.Waiting != 0 {
			t.Errorf("mended, compacted %+v, %v, want the other record", done, err)
		}
		if got := w.postings(); len(got) > 0 {
			t.Errorf("the index has %d rows of somebody who is gone", len(got))
		}
	})
}

func TestWhatExpiredInADamagedFrameGoesWhenItIsMended(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.person(taste)
		w.views(ada, "a", "b")
		w.flush()
		mend := w.damage(1)
		later := time.Now().Add(time.Hour)
		if e, err := w.store.Expire(t.Context(), browsing, later); err != nil || e.Erased == 0 {
			t.Fatalf("expired %+v, %v", e, err)
		}
		mend()
		_, err := w.store.Check(t.Context())
		w.must(err)
		_, err = w.store.Expire(t.Context(), browsing, later)
		w.must(err)
		if got := w.items(ada); len(got) > 0 {
			t.Errorf("%v is left of what has expired", got)
		}
	})
}

// An answer without what is not indexed yet would be false, and one that reads the whole log
// for it would never come.
func TestAReadThatIsTooFarBehindIsRefusedForNow(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.behind = 10
		w.store = w.open()
		ada, bob := w.person(), w.person()
		w.views(ada, "a")
		for range 9 {
			w.views(bob, "x")
		}
		if got := w.items(ada); len(got) != 1 {
			t.Errorf("at the bound: got %v", got)
		}
		w.views(bob, "x")
		_, _, err := w.store.Of(t.Context(), w.grant(ada, browsing), []thimble.Category{browsing}, timeline.Place{}, 0)
		if !errors.Is(err, thimble.ErrUnavailable) {
			t.Errorf("past the bound: got %v, want it to be unavailable", err)
		}
		w.flush()
		if got := w.items(ada); len(got) != 1 {
			t.Errorf("caught up: got %v", got)
		}
	})
}
