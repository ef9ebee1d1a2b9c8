package framedb_test

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"thimble"
	"thimble/internal/collect/frame"
	"thimble/internal/collect/framedb"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
)

// rounds is few normally, and many with THIMBLE_SOAK=1.
func rounds(few, many int) int {
	if os.Getenv("THIMBLE_SOAK") == "1" {
		return many
	}
	return few
}

// A naive log remembers when each key was kept last, in real time.
type naive map[frame.Key]time.Duration

// TestNoRepeatIsKeptWithinADayWhateverHappens holds the log against a naive map, through
// restarts, crashes, commits that fail, a second process, and a wall clock that jumps.
func TestNoRepeatIsKeptWithinADayWhateverHappens(t *testing.T) {
	sqldbtest.Installations(t, func(t *testing.T, open sqldbtest.Opener) {
		chance := rand.New(rand.NewPCG(seed, 2))
		c, model := &clock{}, naive{}
		dbs := []*sqldb.DB{open(sqldb.Log), open(sqldb.Log)} // as of two processes
		stores := []*framedb.Store{opened(t, dbs[0], c.config()), opened(t, dbs[1], c.config())}
		stopped, late := 0, 0
		for step := range rounds(600, 20_000) {
			at := chance.IntN(2)
			switch chance.IntN(20) {
			case 0: // it dies and comes again
				_ = stores[at].Close()
				if chance.IntN(3) == 0 {
					c.pass(time.Duration(chance.Int64N(int64(30 * time.Hour))))
				}
				c.restart()
				stores[at] = opened(t, dbs[at], c.config())
				stopped++
			case 1:
				c.jump(time.Duration(chance.Int64N(int64(2000*time.Hour))) - 1000*time.Hour)
			case 2:
				c.pass(time.Duration(chance.Int64N(int64(13 * time.Hour))))
			default:
				c.pass(time.Duration(chance.Int64N(int64(20 * time.Minute))))
			}
			late += appendAndCompare(t, step, stores[at], c, model, drawnBatch(chance))
		}
		once(t, stores[0], model)
		if stopped < 10 || late < 10 {
			t.Errorf("seed %d: %d stops, %d keys that came again after a day: the test proves too little", seed, stopped, late)
		}
		t.Logf("seed %d: %d keys, %d stops, %d kept again after a day", seed, len(model), stopped, late)
	})
}

func drawnBatch(chance *rand.Rand) (batch []frame.Record) {
	for range 1 + chance.IntN(12) {
		var k frame.Key // few, so that they come again and again
		binary.LittleEndian.PutUint64(k[:], 1+chance.Uint64N(400))
		r := event("", "x")
		r.Repeat = k
		batch = append(batch, r)
	}
	return batch
}

// appendAndCompare sends records; what the model saw within a day must be left out, what it
// never saw must be kept, and of what was longer ago either is right.
func appendAndCompare(t *testing.T, step int, s *framedb.Store, c *clock, model naive, batch []frame.Record) (late int) {
	t.Helper()
	before := s.Seen(batch[0].Repeat)
	got, err := s.Append(t.Context(), batch)
	if err != nil {
		t.Fatalf("seed %d, step %d: %v", seed, step, err)
	}
	keptNow := map[thimble.ID]bool{}
	if got.Kept > 0 {
		frames, err := s.At(t.Context(), got.Seq)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range frames[0].Records {
			keptNow[r.ID] = true
		}
	}
	if len(keptNow) != got.Kept || got.Kept+got.Repeated != len(batch) {
		t.Fatalf("seed %d, step %d: %+v, and %d are there", seed, step, got, len(keptNow))
	}
	inBatch := map[frame.Key]bool{}
	for i, r := range batch {
		last, known := model[r.Repeat]
		recent := inBatch[r.Repeat] || known && c.real-last < 24*time.Hour
		switch is := keptNow[r.ID]; {
		case is && recent:
			t.Fatalf("seed %d, step %d, record %d: kept again after %v", seed, step, i, c.real-last)
		case !is && !known && !inBatch[r.Repeat]:
			t.Fatalf("seed %d, step %d, record %d: left out, and it never came before", seed, step, i)
		case i == 0 && before && !known:
			t.Fatalf("seed %d, step %d: Seen says yes of a key that never came", seed, step)
		case is:
			if known {
				late++
			}
			inBatch[r.Repeat], model[r.Repeat] = true, c.real
		}
	}
	return late
}

// once looks at all that is in the log.
func once(t *testing.T, s *framedb.Store, model naive) {
	t.Helper()
	found := map[frame.Key]bool{}
	for _, f := range all(t, s) {
		inFrame := map[frame.Key]bool{}
		for _, r := range f.Records {
			if inFrame[r.Repeat] {
				t.Errorf("frame %d holds a key twice", f.Seq)
			}
			inFrame[r.Repeat], found[r.Repeat] = true, true
		}
	}
	if len(found) != len(model) {
		t.Errorf("%d keys are in the log, %d were kept", len(found), len(model))
	}
}

func TestOnAFullDiskNobodyIsAnsweredAndThereAreNoRepeatsAfter(t *testing.T) {
	db := sqldbtest.SQLite(t, sqldb.Log)
	s := opened(t, db, framedb.Config{})
	pages := func(n int) {
		t.Helper()
		err := db.Write(t.Context(), func(tx *sqldb.Tx) error {
			var is int
			return tx.QueryRow(t.Context(), []string{`pragma max_page_count = 1`, `pragma max_page_count = 1000000`}[n]).Scan(&is)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	big := sealed("big", 200_000)
	for i := range rounds(20, 300) {
		kept(t, s, 1, event(string(rune('a'+i)), "x"))
		pages(0) // none beyond those there are
		if got, err := s.Append(t.Context(), []frame.Record{big}); !errors.Is(err, thimble.ErrUnavailable) || errors.Is(err, thimble.ErrInvalid) || got != (frame.Appended{}) {
			t.Fatalf("on a full disk: %+v, %v", got, err)
		}
		if s.Seen(big.Repeat) {
			t.Fatal("what was refused is taken for known")
		}
		if i%2 == 0 {
			pages(1)
			if err := s.Healthy(t.Context()); err != nil {
				t.Fatalf("there is room again: %v", err)
			}
		}
		pages(1)
		kept(t, s, 1, big)
		kept(t, s, 0, big)
		if err := s.Healthy(t.Context()); err != nil {
			t.Fatal(err)
		}
		big = sealed(string(rune('A'+i))+"big", 200_000)
	}
}

func TestHealthSaysThatTheLogTakesNothing(t *testing.T) {
	sqldbtest.Each(t, sqldb.Log, func(t *testing.T, db *sqldb.DB) {
		s := opened(t, db, framedb.Config{})
		do := func(text string) {
			t.Helper()
			if err := db.Write(t.Context(), func(tx *sqldb.Tx) error { _, err := tx.Exec(t.Context(), text); return err }); err != nil {
				t.Fatal(err)
			}
		}
		do(`alter table log_frames rename to away`)
		do(`alter table log_head rename to nowhere`)
		if _, err := s.Append(t.Context(), []frame.Record{event("a", "x")}); !errors.Is(err, thimble.ErrUnavailable) {
			t.Errorf("appending: %v", err)
		}
		if err := s.Healthy(t.Context()); !errors.Is(err, thimble.ErrUnavailable) {
			t.Errorf("health: %v", err)
		}
		do(`alter table away rename to log_frames`)
		do(`alter table nowhere rename to log_head`)
		if err := s.Healthy(t.Context()); err != nil {
			t.Errorf("it passed: %v", err)
		}
		kept(t, s, 1, event("a", "x"))
	})
}
