package sqldbtest_test

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
)

// What a test is given is what the migrations make, and nothing that another test has written.
func TestACopyIsWhatTheMigrationsMake(t *testing.T) {
	dir := t.TempDir()
	for _, set := range []string{sqldb.Core, sqldb.Keys, sqldb.Log, sqldb.View} {
		t.Run("sqlite "+set, func(t *testing.T) {
			same(t, sqldb.Config{Set: set, Path: filepath.Join(dir, set)}, func() *sqldb.DB { return sqldbtest.SQLite(t, set) })
		})
	}
	t.Run("postgres", func(t *testing.T) {
		made := sqldbtest.Unmigrated(t)
		for _, set := range []string{sqldb.Core, sqldb.Keys, sqldb.Log, sqldb.View} {
			same(t, sqldb.Config{Set: set, URL: made}, func() *sqldb.DB {
				return open(t, sqldb.Config{Set: set, URL: sqldbtest.Database(t)})
			})
		}
	})
}

func same(t *testing.T, cfg sqldb.Config, copied func() *sqldb.DB) {
	t.Helper()
	want := tables(t, open(t, cfg))
	written := copied()
	if diff := cmp.Diff(want, tables(t, written)); diff != "" {
		t.Errorf("migrated (-) and copied (+) %s differ:\n%s", cfg.Set, diff)
	}
	err := written.Write(t.Context(), func(tx *sqldb.Tx) error {
		_, err := tx.Exec(t.Context(), `create table written_here (n integer)`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, tables(t, copied())); diff != "" {
		t.Errorf("the next copy of %s has what was written into the one before:\n%s", cfg.Set, diff)
	}
}

func open(t *testing.T, cfg sqldb.Config) *sqldb.DB {
	t.Helper()
	db, err := sqldb.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func tables(t *testing.T, db *sqldb.DB) []sqldb.Table {
	t.Helper()
	all, err := db.Tables(t.Context())
	if err != nil || len(all) == 0 {
		t.Fatalf("%d tables, %v", len(all), err)
	}
	return all
}
