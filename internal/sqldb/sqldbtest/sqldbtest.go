// Package sqldbtest gives tests real databases: SQLite always, PostgreSQL when it
// is installed or given.
//
// A private PostgreSQL cluster is started once per test process on a free port
// and ends with the process, however that ends. THIMBLE_TEST_POSTGRES names a
// server to use instead. With THIMBLE_REQUIRE_POSTGRES=1 a missing PostgreSQL is
// a failure; otherwise its subtests are skipped by name.
//
// Migrations run once per test process on SQLite and once per server on PostgreSQL: a
// test gets a copy of what they made. A test of the migrations themselves opens a file or a database of its own.
package sqldbtest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"thimble/internal/sqldb"
)

// Each runs f as a subtest per engine, on an empty migrated set.
func Each(t *testing.T, set string, f func(t *testing.T, db *sqldb.DB)) {
	t.Helper()
	Installations(t, func(t *testing.T, open Opener) { f(t, open(set)) })
}

// Pair runs f as a subtest per engine with the two sets of one installation.
func Pair(t *testing.T, f func(t *testing.T, core, keys *sqldb.DB)) {
	t.Helper()
	Installations(t, func(t *testing.T, open Opener) { f(t, open(sqldb.Core), open(sqldb.Keys)) })
}

// An Opener opens a set of one installation; opening the same set again gives a
// second handle on the same data, as a second process would have it.
type Opener func(set string) *sqldb.DB

// Installations runs f as a subtest per engine.
func Installations(t *testing.T, f func(t *testing.T, open Opener)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		dir := t.TempDir()
		f(t, func(set string) *sqldb.DB {
			path := filepath.Join(dir, set+".db")
			Migrated(t, set, path)
			return opened(t, sqldb.Config{Set: set, Path: path})
		})
	})
	t.Run("postgres", func(t *testing.T) {
		base := Database(t)
		f(t, func(set string) *sqldb.DB { return opened(t, sqldb.Config{Set: set, URL: base}) })
	})
}

// SQLite opens an empty migrated set in a temporary folder.
func SQLite(tb testing.TB, set string) *sqldb.DB {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), set+".db")
	Migrated(tb, set, path)
	return opened(tb, sqldb.Config{Set: set, Path: path})
}

func opened(tb testing.TB, cfg sqldb.Config) *sqldb.DB {
	tb.Helper()
	db, err := sqldb.Open(context.Background(), cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := db.Close(); err != nil {
			tb.Errorf("closing %s: %v", cfg.Set, err)
		}
	})
	return db
}

var databases atomic.Int64

// Database makes a PostgreSQL database with every set migrated and nothing in it, and
// returns its URL. It skips, or fails under THIMBLE_REQUIRE_POSTGRES=1, where there is
// no PostgreSQL.
func Database(tb testing.TB) string {
	tb.Helper()
	server := running(tb)
	template, err := template(server)
	if err != nil {
		tb.Fatal(err)
	}
	return created(tb, server, "template "+template)
}

// Unmigrated is Database without the migrations: what a server's owner hands over.
func Unmigrated(tb testing.TB) string {
	tb.Helper()
	return created(tb, running(tb), "")
}

func running(tb testing.TB) string {
	tb.Helper()
	if server := os.Getenv("THIMBLE_TEST_POSTGRES"); server != "" {
		return server
	}
	server, err := cluster()
	if err != nil {
		if os.Getenv("THIMBLE_REQUIRE_POSTGRES") == "1" {
			tb.Fatal(err)
		}
		tb.Skip(err)
	}
	return server
}

func created(tb testing.TB, server, how string) string {
	tb.Helper()
	name := fmt.Sprintf("thimble_%d_%d", os.Getpid(), databases.Add(1))
	if err := execute(server, "create database "+name+" "+how); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := execute(server, "drop database if exists "+name+" with (force)"); err != nil && !strings.Contains(err.Error(), "closed") {
			tb.Error(err)
		}
	})
	at, err := within(server, name)
	if err != nil {
		tb.Fatal(err)
	}
	return at
}

// within is the URL of a database of a server.
func within(server, name string) (string, error) {
	u, err := url.Parse(server)
	if err != nil {
		return "", err
	}
	u.Path = "/" + name
	return u.String(), nil
}

func execute(server, text string) error {
	admin, err := sql.Open("pgx", server)
	if err != nil {
		return err
	}
	_, err = admin.Exec(text)
	return errors.Join(err, admin.Close())
}
