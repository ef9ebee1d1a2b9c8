package sqldb_test

import (
	"context"
	"sync"
	"testing"

	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
)

// TestTheLogBeginsAnewWhileMuchIsWritten: a writer never rests, so that something is always
// left to fold. The log must not grow until it is so long that everybody has to wait.
func TestTheLogBeginsAnewWhileMuchIsWritten(t *testing.T) {
	db := sqldbtest.SQLite(t, sqldb.View)
	must(t, db.Write(t.Context(), func(tx *sqldb.Tx) error {
		_, err := tx.Exec(t.Context(), `create table load (id integer primary key, body blob)`)
		return err
	}))
	const one, enough, most = 128 << 10, 256 << 20, 110 << 20
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var written int64
	var mu sync.Mutex
	var writer sync.WaitGroup
	writer.Go(func() {
		for body := make([]byte, one); ctx.Err() == nil; {
			err := db.Write(context.WithoutCancel(ctx), func(tx *sqldb.Tx) error {
				_, err := tx.Exec(ctx, `insert or replace into load (id, body) values (1, $1)`, body)
				return err
			})
			if err != nil && ctx.Err() == nil {
				t.Error(err)
				return
			}
			mu.Lock()
			written += one
			mu.Unlock()
		}
	})
	var longest, folded int64
	for {
		size, now, err := sqldb.Fold(t.Context(), db, folded)
		if err != nil {
			t.Fatal(err)
		}
		folded = now
		longest = max(longest, size)
		mu.Lock()
		done := written >= enough
		mu.Unlock()
		if done {
			break
		}
	}
	stop()
	writer.Wait()
	t.Logf("the log had %d MB at most", longest>>20)
	if longest > most {
		t.Errorf("of %d MB that were written the log had %d at once", enough>>20, longest>>20)
	}
}
