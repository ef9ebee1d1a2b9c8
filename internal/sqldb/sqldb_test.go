package sqldb_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"thimble"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
)

const addJob = `insert into job_jobs (id, kind, payload, run_at, state, created_at) values ($1, $2, '{}', $3, 'waiting', 0)`

func id(n int) []byte { return fmt.Appendf(nil, "%016d", n) }

func TestSchemasOfBothEnginesAgree(t *testing.T) {
	var seen [][]sqldb.Table
	all := []string{sqldb.Core, sqldb.Keys, sqldb.Log, sqldb.View}
	sqldbtest.Installations(t, func(t *testing.T, open sqldbtest.Opener) {
		for _, set := range all {
			tables, err := open(set).Tables(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			seen = append(seen, tables)
		}
	})
	if len(seen) < 2*len(all) {
		t.Skip("one engine only")
	}
	for i := range all {
		if diff := cmp.Diff(seen[i], seen[i+len(all)]); diff != "" {
			t.Errorf("sqlite (-) and postgres (+) differ:\n%s", diff)
		}
	}
}

func TestParametersBindByNumber(t *testing.T) {
	sqldbtest.Each(t, sqldb.Core, func(t *testing.T, db *sqldb.DB) {
		err := db.Read(t.Context(), func(tx *sqldb.Tx) error {
			var a, b string
			err := tx.QueryRow(t.Context(), `select cast($2 as text), cast($1 as text)`, "one", "two").Scan(&a, &b)
			if a+b != "twoone" {
				t.Errorf("got %s %s, want two one", a, b)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestConcurrentIncrementsAreNotLost(t *testing.T) {
	sqldbtest.Each(t, sqldb.Core, func(t *testing.T, db *sqldb.DB) {
		ctx := t.Context()
		if err := db.Write(ctx, func(tx *sqldb.Tx) error { _, err := tx.Exec(ctx, addJob, id(1), "k", 0); return err }); err != nil {
			t.Fatal(err)
		}
		const writers, each = 8, 10
		var committed, hooks int
		var mu sync.Mutex
		var wg sync.WaitGroup
		for range writers {
			wg.Go(func() {
				for range each {
					err := db.Write(ctx, func(tx *sqldb.Tx) error {
						var n int64
						if err := tx.QueryRow(ctx, `select run_at from job_jobs where id = $1`, id(1)).Scan(&n); err != nil {
							return err
						}
						tx.OnCommit(func() { mu.Lock(); hooks++; mu.Unlock() })
						_, err := tx.Exec(ctx, `update job_jobs set run_at = $1 where id = $2`, n+1, id(1))
						return err
					})
					if err == nil {
						mu.Lock()
						committed++
						mu.Unlock()
					} else if !errors.Is(err, thimble.ErrConflict) {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		var n int
		err := db.Read(ctx, func(tx *sqldb.Tx) error { return tx.QueryRow(ctx, `select run_at from job_jobs`).Scan(&n) })
		if err != nil {
			t.Fatal(err)
		}
		if n != committed || hooks != committed {
			t.Errorf("%d writes were acknowledged, %d are kept, %d hooks ran", committed, n, hooks)
		}
		if committed < writers*each*9/10 {
			t.Errorf("only %d of %d writes got through", committed, writers*each)
		}
	})
}

func TestReadCannotWriteAndSeesOneSnapshot(t *testing.T) {
	sqldbtest.Each(t, sqldb.Core, func(t *testing.T, db *sqldb.DB) {
		ctx := t.Context()
		err := db.Read(ctx, func(tx *sqldb.Tx) error { _, err := tx.Exec(ctx, addJob, id(1), "k", 0); return err })
		if err == nil {
			t.Fatal("a read wrote")
		}
		count := func(tx *sqldb.Tx) (n int) {
			if err := tx.QueryRow(ctx, `select count(*) from job_jobs`).Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		err = db.Read(ctx, func(tx *sqldb.Tx) error {
			before := count(tx)
			if err := db.Write(ctx, func(tx *sqldb.Tx) error { _, err := tx.Exec(ctx, addJob, id(2), "k", 0); return err }); err != nil {
				return err
			}
			if after := count(tx); after != before {
				t.Errorf("the snapshot moved from %d to %d", before, after)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestFailedWriteLeavesNothingAndRunsNoHook(t *testing.T) {
	sqldbtest.Each(t, sqldb.Core, func(t *testing.T, db *sqldb.DB) {
		ctx := t.Context()
		err := db.Write(ctx, func(tx *sqldb.Tx) error {
			tx.OnCommit(func() { t.Error("the hook ran") })
			for range 2 {
				if _, err := tx.Exec(ctx, addJob, id(1), "k", 0); err != nil {
					return err
				}
			}
			return nil
		})
		if !errors.Is(err, thimble.ErrConflict) {
			t.Errorf("got %v, want a conflict", err)
		}
		err = db.Read(ctx, func(tx *sqldb.Tx) error {
			var n int
			err := tx.QueryRow(ctx, `select count(*) from job_jobs`).Scan(&n)
			if n != 0 {
				t.Errorf("%d rows of a failed write are kept", n)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestHooksOfATransactionRunInOrderAndAnErrorAfterItIsTold(t *testing.T) {
	sqldbtest.Each(t, sqldb.Core, func(t *testing.T, db *sqldb.DB) {
		ctx, cancel := context.WithCancel(t.Context())
		var order []string
		err := db.Write(ctx, func(tx *sqldb.Tx) error {
			group := tx.Local("key", func() any { return &[]string{} }).(*[]string)
			if again := tx.Local("key", func() any { return nil }); again != any(group) {
				t.Error("a transaction forgot what it kept")
			}
			tx.OnSettle(func(ctx context.Context) error {
				order = append(order, "settle")
				cancel() // the caller goes away: what was written must be in force all the same
				return errors.Join(ctx.Err(), thimble.ErrUnavailable)
			})
			tx.OnCommit(func() { order = append(order, "commit") })
			tx.BeforeCommit(func(ctx context.Context) error {
				order = append(order, "before")
				_, err := tx.Exec(ctx, addJob, id(1), "k", 0)
				return err
			})
			order = order[:0]
			return nil
		})
		if !errors.Is(err, thimble.ErrUnavailable) || errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want the error of settling", err)
		}
		if diff := cmp.Diff([]string{"before", "commit", "settle"}, order); diff != "" {
			t.Error(diff)
		}
		err = db.Write(t.Context(), func(tx *sqldb.Tx) error {
			tx.OnCommit(func() { t.Error("a hook ran of what was not written") })
			tx.BeforeCommit(func(ctx context.Context) error { _, err := tx.Exec(ctx, addJob, id(1), "k", 0); return err })
			return nil
		})
		if !errors.Is(err, thimble.ErrConflict) {
			t.Errorf("got %v, want the conflict of the job that was written before", err)
		}
	})
}

func TestWaitingForTheWriterObeysTheContext(t *testing.T) {
	db := sqldbtest.SQLite(t, sqldb.Core)
	inside, release := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		_ = db.Write(context.Background(), func(*sqldb.Tx) error { close(inside); <-release; return nil })
	})
	<-inside
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	err := db.Write(ctx, func(*sqldb.Tx) error { t.Error("two writers"); return nil })
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the deadline", err)
	}
	close(release)
	wg.Wait()
}

func TestDatabaseFromANewerVersionIsRefusedUntouched(t *testing.T) {
	sqldbtest.Installations(t, func(t *testing.T, open sqldbtest.Opener) {
		db := open(sqldb.Core)
		err := db.Write(t.Context(), func(tx *sqldb.Tx) error {
			_, err := tx.Exec(t.Context(), `insert into goose_db_version (version_id, is_applied) values (999999, $1)`, true)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := sqldb.Open(t.Context(), db.Config()); !errors.Is(err, sqldb.ErrNewer) {
			t.Errorf("got %v, want ErrNewer", err)
		}
	})
}

func TestDeletedBytesAreGoneAfterTruncate(t *testing.T) {
	ctx := t.Context()
	dir := t.TempDir()
	db, err := sqldb.Open(ctx, sqldb.Config{Set: sqldb.Core, Path: filepath.Join(dir, "core.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	const mark = "needle-in-the-haystack"
	for i := range 200 {
		if err := db.Write(ctx, func(tx *sqldb.Tx) error { _, err := tx.Exec(ctx, addJob, id(i), fmt.Sprint(mark, i), 0); return err }); err != nil {
			t.Fatal(err)
		}
	}
	if !scan(t, dir, mark) {
		t.Fatal("the scan cannot see what is there")
	}
	if err := db.Write(ctx, func(tx *sqldb.Tx) error { _, err := tx.Exec(ctx, `delete from job_jobs`); return err }); err != nil {
		t.Fatal(err)
	}
	if err := db.Truncate(ctx); err != nil {
		t.Fatal(err)
	}
	if scan(t, dir, mark) {
		t.Error("a deleted value is still in a file")
	}
}

func scan(t *testing.T, dir, mark string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(b), mark) {
			return true
		}
	}
	return false
}
