package buffer

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"thimble/internal/powercuttest"
)

func openTestSpool(t testing.TB, folder string) *spool {
	t.Helper()
	s, err := openSpool(folder, "a", time.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func spoolFiles(t testing.TB, folder string) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(folder, "*.spool"))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestSpoolIsReadAgainUpToWhereItIsWhole(t *testing.T) {
	chance := rand.New(rand.NewPCG(seed, 3))
	for range rounds(30, 2000) {
		folder := t.TempDir()
		s := openTestSpool(t, folder)
		var ends []int64
		for i := range 5 {
			if _, err := s.add(fmt.Appendf(nil, "group %d", i+1), nil); err != nil {
				t.Fatal(err)
			}
			ends = append(ends, s.current.size)
		}
		if err := s.close(); err != nil {
			t.Fatal(err)
		}
		cut := chance.Int64N(ends[4] + 1)
		if err := os.Truncate(spoolFiles(t, folder)[0], cut); err != nil {
			t.Fatal(err)
		}
		want := 0
		for want < 5 && ends[want] <= cut {
			want++
		}
		back := openTestSpool(t, folder)
		if len(back.entries) != want {
			t.Fatalf("seed %d: cut at %d of %d, got %d groups, want %d", seed, cut, ends[4], len(back.entries), want)
		}
		for i, e := range back.entries {
			m, err := back.message(e)
			if err != nil || string(m.body) != fmt.Sprintf("group %d", i+1) || m.seq != uint64(i+1) {
				t.Fatalf("seed %d: group %d is %q, %d, %v", seed, i+1, m.body, m.seq, err)
			}
		}
	}
}

// written is the file of a spool that so many groups were written to, and closed.
func written(t *testing.T, folder string, groups int) (run uint64, path string, b []byte) {
	t.Helper()
	s := openTestSpool(t, folder)
	for i := range groups {
		if _, err := s.add(fmt.Appendf(nil, "group %d", i+1), nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
	path = spoolFiles(t, folder)[0]
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return s.run, path, b
}

func TestDamagedSpoolSaysSoAndHandsNothingFalseOut(t *testing.T) {
	chance := rand.New(rand.NewPCG(seed, 4))
	for range rounds(40, 3000) {
		folder := t.TempDir()
		run, path, b := written(t, folder, 5)
		b[fileHead+chance.IntN(len(b)-fileHead)] ^= 1 << chance.IntN(8)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		back := openTestSpool(t, folder)
		whole := 0
		for seq := uint64(1); seq <= 5; seq++ {
			e, known := back.find(run, seq)
			if e == nil && known {
				t.Fatalf("seed %d: group %d is said to be archived, and is damaged", seed, seq)
			}
			if e == nil {
				continue
			}
			m, err := back.message(e)
			if err == nil && string(m.body) != fmt.Sprintf("group %d", seq) {
				t.Fatalf("seed %d: group %d was handed out as %q", seed, seq, m.body)
			}
			if err == nil {
				whole++
			}
		}
		if whole == 5 {
			t.Fatalf("seed %d: a damaged spool hands everything out", seed)
		}
	}
}

func TestSpoolFileGoesWhenAllInItIsArchived(t *testing.T) {
	folder := t.TempDir()
	s := openTestSpool(t, folder)
	for range 3 {
		if _, err := s.add([]byte(canary), nil); err != nil {
			t.Fatal(err)
		}
	}
	s.turn()
	s.release(s.run, &progress{Last: 3, Missing: []span{{2, 2}}})
	if n := len(spoolFiles(t, folder)); n != 1 {
		t.Fatalf("%d files with a group that is not archived, want 1", n)
	}
	s.release(s.run, &progress{Last: 3})
	if left := spoolFiles(t, folder); len(left) != 0 {
		t.Errorf("%v are left, and everything is archived", left)
	}
	if e, known := s.find(s.run, 2); e != nil || !known {
		t.Errorf("a group that is archived is %v, known %v", e, known)
	}
	if _, known := s.find(s.run, 4); known {
		t.Error("a number that was never given is said to be archived")
	}
}

// reopen opens a spool with a clock of the test's.
func reopen(t *testing.T, folder string, now func() time.Time) *spool {
	t.Helper()
	s, err := openSpool(folder, "a", now, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestADamagedHeadOfASpoolFileCostsNothing(t *testing.T) {
	for at := range fileHead {
		folder := t.TempDir()
		run, path, b := written(t, folder, 3)
		b[at] ^= 0x40
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		back := openTestSpool(t, folder)
		for seq := uint64(1); seq <= 3; seq++ {
			e, _ := back.find(run, seq)
			if e == nil {
				t.Fatalf("byte %d of the head: group %d is not found", at, seq)
			}
			if m, err := back.message(e); err != nil || string(m.body) != fmt.Sprintf("group %d", seq) {
				t.Fatalf("byte %d of the head: group %d is %q, %v", at, seq, m.body, err)
			}
		}
		back.release(run, &progress{Last: 3})
		if left := spoolFiles(t, folder); len(left) != 0 {
			t.Fatalf("byte %d of the head: %v are left, and everything is archived", at, left)
		}
	}
}

func TestASpoolFileOfWhichNothingCanBeReadIsKeptForADayAndGoes(t *testing.T) {
	folder := t.TempDir()
	for name, size := range map[string]int{"000000000003.spool": 500, "000000000004-00000000000000aa.spool": 7, "000000000005.spool": 0} {
		if err := os.WriteFile(filepath.Join(folder, name), make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	at := time.Now()
	now := func() time.Time { return at }
	there := func() (names []string) {
		all, err := os.ReadDir(folder)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range all {
			names = append(names, d.Name())
		}
		return names
	}
	s := reopen(t, folder, now)
	if got, want := there(), []string{"000000000003.spool.damaged"}; !slices.Equal(got, want) {
		t.Fatalf("there are %v, want %v: the others are of a process that was killed as it made them", got, want)
	}
	if _, err := s.add([]byte("a group"), nil); err != nil || s.next != 6 {
		t.Errorf("the next file has number %d, %v, want 6", s.next, err)
	}
	at = at.Add(asideFor - time.Minute)
	s.turn()
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
	s = reopen(t, folder, now) // a start does not begin the day anew
	if got := there(); len(got) != 2 {
		t.Fatalf("within a day there are %v, want the damaged file and the spool's", got)
	}
	at = at.Add(2 * time.Minute)
	s.turn()
	if got := there(); len(got) != 1 {
		t.Errorf("after a day there are %v, want the spool's file", got)
	}
}

// spoolsUntilDone is the child under strace: groups are spooled, and some of them go to the
// archive without the cluster.
func spoolsUntilDone(folder string) {
	var p powercuttest.Process
	s, err := openSpool(folder, "a", time.Now, slog.New(slog.DiscardHandler))
	p.Must(err)
	for i := range 12 {
		e, err := s.add(fmt.Appendf(nil, "group %d", i+1), nil)
		p.Must(err)
		fmt.Printf("ack added %d %d\n", e.run, e.seq)
		if i%3 == 1 {
			s.direct(e)
			fmt.Printf("ack direct %d %d\n", e.run, e.seq)
		}
		if i == 6 { // what was taken before goes there later
			p.Must(s.startRun())
			s.direct(s.entries[0])
			fmt.Printf("ack direct %d %d\n", s.entries[0].run, s.entries[0].seq)
		}
	}
}

func TestAPowerCutForgetsNoGroupAndNotThatItIsArchived(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "spool")
	ops := powercuttest.Run(t, folder, os.Args[0], "spools-until-done", folder)
	judge := func(tb testing.TB, folder string, image powercuttest.Image) (wrong []string, gap bool) {
		s, err := openSpool(folder, "a", time.Now, slog.New(slog.DiscardHandler))
		if err != nil {
			return []string{err.Error()}, false
		}
		defer s.close() //nolint:errcheck // an image
		for _, line := range image.Said {
			var what string
			var run, seq uint64
			if _, err := fmt.Sscanf(line, "ack %s %d %d", &what, &run, &seq); err != nil {
				tb.Fatalf("the child says %q", line)
			}
			e, _ := s.find(run, seq)
			if e == nil {
				wrong = append(wrong, fmt.Sprintf("%s: the group is gone", line))
				continue
			}
			if m, err := s.message(e); err != nil || what == "direct" && !m.void {
				wrong = append(wrong, fmt.Sprintf("%s: it goes to the archive again (%v)", line, err))
			}
		}
		return wrong, false
	}
	for _, model := range []powercuttest.Model{powercuttest.Journal, powercuttest.Folders} {
		tally := powercuttest.Tally{Model: model}
		tally.Explore(t, ops, seed, rounds(60, 3000), judge)
		t.Logf("seed %d; %s", seed, &tally)
	}
	forgotten, at := powercuttest.Tally{Quiet: true}, 0
	forgotten.Explore(t, slices.DeleteFunc(slices.Clone(ops), func(o powercuttest.Op) bool {
		at++
		return at > len(ops)/2 && o.Kind == powercuttest.Sync
	}), seed, 20, judge)
	if forgotten.Bad == 0 {
		t.Error("images without syncs pass: the test proves nothing")
	}
}

func TestRunOfASpoolThatCouldNotBeWrittenIsNotContinued(t *testing.T) {
	folder := t.TempDir()
	s := openTestSpool(t, folder)
	if _, err := s.add([]byte("one"), nil); err != nil {
		t.Fatal(err)
	}
	before := s.run
	if err := s.current.f.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.add([]byte("two"), nil); err == nil {
		t.Fatal("a group was taken that could not be written")
	}
	e, err := s.add([]byte("three"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if e.run == before || e.seq != 1 {
		t.Errorf("got number %d, in the same run: %v", e.seq, e.run == before)
	}
}

func FuzzSpoolFileIsReadWithoutHarm(f *testing.F) {
	folder := f.TempDir()
	s := openTestSpool(f, folder)
	if _, err := s.add([]byte("a group"), nil); err != nil {
		f.Fatal(err)
	}
	b, err := os.ReadFile(spoolFiles(f, folder)[0])
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		path := filepath.Join(t.TempDir(), "000000000001.spool")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		file, all, torn, err := openSpoolFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if file == nil {
			return
		}
		defer file.f.Close()
		if file.size+torn != int64(len(b)) {
			t.Errorf("%d read and %d torn of %d bytes", file.size, torn, len(b))
		}
		for _, e := range all {
			if e.at+int64(e.size) > int64(len(b)) {
				t.Errorf("an entry ends behind the file")
			}
		}
	})
}
