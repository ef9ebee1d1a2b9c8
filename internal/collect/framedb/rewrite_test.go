package framedb_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	mrand "math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"thimble"
	"thimble/internal/collect/frame"
	"thimble/internal/collect/framedb"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
)

const seed = 7

// sealed is an event with random bytes for a part, of a length.
func sealed(repeat string, n int) frame.Record {
	r := event(repeat, "x")
	r.Parts[0].Sealed = make([]byte, n)
	_, _ = rand.Read(r.Parts[0].Sealed)
	return r
}

func TestWhatIsLeftOutIsNowhereAndTheRestIsWhereItWas(t *testing.T) {
	sqldbtest.Each(t, sqldb.Log, func(t *testing.T, db *sqldb.DB) {
		chance := mrand.New(mrand.NewPCG(seed, 1))
		s := opened(t, db, framedb.Config{})
		var want []frame.Frame
		var needles [][]byte
		for i := range 40 {
			var some []frame.Record
			for j := range 1 + chance.IntN(30) {
				some = append(some, sealed(fmt.Sprint(i, " ", j), 16+chance.IntN(1+chance.IntN(4000))))
			}
			kept(t, s, len(some), some...)
		}
		want = all(t, s)
		for i := range want {
			f := &want[i]
			dead := 0
			doomed := map[int]bool{}
			for j := range f.Records {
				if doomed[j] = chance.IntN(3) == 0; doomed[j] {
					needles = append(needles, f.Records[j].Parts[0].Sealed[:16])
					f.Records[j] = frame.Record{Repeat: f.Records[j].Repeat}
					dead++
				}
			}
			n, err := s.Rewrite(t.Context(), f.Seq, func(j int, _ *frame.Record) bool { return !doomed[j] })
			if err != nil || n != dead {
				t.Fatalf("frame %d: %d left out, %v, want %d", f.Seq, n, err, dead)
			}
		}
		if diff := cmp.Diff(want, all(t, s), cmpopts.EquateEmpty()); diff != "" {
			t.Error(diff)
		}
		found, scanned, err := s.Scrub(t.Context(), needles)
		if err != nil || found != 0 || scanned != (db.Engine() == sqldb.SQLite) {
			t.Errorf("seed %d: %d of %d are in the files still, scanned %t, %v", seed, found, len(needles), scanned, err)
		}
		// The search can find: what was kept is there.
		if found, _, _ := s.Scrub(t.Context(), [][]byte{parts(want)[0][:16]}); scanned && found != 1 {
			t.Error("what is kept is not found: the search proves nothing")
		}
	})
}

func parts(frames []frame.Frame) (all [][]byte) {
	for _, f := range frames {
		for _, r := range f.Records {
			for _, p := range r.Parts {
				all = append(all, p.Sealed)
			}
		}
	}
	return all
}

func TestAPartCanBeTakenFromARecordThatIsKept(t *testing.T) {
	sqldbtest.Each(t, sqldb.Log, func(t *testing.T, db *sqldb.DB) {
		s := opened(t, db, framedb.Config{})
		kept(t, s, 2, event("a", "one"), event("b", "two"))
		n, err := s.Rewrite(t.Context(), 1, func(i int, r *frame.Record) bool {
			if i == 1 {
				r.Parts = r.Parts[1:]
			}
			return true
		})
		if err != nil || n != 0 {
			t.Fatalf("%d, %v", n, err)
		}
		got := all(t, s)[0].Records
		if len(got[0].Parts) != 2 || len(got[1].Parts) != 1 || string(got[1].Parts[0].Sealed) != "twotwo" {
			t.Errorf("got %+v", got)
		}
	})
}

func TestADeadRecordsRepeatIsKnownAsLongAsItIsNeededAndItsOrderIsForgotten(t *testing.T) {
	sqldbtest.Each(t, sqldb.Log, func(t *testing.T, db *sqldb.DB) {
		c := &clock{}
		s := opened(t, db, c.config())
		r := event("a", "x")
		r.Order = key("o")
		kept(t, s, 1, r)
		none := func(int, *frame.Record) bool { return false }
		if n, err := s.Rewrite(t.Context(), 1, none); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		if n, err := s.Rewrite(t.Context(), 1, none); n != 0 || err != nil {
			t.Fatal("a second time:", n, err)
		}
		_ = s.Close()
		c.restart()
		s = opened(t, db, c.config())
		kept(t, s, 0, event("a", "x"))
		again := event("b", "x")
		again.Order = key("o")
		kept(t, s, 1, again)
		c.pass(25 * 3600e9)
		kept(t, s, 1, event("a", "x"))
		if _, err := s.Rewrite(t.Context(), 1, none); err != nil {
			t.Fatal(err)
		}
		if got := all(t, s)[0].Records; len(got) != 1 || got[0].Repeat != (frame.Key{}) {
			t.Errorf("after a day the frame still has %+v", got)
		}
		if _, err := s.Rewrite(t.Context(), 99, none); !errors.Is(err, thimble.ErrNotFound) {
			t.Errorf("a frame that is not there: %v", err)
		}
	})
}
