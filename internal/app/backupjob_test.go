package app_test

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"thimble"
	"thimble/internal/app"
	"thimble/internal/backup"
	"thimble/internal/job"
	"thimble/internal/session"
	"thimble/internal/sqldb"
	"thimble/internal/thimbletest"
	"thimble/internal/vault/vaultweb"
	"thimble/internal/web/webtest"
)

// The server backs itself up by a job, says how old the newest is, and removes what is older
// than it is to keep. What it made is put back like any other.
func TestTheServerBacksItselfUpAndSaysWhenTheNewestIsTooOld(t *testing.T) {
	now := time.Now()
	dir := t.TempDir()
	set, file := filepath.Join(dir, "set"), filepath.Join(dir, "recipients")
	s := newSafeAt(t, map[string]string{"backup-to": set, "backup-recipients": file, "backup-every": "1h", "backup-keep": "48h"}, func() time.Time { return now })
	ada := s.Subject("ada", thimbletest.Allows(personalize)...)
	s.Buys(ada, "shirt")
	makes := func() {
		t.Helper()
		if err := s.Core.Write(t.Context(), func(tx *sqldb.Tx) error {
			return s.Jobs.Add(t.Context(), tx, job.Job{Kind: app.BackupJob, Dedupe: app.BackupJob})
		}); err != nil {
			t.Fatal(err)
		}
		s.Works()
	}
	if _, err := s.App.Newest(t.Context()); !errors.Is(err, thimble.ErrUnavailable) {
		t.Errorf("without the folder: %v", err)
	}
	makes() // fails: nothing is written beside a disk that is not mounted
	if _, err := os.Stat(set); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder was made: %v", err)
	}
	if err := errors.Join(os.Mkdir(set, 0o700), os.WriteFile(file, []byte(s.identity.Recipient().String()+"\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if b, err := s.App.Newest(t.Context()); err != nil || !b.At.IsZero() {
		t.Errorf("before the first: %+v, %v", b, err)
	}
	now = now.Add(time.Hour) // when what failed is tried again
	makes()
	b, err := s.App.Newest(t.Context())
	if err != nil || b.At.IsZero() || b.At.Before(b.Late) {
		t.Fatalf("after the first: %+v, %v", b, err)
	}
	now = now.Add(4 * time.Hour)
	if b, err := s.App.Newest(t.Context()); err != nil || !b.At.Before(b.Late) {
		t.Errorf("four hours later with one due each hour: %+v, %v", b, err)
	}
	for range 4 {
		now = now.AddDate(0, 0, 1)
		if _, err := s.RotateKeys(t.Context()); err != nil {
			t.Fatal(err)
		}
		makes()
	}
	manifests := func() []*backup.Manifest {
		t.Helper()
		opened, err := backup.OpenSet(set)
		if err != nil {
			t.Fatal(err)
		}
		all, err := opened.Manifests()
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	// The clock of this test jumps, and what is old by such a clock stays.
	if all := manifests(); len(all) != 5 {
		t.Errorf("%d backups are there while the clock is contradicted, want all 5", len(all))
	}
	if _, err := s.App.Backup(t.Context(), app.Backup{Set: set, To: []age.Recipient{s.identity.Recipient()}, Keep: 48 * time.Hour}); err != nil {
		t.Fatal(err)
	}
	all := manifests()
	if len(all) == 0 || len(all) > 4 || all[0].Core.Taken.Before(now.AddDate(0, 0, -3)) {
		t.Errorf("%d backups are kept for 48 hours, %v", len(all), err)
	}
	s.set = set
	done, err := s.restore(filepath.Join(dir, "back"), s.seen(), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	if n := ordersOf(t, s.serve(filepath.Join(dir, "back")), ada); n != 1 {
		t.Errorf("put back: %d orders, %+v", n, done)
	}
}

// Staff see when the newest backup was made, and in red that none was made when one was due.
func TestThePageOfKeysShowsTheNewestBackup(t *testing.T) {
	browser := webtest.Start(t)
	now := time.Now()
	dir := t.TempDir()
	file := filepath.Join(dir, "recipients")
	s := newSafeAt(t, map[string]string{"backup-to": dir, "backup-recipients": file, "backup-every": "1h"}, func() time.Time { return now })
	h := &house{Shop: s.Shop}
	h.serves(t)
	tab := browser.NewTab(webtest.Desk)
	shows := func(words string) {
		t.Helper()
		staff := &http.Cookie{Name: "thimble_staff", Value: h.cookie(t, session.Who{Audience: session.Staff, Staff: "owner"})}
		tab.Cookie(h.url, staff.Name, staff.Value)
		status, body := reader{base: h.url, cookies: []*http.Cookie{staff}}.get(t, vaultweb.Path)
		if status != http.StatusOK || !strings.Contains(body, words) {
			t.Errorf("%d, without %q", status, words)
		}
	}
	shows("none yet")
	s.set = dir
	s.backup(false)
	shows("number 1")
	look(t, tab, h.url, vaultweb.Path, 0)
	now = now.Add(4 * time.Hour)
	shows("too old")
	look(t, tab, h.url, vaultweb.Path, 1)
}

func TestSettingsOfBackupsThatCannotWorkAreNamed(t *testing.T) {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "recipients")
	if err := os.WriteFile(file, []byte(id.Recipient().String()), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, settings := range map[string]map[string]string{
		"no apart":      {"backup-to": "/set", "backup-recipients": file},
		"no recipients": {"backup-to": "/set", "apart": "/apart"},
		"too often":     {"backup-to": "/set", "apart": "/apart", "backup-recipients": file, "backup-every": "1s"},
		"too short":     {"backup-keep": "1h"},
	} {
		if _, err := app.Load(settings, func(string) string { return "" }, os.DevNull); !errors.Is(err, thimble.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
