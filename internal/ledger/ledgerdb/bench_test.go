package ledgerdb_test

import (
	"context"
	"slices"
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

// BenchmarkReceiptReady measures how long after its commit a leaf can be proven, while 500
// are committed each second for ten seconds, one by one, and nobody waits for any: a
// waiter would wake the sequencer.
func BenchmarkReceiptReady(b *testing.B) {
	const perSecond, seconds = 500, 10
	db := sqldbtest.SQLite(b, sqldb.Core)
	l := ledgerdb.New(db, signer(b), ledgerdb.Config{})
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	var took []time.Duration
	for b.Loop() {
		took = append(took, readyAfter(b, db, l, perSecond, seconds)...)
	}
	stop()
	if err := <-done; err != nil {
		b.Fatal(err)
	}
	slices.Sort(took)
	b.ReportMetric(0, "ns/op") // the whole of a run says nothing
	b.ReportMetric(float64(took[len(took)/2].Milliseconds()), "p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100].Milliseconds()), "p99-ms")
	b.ReportMetric(float64(took[len(took)-1].Milliseconds()), "max-ms")
}

func readyAfter(b *testing.B, db *sqldb.DB, l *ledgerdb.Log, perSecond, seconds int) (took []time.Duration) {
	b.Helper()
	before, err := l.Size(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	type leaf struct {
		at time.Time
		o  ledger.Opening
	}
	committed := make(chan leaf, perSecond*seconds) // room for all: the writer never waits
	go func() {
		defer close(committed)
		tick := time.NewTicker(time.Second / time.Duration(perSecond))
		defer tick.Stop()
		for i := range perSecond * seconds {
			<-tick.C
			var o ledger.Opening
			err := db.Write(context.Background(), func(tx *sqldb.Tx) (err error) {
				o, err = l.Queue(context.Background(), tx, entry(i))
				return err
			})
			if err != nil {
				b.Error(err)
				return
			}
			committed <- leaf{time.Now(), o}
		}
	}()
	n, size := before, before
	for c := range committed {
		for ; size <= n; time.Sleep(2 * time.Millisecond) { // leaves keep their order
			if size, err = l.Size(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
		if n++; n%97 == 0 {
			verified(b, l, c.o) // it is the proof that counts
		}
		took = append(took, time.Since(c.at))
	}
	return took
}
