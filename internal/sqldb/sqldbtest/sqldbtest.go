// Package sqldbtest gives tests real databases: SQLite always, PostgreSQL when it
// is installed or given.
//
// A private PostgreSQL cluster is started once per test process on a free port
// and ends with the process, however that ends. THIMBLE_TEST_POSTGRES names a
// server to use instead. With THIMBLE_REQUIRE_POSTGRES=1 a missing PostgreSQL is
// a failure; otherwise its subtests are skipped by name.
package sqldbtest

import (
	"context"
	"database/sql"
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
			return opened(t, sqldb.Config{Set: set, Path: filepath.Join(dir, set+".db")})
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
	return opened(tb, sqldb.Config{Set: set, Path: filepath.Join(tb.TempDir(), set+".db")})
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

// Database makes an empty PostgreSQL database and returns its URL. It skips, or
// fails under THIMBLE_REQUIRE_POSTGRES=1, where there is no PostgreSQL.
func Database(tb testing.TB) string {
	tb.Helper()
	server := os.Getenv("THIMBLE_TEST_POSTGRES")
	if server == "" {
		var err error
		if server, err = cluster(); err != nil {
			if os.Getenv("THIMBLE_REQUIRE_POSTGRES") == "1" {
				tb.Fatal(err)
			}
			tb.Skip(err)
		}
	}
	admin, err := sql.Open("pgx", server)
	if err != nil {
		tb.Fatal(err)
	}
	defer admin.Close()
	name := fmt.Sprintf("thimble_%d_%d", os.Getpid(), databases.Add(1))
	if _, err := admin.Exec("create database " + name); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { dropDatabase(tb, server, name) })
	u, err := url.Parse(server)
	if err != nil {
		tb.Fatal(err)
	}
	u.Path = "/" + name
	return u.String()
}

func dropDatabase(tb testing.TB, server, name string) {
	admin, err := sql.Open("pgx", server)
	if err != nil {
		tb.Error(err)
		return
	}
	defer admin.Close()
	if _, err := admin.Exec("drop database if exists " + name + " with (force)"); err != nil && !strings.Contains(err.Error(), "closed") {
		tb.Error(err)
	}
}
