package framedb_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	mrand "math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"thimble"
	"thimble/internal/collect/frame"
	"thimble/internal/collect/framedb"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
)

// opened opens the log on a database and closes it with the test.
func opened(tb testing.TB, db *sqldb.DB, cfg framedb.Config) *framedb.Store {
	tb.Helper()
	s, err := framedb.Open(tb.Context(), db, cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = s.Close() })
	return s
}

func key(text string) (k frame.Key) {
	copy(k[:], text)
	return k
}

// event is a record of somebody, with parts that hold the text.
func event(repeat, text string) frame.Record {
	r := frame.Record{Received: time.Now().UnixMicro(), Source: 3, Repeat: key(repeat), Parts: []frame.Part{
		{Category: "user.behavior.browsing_history", Sealed: []byte(text)}, {Category: thimble.PurchaseHistory, Sealed: []byte(text + text)},
	}}
	_, _ = rand.Read(r.ID[:])
	_, _ = rand.Read(r.Subject[:])
	return r
}

// kept appends records and wants so many kept.
func kept(t *testing.T, s *framedb.Store, want int, records ...frame.Record) frame.Appended {
	t.Helper()
	got, err := s.Append(t.Context(), records)
	if err != nil {
		t.Fatal(err)
	}
	if got.Kept != want || got.Repeated != len(records)-want || (got.Seq > 0) != (want > 0) {
		t.Fatalf("of %d records: %+v, want %d kept", len(records), got, want)
	}
	return got
}

func all(t *testing.T, s *framedb.Store) (frames []frame.Frame) {
	t.Helper()
	for seq := int64(0); ; {
		some, err := s.After(t.Context(), seq, 7)
		if err != nil {
			t.Fatal(err)
		}
		if len(some) == 0 {
			return frames
		}
		for _, f := range some {
			if f.Seq != seq+1 {
				t.Fatalf("frame %d follows %d", f.Seq, seq)
			}
			seq = f.Seq
		}
		frames = append(frames, some...)
	}
}

func TestWhatWasAppendedIsReadBack(t *testing.T) {
	sqldbtest.Each(t, sqldb.Log, func(t *testing.T, db *sqldb.DB) {
		s := opened(t, db, framedb.Config{})
		var want []frame.Record
		for i := range 20 {
			some := []frame.Record{event(fmt.Sprint("a", i), "one"), event("", "without a key"), {Received: 5, Counts: []frame.Count{{Event: "Product Viewed", Item: "p", Day: 20000, N: 2}}}}
			if got := kept(t, s, 3, some...); got.Seq != int64(i+1) {
				t.Fatalf("frame %d, want %d", got.Seq, i+1)
			}
			want = append(want, some...)
		}
		var got []frame.Record
		for _, f := range all(t, s) {
			got = append(got, f.Records...)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Error(diff)
		}
		some, err := s.At(t.Context(), 3, 1)
		if err != nil || len(some) != 2 || some[0].Seq != 3 || some[1].Seq != 1 {
			t.Errorf("frames 3 and 1: %v, %v", some, err)
		}
		if _, err := s.At(t.Context(), 21); !errors.Is(err, thimble.ErrNotFound) {
			t.Errorf("a frame that is not there: %v", err)
		}
		if last, err := s.Last(t.Context()); last != 20 || err != nil {
			t.Errorf("the newest is %d, %v", last, err)
		}
		if got, err := s.Append(t.Context(), nil); got != (frame.Appended{}) || err != nil {
			t.Errorf("nothing appended: %+v, %v", got, err)
		}
	})
}

func TestARepeatIsLeftOut(t *testing.T) {
	sqldbtest.Each(t, sqldb.Log, func(t *testing.T, db *sqldb.DB) {
		s := opened(t, db, framedb.Config{})
		kept(t, s, 2, event("a", "1"), event("b", "2"), event("a", "3"))
		kept(t, s, 1, event("b", "4"), event("c", "5"))
		kept(t, s, 0, event("c", "6"))
		if !s.Seen(key("a")) || s.Seen(key("d")) || s.Seen(frame.Key{}) {
			t.Error("Seen does not know what is known")
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		again := opened(t, db, framedb.Config{})
		if !again.Seen(key("a")) {
			t.Error("a restart forgets")
		}
		kept(t, again, 1, event("a", "7"), event("b", "8"), event("c", "9"), event("d", "10"))
	})
}

func TestAnOrderIsKeptOnce(t *testing.T) {
	sqldbtest.Each(t, sqldb.Log, func(t *testing.T, db *sqldb.DB) {
		s := opened(t, db, framedb.Config{})
		order := func(repeat, order string) frame.Record {
			r := event(repeat, "x")
			r.Order = key(order)
			return r
		}
		kept(t, s, 2, order("a", "o1"), order("b", "o1"), order("c", "o2"))
		kept(t, s, 0, order("d", "o2"))
		// Its message may come again without an order, which was never kept.
		kept(t, s, 1, event("d", "x"))
		// A message that is known brings no order.
		kept(t, s, 0, order("a", "o3"))
		kept(t, s, 1, order("e", "o3"))
	})
}

func TestManyAppendAtOnceAndEachKeyIsKeptOnce(t *testing.T) {
	sqldbtest.Each(t, sqldb.Log, func(t *testing.T, db *sqldb.DB) {
		s := opened(t, db, framedb.Config{})
		var told sync.Map
		s.OnCommit(func(seq int64) { told.Store(seq, true) })
		const callers, calls = 16, 30
		var wg sync.WaitGroup
		var mu sync.Mutex
		sum := 0
		for c := range callers {
			wg.Go(func() {
				for i := range calls {
					// Each pair of callers sends the same.
					got, err := s.Append(t.Context(), []frame.Record{event(fmt.Sprint(c/2, " ", i), "x"), event(fmt.Sprint("own", c, " ", i), "x")})
					if err != nil {
						t.Error(err)
						return
					}
					if _, ok := told.Load(got.Seq); !ok {
						t.Errorf("nobody was told of frame %d", got.Seq)
					}
					mu.Lock()
					sum += got.Kept
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		want := callers*calls + callers/2*calls
		found := map[frame.Key]int{}
		frames := all(t, s)
		for _, f := range frames {
			for _, r := range f.Records {
				found[r.Repeat]++
			}
		}
		if sum != want || len(found) != want {
			t.Errorf("%d were said to be kept, %d keys are, want %d", sum, len(found), want)
		}
		for k, n := range found {
			if n != 1 {
				t.Errorf("%q is kept %d times", bytes.TrimRight(k[:], "\x00"), n)
			}
		}
		t.Logf("%d calls in %d frames", callers*calls, len(frames))
	})
}

func TestAClosedLogTakesNothing(t *testing.T) {
	s := opened(t, sqldbtest.SQLite(t, sqldb.Log), framedb.Config{})
	if err := s.Healthy(t.Context()); err != nil {
		t.Errorf("a new log: %v", err)
	}
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			for {
				if _, err := s.Append(context.Background(), []frame.Record{event("", "x")}); err != nil {
					if !errors.Is(err, thimble.ErrUnavailable) {
						t.Error(err)
					}
					return
				}
			}
		})
	}
	time.Sleep(20 * time.Millisecond)
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	if err := s.Healthy(t.Context()); !errors.Is(err, thimble.ErrUnavailable) {
		t.Errorf("a closed log: %v", err)
	}
}

func TestABadRecordCostsOnlyItsCall(t *testing.T) {
	s := opened(t, sqldbtest.SQLite(t, sqldb.Log), framedb.Config{})
	bad := event("bad", "x")
	bad.ID = thimble.ID{}
	if _, err := s.Append(t.Context(), []frame.Record{event("a", "x"), bad}); !errors.Is(err, thimble.ErrInvalid) {
		t.Errorf("a record without an id: %v", err)
	}
	kept(t, s, 1, event("a", "x"))
}

// overwrite puts the bytes of a frame where another's were, and returns those.
func overwrite(t *testing.T, db *sqldb.DB, seq int64, b []byte) (before []byte) {
	t.Helper()
	err := db.Write(t.Context(), func(tx *sqldb.Tx) error {
		if err := tx.QueryRow(t.Context(), `select bytes from log_frames where seq = $1`, seq).Scan(&before); err != nil {
			return err
		}
		_, err := tx.Exec(t.Context(), `update log_frames set bytes = $2 where seq = $1`, seq, b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return before
}

func TestADamagedFrameIsNotedAndStopsNobody(t *testing.T) {
	sqldbtest.Each(t, sqldb.Log, func(t *testing.T, db *sqldb.DB) {
		s := opened(t, db, framedb.Config{})
		for i := range 3 {
			kept(t, s, 1, event(fmt.Sprint(i), "x"))
		}
		whole := overwrite(t, db, 2, []byte("damaged"))
		s = opened(t, db, framedb.Config{}) // it starts all the same
		read := func(what string, frames []frame.Frame, err error, bad ...int64) {
			t.Helper()
			if err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			for _, f := range frames {
				if want := slices.Contains(bad, f.Seq); f.Unreadable != want || len(f.Records) > 0 == want {
					t.Errorf("%s: frame %d has %d records, unreadable %t, want %t", what, f.Seq, len(f.Records), f.Unreadable, want)
				}
			}
		}
		frames, err := s.After(t.Context(), 0, 10)
		if read("After", frames, err, 2); len(frames) != 3 {
			t.Errorf("After returns %d frames, want each of the 3 in its place", len(frames))
		}
		frames, err = s.At(t.Context(), 2, 3)
		read("At", frames, err, 2)
		if noted, err := s.Unreadable(t.Context()); err != nil || !slices.Equal(noted, []int64{2}) {
			t.Errorf("noted are %v, %v, want frame 2", noted, err)
		}
		if b, err := s.Behind(t.Context(), 0); err != nil || b.Frames != 3 || b.Since.IsZero() {
			t.Errorf("behind the beginning are %+v, %v", b, err)
		}
		kept(t, s, 1, event("1", "x")) // what was in it is lost, and is taken again
		if _, err := s.Rewrite(t.Context(), 2, func(int, *frame.Record) bool { return false }); err == nil || errors.Is(err, thimble.ErrInvalid) || !strings.Contains(err.Error(), "frame 2 ") {
			t.Errorf("writing it again says %v, want it to name frame 2", err)
		}

		overwrite(t, db, 2, whole)
		if err := s.Mended(t.Context(), 2); err != nil {
			t.Fatal(err)
		}
		frames, err = s.After(t.Context(), 0, 10)
		read("mended", frames, err)
		if noted, err := s.Unreadable(t.Context()); err != nil || len(noted) > 0 {
			t.Errorf("noted are %v, %v, want none", noted, err)
		}
	})
}

func TestWhatIsDamagedIsNotPassedWithoutANote(t *testing.T) {
	db := sqldbtest.SQLite(t, sqldb.Log)
	s := opened(t, db, framedb.Config{})
	kept(t, s, 1, event("a", "x"))
	overwrite(t, db, 1, []byte("damaged"))
	if err := db.Write(t.Context(), func(tx *sqldb.Tx) error {
		_, err := tx.Exec(t.Context(), `create trigger full before insert on log_unreadable begin select raise(abort, 'no room'); end`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.After(t.Context(), 0, 10); err == nil {
		t.Error("After goes on although the note was refused")
	}
	if _, err := s.At(t.Context(), 1); err == nil {
		t.Error("At goes on although the note was refused")
	}
}

// A restore, or a server that took over without the last commits, takes frames away.
func TestAfterFramesWereLostTheirEventsAreTakenAgain(t *testing.T) {
	sqldbtest.Each(t, sqldb.Log, func(t *testing.T, db *sqldb.DB) {
		s := opened(t, db, framedb.Config{})
		for _, k := range []string{"a", "b", "c"} {
			kept(t, s, 1, event(k, "x"))
		}
		err := db.Write(t.Context(), func(tx *sqldb.Tx) error {
			_, err := tx.Exec(t.Context(), `delete from log_frames where seq > 1`)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		kept(t, s, 1, event("d", "x"))
		if got := kept(t, s, 2, event("a", "x"), event("b", "x"), event("c", "x")); got.Seq != 3 {
			t.Errorf("they are in frame %d, want 3", got.Seq)
		}
	})
}

func TestWhoFollowsReadsWhatTheDatabaseHolds(t *testing.T) {
	sqldbtest.Each(t, sqldb.Log, func(t *testing.T, db *sqldb.DB) {
		chance := mrand.New(mrand.NewPCG(seed, 2))
		t.Logf("seed %d", seed)
		// Two processes append and leave out, and each reads the same as a third that has seen nothing.
		both := []*framedb.Store{opened(t, db, framedb.Config{}), opened(t, db, framedb.Config{})}
		for i := range 60 {
			s := both[chance.IntN(2)]
			switch {
			case i > 5 && chance.IntN(6) == 0:
				// Of what the other has left out, a process may hold the sealed parts for a while.
				victim := 1 + chance.Int64N(int64(i))
				for _, s := range both {
					if _, err := s.Rewrite(t.Context(), victim, func(j int, r *frame.Record) bool { return j%2 == 0 }); err != nil && !errors.Is(err, thimble.ErrNotFound) {
						t.Fatal(err)
					}
				}
			default:
				kept(t, s, 3, sealed(fmt.Sprint(i, " a"), 100), sealed(fmt.Sprint(i, " b"), 100), sealed(fmt.Sprint(i, " c"), 100))
			}
			fresh := opened(t, db, framedb.Config{})
			from := chance.Int64N(int64(i) + 1)
			want, err := fresh.After(t.Context(), from, 7)
			if err != nil {
				t.Fatal(err)
			}
			for n, s := range both {
				got, err := s.Follow(t.Context(), from, 7)
				if err != nil {
					t.Fatal(err)
				}
				if len(got) > len(want) || len(got) == 0 && len(want) > 0 {
					t.Fatalf("process %d reads %d frames after %d, want at least one of %d", n, len(got), from, len(want))
				}
				if diff := cmp.Diff(want[:len(got)], got, cmpopts.EquateEmpty()); diff != "" {
					t.Fatalf("process %d after %d (-want +got):\n%s", n, from, diff)
				}
			}
			_ = fresh.Close()
		}
	})
}
