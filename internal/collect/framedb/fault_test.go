package framedb_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"thimble"
	"thimble/internal/collect/frame"
	"thimble/internal/collect/framedb"
	"thimble/internal/powercuttest"
	"thimble/internal/sqldb"
)

const faultyBatches = 40 // of each caller

// appendsThroughFaults is the child whose system calls fail now and then: its callers send
// each batch until it is answered.
func appendsThroughFaults(path string) {
	var p powercuttest.Process
	ctx := context.Background()
	db, err := sqldb.Open(ctx, sqldb.Config{Set: sqldb.Log, Path: path})
	p.Must(err)
	s, err := framedb.Open(ctx, db, framedb.Config{})
	p.Must(err)
	var refused atomic.Int64
	var all sync.WaitGroup
	for caller := range killed {
		all.Go(func() {
			for n := range faultyBatches {
				_, err := s.Append(ctx, numbered(caller, n))
				for tries := 0; err != nil; tries++ {
					if !errors.Is(err, thimble.ErrUnavailable) || tries > 1000 {
						p.Fatal(err)
					}
					refused.Add(1)
					_, err = s.Append(ctx, numbered(caller, n))
				}
			}
		})
	}
	all.Wait()
	fmt.Printf("refused %d\n", refused.Load())
	os.Exit(0) // closing would meet faults too
}

func TestADiskThatFailsNowAndThenLosesNothingAndKeepsNothingTwice(t *testing.T) {
	if out, err := exec.CommandContext(t.Context(), "strace", "-f", "--seccomp-bpf", "-o", os.DevNull, "true").CombinedOutput(); err != nil && os.Getenv("THIMBLE_REQUIRE_STRACE") != "1" {
		t.Skipf("strace (Debian's package strace) cannot be used here: %v %s", err, out)
	}
	for _, fault := range []string{"fsync:error=EIO:when=12+5", "pwrite64:error=EIO:when=150+31", "pwrite64:error=ENOSPC:when=150+17"} {
		t.Run(fault, func(t *testing.T) {
			call, _, _ := strings.Cut(fault, ":")
			path := filepath.Join(t.TempDir(), "log.db")
			cmd := exec.CommandContext(t.Context(), "strace", "-f", "--seccomp-bpf", "-e", "trace="+call, "-e", "inject="+fault, "-o", os.DevNull,
				os.Args[0], "appends-through-faults", path)
			var complaints bytes.Buffer
			cmd.Stderr = &complaints
			out, err := cmd.Output()
			var refused int
			if _, scan := fmt.Sscanf(string(out), "refused %d", &refused); err != nil || scan != nil {
				t.Fatalf("%v, %q\n%s", err, out, complaints.String())
			}
			if refused == 0 {
				t.Error("no call was refused: the test proves nothing")
			}
			wantEachOnce(t, path)
			t.Logf("%d calls were refused", refused)
		})
	}
}

func wantEachOnce(t *testing.T, path string) {
	t.Helper()
	db, err := sqldb.Open(t.Context(), sqldb.Config{Set: sqldb.Log, Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // a test
	found := map[frame.Key]int{}
	for _, f := range all(t, opened(t, db, framedb.Config{})) {
		for _, r := range f.Records {
			found[r.Repeat]++
		}
	}
	for caller := range killed {
		for n := range faultyBatches {
			for _, r := range numbered(caller, n) {
				if found[r.Repeat] != 1 {
					t.Errorf("a record of batch %d of caller %d is there %d times", n, caller, found[r.Repeat])
				}
			}
		}
	}
}
