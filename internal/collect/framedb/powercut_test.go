package framedb_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"thimble/internal/collect/frame"
	"thimble/internal/collect/framedb"
	"thimble/internal/powercuttest"
	"thimble/internal/sqldb"
)

// appendsUntilDone is the child under strace: several callers, two lives, a frame that is
// written again, and what was answered printed.
func appendsUntilDone(folder string) {
	var p powercuttest.Process
	ctx := context.Background()
	p.Must(os.MkdirAll(folder, 0o700))
	for life := range 2 {
		db, err := sqldb.Open(ctx, sqldb.Config{Set: sqldb.Log, Path: filepath.Join(folder, "log.db")})
		p.Must(err)
		s, err := framedb.Open(ctx, db, framedb.Config{})
		p.Must(err)
		var all sync.WaitGroup
		for caller := range 4 {
			all.Go(func() {
				for n := life * 12; n < life*12+12; n++ {
					_, err := s.Append(ctx, numbered(caller, n))
					p.Must(err)
					fmt.Printf("ack %d %d\n", caller, n)
				}
			})
		}
		all.Wait()
		_, err = s.Rewrite(ctx, 2, func(int, *frame.Record) bool { return false })
		p.Must(err)
		fmt.Println("ack rewrite 2")
		p.Must(s.Close())
		p.Must(db.Close())
	}
}

func TestAPowerCutLosesNothingThatWasAnswered(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "data")
	ops := powercuttest.Run(t, folder, os.Args[0], "appends-until-done", folder)
	n := rounds(40, 5000)
	for _, model := range []powercuttest.Model{powercuttest.Journal, powercuttest.Folders} {
		tally := powercuttest.Tally{Model: model}
		tally.Explore(t, ops, seed, n, judge)
		t.Logf("seed %d; %s", seed, &tally)
	}
	// The judge can fail: let the second half forget its syncs.
	forgotten, at := powercuttest.Tally{Quiet: true}, 0
	forgotten.Explore(t, slices.DeleteFunc(slices.Clone(ops), func(o powercuttest.Op) bool {
		at++
		return at > len(ops)/2 && o.Kind == powercuttest.Sync
	}), seed, 20, judge)
	if forgotten.Bad == 0 {
		t.Error("images without syncs pass: the test proves nothing")
	}
}

// judge opens what a cut left.
func judge(tb testing.TB, folder string, image powercuttest.Image) (wrong []string, gap bool) {
	errorf := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	if err := os.MkdirAll(folder, 0o700); err != nil { // before the first was made durable
		tb.Fatal(err)
	}
	ctx := tb.Context()
	db, err := sqldb.Open(ctx, sqldb.Config{Set: sqldb.Log, Path: filepath.Join(folder, "log.db")})
	if err != nil {
		return []string{err.Error()}, false
	}
	defer db.Close() //nolint:errcheck // an image
	s, err := framedb.Open(ctx, db, framedb.Config{})
	if err != nil {
		return []string{err.Error()}, false
	}
	defer s.Close() //nolint:errcheck // an image
	found := map[frame.Key]int{}
	frames, err := s.After(ctx, 0, 1000)
	if err != nil {
		return []string{err.Error()}, false
	}
	for i, f := range frames {
		if f.Seq != int64(i+1) {
			errorf("frame %d is in the place of %d", f.Seq, i+1)
		}
		for _, r := range f.Records {
			found[r.Repeat]++
		}
	}
	for _, line := range image.Said {
		var caller, n int
		if line == "ack rewrite 2" {
			if len(frames) < 2 || slices.ContainsFunc(frames[1].Records, func(r frame.Record) bool { return !r.ID.IsZero() }) {
				errorf("frame 2 was written again, and is as it was")
			}
			continue
		}
		if _, err := fmt.Sscanf(line, "ack %d %d", &caller, &n); err != nil {
			tb.Fatalf("the child says %q", line)
		}
		batch := numbered(caller, n)
		for _, r := range batch {
			if found[r.Repeat] != 1 {
				errorf("record %d of caller %d is there %d times", n, caller, found[r.Repeat])
			}
		}
		if got, err := s.Append(ctx, batch); err != nil || got.Kept != 0 {
			errorf("batch %d of caller %d sent again: %+v, %v", n, caller, got, err)
		}
	}
	for k, n := range found {
		if n > 1 {
			errorf("%q is there %d times", k[:], n)
		}
	}
	return wrong, false
}
