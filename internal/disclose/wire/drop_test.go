package wire_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"thimble"
	"thimble/internal/disclose/wire"
)

func dropper(t *testing.T) (*wire.Sender, *meter, *wire.Folder, string) {
	t.Helper()
	dir := t.TempDir()
	f := must(wire.OpenFolder(dir))
	t.Cleanup(func() { f.Close() })
	m := newMeter()
	return must(wire.New(m, wire.Config{})), m, f, dir
}

// visible returns the files that a recipient would see, and hidden the others.
func listed(t *testing.T, dir string) (visible, hidden []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			if strings.HasPrefix(d.Name(), ".") {
				hidden = append(hidden, name)
			} else {
				visible = append(visible, name)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return visible, hidden
}

func TestADroppedFileLiesWholeUnderItsIDs(t *testing.T) {
	s, meter, f, dir := dropper(t)
	recipient, m := newID(t), message(t, strings.Repeat("{}\n", 100_000))
	m.Type = "application/jsonl"

	out := s.Drop(t.Context(), f, recipient, m)

	want := filepath.Join(dir, recipient.Token("rcp"), m.Disclosure.Token("dsc")+"."+m.ID.Token("msg")+".jsonl")
	got, err := os.ReadFile(want)
	if out.State != wire.Delivered || err != nil || !bytes.Equal(got, m.Body.Reveal()) {
		t.Fatalf("outcome = %+v, %d bytes, %v", out, len(got), err)
	}
	for name, mode := range map[string]fs.FileMode{want: 0o600, filepath.Dir(want): 0o700 | fs.ModeDir} {
		if info := must(os.Stat(name)); info.Mode() != mode {
			t.Errorf("mode of %s = %v, want %v", filepath.Base(name), info.Mode(), mode)
		}
	}
	if begun, sent := meter.of(m.Disclosure); begun != 1 || sent != len(got) || meter.sum(t) != len(got) {
		t.Errorf("begun %d times, %d bytes metered, %d written", begun, sent, len(got))
	}
	if again := s.Drop(t.Context(), f, recipient, m); again.State != wire.Delivered {
		t.Errorf("the same again = %+v", again)
	}
	if visible, hidden := listed(t, dir); len(visible) != 1 || len(hidden) != 0 {
		t.Errorf("the folder has %v and %v", visible, hidden)
	}
}

func TestAFileEndsAsItsTypeDoes(t *testing.T) {
	s, _, f, dir := dropper(t)
	for kind, want := range map[string]string{
		"application/json": ".json", wire.EnvelopeType: ".json", "application/jsonl": ".jsonl", "application/x-ndjson": ".jsonl",
		"text/csv; charset=utf-8": ".csv", "text/html": ".bin", "text/../../x": "", "": "",
	} {
		recipient, m := newID(t), message(t, `{}`)
		m.Type = kind
		out := s.Drop(t.Context(), f, recipient, m)
		if want == "" {
			if out.State != wire.Permanent || out.Why != wire.MessageInvalid {
				t.Errorf("%q = %+v", kind, out)
			}
			continue
		}
		if _, err := os.Stat(filepath.Join(dir, recipient.Token("rcp"), m.Disclosure.Token("dsc")+"."+m.ID.Token("msg")+want)); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

func TestFilesThatBreakARuleAreNotWritten(t *testing.T) {
	s, meter, f, dir := dropper(t)
	noID, large := message(t, `{}`), message(t, "")
	noID.ID, large.Body = thimble.ID{}, thimble.Hide(make([]byte, wire.MaxBody+1))
	for _, c := range []struct {
		recipient thimble.ID
		m         wire.Message
		why       wire.Why
	}{{thimble.ID{}, message(t, `{}`), wire.MessageInvalid}, {newID(t), noID, wire.MessageInvalid}, {newID(t), large, wire.MessageTooLarge}} {
		if out := s.Drop(t.Context(), f, c.recipient, c.m); out.State != wire.Permanent || out.Why != c.why {
			t.Errorf("outcome = %+v, want %s", out, c.why)
		}
	}
	if entries := must(os.ReadDir(dir)); len(entries) != 0 || meter.sum(t) != 0 {
		t.Errorf("the folder has %v", entries)
	}
}

func TestAFolderThatWasTakenAwayIsTriedAgain(t *testing.T) {
	s, _, f, dir := dropper(t)
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	if out := s.Drop(t.Context(), f, newID(t), message(t, `{}`)); out.State != wire.Retry || out.Why != wire.DiskFailing {
		t.Errorf("outcome = %+v, want a retry: the disk fails", out)
	}
}

func TestNoFileIsMadeWithoutALeaf(t *testing.T) {
	s, meter, f, dir := dropper(t)
	meter.refuse = errors.New("no leaf")
	refused := s.Drop(t.Context(), f, newID(t), message(t, `{}`))
	meter.refuse = nil
	m := message(t, `{}`)
	m.Disclosure = thimble.ID{}
	nameless := s.Drop(t.Context(), f, newID(t), m)
	for _, out := range []wire.Outcome{refused, nameless} {
		if out.State != wire.Retry || out.Why != wire.NotRecorded {
			t.Errorf("outcome = %+v, want a retry: not recorded", out)
		}
	}
	if entries := must(os.ReadDir(dir)); len(entries) != 0 {
		t.Errorf("the folder has %v", entries)
	}
}

func TestAFullDiskLeavesNoHalfFile(t *testing.T) {
	for _, c := range []struct {
		after int
		err   error
		why   wire.Why
	}{
		{0, syscall.ENOSPC, wire.DiskFull}, {1, syscall.ENOSPC, wire.DiskFull}, {100_000, syscall.EDQUOT, wire.DiskFull},
		{300_000, syscall.ENOSPC, wire.DiskFull}, // all is written, and the sync fails
		{100_000, syscall.EIO, wire.DiskFailing}, {300_000, syscall.EIO, wire.DiskFailing},
	} {
		s, meter, f, dir := dropper(t)
		recipient, m := newID(t), message(t, strings.Repeat("x", 300_000))
		f.FailWrites(c.after, c.err)

		out := s.Drop(t.Context(), f, recipient, m)

		if out.State != wire.Retry || out.Why != c.why {
			t.Errorf("%v after %d bytes: outcome = %+v, want %s", c.err, c.after, out, c.why)
		}
		if visible, hidden := listed(t, dir); len(visible)+len(hidden) != 0 {
			t.Errorf("%v after %d bytes: the folder has %v and %v", c.err, c.after, visible, hidden)
		}
		if _, sent := meter.of(m.Disclosure); sent != c.after {
			t.Errorf("%d bytes metered, %d written", sent, c.after)
		}
	}
}

func TestARealFullDiskLeavesNoHalfFile(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("none", dir, "tmpfs", 0, "size=256k"); err != nil {
		t.Skip("no small disk can be mounted here:", err)
	}
	defer syscall.Unmount(dir, 0)
	f := must(wire.OpenFolder(dir))
	defer f.Close()
	s := must(wire.New(newMeter(), wire.Config{}))
	if out := s.Drop(t.Context(), f, newID(t), message(t, strings.Repeat("x", 1<<20))); out.Why != wire.DiskFull || out.State != wire.Retry {
		t.Errorf("outcome = %+v, want a retry: disk full", out)
	}
	if visible, hidden := listed(t, dir); len(visible)+len(hidden) != 0 {
		t.Errorf("the folder has %v and %v", visible, hidden)
	}
	if out := s.Drop(t.Context(), f, newID(t), message(t, strings.Repeat("x", 1<<10))); out.State != wire.Delivered {
		t.Errorf("a small file then = %+v", out)
	}
}

func TestAShutdownInTheMiddleLeavesNoHalfFile(t *testing.T) {
	s, meter, f, dir := dropper(t)
	ctx, cancel := context.WithCancel(t.Context())
	meter.each = func(sum int) {
		if sum > 200_000 {
			cancel()
		}
	}
	if out := s.Drop(ctx, f, newID(t), message(t, strings.Repeat("x", 1<<20))); out.State != wire.Retry || out.Why != wire.Stopped {
		t.Errorf("outcome = %+v, want a retry: stopped", out)
	}
	if visible, hidden := listed(t, dir); len(visible)+len(hidden) != 0 {
		t.Errorf("the folder has %v and %v", visible, hidden)
	}
}

func TestLinksAndOtherThingsInTheWayAreRefused(t *testing.T) {
	recipient, m := newID(t), message(t, `{}`)
	folder, name := recipient.Token("rcp"), m.Disclosure.Token("dsc")+"."+m.ID.Token("msg")+".json"
	for what, put := range map[string]func(dir, outside string) error{
		"the folder is a link to elsewhere": func(dir, outside string) error { return os.Symlink(outside, filepath.Join(dir, folder)) },
		"the folder is a link that stays inside": func(dir, _ string) error {
			return errors.Join(os.Mkdir(filepath.Join(dir, "other"), 0o700), os.Symlink("other", filepath.Join(dir, folder)))
		},
		"the folder is a link to nowhere": func(dir, _ string) error { return os.Symlink("nowhere", filepath.Join(dir, folder)) },
		"the folder is a file":            func(dir, _ string) error { return os.WriteFile(filepath.Join(dir, folder), nil, 0o600) },
		"the file is a link to elsewhere": func(dir, outside string) error {
			return errors.Join(os.Mkdir(filepath.Join(dir, folder), 0o700), os.Symlink(filepath.Join(outside, "secret"), filepath.Join(dir, folder, name)))
		},
		"the file is a folder": func(dir, _ string) error { return os.MkdirAll(filepath.Join(dir, folder, name), 0o700) },
		"the file is a pipe": func(dir, _ string) error {
			return errors.Join(os.Mkdir(filepath.Join(dir, folder), 0o700), syscall.Mkfifo(filepath.Join(dir, folder, name), 0o600))
		},
	} {
		t.Run(what, func(t *testing.T) {
			s, meter, f, dir := dropper(t)
			outside := t.TempDir()
			if err := put(dir, outside); err != nil {
				t.Fatal(err)
			}
			if out := s.Drop(t.Context(), f, recipient, m); out.State != wire.Permanent || out.Why != wire.FolderForbidden {
				t.Errorf("outcome = %+v, want folder-forbidden", out)
			}
			if entries := must(os.ReadDir(outside)); len(entries) != 0 || meter.sum(t) != 0 {
				t.Errorf("outside lies %v; %d bytes metered", entries, meter.sum(t))
			}
		})
	}
}

func TestAFolderIsAFolderAndNoLink(t *testing.T) {
	dir := t.TempDir()
	link, plain := filepath.Join(dir, "link"), filepath.Join(dir, "plain")
	if err := errors.Join(os.Symlink(dir, link), os.WriteFile(plain, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", ".", "relative", link, plain, filepath.Join(dir, "nothing")} {
		if _, err := wire.OpenFolder(name); !errors.Is(err, thimble.ErrInvalid) {
			t.Errorf("%q = %v, want ErrInvalid", name, err)
		}
	}
}

const childFolder = "THIMBLE_TEST_DROP"

// TestDropUntilKilled is the program of the next test: it drops a file and waits in the
// middle for its end.
func TestDropUntilKilled(t *testing.T) {
	dir := os.Getenv(childFolder)
	if dir == "" {
		t.Skip("run by the next test only")
	}
	m := newMeter()
	m.each = func(sum int) {
		if sum > 1<<19 {
			fmt.Println("in the middle")
			select {}
		}
	}
	s, f := must(wire.New(m, wire.Config{})), must(wire.OpenFolder(dir))
	s.Drop(t.Context(), f, newID(t), message(t, strings.Repeat("x", 1<<20)))
}

func TestAKillInTheMiddleLeavesNothingToSeeAndTheNextStartSweeps(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0], "-test.run=^TestDropUntilKilled$")
	cmd.Env = append(os.Environ(), childFolder+"="+dir)
	pipe := must(cmd.StdoutPipe())
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 1<<10)
	n, err := pipe.Read(buf)
	if err := errors.Join(err, cmd.Process.Kill()); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if !strings.Contains(string(buf[:n]), "in the middle") {
		t.Fatalf("the program said %q", buf[:n])
	}

	visible, hidden := listed(t, dir)
	if len(visible) != 0 || len(hidden) != 1 {
		t.Fatalf("after the kill the folder has %v and %v, want one hidden part", visible, hidden)
	}
	must(wire.OpenFolder(dir)).Close()
	if _, hidden := listed(t, dir); len(hidden) != 1 {
		t.Error("a part that may be under way was swept")
	}
	old := time.Now().Add(-2 * time.Hour)
	if err := os.Chtimes(hidden[0], old, old); err != nil {
		t.Fatal(err)
	}
	must(wire.OpenFolder(dir)).Close()
	if _, hidden := listed(t, dir); len(hidden) != 0 {
		t.Errorf("the next start left %v", hidden)
	}
}
