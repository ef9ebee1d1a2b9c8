package main

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/rogpeppe/go-internal/testscript"

	"thimble/internal/ledger"
	"thimble/internal/thimbletest"
)

// safeKeys writes who may open sets of backups in scripts, somebody who may not, and the key of
// another log.
func safeKeys(e *testscript.Env) error {
	for _, name := range []string{"identity", "other"} {
		id, err := age.GenerateX25519Identity()
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(e.WorkDir, name), []byte(id.String()+"\n"), 0o600); err != nil {
			return err
		}
		if name == "other" {
			continue
		}
		if err := os.WriteFile(filepath.Join(e.WorkDir, "recipients"), []byte("# of the safe\n"+id.Recipient().String()+"\n"), 0o600); err != nil {
			return err
		}
	}
	s, err := ledger.NewSigner("other.example/log", bytes.Repeat([]byte{1}, 32))
	if err == nil {
		e.Setenv("OTHER", s.VerifierKey())
	}
	return err
}

// awaitFile waits until a file is there.
func awaitFile(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: awaits FILE")
	}
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		if _, err := os.Stat(ts.MkAbs(args[0])); err == nil {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%s does not come", args[0])
		}
	}
}

// A store is what an operator keeps for a restore, and the set.
type store struct {
	t                                  *testing.T
	program, data, apart, set, keys    string
	recipients, identity, seen, target string
	chance                             *rand.Rand
}

func newStore(t *testing.T) *store {
	t.Helper()
	dir := t.TempDir()
	s := &store{t: t, program: binary(t), chance: rand.New(rand.NewPCG(seed, 9))}
	for name, at := range map[string]*string{"data": &s.data, "apart": &s.apart, "set": &s.set, "keys": &s.keys, "recipients": &s.recipients, "identity": &s.identity, "seen": &s.seen, "target": &s.target} {
		*at = filepath.Join(dir, name)
	}
	id, err := age.GenerateX25519Identity()
	if err == nil {
		err = errors.Join(os.WriteFile(s.recipients, []byte("# of the safe\n"+id.Recipient().String()+"\n"), 0o600),
			os.WriteFile(s.identity, []byte(id.String()+"\n"), 0o600), os.Mkdir(s.apart, 0o700), os.Mkdir(s.keys, 0o700))
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// keepsRoot copies the root's files, as an operator does once.
func (s *store) keepsRoot() {
	s.t.Helper()
	for _, name := range []string{"root.age", "root.identity"} {
		b, err := os.ReadFile(filepath.Join(s.data, "keys", name))
		if err == nil {
			err = os.WriteFile(filepath.Join(s.keys, name), b, 0o600)
		}
		if err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s *store) backupArgs() []string {
	return []string{"backup", "--data", s.data, "--apart", s.apart, "--to", s.set, "--recipients", s.recipients, "--log-level", "error"}
}

func (s *store) checkArgs() []string {
	return []string{"backup", "--check", s.set, "--apart", s.apart, "--identity", s.identity, "--root", s.keys, "--data", s.target}
}

func (s *store) restoreArgs() []string {
	return []string{"restore", "--from", s.set, "--identity", s.identity, "--root", s.keys, "--seen", s.seen, "--apart", s.apart, "--data", s.target, "--log-level", "error"}
}

// runs runs the program to its end.
func (s *store) runs(args ...string) (string, error) {
	out, err := exec.Command(s.program, args...).CombinedOutput()
	return string(out), err
}

func (s *store) must(args ...string) string {
	s.t.Helper()
	out, err := s.runs(args...)
	if err != nil {
		s.t.Fatalf("seed %d: thimble %s: %v\n%s", seed, args[0], err, out)
	}
	return out
}

// killed runs the program and kills it after a while; it reports whether it was killed.
func (s *store) killed(longest time.Duration, args ...string) bool {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Duration(s.chance.Int64N(int64(longest))))
	defer cancel()
	out, err := exec.CommandContext(ctx, s.program, args...).CombinedOutput()
	if err != nil && ctx.Err() == nil {
		s.t.Fatalf("seed %d: thimble %s: %v\n%s", seed, args[0], err, out)
	}
	return err != nil
}

// A backup is made of an installation that serves and is written to, and is killed; the server is
// killed; the restore is killed. What was answered before the last backup is there.
func TestAKilledBackupOrRestoreLosesNothing(t *testing.T) {
	s := newStore(t)
	shop := opened(t, s.data)
	s.keepsRoot()
	server := start(t, s.program, "serve", "--data", s.data, "--apart", s.apart, "--listen", "127.0.0.1:0", "--log-level", "error")
	ctx, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for _, c := range shop {
		all.Go(func() { c.work(ctx, server.url) })
	}
	s.must(s.backupArgs()...)
	kills := 0
	for range rounds(4, 60) {
		if s.killed(1200*time.Millisecond, s.backupArgs()...) {
			kills++
		}
		if out := s.must(s.checkArgs()...); !strings.Contains(out, "is whole") {
			t.Errorf("seed %d: the set after a kill: %s", seed, out)
		}
	}
	stop()
	all.Wait()
	s.must(append(s.backupArgs(), "--log")...)
	out := s.must(s.backupArgs()...)
	server.kill(t)
	s.remembers()
	for range rounds(4, 60) {
		if s.killed(1500*time.Millisecond, s.restoreArgs()...) {
			kills++
		} else {
			break // it is back
		}
		if _, err := os.Stat(s.target); err == nil {
			break // it was killed when all was in its place: what follows shows whether it was
		} else if !errors.Is(err, os.ErrNotExist) {
			t.Fatalf("seed %d: looking for the data folder: %v", seed, err)
		}
	}
	if _, err := os.Stat(s.target); err != nil {
		s.must(s.restoreArgs()...)
	}
	if got, err := s.runs(s.restoreArgs()...); err == nil || !strings.Contains(got, "holds something already") {
		t.Errorf("into a folder that is in use: %v, %s", err, got)
	}
	if got := s.must("verify", "log", s.target); !strings.Contains(got, "Everything is what the log says") {
		t.Errorf("the audit: %s", got)
	}
	if acked := exactly(t, s.target, shop); acked == 0 || kills == 0 {
		t.Errorf("%d choices, %d kills: the test proves nothing on this machine", acked, kills)
	} else {
		t.Logf("seed %d: %d kills, %d choices are back; the last backup said\n%s", seed, kills, acked, out)
	}
}

// remembers takes the checkpoint that lies beside the newest backup.
func (s *store) remembers() {
	s.t.Helper()
	all, err := filepath.Glob(filepath.Join(s.set, "*.checkpoint"))
	if err != nil || len(all) == 0 {
		s.t.Fatalf("%d checkpoints lie beside backups, %v", len(all), err)
	}
	b, err := os.ReadFile(all[len(all)-1])
	if err == nil {
		err = os.WriteFile(s.seen, b, 0o600)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// limited runs the program with a limit on the size of files: a disk that is full for whatever
// is larger.
func (s *store) limited(blocks string, args ...string) (string, error) {
	out, err := exec.Command("sh", append([]string{"-c", `ulimit -f ` + blocks + `; exec "$0" "$@"`, s.program}, args...)...).CombinedOutput()
	return string(out), err
}

func TestAFullDiskEndsABackupAndARestoreAndLosesNothing(t *testing.T) {
	s := newStore(t)
	t.Run("installation", func(t *testing.T) { // which is closed when this ends
		shop := thimbletest.Open(t, map[string]string{"data": s.data, "apart": s.apart})
		shop.Buys(shop.Subject("ada"), "shirt")
		shop.Works()
		if err := shop.Remember(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
	s.keepsRoot()
	s.must(s.backupArgs()...)
	s.remembers()
	refused := 0
	for range rounds(6, 60) {
		blocks := []string{"40", "100", "200", "400"}[s.chance.IntN(4)] // of 512 bytes; core.db has more
		for _, args := range [][]string{s.backupArgs(), s.restoreArgs()} {
			out, err := s.limited(blocks, args...)
			if err == nil {
				t.Errorf("seed %d: thimble %s succeeded with %s blocks", seed, args[0], blocks)
				continue
			}
			refused++
			if lines := strings.Count(strings.TrimSpace(out), "\n"); lines > 0 && !strings.Contains(out, "level=") {
				t.Errorf("seed %d: thimble %s with %s blocks says %d lines: %s", seed, args[0], blocks, lines+1, out)
			}
		}
		if _, err := os.Stat(s.target); !errors.Is(err, os.ErrNotExist) {
			t.Fatalf("seed %d: a restore that was refused left a data folder: %v", seed, err)
		}
		halves, err := filepath.Glob(filepath.Join(s.set, "objects", "*.part"))
		if err != nil || len(halves) > 0 {
			t.Errorf("seed %d: %d halves are left, %v", seed, len(halves), err)
		}
		s.must(s.checkArgs()...)
	}
	s.must(s.restoreArgs()...)
	t.Logf("seed %d: %d refused by a full disk", seed, refused)
}
