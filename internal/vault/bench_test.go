package vault_test

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"thimble"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
	"thimble/internal/vault"
	"thimble/internal/vault/vaultdb"
	"thimble/internal/vault/vaulttest"
)

func BenchmarkSealAndOpen256BytesWarm(b *testing.B) {
	v := vaulttest.SQLite(b)
	c := mailCell(vaulttest.Owner(b, v))
	plain := make([]byte, 256)
	b.ReportAllocs()
	for b.Loop() {
		sealed, err := v.Seal(ctx, c, plain)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := v.Open(ctx, c, sealed); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSealAndOpenAtAMonthWarm(b *testing.B) {
	v := vaulttest.SQLite(b)
	c := mailCell(vaulttest.Owner(b, v))
	c.Class, c.At = "orders", time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	plain := make([]byte, 256)
	b.ReportAllocs()
	for b.Loop() {
		sealed, err := v.Seal(ctx, c, plain)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := v.Open(ctx, c, sealed); err != nil {
			b.Fatal(err)
		}
	}
}

// memory answers Keys without a database: what is left is the vault's own cost.
type memory struct {
	*vaultdb.Store
	rows map[thimble.SubjectID][]vault.Key
}

func (m *memory) Keys(_ context.Context, owner thimble.SubjectID, class string, chain bool) ([]vault.Key, error) {
	return m.rows[owner], nil
}

func benchmarkCold(b *testing.B, inMemory bool) {
	const people = 4096
	db := sqldbtest.SQLite(b, sqldb.Keys)
	store := vaultdb.New(db)
	root := vaulttest.Root(b)
	v := vaulttest.Open(b, store, root, vault.Config{})
	owners := make([]thimble.SubjectID, people)
	for i := range owners {
		owners[i] = newID(b)
	}
	if err := v.Ensure(ctx, owners...); err != nil {
		b.Fatal(err)
	}
	sealed := make([][]byte, people)
	for i, o := range owners {
		sealed[i] = mustSeal(b, v, mailCell(o), string(make([]byte, 256)))
	}
	var cold vault.Store = store
	if inMemory {
		m := &memory{Store: store, rows: map[thimble.SubjectID][]vault.Key{}}
		for _, o := range append(owners, thimble.SubjectID{}) {
			m.rows[o], _ = store.Keys(ctx, o, "", false)
		}
		cold = m
	}
	w := vaulttest.Open(b, cold, root, vault.Config{CacheSize: 1})
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if _, err := w.Open(ctx, mailCell(owners[i%people]), sealed[i%people]); err != nil {
			b.Fatal(err)
		}
		i++
	}
}

// BenchmarkSealAndOpen256BytesCold seals anew what it opens: the keys of neither are
// in memory when it begins, so that the database is asked once.
func BenchmarkSealAndOpen256BytesCold(b *testing.B) {
	const people = 4096
	store, root := vaultdb.New(sqldbtest.SQLite(b, sqldb.Keys)), vaulttest.Root(b)
	owners := make([]thimble.SubjectID, people)
	for i := range owners {
		owners[i] = newID(b)
	}
	if err := vaulttest.Open(b, store, root, vault.Config{}).Ensure(ctx, owners...); err != nil {
		b.Fatal(err)
	}
	v := vaulttest.Open(b, store, root, vault.Config{CacheSize: 1})
	plain := make([]byte, 256)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		c := mailCell(owners[i%people])
		sealed, err := v.Seal(ctx, c, plain)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := v.Open(ctx, c, sealed); err != nil {
			b.Fatal(err)
		}
		i++
	}
}

func BenchmarkOpen256BytesColdFromSQLite(b *testing.B) { benchmarkCold(b, false) }
func BenchmarkOpen256BytesColdFromMemory(b *testing.B) { benchmarkCold(b, true) }

func BenchmarkBlindIndexWarm(b *testing.B) {
	v := vaulttest.SQLite(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Index(ctx, "email", "ada.lovelace@example.org"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEnsure5000Owners(b *testing.B) {
	v := vaulttest.SQLite(b)
	owners := make([]thimble.SubjectID, 5000)
	for b.Loop() {
		for i := range owners {
			owners[i] = newID(b)
		}
		if err := v.Ensure(ctx, owners...); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(5000*float64(b.N)/b.Elapsed().Seconds(), "keys/s")
}

// BenchmarkRotate wraps 50,000 keys anew, or a million with THIMBLE_SOAK=1, while
// somebody opens a cell each millisecond whose key is not in memory.
// THIMBLE_TEST_FSYNC=on lets the test's PostgreSQL sync.
func BenchmarkRotate(b *testing.B) {
	n := 50_000
	if rounds(0) > 0 {
		n = 1_000_000
	}
	b.Run("sqlite", func(b *testing.B) { benchmarkRotate(b, sqldbtest.SQLite(b, sqldb.Keys), n) })
	b.Run("postgres", func(b *testing.B) {
		db, err := sqldb.Open(ctx, sqldb.Config{Set: sqldb.Keys, URL: sqldbtest.Database(b)})
		if err != nil {
			b.Fatal(err)
		}
		defer db.Close()
		benchmarkRotate(b, db, n)
	})
}

func benchmarkRotate(b *testing.B, db *sqldb.DB, n int) {
	var days atomic.Int64
	now := func() time.Time { return time.Now().AddDate(0, 0, int(days.Load())) }
	root := vaulttest.Root(b)
	v := vaulttest.Open(b, vaultdb.New(db), root, vault.Config{Now: now})
	for range n / 5000 {
		owners := make([]thimble.SubjectID, 5000)
		for i := range owners {
			owners[i] = newID(b)
		}
		if err := v.Ensure(ctx, owners...); err != nil {
			b.Fatal(err)
		}
	}
	reader := vaulttest.Open(b, vaultdb.New(db), root, vault.Config{Now: now, CacheTTL: time.Nanosecond})
	c := mailCell(newID(b))
	if err := v.Ensure(ctx, c.Owner); err != nil {
		b.Fatal(err)
	}
	n++
	sealed, done := mustSeal(b, v, c, "x"), 0
	stop, tooks := make(chan struct{}), make(chan []time.Duration)
	go func() { tooks <- opens(b, reader, c, sealed, stop) }()
	for b.Loop() {
		days.Add(1)
		r, err := v.Rotate(ctx)
		if err != nil || r.Rewrapped != n+1 {
			b.Fatal(r, err)
		}
		done += r.Rewrapped
	}
	close(stop)
	took := <-tooks
	slices.Sort(took)
	b.ReportMetric(float64(done)/b.Elapsed().Seconds(), "keys/s")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "open-p99-µs")
	b.ReportMetric(float64(len(took)), "opens")
}

// opens opens a cell each millisecond, and returns how long each took.
func opens(b *testing.B, v *vault.Vault, c thimble.Cell, sealed []byte, stop chan struct{}) (took []time.Duration) {
	for {
		select {
		case <-stop:
			return took
		case <-time.After(time.Millisecond):
		}
		began := time.Now()
		if _, err := v.Open(ctx, c, sealed); err != nil {
			b.Error(err)
		}
		took = append(took, time.Since(began))
	}
}
