package buffer

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"thimble/internal/collect/frame"
	"thimble/internal/collect/framedb"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
)

func openLog(t testing.TB, db *sqldb.DB) *framedb.Store {
	t.Helper()
	s, err := framedb.Open(t.Context(), db, framedb.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// The archive is the log of frames itself, and a node is killed on the way.
func TestThreeNodesArchiveIntoTheLogOfFrames(t *testing.T) {
	sqldbtest.Each(t, sqldb.Log, func(t *testing.T, db *sqldb.DB) {
		log := openLog(t, db)
		c := busy(t, log, nil)
		victim := c.leader()
		c.kill(victim)
		c.clients((victim+1)%Nodes, 2*victim, 2*victim+1)
		c.awaitAcks(60)
		c.start(victim)
		c.awaitReady(victim)
		c.restartAll()
		c.awaitArchived()
		c.check(readBooks(t, log))
	})
}

// readBooks reads the log into books, where a record that is there twice counts.
func readBooks(t *testing.T, log *framedb.Store) *books {
	t.Helper()
	a := newBooks()
	for seq := int64(0); ; {
		frames, err := log.After(t.Context(), seq, 100)
		if err != nil {
			t.Fatal(err)
		}
		if len(frames) == 0 {
			return a
		}
		for _, f := range frames {
			seq = f.Seq
			for _, r := range f.Records {
				a.kept[r.Repeat]++
				a.order = append(a.order, r.Repeat)
			}
		}
	}
}

// counted is an archive that counts what it keeps.
type counted struct {
	to   Archive
	kept atomic.Int64
	more chan struct{}
}

func (c *counted) Append(ctx context.Context, records []frame.Record) (frame.Appended, error) {
	got, err := c.to.Append(ctx, records)
	c.kept.Add(int64(got.Kept))
	wake(c.more)
	return got, err
}

// An operation is a batch of 100 records of about 700 bytes, from the caller into the
// archive.
func BenchmarkThreeNodes(b *testing.B) {
	const clients, batch = 32, 100
	b.Run("buffer", func(b *testing.B) {
		archive := &counted{to: openLog(b, sqldbtest.SQLite(b, sqldb.Log)), more: make(chan struct{}, 1)}
		c := newTrio(b, archive, func(p *nodePlan) { p.Batch = batch })
		c.leader()
		for id := range clients {
			c.clients(id%Nodes, id)
		}
		c.awaitAcks(5 * clients)
		c.mu.Lock()
		c.took = nil
		c.mu.Unlock()
		began, from, want := time.Now(), archive.kept.Load(), archive.kept.Load()
		for b.Loop() {
			for want += batch; archive.kept.Load() < want; {
				<-archive.more
			}
		}
		report(b, archive.kept.Load()-from, time.Since(began), c.latencies())
		direct := int64(0)
		for i := range c.nodes {
			direct += c.state(i).Direct
		}
		b.ReportMetric(float64(direct), "direct-groups")
	})
	b.Run("log", func(b *testing.B) {
		archive := &counted{to: openLog(b, sqldbtest.SQLite(b, sqldb.Log)), more: make(chan struct{}, 1)}
		ctx, cancel := context.WithCancel(b.Context())
		var all sync.WaitGroup
		var mu sync.Mutex
		var took []time.Duration
		for id := range clients {
			all.Go(func() {
				for n := 0; ctx.Err() == nil; n++ {
					records, at := batchOf(id, n, batch, 640), time.Now()
					if _, err := archive.Append(ctx, records); err == nil {
						mu.Lock()
						took = append(took, time.Since(at))
						mu.Unlock()
					}
				}
			})
		}
		began, from, want := time.Now(), archive.kept.Load(), archive.kept.Load()
		for b.Loop() {
			for want += batch; archive.kept.Load() < want; {
				<-archive.more
			}
		}
		n, spent := archive.kept.Load()-from, time.Since(began)
		cancel()
		all.Wait()
		report(b, n, spent, took)
	})
}

func (c *trio) latencies() []time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.took)
}

func report(b *testing.B, records int64, spent time.Duration, took []time.Duration) {
	b.Helper()
	slices.Sort(took)
	b.ReportMetric(float64(records)/spent.Seconds(), "events/s")
	if len(took) > 0 {
		b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
		b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
	}
	b.ReportMetric(0, "ns/op")
}
