package app_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/app"
	"thimble/internal/backup"
	"thimble/internal/thimbletest"
)

// Core is put back as of each of the backups of a day, of which the first is whole and the others
// have what changed: who came before is there, and who came after is not.
func TestCoreIsPutBackAsOfEachBackupOfADay(t *testing.T) {
	at := time.Now()
	s := newSafe(t, func() time.Time { return at })
	crowd(s.Shop)
	s.Works()
	var people []thimble.SubjectID
	var taken []time.Time
	for i, name := range []string{"first", "second", "third"} {
		at = at.Add(10 * time.Minute)
		who := s.Subject(name, thimbletest.Allows(personalize)...)
		s.Buys(who, "shirt")
		s.Works()
		done := s.backup(false)
		if m := done.Manifest.Core; len(m.Parts) != i+1 || i > 0 && (done.Core == 0 || done.Core > m.Bytes/2) {
			t.Errorf("backup %d sealed %d of %d bytes of core, in %d parts", i+1, done.Core, m.Bytes, len(m.Parts))
		}
		people, taken = append(people, who), append(taken, done.Manifest.Taken())
	}
	s.backup(true) // the log alone: core is as it was, and can be built upon
	if done := s.backup(false); len(done.Manifest.Core.Parts) > 4 || done.Core > done.Manifest.Core.Bytes/4 {
		t.Errorf("after a backup of the log, %d bytes of core were sealed", done.Core)
	}
	for i, instant := range taken[:2] {
		back := filepath.Join(s.dir, people[i].String())
		if _, err := s.restore(back, s.seen(), instant.Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		there := s.serve(back)
		for n, who := range people {
			if _, err := there.Subjects.Epoch(t.Context(), who); errors.Is(err, thimble.ErrNotFound) != (n > i) {
				t.Errorf("as of backup %d, of person %d: %v", i+1, n+1, err)
			}
		}
	}

	// On the next day core is copied whole, also when the log alone is asked for.
	at = at.AddDate(0, 0, 1)
	if _, err := s.RotateKeys(t.Context()); err != nil {
		t.Fatal(err)
	}
	if done := s.backup(true); len(done.Manifest.Core.Parts) != 1 || done.Core != done.Manifest.Core.Bytes {
		t.Errorf("on the next day %d of %d bytes of core were sealed, want it whole", done.Core, done.Manifest.Core.Bytes)
	}
}

// Whatever a change can no longer be told from, core is copied whole.
func TestCoreIsCopiedWholeWhenItCannotBeBuiltUpon(t *testing.T) {
	s := newSafe(t, nil)
	s.Subject("ada", thimbletest.Allows(personalize)...)
	s.Works()
	s.backup(false)
	for _, c := range []struct {
		name string
		do   func(last *backup.Manifest) error
		ask  app.Backup
	}{
		{"the hashes of blocks are lost", func(*backup.Manifest) error { return os.RemoveAll(filepath.Join(s.data, app.BlocksName)) }, app.Backup{}},
		{"an object is missing", func(last *backup.Manifest) error {
			return os.Remove(filepath.Join(s.set, "objects", last.Core.Parts[0].Name))
		}, app.Backup{}},
		{"it is asked for", func(*backup.Manifest) error { return nil }, app.Backup{Whole: true}},
	} {
		last := s.backup(false).Manifest
		if err := c.do(last); err != nil {
			t.Fatal(err)
		}
		if done := s.backupAs(c.ask); len(done.Manifest.Core.Parts) != 1 || done.Core != done.Manifest.Core.Bytes {
			t.Errorf("%s: %d of %d bytes were sealed in %d parts", c.name, done.Core, done.Manifest.Core.Bytes, len(done.Manifest.Core.Parts))
		}
	}
	if _, err := s.restore(filepath.Join(s.dir, "back"), s.seen(), time.Time{}); err != nil {
		t.Error(err)
	}
}

// A change that is missing or damaged spoils what is built upon it, and says so; the whole copy
// before it is put back all the same.
func TestAChangeThatIsDamagedIsNamedAndTheCopyBeforeItOpens(t *testing.T) {
	at := time.Now()
	s := newSafe(t, func() time.Time { return at })
	s.Subject("ada", thimbletest.Allows(personalize)...)
	s.Works()
	first := s.backup(false).Manifest
	at = at.Add(time.Minute)
	s.Subject("eve", thimbletest.Allows(personalize)...)
	s.Works()
	parts := s.backup(false).Manifest.Core.Parts
	if len(parts) != 2 {
		t.Fatalf("core is in %d parts, want a copy and a change", len(parts))
	}
	name := filepath.Join(s.set, "objects", parts[1].Name)
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.restore(filepath.Join(s.dir, "back"), s.seen(), time.Time{}); !errors.Is(err, backup.ErrDamaged) || !strings.Contains(err.Error(), parts[1].Name) {
		t.Errorf("a change that is damaged: %v, want its name", err)
	}
	if done, err := s.restore(filepath.Join(s.dir, "earlier"), s.seen(), first.Taken()); err != nil || !done.Core.Equal(first.Core.Taken) {
		t.Errorf("the copy before it: %+v, %v", done, err)
	}
}
