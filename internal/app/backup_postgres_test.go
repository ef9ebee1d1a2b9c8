package app_test

import (
	"database/sql"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"thimble"
	"thimble/internal/app"
	"thimble/internal/sqldb/sqldbtest"
	"thimble/internal/thimbletest"
)

// PostgreSQL may be backed up and put back by its own tools too. The copy here is one that the server
// makes of a whole database.
func TestDatabasesOfPostgreSQLThatWerePutBackAreApplied(t *testing.T) {
	base := sqldbtest.Database(t)
	s := &safe{t: t, dir: t.TempDir()}
	s.data, s.apart = filepath.Join(s.dir, "data"), filepath.Join(s.dir, "apart")
	if err := os.Mkdir(s.apart, 0o700); err != nil {
		t.Fatal(err)
	}
	settings := map[string]string{"data": s.data, "apart": s.apart, "database-url": base}
	s.Shop = thimbletest.Open(t, settings)
	ada, eve := s.Subject("ada", thimbletest.Allows(personalize)...), s.Subject("eve", thimbletest.Allows(personalize)...)
	s.Buys(ada, "shirt")
	s.Works()
	older := copyDatabase(t, base)
	// What meets a connection that the copy has ended is tried again, as serving does.
	for try := 0; ; try++ {
		_, err := s.Desk.Erase(t.Context(), eve)
		if err == nil {
			break
		}
		if try == 20 || !errors.Is(err, thimble.ErrUnavailable) {
			t.Fatal(err)
		}
	}
	s.Works()
	seen := s.seen()
	settings["database-url"] = older
	if err := os.Remove(filepath.Join(s.data, app.SeenName)); err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	if _, err := start(settings); err == nil || !strings.Contains(err.Error(), "run `thimble restore`") {
		t.Fatalf("a start on older databases: %v, want a refusal that says what to do", err)
	}
	cfg := s.config(s.data, s.apart)
	cfg.DatabaseURL = older

	done, err := app.RiseInPlace(t.Context(), cfg, seen, silent)

	if err != nil || done.Erased != 1 || done.Epoch != 2 || len(done.Audit.Findings) != 0 {
		t.Fatalf("in place: %+v, %v, want that eve is erased again", done, err)
	}
	back := thimbletest.Open(t, settings)
	if _, err := back.Subjects.Epoch(t.Context(), eve); !errors.Is(err, thimble.ErrNotFound) {
		t.Errorf("eve is there: %v", err)
	}
	if _, err := back.Subjects.Epoch(t.Context(), ada); err != nil {
		t.Errorf("ada is not there: %v", err)
	}
}

// An installation in PostgreSQL is backed up while it serves, and is put back into an empty
// database: without whoever was erased since, with its events, and its numbers go on.
func TestAnInstallationInPostgreSQLIsPutBack(t *testing.T) {
	s := newSafeAt(t, map[string]string{"database-url": sqldbtest.Database(t)}, nil)
	crowd(s.Shop)
	ada, eve := someone(t, s.Shop, "ada"), someone(t, s.Shop, "eve")
	s.Works()
	if done := s.backup(false); !slices.Equal(done.Manifest.PostgreSQL, []string{"core", "keys"}) || done.Manifest.Log.Last == 0 {
		t.Errorf("the backup has rows of %v and %d frames", done.Manifest.PostgreSQL, done.Manifest.Log.Last)
	}
	s.Erase(eve)
	late := s.Subject("late", thimbletest.Allows(personalize)...)
	s.Works()
	before, seen := held(s.Shop, ada), s.seen()

	if _, err := s.restore(filepath.Join(s.dir, "sqlite"), seen, time.Time{}); !errors.Is(err, thimble.ErrInvalid) || !strings.Contains(err.Error(), "of PostgreSQL") {
		t.Errorf("into SQLite: %v, want a refusal", err)
	}
	if _, err := s.restore(filepath.Join(s.dir, "full"), seen, time.Time{}, s.more["database-url"]); !errors.Is(err, thimble.ErrConflict) {
		t.Errorf("into the database that serves: %v, want a refusal", err)
	}
	empty, to := sqldbtest.Unmigrated(t), filepath.Join(s.dir, "back")
	done, err := s.restore(to, seen, time.Time{}, empty)
	if err != nil {
		t.Fatal(err)
	}

	if done.Erased != 1 || done.Epoch != 2 || len(done.Audit.Findings) != 0 {
		t.Errorf("restored: %+v, want one person erased again, in epoch 2, without a finding", done)
	}
	back := thimbletest.OpenAt(t, map[string]string{"data": to, "apart": s.apart, "database-url": empty}, nil)
	for _, gone := range []thimble.SubjectID{eve, late} {
		if _, err := back.Subjects.Epoch(t.Context(), gone); !errors.Is(err, thimble.ErrNotFound) {
			t.Errorf("somebody who was erased, or came later, is there: %v", err)
		}
	}
	if diff := cmp.Diff(before, held(back, ada)); diff != "" {
		t.Errorf("what is held about ada differs (- was, + is):\n%s", diff)
	}
	proof, err := back.App.Shop.Prove(t.Context(), nil, 1, 1)
	if err != nil || !proof.Holds() {
		t.Errorf("prove unlearning: %+v, %v", proof, err)
	}
	back.OrdersAs("order-after", time.Now().Add(-time.Hour).Truncate(time.Microsecond), back.Subject("new", thimbletest.Allows(personalize)...), "shirt")
	back.Works()
	audit, err := back.Audit(t.Context())
	if err != nil || len(audit.Findings) != 0 {
		t.Errorf("the audit of what serves: %+v, %v", audit.Findings, err)
	}
}

func dropDatabase(t *testing.T, server, name string) {
	admin, err := sql.Open("pgx", server)
	if err != nil {
		t.Error(err)
		return
	}
	defer admin.Close()
	if _, err := admin.Exec("drop database if exists " + name + " with (force)"); err != nil {
		t.Error(err)
	}
}

// copyDatabase copies a database from which everybody is sent away for the moment.
func copyDatabase(t *testing.T, from string) string {
	t.Helper()
	u, err := url.Parse(from)
	if err != nil {
		t.Fatal(err)
	}
	name := strings.TrimPrefix(u.Path, "/")
	u.Path = "/postgres"
	admin, err := sql.Open("pgx", u.String())
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	for _, text := range []string{
		`update pg_database set datallowconn = false where datname = '` + name + `'`,
		`select pg_terminate_backend(pid) from pg_stat_activity where datname = '` + name + `'`,
		`create database ` + name + `_older template ` + name,
		`update pg_database set datallowconn = true where datname in ('` + name + `', '` + name + `_older')`,
	} {
		if _, err := admin.Exec(text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	t.Cleanup(func() { dropDatabase(t, u.String(), name+"_older") })
	older := *u
	older.Path = "/" + name + "_older"
	return older.String()
}
