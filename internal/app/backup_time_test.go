package app_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/sqldb"
	"thimble/internal/thimbletest"
)

// Every object of a backup is sealed under the key of its day, which is destroyed after 30
// days: the operator's identity and the root do not help then.
func TestABackupOpensToNobodyOnceTheKeyOfItsDayIsDestroyed(t *testing.T) {
	at := time.Now()
	s := newSafe(t, func() time.Time { return at })
	ada := s.Subject("ada", thimbletest.Allows(personalize)...)
	s.Buys(ada, "shirt")
	s.Browses(ada, "shirt", "belt")
	s.Works()
	first := s.backup(false)
	s.Erase(ada)
	for day := range 32 {
		at = at.AddDate(0, 0, 1)
		if _, err := s.RotateKeys(t.Context()); err != nil {
			t.Fatal(err)
		}
		if day == 10 {
			if done, err := s.restore(filepath.Join(s.dir, "soon"), s.seen(), time.Time{}); err != nil || done.Erased != 1 {
				t.Errorf("after ten days: %+v, %v, want that it opens, and that one person is erased again", done, err)
			}
		}
	}

	_, err := s.restore(filepath.Join(s.dir, "late"), s.seen(), time.Time{})

	if !errors.Is(err, thimble.ErrDenied) || !strings.Contains(err.Error(), "opens to nobody") {
		t.Errorf("after 32 days: %v, want that it opens to nobody", err)
	}
	kept, err := filepath.Glob(filepath.Join(s.apart, "epochs", "*.epoch"))
	if err != nil || len(kept) > 31 {
		t.Errorf("%d keys of days are kept apart, %v; want those that live", len(kept), err)
	}
	// The next backup writes all of it anew and removes what nobody opens.
	next := s.backup(false)
	if next.Manifest.Number != 2 || next.Pruned < len(first.Manifest.Objects()) {
		t.Errorf("backup %d removed %d objects, want at least the %d of the first", next.Manifest.Number, next.Pruned, len(first.Manifest.Objects()))
	}
	if _, err := os.Stat(filepath.Join(s.set, "00000001.manifest")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the first manifest is there: %v", err)
	}
	if _, err := s.restore(filepath.Join(s.dir, "again"), s.seen(), time.Time{}); err != nil {
		t.Errorf("the next backup: %v", err)
	}
}

// A part of the log that does not change is written once, and opens in each later backup.
func TestTheLogIsBackedUpInWhatIsNew(t *testing.T) {
	s := newSafe(t, nil)
	ada, eve := s.Subject("ada", thimbletest.Allows(personalize)...), s.Subject("eve", thimbletest.Allows(personalize)...)
	for range 300 { // a frame each
		s.Browses(ada, "shirt")
	}
	s.Browses(eve, "scarf")
	s.Works()
	if done := s.backup(false); done.Parts != 2 {
		t.Errorf("%d parts were new, want 2", done.Parts)
	}
	s.Browses(ada, "belt")
	core := s.backup(true)
	if core.Parts != 1 || core.Manifest.Log.Last != 302 {
		t.Errorf("%d parts of %d frames were new, want one, which grew to 302", core.Parts, core.Manifest.Log.Last)
	}
	if again := s.backup(true); again.Parts != 0 || again.Manifest.Core.Parts[0] != core.Manifest.Core.Parts[0] {
		t.Errorf("with nothing new, %d parts were written, or another core", again.Parts)
	}
	s.Erase(eve)
	s.Works()
	if err := s.Timeline.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if done, err := s.Timeline.Compact(t.Context()); err != nil || done.Frames != 1 {
		t.Fatalf("compacted %+v, %v", done, err)
	}
	if done := s.backup(false); done.Parts != 1 {
		t.Errorf("after eve was taken out, %d parts were written, want the one that she was in", done.Parts)
	}
	if _, err := s.restore(filepath.Join(s.dir, "back"), s.seen(), time.Time{}); err != nil {
		t.Fatal(err)
	}
	if got := frames(t, s.serve(filepath.Join(s.dir, "back"))); got != 302 {
		t.Errorf("%d frames are back, want 302", got)
	}
}

func frames(t *testing.T, s *thimbletest.Shop) (n int) {
	t.Helper()
	err := s.Events.Read(t.Context(), func(tx *sqldb.Tx) error {
		return tx.QueryRow(t.Context(), `select count(*) from log_frames`).Scan(&n)
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Core is put back as of the last backup before the instant, and the log up to the instant.
func TestAnInstantIsPutBack(t *testing.T) {
	at := time.Now()
	s := newSafe(t, func() time.Time { return at })
	ada := s.Subject("ada", thimbletest.Allows(personalize)...)
	s.Browses(ada, "shirt")
	s.Works()
	later := func() time.Time { at = at.Add(time.Minute); return at }
	later()
	s.backup(false) // one frame
	later()
	s.Browses(ada, "belt") // two
	want := later()
	later()
	s.Browses(ada, "scarf") // three
	late := s.Subject("late", thimbletest.Allows(personalize)...)
	s.Browses(late, "scarf") // four
	s.Erase(ada)
	s.Works()
	later()
	s.backup(true)

	done, err := s.restore(filepath.Join(s.dir, "back"), s.seen(), want)
	if err != nil {
		t.Fatal(err)
	}

	if done.Frames != 2 || !done.Log.Equal(want) || !done.Core.Before(want) || done.Erased != 1 {
		t.Errorf("put back: %+v, want two frames up to %s, core from before, and one person erased again", done, want)
	}
	if _, err := s.restore(filepath.Join(s.dir, "early"), s.seen(), at.AddDate(0, 0, -1)); !errors.Is(err, thimble.ErrNotFound) {
		t.Errorf("an instant before the first backup: %v, want that there is none", err)
	}
	newest, err := s.restore(filepath.Join(s.dir, "newest"), s.seen(), time.Time{})
	if err != nil || newest.Frames != 4 {
		t.Errorf("the newest: %+v, %v, want four frames", newest, err)
	}
}

// Rows that a database was put back with are noticed when what is kept apart knows more.
func TestAStartRefusesDatabasesThatWerePutBackByHand(t *testing.T) {
	s := newSafe(t, nil)
	ada, eve := s.Subject("ada", thimbletest.Allows(personalize)...), s.Subject("eve", thimbletest.Allows(personalize)...)
	s.Buys(ada, "shirt")
	s.Works()
	older := filepath.Join(s.dir, "older")
	for _, db := range s.Sets() { // so that the files have everything
		if err := db.Truncate(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	copyTree(t, s.data, older)
	s.Erase(eve)
	seen := s.seen()
	settings := map[string]string{"data": older, "apart": s.apart}
	if _, err := start(settings); err == nil || !strings.Contains(err.Error(), "run `thimble restore`") {
		t.Fatalf("a start on older databases: %v, want a refusal that says what to do", err)
	}

	done, err := s.inPlace(older, seen)

	if err != nil || done.Erased != 1 || done.Epoch != 2 || len(done.Audit.Findings) != 0 {
		t.Fatalf("in place: %+v, %v, want that eve is erased again", done, err)
	}
	back := s.serve(older)
	if _, err := back.Subjects.Epoch(t.Context(), eve); !errors.Is(err, thimble.ErrNotFound) {
		t.Errorf("eve is there: %v", err)
	}
	if _, err := back.Subjects.Epoch(t.Context(), ada); err != nil {
		t.Errorf("ada is not there: %v", err)
	}
}
