package sqldb_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"thimble"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
)

// Two tables are always changed together, while copies are made: in each copy they agree.
func TestACopyIsOfOneInstant(t *testing.T) {
	ctx := t.Context()
	db := sqldbtest.SQLite(t, sqldb.Core)
	set := func(n int) error {
		return db.Write(ctx, func(tx *sqldb.Tx) error {
			for _, text := range []string{`delete from copied_one`, `delete from copied_two`} {
				if _, err := tx.Exec(ctx, text); err != nil {
					return err
				}
			}
			for i := range 200 {
				for _, text := range []string{`insert into copied_one (id, n, pad) values ($1, $2, $3)`, `insert into copied_two (id, n, pad) values ($1, $2, $3)`} {
					if _, err := tx.Exec(ctx, text, i, n, make([]byte, 2000)); err != nil {
						return err
					}
				}
			}
			return nil
		})
	}
	err := db.Write(ctx, func(tx *sqldb.Tx) error {
		for _, text := range []string{`create table copied_one (id integer primary key, n integer, pad blob)`, `create table copied_two (id integer primary key, n integer, pad blob)`} {
			if _, err := tx.Exec(ctx, text); err != nil {
				return err
			}
		}
		return nil
	})
	if err := errors.Join(err, set(0)); err != nil {
		t.Fatal(err)
	}
	var writing sync.WaitGroup
	stop, done := context.WithCancel(ctx)
	writing.Go(func() {
		for n := 1; stop.Err() == nil; n++ {
			if err := set(n); err != nil {
				t.Error(err)
				return
			}
		}
	})
	newest := 0
	for i := range 5 {
		path := filepath.Join(t.TempDir(), "copy.db")
		if err := db.Copy(ctx, path); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("copy %d: mode %v, %v, want 0600", i, info.Mode(), err)
		}
		copied, err := sqldb.Open(ctx, sqldb.Config{Set: sqldb.Core, Path: path})
		if err != nil {
			t.Fatal(err)
		}
		if err := copied.QuickCheck(ctx); err != nil {
			t.Error(err)
		}
		var kinds, n int
		err = copied.Read(ctx, func(tx *sqldb.Tx) error {
			return tx.QueryRow(ctx, `select count(*), max(n) from (select n from copied_one union select n from copied_two)`).Scan(&kinds, &n)
		})
		if err != nil || kinds != 1 || n < newest {
			t.Errorf("copy %d is of %d instants, the newest %d, %v; want one that is not before %d", i, kinds, n, err, newest)
		}
		newest = n
		if err := copied.Close(); err != nil {
			t.Error(err)
		}
	}
	done()
	writing.Wait()
}

func TestACopyReplacesNothingAndStopsWhenToldTo(t *testing.T) {
	db := sqldbtest.SQLite(t, sqldb.Core)
	path := filepath.Join(t.TempDir(), "copy.db")
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := db.Copy(t.Context(), path); !errors.Is(err, thimble.ErrConflict) {
		t.Errorf("Copy over a file = %v, want a refusal", err)
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "mine" {
		t.Errorf("the file is %q, %v", b, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := db.Copy(ctx, path+"-2"); !errors.Is(err, context.Canceled) {
		t.Errorf("Copy = %v, want that it stopped", err)
	}
	if _, err := os.Stat(path + "-2"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("half a copy is there: %v", err)
	}
}
