package app_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"thimble"
	"thimble/internal/collect"
	"thimble/internal/gate"
	"thimble/internal/rights"
	"thimble/internal/thimbletest"
)

// BenchmarkErasingSomebodyWithTenThousandEvents forgets people who looked at ten thousand
// things and bought a hundred, out of a shop whose model knows them: until the gate gives
// nothing of them to anybody, and until all is destroyed and their certificate is there.
func BenchmarkErasingSomebodyWithTenThousandEvents(b *testing.B) {
	s := thimbletest.New(b)
	if err := s.SeedDemo(b.Context(), collect.File("../collect/testdata/online_retail_sample.csv.gz"), silence{}); err != nil {
		b.Fatal(err)
	}
	model, err := s.App.Shop.Model(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	items := model.Items()
	people := make([]thimble.SubjectID, b.N)
	for n := range people {
		people[n] = s.Subject(fmt.Sprintf("B-%d", n), thimbletest.Allows(personalize, thimble.TrainAISystem)...)
		bought := make([]thimble.ItemID, 0, 100)
		for k := range 100 {
			looked := make([]thimble.ItemID, 100)
			for i := range looked {
				looked[i] = items[(n+k+i)%len(items)]
			}
			s.Browses(people[n], looked...)
			bought = append(bought, items[(n+7*k)%len(items)])
		}
		s.OrdersAs(fmt.Sprintf("b-%d", n), time.Now().Truncate(time.Microsecond), people[n], bought...)
	}
	if _, err := s.App.Shop.Train(b.Context(), "with them", nil); err != nil {
		b.Fatal(err)
	}
	s.Works()
	var unread, certified []time.Duration
	b.ResetTimer()
	for _, who := range people {
		start, closed := time.Now(), make(chan time.Duration)
		go func() {
			for {
				v, err := s.Gate.Decide(context.Background(), gate.Request{Actor: gate.Actor{Kind: gate.Machine, Name: "bench"}, Subject: who, Purpose: thimble.PersonalizeContent, Categories: []thimble.Category{thimble.PurchaseHistory}})
				if err != nil || !v.Allowed {
					closed <- time.Since(start)
					return
				}
				time.Sleep(time.Millisecond)
			}
		}()
		report := s.Erase(who)
		if report.Models == nil || report.Models.Before == report.Models.After {
			b.Fatal("the model did not know them")
		}
		id, err := thimble.ParseID(rights.TokenPrefix, report.Request)
		if err == nil {
			_, err = s.Requests.Certificate(b.Context(), id)
		}
		if err != nil {
			b.Fatal(err)
		}
		certified, unread = append(certified, time.Since(start)), append(unread, <-closed)
	}
	for name, took := range map[string][]time.Duration{"unreadable": unread, "certified": certified} {
		slices.Sort(took)
		b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, name+"-p50-ms")
		b.ReportMetric(float64(took[len(took)-1].Microseconds())/1000, name+"-worst-ms")
	}
}
