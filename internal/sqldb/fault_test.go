package sqldb_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"time"

	"thimble"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
)

func TestFullDiskIsUnavailableAndPasses(t *testing.T) {
	ctx, db := t.Context(), sqldbtest.SQLite(t, sqldb.Core)
	pages := func(n int) {
		t.Helper()
		if err := db.Write(ctx, func(tx *sqldb.Tx) error {
			var is int
			return tx.QueryRow(ctx, `pragma max_page_count = `+[]string{"1", "1000000"}[n]).Scan(&is)
		}); err != nil {
			t.Fatal(err)
		}
	}
	big := string(make([]byte, 100_000))
	ways := map[string]func(tx *sqldb.Tx) error{
		"exec": func(tx *sqldb.Tx) error { _, err := tx.Exec(ctx, addJob, id(1), big, 0); return err },
		"row": func(tx *sqldb.Tx) error {
			var kind string
			return tx.QueryRow(ctx, addJob+` returning kind`, id(2), big, 0).Scan(&kind)
		},
		"statement": func(tx *sqldb.Tx) error {
			stmt, err := tx.Prepare(ctx, addJob)
			if err != nil {
				return err
			}
			defer stmt.Close()
			_, err = stmt.ExecContext(ctx, id(3), big, 0)
			return err
		},
	}
	for name, insert := range ways {
		pages(0) // none beyond those there are
		if err := db.Write(ctx, insert); !errors.Is(err, thimble.ErrUnavailable) {
			t.Errorf("%s on a full disk = %v, want it to be unavailable", name, err)
		}
		if err := db.Ping(ctx); err != nil {
			t.Errorf("reading on a full disk: %v", err)
		}
		pages(1)
		if err := db.Write(ctx, insert); err != nil {
			t.Errorf("%s after there is room: %v", name, err)
		}
	}
}

func TestServersTroubleIsUnavailable(t *testing.T) {
	db, err := sqldb.Open(t.Context(), sqldb.Config{Set: sqldb.Core, URL: sqldbtest.Database(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	ctx := t.Context()
	for _, code := range []string{"53100", "53200", "53300", "58030", "57P01", "57P03"} {
		err := db.Write(ctx, func(tx *sqldb.Tx) error {
			_, err := tx.Exec(ctx, `do $$ begin raise exception using errcode = '`+code+`'; end $$`)
			return err
		})
		if !errors.Is(err, thimble.ErrUnavailable) {
			t.Errorf("code %s = %v, want it to be unavailable", code, err)
		}
	}
	// The server ends the connection in the middle of a transaction.
	err = db.Write(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(ctx, `select pg_terminate_backend(pg_backend_pid())`)
		return err
	})
	if !errors.Is(err, thimble.ErrUnavailable) {
		t.Errorf("an ended connection = %v, want it to be unavailable", err)
	}
	if err := db.Ping(ctx); err != nil {
		t.Errorf("after that: %v, want a new connection", err)
	}
}

func TestAServerThatIsNotThereIsUnavailable(t *testing.T) {
	for name, url := range map[string]string{
		"port": "postgres://thimble@127.0.0.1:1/none?sslmode=disable&connect_timeout=2",
		"host": "postgres://thimble@no.such.host.invalid/none?sslmode=disable&connect_timeout=2",
	} {
		if _, err := sqldb.Open(t.Context(), sqldb.Config{Set: sqldb.Core, URL: url}); !errors.Is(err, thimble.ErrUnavailable) {
			t.Errorf("%s: %v, want it to be unavailable", name, err)
		}
	}
}

func TestWhoGivesUpIsNotToldThatTheDatabaseIsUnavailable(t *testing.T) {
	db := sqldbtest.SQLite(t, sqldb.Core)
	ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
	defer cancel()
	err := db.Read(ctx, func(*sqldb.Tx) error { return nil })
	if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, thimble.ErrUnavailable) {
		t.Errorf("got %v, want the deadline alone", err)
	}
	if err := db.Read(t.Context(), func(*sqldb.Tx) error { return sql.ErrNoRows }); !errors.Is(err, sql.ErrNoRows) {
		t.Errorf("got %v, want what the function returned", err)
	}
}

func TestAskSeesWhatIsCommittedAndOnlySelects(t *testing.T) {
	sqldbtest.Installations(t, func(t *testing.T, open sqldbtest.Opener) {
		ctx, here, there := t.Context(), open(sqldb.Core), open(sqldb.Core)
		count := func() (n int) {
			t.Helper()
			err := there.Ask(ctx, func(sqldb.Row) error { n++; return nil }, `select kind from job_jobs where run_at >= $1`, 0)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		for i := range 50 {
			if err := here.Write(ctx, func(tx *sqldb.Tx) error { _, err := tx.Exec(ctx, addJob, id(i), "k", 0); return err }); err != nil {
				t.Fatal(err)
			}
			if n := count(); n != i+1 {
				t.Fatalf("%d rows are seen, %d are committed", n, i+1)
			}
		}
		if err := there.Ask(ctx, nil, `delete from job_jobs`); !errors.Is(err, thimble.ErrInvalid) {
			t.Errorf("a delete = %v, want it refused", err)
		}
		if count() != 50 {
			t.Error("rows are gone")
		}
	})
}
