package buffer

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"
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

func TestDamagedSpoolSaysSoAndHandsNothingFalseOut(t *testing.T) {
	chance := rand.New(rand.NewPCG(seed, 4))
	for range rounds(40, 3000) {
		folder := t.TempDir()
		s := openTestSpool(t, folder)
		run := s.run
		for i := range 5 {
			if _, err := s.add(fmt.Appendf(nil, "group %d", i+1), nil); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.close(); err != nil {
			t.Fatal(err)
		}
		path := spoolFiles(t, folder)[0]
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		b[chance.IntN(len(b))] ^= 1 << chance.IntN(8)
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
