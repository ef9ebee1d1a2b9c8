package timelinedb_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"syscall"
	"testing"
	"time"

	"thimble"
	"thimble/internal/collect/frame"
	"thimble/internal/collect/timeline"
	"thimble/internal/collect/timelinedb"
	"thimble/internal/policy"
	"thimble/internal/sqldb"
	"thimble/internal/subject"
	"thimble/internal/thimbletest"
)

// crowd makes people at once, for who needs many.
func (w *world) crowd(n int) []thimble.SubjectID {
	w.tb.Helper()
	ctx := w.tb.Context()
	var people []thimble.SubjectID
	for chunk := range slices.Chunk(make([]struct{}, n), 1000) {
		ids := make([]subject.Identifier, len(chunk))
		for i := range ids {
			id, err := subject.NewIdentifier(subject.Account, fmt.Sprintf("crowd-%d", len(people)+i))
			w.must(err)
			ids[i] = id
		}
		drafts, err := w.Subjects.Draft(ctx, ids)
		w.must(err)
		w.must(w.Core.Write(ctx, func(tx *sqldb.Tx) error {
			for _, d := range drafts {
				if err := w.Subjects.Create(ctx, tx, d); err != nil {
					return err
				}
			}
			return nil
		}))
		for _, d := range drafts {
			people = append(people, d.ID)
		}
		w.must(w.Vault.EnsureClass(ctx, frame.Class, noon, people[len(people)-len(drafts):]...))
	}
	return people
}

// spread is an event of a spread of kinds, about one of 5,000 products.
func (w *world) spread(rnd *rand.Rand, people []thimble.SubjectID) frame.Record {
	at := noon.Add(time.Duration(rnd.IntN(1e6)) * time.Microsecond)
	names := []string{"Product Viewed", "Product Viewed", "Product Clicked", "Product List Viewed", "Product Added", "Product Added to Wishlist", "Cart Viewed", "Promotion Viewed"}
	text := fmt.Sprintf(`{"plan":1,"type":"track","event":%q,"time":%d,"properties":{"product_id":"sku-%d","category":"shirts","name":"Linen shirt, washed","brand":"Own","price_minor":1995,"currency":"EUR","position":3,"url":"https://shop.example/p/linen-shirt"},"context":{"page":{"path":"/p/linen-shirt","title":"Linen shirt"}}}`,
		names[rnd.IntN(len(names))], at.UnixMicro(), rnd.IntN(5000))
	return w.record(people[rnd.IntN(len(people))], at, part{browsing, text}, part{"user.demographic.language", `{"context":{"locale":"en-GB","timezone":"Europe/London"}}`})
}

// BenchmarkCatchUp builds a log of 200,000 events of 20,000 people, in frames of 100, from
// its beginning: gate, opening, interactions, profile, demand and index.
func BenchmarkCatchUp(b *testing.B) {
	w := newWorld(b, thimbletest.New(b))
	w.underLaw(policy.Notice)
	people, rnd := w.crowd(20_000), rand.New(rand.NewPCG(7, 1))
	const events = 200_000
	for range events / 100 {
		var records []frame.Record
		for range 100 {
			records = append(records, w.spread(rnd, people))
		}
		w.append(records...)
	}
	var used time.Duration
	integrate := func() { // nobody else does, and a ledger that lags is silent
		_, err := w.Ledger.Integrate(b.Context())
		w.must(err)
	}
	integrate()
	w.flush() // the gate knows everybody, as it does when they have come in just now
	for b.Loop() {
		b.StopTimer()
		integrate()
		w.must(w.store.Rebuild(b.Context()))
		before := cpu(b)
		b.StartTimer()
		w.must(w.store.Flush(b.Context()))
		b.StopTimer()
		used += cpu(b) - before
		b.StartTimer()
	}
	b.ReportMetric(float64(events)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(events)*float64(b.N)/used.Seconds(), "events/CPU-s")
}

// cpu is what the process has used so far, the collector's part included: on a machine that
// is shared it says more than the wall does.
func cpu(tb testing.TB) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkOf reads 10,000 events of one person, in as many frames of 20 events.
func BenchmarkOf(b *testing.B) {
	w := newWorld(b, thimbletest.New(b))
	w.underLaw(policy.Notice)
	people, rnd := w.crowd(100), rand.New(rand.NewPCG(7, 1))
	for range 10_000 {
		records := []frame.Record{w.spread(rnd, people[:1])}
		for range 19 {
			records = append(records, w.spread(rnd, people[1:]))
		}
		w.append(records...)
	}
	w.flush()
	g := w.grant(people[0], timelinedb.ProfileCategories()...)
	for b.Loop() {
		events, _, err := w.store.Of(b.Context(), g, timelinedb.ProfileCategories(), timeline.Place{}, 0)
		if err != nil || len(events) != 10_000 {
			b.Fatalf("%d events, %v", len(events), err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/10k-events")
}
