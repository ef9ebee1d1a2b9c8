package policy

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"thimble"
	"thimble/internal/policy/calendar"
)

// cpu reports the processor's time too: on a busy machine the clock's says little.
func cpu(b *testing.B) func() {
	used := func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	b.ReportAllocs()
	start := used()
	return func() { b.ReportMetric(float64((used()-start).Nanoseconds())/float64(b.N), "cpu-ns/op") }
}

func BenchmarkLoadAllPacks(b *testing.B) {
	defer cpu(b)()
	for b.Loop() {
		all, err := parseShipped() // every time: Load reads what ships once
		if err == nil {
			_, err = load(all, Trust{}, nil)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCompose chooses and joins, with nothing remembered; "values" computes
// every value with its sources too.
func BenchmarkCompose(b *testing.B) {
	l := library(b)
	at := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	for _, place := range []string{"DE", "US-CA", "CA-QC"} {
		q := Question{Residences: lives(place), At: at, Facts: map[string]int64{"marketplace": 1}}
		b.Run(place, func(b *testing.B) {
			defer cpu(b)()
			for b.Loop() {
				if _, _, err := l.Choose(q); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(place+"/values", func(b *testing.B) {
			defer cpu(b)()
			for b.Loop() {
				law, _, err := l.Choose(q)
				if err != nil || len(law.Values()) == 0 {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkLawFromMemory(b *testing.B) {
	l := library(b)
	q := Question{Residences: lives("DE"), At: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)}
	defer cpu(b)()
	for b.Loop() {
		if _, err := l.Law(q); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFind(b *testing.B) {
	l := library(b)
	law, err := l.Law(Question{Residences: lives("DE"), At: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)})
	if err != nil {
		b.Fatal(err)
	}
	defer cpu(b)()
	for b.Loop() {
		law.Find(thimble.PersonalizeContent, thimble.PurchaseHistory)
	}
}

// BenchmarkSimulate tries a pack on a million people, each given one by one.
func BenchmarkSimulate(b *testing.B) {
	l := library(b)
	before, after, _, err := l.Try(shippedFile(b, "eu.gdpr", "use: personalize, mode: opt_in", "use: personalize, mode: opt_out"))
	if err != nil {
		b.Fatal(err)
	}
	var places [][]string
	for _, e := range l.entries {
		for _, p := range e.pack.Applies.Residence {
			places = append(places, []string{p})
		}
	}
	permits := [][]thimble.Purpose{nil, {"personalize.content.profiled"}, {"personalize.content.profiled", "train_ai_system"}}
	million := func(yield func(Group, error) bool) {
		for i := range 1_000_000 {
			if !yield(Group{Places: places[i%len(places)], Age: i/7%80 - 1, Permits: permits[i%3], People: 1}, nil) {
				return
			}
		}
	}
	defer cpu(b)()
	for b.Loop() {
		s, err := Simulate(before, after, million, Trial{On: calendar.Date{Year: 2027, Month: 6, Day: 1}, Flows: someFlows})
		if err != nil || s.People != 1_000_000 || s.Touched == 0 {
			b.Fatal(fmt.Sprint(s.People, s.Touched), err)
		}
	}
}
