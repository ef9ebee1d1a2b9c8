package framedb_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"thimble/internal/collect/frame"
	"thimble/internal/collect/framedb"
	"thimble/internal/sqldb"
)

const (
	killed  = 8  // callers
	longest = 80 // milliseconds between its first answer and its death
)

// TestMain is a child, when it is told to be.
func TestMain(m *testing.M) {
	if path := os.Getenv("FRAMEDB_APPENDS_TO"); path != "" {
		appends(path, strings.Fields(os.Getenv("FRAMEDB_FROM")))
		return
	}
	if len(os.Args) == 3 && os.Args[1] == "appends-until-done" {
		appendsUntilDone(os.Args[2])
		return
	}
	if len(os.Args) == 3 && os.Args[1] == "appends-through-faults" {
		appendsThroughFaults(os.Args[2])
		return
	}
	os.Exit(m.Run())
}

// appends sends batches without end, each caller its own from a number on, and prints
// each that was answered.
func appends(path string, from []string) {
	db, err := sqldb.Open(context.Background(), sqldb.Config{Set: sqldb.Log, Path: path})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	s, err := framedb.Open(context.Background(), db, framedb.Config{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	var all sync.WaitGroup
	for caller, text := range from {
		n, _ := strconv.Atoi(text)
		all.Go(func() {
			for ; ; n++ {
				if _, err := s.Append(context.Background(), numbered(caller, n)); err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(1)
				}
				fmt.Printf("ack %d %d\n", caller, n) // one write, which is whole
			}
		})
	}
	all.Wait()
}

// numbered is the n-th batch of a caller.
func numbered(caller, n int) (batch []frame.Record) {
	for i := range 1 + n%5 {
		batch = append(batch, event(fmt.Sprintf("%d/%d/%d", caller, n, i), strings.Repeat("x", 300)))
	}
	return batch
}

func TestAKilledProcessLosesNothingItAnsweredAndKeepsNothingTwice(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.db")
	chance := rand.New(rand.NewPCG(seed, 3))
	next := make([]int, killed)
	kills := rounds(5, 1000)
	for range kills {
		life(t, path, next, time.Duration(chance.IntN(longest))*time.Millisecond)
	}
	db, err := sqldb.Open(t.Context(), sqldb.Config{Set: sqldb.Log, Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // a test
	found := map[frame.Key]int{}
	frames := all(t, opened(t, db, framedb.Config{}))
	for _, f := range frames {
		for _, r := range f.Records {
			found[r.Repeat]++
		}
	}
	lost, twice, acked := 0, 0, 0
	for caller, n := range next {
		for i := range n {
			for _, r := range numbered(caller, i) {
				acked++
				if found[r.Repeat] == 0 {
					lost++
				}
			}
		}
	}
	for _, n := range found {
		if n > 1 {
			twice++
		}
	}
	if lost > 0 || twice > 0 || acked < kills {
		t.Errorf("seed %d: of %d records that were answered %d are lost; %d are there twice", seed, acked, lost, twice)
	}
	t.Logf("seed %d: %d kills, %d records answered in %d frames, %d lost, %d twice", seed, kills, acked, len(frames), lost, twice)
}

// life runs the child until it is killed. Each caller sends its last batch again, which was
// answered, and the one after it, of which it does not know.
func life(t *testing.T, path string, next []int, long time.Duration) {
	t.Helper()
	var from []string
	for _, n := range next {
		from = append(from, strconv.Itoa(max(0, n-1)))
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "FRAMEDB_APPENDS_TO="+path, "FRAMEDB_FROM="+strings.Join(from, " "))
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	var die *time.Timer
	for lines.Scan() {
		if die == nil { // it is under way
			die = time.AfterFunc(long, func() { _ = cmd.Process.Kill() })
		}
		var caller, n int
		if _, err := fmt.Sscanf(lines.Text(), "ack %d %d", &caller, &n); err != nil {
			t.Fatalf("the child says %q", lines.Text())
		}
		next[caller] = max(next[caller], n+1)
	}
	if err := cmd.Wait(); err == nil || said.Len() > 0 {
		t.Fatalf("the child ended by itself: %v %s", err, said.String())
	}
}
