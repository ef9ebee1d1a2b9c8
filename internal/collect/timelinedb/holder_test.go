package timelinedb_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"thimble"
	"thimble/internal/collect/frame"
	"thimble/internal/collect/timeline"
	"thimble/internal/collect/timelinedb"
	"thimble/internal/holdertest"
	"thimble/internal/sqldb"
	"thimble/internal/thimbletest"
)

func TestTheStoreKeepsTheContractOfHolders(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		// Months are what rows are cut by, so time passes by months.
		now, n := noon, 0
		holdertest.Run(t, holdertest.Fixture{
			Holder: w.store, Core: w.Core, Keys: w.Keys, Log: w.Events, View: w.View,
			Tick: func(testing.TB) time.Time {
				now = timeline.MonthTime(timeline.Month(now) + 1)
				before := now
				now = now.AddDate(0, 0, 7)
				return before
			},
			Person: func(tb testing.TB) thimble.SubjectID { return w.person(taste) },
			Keep: func(tb testing.TB, who thimble.SubjectID) []string {
				n++
				now = now.Add(time.Second)
				item := fmt.Sprintf("ITEM-%d-", n)
				w.append(w.record(who, now, viewed(item, now)))
				w.flush()
				return []string{item, "You looked at a product", "what you did with products"}
			},
			Terms:   map[thimble.Category]holdertest.Term{browsing: holdertest.Expires},
			Objects: taste,
			Used: func(tb testing.TB, who thimble.SubjectID) bool {
				return len(w.interactions(who)) > 0
			},
		})
	})
}

func TestAMonthThatHasHalfExpiredIsMadeAgain(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.person(taste)
		early, late := noon.AddDate(0, 0, -9), noon
		for _, at := range []time.Time{early, late} {
			w.append(w.record(ada, at, viewed(at.Format("day-2"), at), part{size, `{"properties":{"size":"38"}}`}))
		}
		w.flush()
		// The log expires by when a frame was committed: nothing of today has expired.
		before := time.Now().Add(time.Hour)
		e, err := w.store.Expire(t.Context(), browsing, before)
		w.must(err)
		if e.Erased < 2 {
			t.Errorf("%d erased, want both parts and more", e.Erased)
		}
		if got := w.items(ada); len(got) > 0 {
			t.Errorf("what has expired is still there: %v", got)
		}
		if got := w.interactions(ada); len(got) > 0 {
			t.Errorf("what was made of it is still there: %v", got)
		}
		events, _, err := w.store.Of(t.Context(), w.grant(ada, size), []thimble.Category{size}, timeline.Place{}, 0)
		if err != nil || len(events) != 2 {
			t.Errorf("of the other category there are %d events, %v, want 2", len(events), err)
		}
	})
}

// holds reports whether the bytes are anywhere in a frame of the log, read as it lies there.
func (w *world) holds(needle []byte) bool {
	w.tb.Helper()
	var found bool
	w.must(w.Events.Read(w.tb.Context(), func(tx *sqldb.Tx) error {
		found = false
		rows, err := tx.Query(w.tb.Context(), `select bytes from log_frames`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var b []byte
			if err := rows.Scan(&b); err != nil {
				return err
			}
			found = found || bytes.Contains(b, needle)
		}
		return rows.Err()
	}))
	return found
}

func TestCompactionTakesWhoeverIsGoneOutOfTheLog(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada, bob := w.person(taste), w.person(taste)
		var needles [][]byte
		for i := range 5 {
			r := w.record(ada, noon, viewed(fmt.Sprintf("item-%d", i), noon))
			needles = append(needles, r.Parts[0].Sealed[20:52])
			w.append(r, w.record(bob, noon, viewed("x", noon)))
		}
		w.flush()
		w.Erase(ada)
		if n, err := w.store.Waiting(t.Context()); err != nil || n != 5 {
			t.Errorf("%d frames wait, %v, want 5", n, err)
		}
		late := w.append(w.record(bob, noon, viewed("y", noon))) // and nothing of ada
		done, err := w.store.Compact(t.Context())
		w.must(err)
		if done.Records != 5 || done.Frames != 5 || done.Waiting != 0 {
			t.Errorf("compacted: %+v", done)
		}
		for _, n := range append(needles, ada[:]) {
			if w.holds(n) {
				t.Error("the log still holds bytes of somebody who is gone")
			}
		}
		if w.Events.Engine() == sqldb.SQLite {
			found, scanned, err := w.Frames.Scrub(t.Context(), needles)
			if err != nil || !scanned || found != 0 {
				t.Errorf("in the files of the log: %d found, scanned %t, %v", found, scanned, err)
			}
		}
		w.flush()
		if got := w.items(bob); len(got) != 6 {
			t.Errorf("bob has %d events after frame %d, want 6", len(got), late)
		}
		again, err := w.store.Compact(t.Context())
		if err != nil || again.Records != 0 || again.Frames != 0 {
			t.Errorf("compacting again: %+v, %v", again, err)
		}
	})
}

func TestWhatComesInForSomebodyWhoIsGoneIsCompactedToo(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.person(taste)
		r := w.record(ada, noon, viewed("a", noon))
		w.Erase(ada)
		w.append(r) // was under way
		w.flush()
		done, err := w.store.Compact(t.Context())
		w.must(err)
		if done.Records != 1 || w.holds(ada[:]) {
			t.Errorf("compacted %+v, and the log names them: %t", done, w.holds(ada[:]))
		}
	})
}

// interrupted is a log that dies after so many frames were rewritten.
type interrupted struct {
	*journal
	left int
}

func (i *interrupted) Rewrite(ctx context.Context, seq int64, keep func(int, *frame.Record) bool) (int, error) {
	if i.left == 0 {
		return 0, thimble.ErrUnavailable
	}
	i.left--
	return i.journal.Rewrite(ctx, seq, keep)
}

func TestACompactionGoesOnWhereItWasInterrupted(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.person()
		for range 6 {
			w.append(w.record(ada, noon, viewed("a", noon)))
		}
		w.flush()
		w.Erase(ada)
		for left := range 6 {
			w.rewriter = &interrupted{w.log, min(left, 1)}
			if _, err := w.open().Compact(t.Context()); err == nil {
				t.Fatal("nothing was interrupted")
			}
		}
		w.rewriter = w.log
		if _, err := w.open().Compact(t.Context()); err != nil || w.holds(ada[:]) {
			t.Errorf("%v, and the log names them: %t", err, w.holds(ada[:]))
		}
	})
}

func TestWhatACrashHasLeftIsReviewed(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.person(taste)
		w.views(ada, "a")
		w.flush()
		w.Chooses(ada, thimbletest.Withdraws(taste)...) // and nobody is told
		if got := w.interactions(ada); len(got) != 1 {
			t.Fatalf("got %v, want what a crash has left", got)
		}
		_, err := w.store.Compact(t.Context())
		w.must(err)
		if got := w.interactions(ada); len(got) > 0 {
			t.Errorf("after the review: got %v", got)
		}
	})
}

// A meanwhile does something before the first frame is written again.
type meanwhile struct {
	timelinedb.Rewriter
	do func()
}

func (m *meanwhile) Rewrite(ctx context.Context, seq int64, keep func(int, *frame.Record) bool) (int, error) {
	if do := m.do; do != nil {
		m.do = nil
		do()
	}
	return m.Rewriter.Rewrite(ctx, seq, keep)
}

// Who is erased while their frame is being compacted for somebody else is not forgotten.
func TestWhoIsErasedDuringACompactionIsCompactedByTheNext(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada, bob := w.person(taste), w.person(taste)
		w.append(w.record(ada, noon, viewed("a", noon)), w.record(bob, noon, viewed("b", noon)))
		w.flush()
		_, err := w.open().Compact(t.Context()) // so that the frame has been looked at
		w.must(err)
		w.Erase(ada)
		w.rewriter = &meanwhile{w.log, func() { w.Erase(bob) }}
		_, err = w.open().Compact(t.Context())
		w.must(err)
		w.rewriter = w.log
		for range 2 {
			_, err = w.open().Compact(t.Context())
			w.must(err)
		}
		if w.holds(ada[:]) || w.holds(bob[:]) {
			t.Errorf("the log names ada: %t, bob: %t", w.holds(ada[:]), w.holds(bob[:]))
		}
	})
}

// What is restricted is kept, and used by nobody (GDPR Art. 18(2)).
func TestACompactionKeepsWhatIsRestricted(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.person(taste)
		w.views(ada, "a")
		w.flush()
		_, err := w.Desk.Restrict(t.Context(), ada, true)
		w.must(err)
		_, err = w.store.Compact(t.Context())
		w.must(err)
		var months int
		w.must(w.view.Read(t.Context(), func(tx *sqldb.Tx) error {
			return tx.QueryRow(t.Context(), `select count(*) from collect_months where subject_id = $1`, ada[:]).Scan(&months)
		}))
		if months == 0 {
			t.Error("what is restricted was deleted")
		}
	})
}
