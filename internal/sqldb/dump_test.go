package sqldb_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"

	"thimble"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
)

// Rows of every kind of value go into an empty database and are the same there, sequences go on,
// and what is written while they are copied is not among them.
func TestADumpIsOfOneInstantAndIsLoadedAsItWas(t *testing.T) {
	ctx := t.Context()
	prepare := func() *sqldb.DB {
		db, err := sqldb.Open(ctx, sqldb.Config{Set: sqldb.Core, URL: sqldbtest.Database(t)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		exec(t, db, `create table dumped_a (id bigint generated always as identity primary key, up bigint references dumped_a, body bytea, text text, n double precision, twice bigint generated always as (2 * id) stored)`,
			`create table dumped_0 (id bigint primary key, a bigint not null references dumped_a)`,
			`create function dumped_no() returns trigger language plpgsql as $$ begin raise exception 'append only'; end $$`,
			`create trigger dumped_only before update or delete or truncate on dumped_0 for each statement execute function dumped_no()`,
			`create table dumped_left (id bigint)`)
		return db
	}
	db, to := prepare(), prepare()
	exec(t, db, `insert into dumped_a (up, body, text, n) values (null, '\x00ff0a5c'::bytea, E'tab\t line\n back\\slash \\N \u00e4', 0.1), (1, null, '', 1e300)`, `insert into dumped_0 values (1, 2)`, `insert into dumped_left values (1)`)
	exec(t, to, `insert into dumped_a (text) values ('of the migrations')`)
	var dump bytes.Buffer
	err := db.Dump(ctx, &dump, func(seen context.Context) error {
		exec(t, db, `insert into dumped_a (text) values ('later')`)
		return db.Read(seen, func(tx *sqldb.Tx) error {
			var n int
			err := tx.QueryRow(seen, `select count(*) from dumped_a`).Scan(&n)
			if n != 2 {
				t.Errorf("while it is copied, %d rows are seen, want 2", n)
			}
			return err
		})
	}, "dumped_left")
	if err != nil {
		t.Fatal(err)
	}
	if err := to.Load(ctx, bytes.NewReader(dump.Bytes()[:dump.Len()-3])); !errors.Is(err, thimble.ErrDenied) {
		t.Errorf("a dump that was cut off: %v, want a refusal", err)
	}
	if got := said(t, to); got != "1 <nil> <nil> of the migrations <nil> 2\n" {
		t.Errorf("after the refusal there is %q", got)
	}
	if err := to.Load(ctx, &dump); err != nil {
		t.Fatal(err)
	}
	exec(t, db, `delete from dumped_a where text = 'later'`)
	if got, want := said(t, to), said(t, db); got != want {
		t.Errorf("loaded %q, want %q", got, want)
	}
	exec(t, to, `insert into dumped_a (text) values ('next')`) // by the sequence
	if err := to.Write(ctx, func(tx *sqldb.Tx) error { _, err := tx.Exec(ctx, `delete from dumped_0`); return err }); err == nil {
		t.Error("the trigger is off after the load")
	}
	var left int
	if err := to.Read(ctx, func(tx *sqldb.Tx) error {
		return tx.QueryRow(ctx, `select count(*) from dumped_left`).Scan(&left)
	}); err != nil || left != 0 {
		t.Errorf("%d rows of the table that was left out, %v", left, err)
	}
}

func exec(t *testing.T, db *sqldb.DB, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if err := db.Write(t.Context(), func(tx *sqldb.Tx) error { _, err := tx.Exec(t.Context(), text); return err }); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
}

func said(t *testing.T, db *sqldb.DB) (all string) {
	t.Helper()
	err := db.Read(t.Context(), func(tx *sqldb.Tx) error {
		all = ""
		rows, err := tx.Query(t.Context(), `select id, up, body, text, n, twice from dumped_a order by id`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			v := make([]any, 6)
			if err := rows.Scan(&v[0], &v[1], &v[2], &v[3], &v[4], &v[5]); err != nil {
				return err
			}
			for i := range v {
				if b, ok := v[i].([]byte); ok && b == nil {
					v[i] = nil
				}
			}
			all += fmt.Sprintln(v...)
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
