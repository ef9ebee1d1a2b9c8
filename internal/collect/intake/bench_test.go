package intake_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"thimble"
	"thimble/internal/collect/frame"
	"thimble/internal/collect/framedb"
	"thimble/internal/collect/intake"
	"thimble/internal/collect/segment"
	"thimble/internal/consent"
	"thimble/internal/consent/consentdb"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
	"thimble/internal/subject"
)

// forgetful is a log that writes nowhere.
type forgetful struct{}

func (f *forgetful) Append(_ context.Context, records []frame.Record) (frame.Appended, error) {

	return frame.Appended{Kept: len(records)}, nil
}

func (f *forgetful) Seen(frame.Key) bool { return false }

// crowd makes so many people with an account, of whom four in five permit
// personalisation.
func (s *shop) crowd(n int) {
	s.t.Helper()
	for from := 0; from < n; from += 500 {
		var ids []subject.Identifier
		for i := from; i < min(n, from+500); i++ {
			id, err := subject.NewIdentifier(subject.Account, fmt.Sprintf("account-%06d", i))
			if err != nil {
				s.t.Fatal(err)
			}
			ids = append(ids, id)
		}
		drafts, err := s.people.Draft(ctx, ids)
		if err != nil {
			s.t.Fatal(err)
		}
		err = s.core.Write(ctx, func(tx *sqldb.Tx) error {
			for i, d := range drafts {
				if err := s.people.Create(ctx, tx, d); err != nil {
					return err
				}
				if i%5 == 0 {
					continue
				}
				if _, err := s.consents.RecordTx(ctx, tx, d.ID, []consent.Choice{{Purpose: thimble.PersonalizeContent, State: consent.Given}}, consentdb.How{Notice: consent.Current(), By: consent.By{Actor: "subject"}}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			s.t.Fatal(err)
		}
	}
}

// crowdBatch is a batch of 100 events of about 700 bytes, of different people of a crowd.
func crowdBatch(r *rand.Rand, people int) []byte {
	var b strings.Builder
	b.WriteString(`{"batch":[`)
	for i := range 100 {
		if i > 0 {
			b.WriteByte(',')
		}
		n := r.IntN(1000)
		event, props := "Product Viewed", fmt.Sprintf(`"product_id":"p-%d","sku":"LS-%d-38","category":"shirts","name":"Linen shirt","brand":"North","variant":"blue","size":"M","colour":"blue","price":%d.95,"quantity":1,"position":%d,"currency":"EUR","url":"https://shop.example/p/linen-shirt"`, n, n, 20+i, i)
		switch i % 4 {
		case 1:
			event, props = "Order Completed", fmt.Sprintf(`"order_id":"o-XXXXXXXXXX-%02d","total":%d.40,"revenue":%d.00,"shipping":4.90,"tax":9.5,"currency":"EUR","products":[{"product_id":"p-1","sku":"LS-1","price":19.95,"quantity":1},{"product_id":"p-%d","sku":"LS-2","price":24.95,"quantity":2}]`, i, 60+i, 50+i, n)
		case 2:
			event, props = "Products Searched", `"query":"linen shirt blue 38"`
		}
		fmt.Fprintf(&b, `{"timestamp":"2026-11-29T11:%02d:00.123Z","integrations":{},"type":"track","event":%q,"properties":{%s},"userId":"account-%06d",`+
			`"context":{"library":{"name":"@segment/analytics-node","version":"3.1.0"},"locale":"de-DE","ip":"192.0.2.7","userAgent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36","consent":{"categoryPreferences":{"Analytics":true,"Advertising":false,"Personalization":true,"Functional":true}}},`+
			`"messageId":"node-next-1764417600000-0f4b1c2e-XXXXXXXXXX-%02d","_metadata":{"nodeVersion":"22.0.0"}}`, i%60, event, props, r.IntN(people), i)
	}
	b.WriteString(`],"sentAt":"2026-11-29T12:00:00.000Z"}`)
	return []byte(b.String())
}

func cpuSeconds() float64 {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // of the own process; cannot fail
	s := func(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }
	return s(u.Utime) + s(u.Stime)
}

// load is bodies that are sent again and again, each time with messageIds and order
// numbers of their own.
type load struct {
	bodies [][]byte
	places [][]int
	n      atomic.Int64
}

func newLoad(bodies, people int) *load {
	l := &load{}
	r := rand.New(rand.NewPCG(1, 1))
	for range bodies {
		body := crowdBatch(r, people)
		var at []int
		for i := bytes.Index(body, []byte("XXXXXXXXXX")); i >= 0; {
			at = append(at, i)
			next := bytes.Index(body[i+10:], []byte("XXXXXXXXXX"))
			if next < 0 {
				break
			}
			i += 10 + next
		}
		l.bodies, l.places = append(l.bodies, body), append(l.places, at)
	}
	return l
}

// next appends the next body to dst.
func (l *load) next(dst []byte) []byte {
	n := l.n.Add(1)
	dst = append(dst[:0], l.bodies[n%int64(len(l.bodies))]...)
	var serial [10]byte
	copy(serial[:], fmt.Sprintf("%010d", n))
	for _, i := range l.places[n%int64(len(l.bodies))] {
		copy(dst[i:], serial[:])
	}
	return dst
}

// BenchmarkTake takes batches of 100 events of 20,000 people, everything on but the disk:
// plan, identity, repeats, signals, consent, minimisation and sealing.
func BenchmarkTake(b *testing.B) {
	benchmarkTake(b, &forgetful{}, 1)
}

// BenchmarkTakeToDisk is the same by 32 senders at once, made durable in SQLite.
func BenchmarkTakeToDisk(b *testing.B) {
	log, err := framedb.Open(ctx, sqldbtest.SQLite(b, sqldb.Log), framedb.Config{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = log.Close() })
	benchmarkTake(b, log, 32)
}

func benchmarkTake(b *testing.B, log intake.Log, senders int) {
	const people = 20_000
	s := one(b)
	s.crowd(people)
	s.deps.Log, s.deps.Now = log, time.Now
	s.at = time.Now()
	s.open()
	l := newLoad(400, people)
	var kept atomic.Int64
	take := func(body []byte) []byte {
		body = l.next(body)
		t, err := s.in.Take(ctx, server, segment.Batch, body, intake.Arrival{At: time.Now()})
		if err != nil {
			b.Error(err)
		}
		kept.Add(int64(t.Kept))
		return body
	}
	var body []byte
	for range l.bodies { // everybody is met once
		body = take(body)
	}
	kept.Store(0)
	b.ReportAllocs()
	b.ResetTimer()
	began, first, at := cpuSeconds(), l.n.Load(), time.Now()
	b.SetParallelism((senders + 1) / runtime.GOMAXPROCS(0))
	if senders == 1 {
		for b.Loop() {
			body = take(body)
		}
	} else {
		b.RunParallel(func(p *testing.PB) {
			var body []byte
			for p.Next() {
				body = take(body)
			}
		})
	}
	spent, passed := cpuSeconds()-began, time.Since(at).Seconds()
	events := float64(l.n.Load()-first) * 100
	b.ReportMetric(spent/events*1e6, "cpu-us/event")
	b.ReportMetric(events/spent, "events/cpu-s")
	b.ReportMetric(events/passed, "events/s")
	b.ReportMetric(float64(kept.Load())/events, "kept")
	b.Logf("%d bytes an event", len(l.bodies[0])/100)
}

// BenchmarkStrangers takes batches of 100 views of devices that nobody knows and that
// permit nothing: they are looked for, and counted.
func BenchmarkStrangers(b *testing.B) {
	s := one(b)
	s.crowd(20_000)
	s.deps.Log = &forgetful{}
	s.open()
	n := 0
	b.ReportAllocs()
	began := cpuSeconds()
	for b.Loop() {
		var events []string
		for i := range 100 {
			events = append(events, fmt.Sprintf(`{"type":"track","anonymousId":"device-%d-%d","event":"Product Viewed","messageId":"v-%d-%d","properties":{"product_id":"p-%d"}}`, n, i, n, i, i))
		}
		if t, err := s.take(browser, batch(events...)); err != nil || t.Dropped[intake.Nobody] != 100 {
			b.Fatal(t, err)
		}
		n++
	}
	b.ReportMetric((cpuSeconds()-began)/float64(n)*1e4, "cpu-us/event")
}
