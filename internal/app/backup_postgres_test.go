package app_test

import (
	"database/sql"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"thimble"
	"thimble/internal/app"
	"thimble/internal/sqldb/sqldbtest"
	"thimble/internal/thimbletest"
)

// PostgreSQL is backed up and put back by its own tools. The copy here is one that the server
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
	if _, err := s.App.Backup(t.Context(), app.Backup{Set: filepath.Join(s.dir, "set")}); err == nil || !strings.Contains(err.Error(), "pg_dump") {
		t.Errorf("a backup: %v, want a refusal that names pg_dump", err)
	}
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
