package sqldb_test

import (
	"context"
	"testing"

	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
)

func TestAllReadsWithinASnapshotSeeOneState(t *testing.T) {
	sqldbtest.Pair(t, func(t *testing.T, core, keys *sqldb.DB) {
		count := func(ctx context.Context) (n int) {
			t.Helper()
			if err := core.Read(ctx, func(tx *sqldb.Tx) error {
				return tx.QueryRow(ctx, `select count(*) from job_jobs`).Scan(&n)
			}); err != nil {
				t.Fatal(err)
			}
			return n
		}
		add := func(ctx context.Context, n int) {
			t.Helper()
			if err := core.Write(ctx, func(tx *sqldb.Tx) error {
				_, err := tx.Exec(ctx, addJob, id(n), "a", 0)
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
		add(t.Context(), 1)
		err := core.Snapshot(t.Context(), func(ctx context.Context) error {
			add(t.Context(), 2) // before the first read of the snapshot
			if got := count(ctx); got != 1 {
				t.Errorf("the snapshot sees %d jobs, want the one that was there when it was taken", got)
			}
			add(ctx, 3) // a write is made, and not seen
			if inside, outside := count(ctx), count(t.Context()); inside != 1 || outside != 3 {
				t.Errorf("inside %d, outside %d, want 1 and 3", inside, outside)
			}
			asked := 0
			if err := core.Ask(ctx, func(row sqldb.Row) error { return row.Scan(&asked) }, `select count(*) from job_jobs`); err != nil || asked != 1 {
				t.Errorf("who asks within the snapshot hears of %d jobs, %v", asked, err)
			}
			// Another database is read as always.
			return keys.Read(ctx, func(tx *sqldb.Tx) error {
				var n int
				return tx.QueryRow(ctx, `select count(*) from vault_keys`).Scan(&n)
			})
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := count(t.Context()); got != 3 {
			t.Errorf("afterwards %d jobs, want 3", got)
		}
	})
}
