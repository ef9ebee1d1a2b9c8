package sqldb_test

import (
	"errors"
	"fmt"
	"testing"

	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
)

func TestTheSameTextMayRunWhileItsRowsAreOpen(t *testing.T) {
	sqldbtest.Each(t, sqldb.Core, func(t *testing.T, db *sqldb.DB) {
		const numbers = `select n from (select 1 as n union select 2 union select 3) as x where n > $1 order by n`
		var got []string
		var inner func(tx *sqldb.Tx, above, depth int) error
		inner = func(tx *sqldb.Tx, above, depth int) error {
			rows, err := tx.Query(t.Context(), numbers, above)
			if err != nil {
				return err
			}
			var all []int
			for rows.Next() {
				var n int
				if err := rows.Scan(&n); err != nil {
					return err
				}
				all = append(all, n)
				// Only SQLite's connection can run another while rows are open.
				if tx.Engine() == sqldb.SQLite && depth < 3 {
					if err := inner(tx, n, depth+1); err != nil {
						return err
					}
				}
			}
			got = append(got, fmt.Sprint(depth, all))
			return errors.Join(rows.Err(), rows.Close())
		}
		if err := db.Read(t.Context(), func(tx *sqldb.Tx) error { return inner(tx, 0, 1) }); err != nil {
			t.Fatal(err)
		}
		want := "[1 [1 2 3]]"
		if db.Engine() == sqldb.SQLite {
			want = "[3 [3] 2 [2 3] 2 [3] 2 [] 1 [1 2 3]]"
			want = "[3 [3] 3 [] 2 [2 3] 3 [] 2 [3] 2 [] 1 [1 2 3]]"
		}
		if fmt.Sprint(got) != want {
			t.Errorf("read %v, want %v", got, want)
		}
	})
}

func TestMoreTextsThanAreKept(t *testing.T) {
	sqldbtest.Each(t, sqldb.Core, func(t *testing.T, db *sqldb.DB) {
		for round := range 3 {
			for n := range 300 {
				var got int
				err := db.Write(t.Context(), func(tx *sqldb.Tx) error {
					return tx.QueryRow(t.Context(), fmt.Sprintf(`select %d + $1`, n), round).Scan(&got)
				})
				if err != nil || got != n+round {
					t.Fatalf("%d + %d is %d, %v", n, round, got, err)
				}
			}
		}
	})
}

func TestAStatementThatFailedRunsAgain(t *testing.T) {
	sqldbtest.Each(t, sqldb.Core, func(t *testing.T, db *sqldb.DB) {
		insert := func(name string) error {
			return db.Write(t.Context(), func(tx *sqldb.Tx) error {
				_, err := tx.Exec(t.Context(), `insert into statements_test (name) values ($1)`, name)
				return err
			})
		}
		if err := insert("a"); err == nil {
			t.Fatal("a table that is not there took a row")
		}
		change := func(text string) {
			t.Helper()
			if err := db.Write(t.Context(), func(tx *sqldb.Tx) error { _, err := tx.Exec(t.Context(), text); return err }); err != nil {
				t.Fatal(err)
			}
		}
		change(`create table statements_test (name text primary key)`)
		if err := errors.Join(insert("a"), insert("b")); err != nil {
			t.Fatal(err)
		}
		if err := insert("a"); err == nil {
			t.Error("the same key twice")
		}
		change(`alter table statements_test add column note text not null default 'new'`) // what is kept is of the table before
		if err := insert("c"); err != nil {
			t.Fatal(err)
		}
		var n int
		var note string
		for range 2 {
			err := db.Read(t.Context(), func(tx *sqldb.Tx) error {
				return tx.QueryRow(t.Context(), `select count(*), max(note) from statements_test`).Scan(&n, &note)
			})
			if err != nil || n != 3 || note != "new" {
				t.Errorf("%d rows, %q, %v", n, note, err)
			}
		}
	})
}

func TestALimitIsThatOfEachRun(t *testing.T) {
	sqldbtest.Each(t, sqldb.Core, func(t *testing.T, db *sqldb.DB) {
		const numbers = `select n from (select 1 as n union select 2 union select 3) as x where n > $1 order by n limit $2`
		for _, most := range []int{2, 1, 3, 0, 2} {
			got := 0
			row := func(sqldb.Row) error { got++; return nil }
			if err := db.Ask(t.Context(), row, numbers, 0, most); err != nil || got != most {
				t.Errorf("asked for %d rows, got %d, %v", most, got, err)
			}
			got = 0
			err := db.Read(t.Context(), func(tx *sqldb.Tx) error {
				rows, err := tx.Query(t.Context(), numbers, 0, most)
				if err != nil {
					return err
				}
				defer rows.Close()
				for rows.Next() {
					got++
				}
				return rows.Err()
			})
			if err != nil || got != most {
				t.Errorf("read %d rows, got %d, %v", most, got, err)
			}
		}
	})
}

func BenchmarkPointRead(b *testing.B) {
	db := sqldbtest.SQLite(b, sqldb.Core)
	for b.Loop() {
		err := db.Read(b.Context(), func(tx *sqldb.Tx) error {
			var n int
			return tx.QueryRow(b.Context(), `select count(*) from sqlite_schema where type = $1 and name = $2`, "table", "x").Scan(&n)
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}
