package sqldb_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"thimble"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
)

func TestARowScansIntoWhatLookUpsAskFor(t *testing.T) {
	sqldbtest.Each(t, sqldb.Core, func(t *testing.T, db *sqldb.DB) {
		id, err := thimble.NewID(nil)
		if err != nil {
			t.Fatal(err)
		}
		must(t, db.Write(t.Context(), func(tx *sqldb.Tx) error {
			_, err := tx.Exec(t.Context(), addJob, id[:], "a", 7)
			return err
		}))
		var (
			got   thimble.ID
			bytes []byte
			kind  thimble.Category
			text  string
			at    int64
			n     int
			some  sql.NullInt64
			none  sql.NullString
			gone  []byte
		)
		err = db.Ask(t.Context(), func(row sqldb.Row) error {
			return row.Scan(&got, &bytes, &kind, &text, &at, &n, &some, &none, &gone)
		}, `select id, id, kind, kind, run_at, run_at, run_at, cast(null as text), nullif(id, id) from job_jobs where id = $1`, id)
		must(t, err)
		if got != id || string(bytes) != string(id[:]) || kind != "a" || text != "a" || at != 7 || n != 7 || some.Int64 != 7 || none.Valid || gone != nil {
			t.Error("read", got, bytes, kind, text, at, n, some, none, gone)
		}
		for name, dest := range map[string]any{"text into a number": &at, "text into too few": nil} {
			all := []any{dest}
			if dest == nil {
				all = nil
			}
			err := db.Ask(t.Context(), func(row sqldb.Row) error { return row.Scan(all...) }, `select kind from job_jobs where id = $1`, id)
			if err == nil || strings.Contains(err.Error(), `"a"`) && db.Engine() == sqldb.SQLite {
				t.Errorf("%s: got %v, want an error without the value", name, err)
			}
		}
		if err := db.Ask(t.Context(), func(sqldb.Row) error { return thimble.ErrConflict }, `select kind from job_jobs where id = $1`, id); !errors.Is(err, thimble.ErrConflict) {
			t.Errorf("got %v, want what the function returned", err)
		}
		if err := db.Ask(t.Context(), nil, `select nothing from nowhere`); err == nil {
			t.Error("a table that is not there answered")
		}
	})
}

// More look than there are connections, some give up, and then the schema changes.
func TestManyLookAtOnce(t *testing.T) {
	sqldbtest.Each(t, sqldb.Core, func(t *testing.T, db *sqldb.DB) {
		one := func(ctx context.Context, n int) error {
			got := -1
			err := db.Ask(ctx, func(row sqldb.Row) error { return row.Scan(&got) }, `select $1 + 0`, n)
			if err == nil && got != n {
				return fmt.Errorf("asked for %d, got %d", n, got)
			}
			return err
		}
		ended, stop := context.WithCancel(t.Context())
		stop()
		var all sync.WaitGroup
		for i := range 64 {
			all.Go(func() {
				for n := range 50 {
					if err := one(t.Context(), i*50+n); err != nil {
						t.Error(err)
					}
					if err := one(ended, n); !errors.Is(err, context.Canceled) {
						t.Errorf("got %v after the end, want that it is over", err)
					}
				}
			})
		}
		all.Wait()
	})
}

func TestWhoWaitsForALookCanBeCalledOff(t *testing.T) {
	db := sqldbtest.SQLite(t, sqldb.Core)
	within, leave := make(chan bool), make(chan bool)
	var held sync.WaitGroup
	hold := func() error {
		return db.Ask(t.Context(), func(sqldb.Row) error { within <- true; <-leave; return nil }, `select 1`)
	}
	for range sqldb.Lookers(db) {
		held.Go(func() {
			if err := hold(); err != nil {
				t.Error(err)
			}
		})
		<-within
	}
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer stop()
	if err := db.Ask(ctx, nil, `select 1`); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the deadline", err)
	}
	close(leave)
	held.Wait()
}

func TestNobodyLooksInWhatIsClosed(t *testing.T) {
	db, err := sqldb.Open(t.Context(), sqldb.Config{Set: sqldb.Core, Path: filepath.Join(t.TempDir(), "core.db")})
	must(t, err)
	look := func() error { return db.Ask(t.Context(), func(sqldb.Row) error { return nil }, `select 1`) }
	must(t, look())
	for range 2 {
		_ = db.Close() // the second time an error, and no waiting for ever
		if err := look(); err == nil {
			t.Error("what is closed answered")
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
