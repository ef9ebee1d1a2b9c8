package decisiondb_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"thimble"
	"thimble/internal/decision"
	"thimble/internal/decision/decisiondb"
	"thimble/internal/decision/decisiontest"
	"thimble/internal/holdertest"
	"thimble/internal/ledger"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
)

// newBench is a shop whose log runs. SQLite writes with synchronous=FULL; the private
// PostgreSQL syncs under THIMBLE_TEST_FSYNC=on.
func newBench(b *testing.B, engine string, people int) *shop {
	b.Helper()
	core := sqldbtest.SQLite(b, sqldb.Core)
	if engine == "postgres" {
		var err error
		if core, err = sqldb.Open(b.Context(), sqldb.Config{Set: sqldb.Core, URL: sqldbtest.Database(b)}); err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = core.Close() })
	}
	k := holdertest.NewKernel(b, core, sqldbtest.SQLite(b, sqldb.Keys))
	s := newShop(b, k, people)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- k.Ledger.Run(ctx) }()
	b.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			b.Error(err)
		}
	})
	return s
}

// BenchmarkKeep measures decisions a second, each kept durably with a leaf before its call
// returns, while the sequencer signs trees. A decision is a list of twelve products,
// for one of a thousand people.
func BenchmarkKeep(b *testing.B) {
	for _, engine := range []string{"sqlite", "postgres"} {
		for _, callers := range []struct {
			name string
			n    int
		}{{"callers-1", 1}, {"callers-32", 32}, {"callers-512", 512}, {"callers-1024", 1024}} {
			b.Run(engine+"/"+callers.name, func(b *testing.B) { sustained(b, newBench(b, engine, 1000), callers.n) })
		}
	}
}

func sustained(b *testing.B, s *shop, callers int) {
	rng := rand.New(rand.NewPCG(1, 0))
	type job struct {
		r     decision.Record
		epoch int64
	}
	jobs := make([]job, 4096)
	for i := range jobs {
		who := s.people[i%len(s.people)]
		r := decisiontest.List(rng, 12, 20)
		r.Subject = who
		jobs[i] = job{r, s.epoch(who)}
	}
	var next atomic.Int64
	var mu sync.Mutex
	var took []time.Duration
	var last thimble.ID
	b.ReportAllocs()
	start := time.Now()
	var all sync.WaitGroup
	work := make(chan struct{})
	for range callers {
		all.Go(func() {
			var mine []time.Duration
			for range work {
				j := jobs[next.Add(1)%int64(len(jobs))]
				began := time.Now()
				id, err := s.store.Keep(context.Background(), j.r, [8]byte{}, j.epoch)
				if err != nil {
					b.Error(err)
					return
				}
				mine = append(mine, time.Since(began))
				last = id
			}
			mu.Lock()
			took = append(took, mine...)
			mu.Unlock()
		})
	}
	n := 0
	for b.Loop() {
		work <- struct{}{}
		n++
	}
	close(work)
	all.Wait()
	whole := time.Since(start)
	// The receipt of the last one, from the commit on.
	waited := time.Now()
	d, err := s.store.Get(context.Background(), last)
	if err != nil {
		b.Fatal(err)
	}
	_, o, err := decisiondb.Open(context.Background(), opener{s.Vault, d.Subject}, d)
	if err != nil {
		b.Fatal(err)
	}
	if err := s.Ledger.Wait(context.Background(), o); err != nil {
		b.Fatal(err)
	}
	report(b, "", took)
	b.ReportMetric(float64(n)/whole.Seconds(), "decisions/s")
	b.ReportMetric(float64(time.Since(waited).Microseconds())/1000, "receipt-ms")
}

func report(b *testing.B, what string, took []time.Duration) {
	slices.Sort(took)
	if len(took) == 0 {
		return
	}
	ms := func(q float64) float64 { return float64(took[int(q*float64(len(took)-1))].Microseconds()) / 1000 }
	b.ReportMetric(ms(0.5), what+"p50-ms")
	b.ReportMetric(ms(0.99), what+"p99-ms")
}

// BenchmarkAddedByKeeping measures what keeping a decision costs a caller at moderate load
// above a bare commit of one small row, in the same run: calls alternate, two hundred a
// second of each.
func BenchmarkAddedByKeeping(b *testing.B) {
	s := newBench(b, "sqlite", 100)
	s.sql(`create table bare (n integer not null)`)
	rng := rand.New(rand.NewPCG(1, 0))
	var keep, bare []time.Duration
	var mu sync.Mutex
	var all sync.WaitGroup
	i := 0
	for b.Loop() {
		who := s.people[i%len(s.people)]
		r := decisiontest.List(rng, 12, 20)
		r.Subject = who
		epoch := s.epoch(who)
		kept := i%2 == 0
		all.Go(func() {
			began := time.Now()
			var err error
			if kept {
				_, err = s.store.Keep(context.Background(), r, [8]byte{}, epoch)
			} else {
				err = s.Core.Write(context.Background(), func(tx *sqldb.Tx) error {
					_, err := tx.Exec(context.Background(), `insert into bare (n) values ($1)`, 1)
					return err
				})
			}
			took := time.Since(began)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				b.Error(err)
			}
			if kept {
				keep = append(keep, took)
			} else {
				bare = append(bare, took)
			}
		})
		i++
		time.Sleep(2500 * time.Microsecond)
	}
	all.Wait()
	report(b, "keep-", keep)
	report(b, "bare-", bare)
}

// BenchmarkPrepare measures the part of keeping that needs no transaction.
func BenchmarkPrepare(b *testing.B) {
	s := newBench(b, "sqlite", 1)
	r := decisiontest.List(s.rng, 12, 20)
	r.Subject = s.people[0]
	b.ReportAllocs()
	for b.Loop() {
		if err := r.Check(); err != nil {
			b.Fatal(err)
		}
		text, err := r.Marshal()
		if err != nil {
			b.Fatal(err)
		}
		openings, err := s.Ledger.Commit(ledger.Entry{Class: ledger.Decision, Record: text})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := openings[0].Seal(context.Background(), s.Vault, thimble.Cell{Owner: r.Subject, Table: "decision_decisions", Column: "body", Row: []byte{1}, Category: thimble.AutomatedDecision}); err != nil {
			b.Fatal(err)
		}
	}
}
