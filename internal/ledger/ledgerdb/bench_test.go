package ledgerdb_test

import (
	"context"
	"testing"
	"time"

	"thimble/internal/ledger"
	"thimble/internal/ledger/ledgerdb"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
)

// BenchmarkQueue measures leaves per second from the call to the signed tree, on
// SQLite with synchronous=FULL: each transaction is on disk when it returns.
func BenchmarkQueue(b *testing.B) {
	b.Run("batched-256", func(b *testing.B) { sustained(b, 256, queueMany) })
	b.Run("batched-256-one-by-one", func(b *testing.B) { sustained(b, 256, queueEach) })
	b.Run("unbatched", func(b *testing.B) { sustained(b, 1, queueEach) })
	// The tests' private cluster syncs to disk only under THIMBLE_TEST_FSYNC=on.
	b.Run("postgres-batched-256", func(b *testing.B) {
		db, err := sqldb.Open(b.Context(), sqldb.Config{Set: sqldb.Core, URL: sqldbtest.Database(b)})
		if err != nil {
			b.Fatal(err)
		}
		defer db.Close()
		sustainedOn(b, db, 256, queueMany)
	})
}

type queuer func(context.Context, *ledgerdb.Log, *sqldb.Tx, []ledger.Entry) error

func queueMany(ctx context.Context, l *ledgerdb.Log, tx *sqldb.Tx, entries []ledger.Entry) error {
	_, err := l.QueueMany(ctx, tx, entries)
	return err
}

func queueEach(ctx context.Context, l *ledgerdb.Log, tx *sqldb.Tx, entries []ledger.Entry) error {
	for _, e := range entries {
		if _, err := l.Queue(ctx, tx, e); err != nil {
			return err
		}
	}
	return nil
}

// sustained queues while the sequencer runs, and stops the clock when the last
// leaf is in a signed tree.
func sustained(b *testing.B, each int, queue queuer) {
	sustainedOn(b, sqldbtest.SQLite(b, sqldb.Core), each, queue)
}

func sustainedOn(b *testing.B, db *sqldb.DB, each int, queue queuer) {
	l := ledgerdb.New(db, signer(b), ledgerdb.Config{})
	before, err := l.Size(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	entries := make([]ledger.Entry, each)
	for i := range entries {
		entries[i] = entry(i)
	}
	b.ReportAllocs()
	leaves, start := 0, time.Now()
	for b.Loop() {
		if err := db.Write(ctx, func(tx *sqldb.Tx) error { return queue(ctx, l, tx, entries) }); err != nil {
			b.Fatal(err)
		}
		leaves += each
	}
	queued := time.Since(start)
	for size := before; size < before+int64(leaves); time.Sleep(time.Millisecond) {
		var err error
		if size, err = l.Size(ctx); err != nil {
			b.Fatal(err)
		}
	}
	whole := time.Since(start)
	stop()
	if err := <-done; err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(leaves)/queued.Seconds(), "queued/s")
	b.ReportMetric(float64(leaves)/whole.Seconds(), "leaves/s")
}

// BenchmarkWait measures what a staff read pays: a leaf is committed, and its
// signed tree awaited.
func BenchmarkWait(b *testing.B) {
	db := sqldbtest.SQLite(b, sqldb.Core)
	l := ledgerdb.New(db, signer(b), ledgerdb.Config{})
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	b.ReportAllocs()
	for b.Loop() {
		if err := l.Wait(ctx, queue(b, db, l, 0, 1)[0]); err != nil {
			b.Fatal(err)
		}
	}
	stop()
	if err := <-done; err != nil {
		b.Fatal(err)
	}
}

// BenchmarkProveVerify measures a receipt from the database to the verdict, in a
// tree of 2^17 leaves.
func BenchmarkProveVerify(b *testing.B) {
	db := sqldbtest.SQLite(b, sqldb.Core)
	l := ledgerdb.New(db, signer(b), ledgerdb.Config{Batch: 8192})
	var openings []ledger.Opening
	for i := range 16 {
		openings = append(openings, queue(b, db, l, i*8192, 8192)...)
		integrate(b, l)
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		i = (i + 7919) % len(openings)
		verified(b, l, openings[i])
	}
	b.ReportMetric(float64(len(openings)), "leaves")
}
