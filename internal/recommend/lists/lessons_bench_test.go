package lists

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"thimble"
)

// BenchmarkAMillionDeeds takes down a million deeds of 20,000 people with 5,000 products, and
// prints what a course holds of them: a lesson for each person and product, however often.
func BenchmarkAMillionDeeds(b *testing.B) {
	const people, products, deeds = 20_000, 5_000, 1_000_000
	held := func() float64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return float64(m.HeapAlloc)
	}
	var grew float64
	var lessons int
	for b.Loop() {
		b.StopTimer()
		rng := rand.New(rand.NewPCG(3, 3))
		c := &course{ends: []int64{deeds}, of: map[thimble.SubjectID]*doing{}, met: map[thimble.SubjectID]*listener{}, known: func(thimble.ItemID) bool { return true }}
		for p := range people {
			c.met[bookPerson(p)] = &listener{person: bookPerson(p)}
		}
		before := held()
		b.StartTimer()
		for n := range deeds {
			// Each name is memory of its own, as a journal's are.
			item := thimble.ItemID(fmt.Sprintf("sku-%d", rng.IntN(products)))
			c.add(Act{Who: bookPerson(rng.IntN(people)), Place: int64(n), Came: bookDay, Item: item, Deed: Looked, At: bookDay.Add(time.Duration(rng.IntN(90*24)) * time.Hour)})
		}
		b.StopTimer()
		grew, lessons = held()-before, 0
		for _, d := range c.of {
			lessons += len(d.lessons)
		}
		runtime.KeepAlive(c)
		b.StartTimer()
	}
	b.ReportMetric(grew/1e6, "MB")
	b.ReportMetric(grew/float64(lessons), "B/lesson")
	b.ReportMetric(float64(lessons), "lessons")
}
