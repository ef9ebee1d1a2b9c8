package framedb_test

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"thimble"
	"thimble/internal/collect/frame"
	"thimble/internal/collect/framedb"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
)

// eventBytes is about what a sealed event of 700 bytes of JSON comes to.
const eventBytes = 640

// drawnEvents are records in one or two parts, each with a repeat key of its own.
func drawnEvents(n int, number *atomic.Uint64) []frame.Record {
	all, noise := make([]frame.Record, n), make([]byte, n*eventBytes)
	_, _ = rand.Read(noise)
	for i := range all {
		sealed := noise[i*eventBytes : (i+1)*eventBytes]
		r := frame.Record{ID: thimble.ID(sealed[:16]), Subject: thimble.SubjectID(sealed[16:32]), Received: time.Now().UnixMicro(), Source: 1, Parts: []frame.Part{
			{Category: "user.behavior.browsing_history", Sealed: sealed[:500]}, {Category: "thimble.size", Sealed: sealed[500:]},
		}}
		renumber(&r, number)
		all[i] = r
	}
	return all
}

func renumber(r *frame.Record, number *atomic.Uint64) {
	n := number.Add(1)
	binary.LittleEndian.PutUint64(r.Repeat[:], n*0x9e3779b97f4a7c15)
	binary.LittleEndian.PutUint64(r.Repeat[8:], n)
}

type appender interface {
	append(records []frame.Record) error
}

type logged struct {
	*framedb.Store
	b *testing.B
}

func (l logged) append(records []frame.Record) error {
	_, err := l.Append(l.b.Context(), records)
	return err
}

// A ceiling is a plain file that is synced once for all who wait, and nothing else.
type ceiling struct {
	file  *os.File
	queue chan waiter
}

type waiter struct {
	bytes []byte
	done  chan error
}

func newCeiling(b *testing.B) *ceiling {
	f, err := os.Create(filepath.Join(b.TempDir(), "file"))
	if err != nil {
		b.Fatal(err)
	}
	c := &ceiling{f, make(chan waiter, 32)}
	go c.run()
	b.Cleanup(func() { close(c.queue); _ = f.Close() })
	return c
}

func (c *ceiling) run() {
	for w := range c.queue {
		group, buf := []waiter{w}, w.bytes
		for more := true; more && len(group) < 32; {
			select {
			case w, ok := <-c.queue:
				if more = ok; ok {
					group, buf = append(group, w), append(buf, w.bytes...)
				}
			default:
				more = false
			}
		}
		_, err := c.file.Write(buf)
		if err == nil {
			err = syscall.Fdatasync(int(c.file.Fd()))
		}
		for _, w := range group {
			w.done <- err
		}
	}
}

func (c *ceiling) append(records []frame.Record) error {
	f := frame.Frame{Records: records} // as many bytes as the log has
	bytes, err := f.Append(make([]byte, 0, len(records)*(eventBytes+100)))
	if err != nil {
		return err
	}
	w := waiter{bytes, make(chan error, 1)}
	c.queue <- w
	return <-w.done
}

// BenchmarkAppend prints events a second and how long a call takes, for the log on both
// engines and for a plain file in turns, so that all meet the same machine.
func BenchmarkAppend(b *testing.B) {
	for _, load := range []struct{ callers, batch int }{{1, 1}, {32, 1}, {32, 100}} {
		name := fmt.Sprintf("callers=%d/batch=%d", load.callers, load.batch)
		b.Run("file/"+name, func(b *testing.B) { appendLoad(b, newCeiling(b), load.callers, load.batch) })
		b.Run("sqlite/"+name, func(b *testing.B) {
			db := sqldbtest.SQLite(b, sqldb.Log)
			appendLoad(b, logged{opened(b, db, framedb.Config{}), b}, load.callers, load.batch)
			if err := db.Truncate(b.Context()); err != nil {
				b.Fatal(err)
			}
			info, err := os.Stat(db.Config().Path)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(info.Size())/float64(b.N*load.batch), "disk-B/event")
		})
		b.Run("postgres/"+name, func(b *testing.B) {
			db, err := sqldb.Open(b.Context(), sqldb.Config{Set: sqldb.Log, URL: sqldbtest.Database(b)})
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { _ = db.Close() })
			appendLoad(b, logged{opened(b, db, framedb.Config{}), b}, load.callers, load.batch)
		})
	}
}

func appendLoad(b *testing.B, to appender, callers, batch int) {
	var number atomic.Uint64
	batches := make([][]frame.Record, callers)
	for i := range batches {
		batches[i] = drawnEvents(batch, &number)
	}
	took := make([]time.Duration, 0, 1<<16)
	var mu sync.Mutex
	tickets := make(chan struct{})
	var all sync.WaitGroup
	for _, mine := range batches {
		all.Go(func() {
			var own []time.Duration
			for range tickets {
				for i := range mine {
					renumber(&mine[i], &number)
				}
				began := time.Now()
				if err := to.append(mine); err != nil {
					b.Error(err)
				}
				own = append(own, time.Since(began))
			}
			mu.Lock()
			took = append(took, own...)
			mu.Unlock()
		})
	}
	b.ReportAllocs()
	cpu := cpuTime()
	for b.Loop() {
		tickets <- struct{}{}
	}
	close(tickets)
	all.Wait()
	slices.Sort(took)
	b.ReportMetric(float64(b.N*batch)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(b.N*batch)/(cpuTime()-cpu).Seconds(), "events/cpu-s")
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 1
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
