package watch

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"thimble/internal/collect/intake"
	"thimble/internal/collect/plan"
	"thimble/internal/collect/segment"
)

var moment = time.Date(2026, 11, 29, 12, 0, 30, 500_000, time.UTC)

func at(t *time.Time) func() time.Time { return func() time.Time { return *t } }

func reader(tb testing.TB) *segment.Reader {
	tb.Helper()
	c, err := plan.Compile(plan.Default())
	if err != nil {
		tb.Fatal(err)
	}
	return segment.NewReader(c)
}

func read(tb testing.TB, r *segment.Reader, body string) *segment.Body {
	tb.Helper()
	b, err := r.Read([]byte(body), segment.Batch, segment.Arrival{At: moment, Random: func(b []byte) { clear(b) }})
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func batch(events ...string) string { return `{"batch":[` + strings.Join(events, ",") + `]}` }

func track(name, properties string) string {
	return fmt.Sprintf(`{"type":"track","event":%q,"userId":"jo@example.com","properties":%s}`, name, properties)
}

var (
	web  = intake.Source{Number: 7, Kind: intake.Browser}
	till = intake.Source{Number: 7, Kind: intake.Server}
)

func TestEventsAreCountedByMinuteAndReason(t *testing.T) {
	now := moment
	w := New(at(&now))
	w.Tell(web, intake.Arrival{}, intake.Taken{Events: 5, Kept: 2, Dropped: map[intake.Drop]int{intake.Denied: 2, intake.Broken: 1}}, nil)
	w.Tell(web, intake.Arrival{}, intake.Taken{Events: 1, Kept: 1}, nil)
	now = now.Add(time.Minute)
	w.Tell(web, intake.Arrival{}, intake.Taken{Events: 3, Dropped: map[intake.Drop]int{intake.Nobody: 3}}, nil)

	got := map[time.Time]Counts{}
	for _, m := range w.Take().Minutes {
		got[m.Time()] = m.Counts
	}
	first, second := got[moment.Truncate(time.Minute)], got[moment.Truncate(time.Minute).Add(time.Minute)]
	if len(got) != 2 || first.Events != 6 || first.Kept != 3 || first.Of(intake.Denied) != 2 || first.Of(intake.Broken) != 1 || second.Of(intake.Nobody) != 3 {
		t.Errorf("counted %+v", got)
	}
	if b := w.Take(); !b.Empty() {
		t.Errorf("taken twice: %+v", b)
	}
	if totals := w.Totals(); len(totals) != 1 || totals[0].Events != 9 || totals[0].Source != 7 {
		t.Errorf("since the start: %+v, want 9 events of source 7", totals)
	}
}

func TestABrokenRuleIsToldAsAShape(t *testing.T) {
	now := moment
	w := New(at(&now))
	r := reader(t)
	body := batch(track("Order Completed", `{"order_id":5,"products":[{"price":"very dear"}]}`), track("Order Completed", `{"order_id":6,"products":[]}`), `{"type":"track","userId":"u"}`)
	w.Tell(web, intake.Arrival{}, intake.Taken{Events: 3}, read(t, r, body))
	got := map[string]int64{}
	for _, v := range w.Take().Violations {
		got[strings.Join([]string{v.Event, v.Path, v.Expected, v.Got}, "|")] = v.N
		if !v.First.Equal(moment.Truncate(time.Second)) || v.Last.Before(v.First) {
			t.Errorf("seen from %v to %v", v.First, v.Last)
		}
	}
	for shape, n := range map[string]int64{
		"Order Completed|order_id|string|number": 2, "Order Completed|products[].price|money|malformed": 1,
		"||event: the name of the event, of 1 to 256 bytes, was expected|": 1,
	} {
		if got[shape] != n {
			t.Errorf("%s came %d times, want %d; told of %v", shape, got[shape], n, got)
		}
	}
}

func TestWhatThePlanDoesNotKnowIsProposedOnceWithItsPlace(t *testing.T) {
	now := moment
	w := New(at(&now))
	body := batch(
		track("Order Completed", `{"order_id":"o","products":[{"lining":"silk"},{"lining":"wool"}],"waist_cm":81,"jo@example.com":1}`),
		track("Order Completed", `{"order_id":"o","products":[],"waist_cm":"slim","4111111111111111":2}`),
		track("Stock Alert Wanted", `{}`), track("Hello jo@example.com", `{}`))
	for range 3 {
		w.Tell(till, intake.Arrival{}, intake.Taken{Events: 4}, read(t, reader(t), body))
	}
	got := map[string]Proposal{}
	for _, p := range w.Take().Proposals {
		got[p.Path()] = p
	}
	waist, lining, hidden, alert := got["Order Completed.waist_cm"], got["Order Completed.products[].lining"], got["Order Completed."+plan.Withheld], got["Stock Alert Wanted"]
	if waist.N != 6 || waist.Category != "thimble.body_measurements" || waist.Shape != "mixed" || waist.Type() != plan.Scalar {
		t.Errorf("waist_cm: %+v", waist)
	}
	if lining.N != 6 || lining.Within != "products[]." || lining.Type() != plan.String || lining.Withheld() {
		t.Errorf("lining: %+v", lining)
	}
	if hidden.N != 6 || !hidden.Withheld() {
		t.Errorf("names that may be values: %+v, want both under one", hidden)
	}
	if alert.N != 3 || alert.Name != "" {
		t.Errorf("an event that is not planned: %+v", alert)
	}
	if _, ok := got[plan.Withheld]; !ok || len(got) != 5 {
		t.Errorf("proposals: %v", got)
	}
}

func TestNothingThatIsSaidHoldsAValue(t *testing.T) {
	now := moment
	w := New(at(&now))
	secrets := []string{"jo@example.com", "silk-77182", "4111111111111111", "+33184176118", "Jo Doe"}
	body := batch(
		track("Order Completed", `{"order_id":"silk-77182","coupon":{"jo@example.com":"Jo Doe"},"products":[{"remark":"+33184176118","jo@example.com":5}],"4111111111111111":"silk-77182"}`),
		track("jo@example.com", `{"a":"silk-77182"}`),
		`{"type":"identify","userId":"jo@example.com","anonymousId":"silk-77182","traits":{"email":"jo@example.com","name":"Jo Doe","jo@example.com":{"x":"+33184176118"}}}`)
	for range 8 {
		now = now.Add(time.Second)
		w.Tell(web, intake.Arrival{}, intake.Taken{Events: 3}, read(t, reader(t), body))
	}
	said := fmt.Sprintf("%+v %+v %+v", w.Tail(7), w.Totals(), w.Take())
	for _, secret := range secrets {
		if strings.Contains(said, secret) {
			t.Errorf("%q is in what is said", secret)
		}
	}
	if !strings.Contains(said, "order_id") {
		t.Error("the sample shows nothing")
	}
}

func TestTheTailShowsTheNewestEventsAsShapes(t *testing.T) {
	now := moment
	w := New(at(&now))
	for i := range tailLength + 5 {
		w.Tell(web, intake.Arrival{}, intake.Taken{Events: 1}, read(t, reader(t), batch(track("Product Viewed", fmt.Sprintf(`{"sku":"s","p%c":1,"price":{}}`, 'a'+i%20)))))
		now = now.Add(time.Second)
		w.Tell(web, intake.Arrival{}, intake.Taken{Events: 1}, read(t, reader(t), batch(track("Product Viewed", `{}`))))
		now = now.Add(tailEvery / 2) // too soon
		w.Tell(web, intake.Arrival{}, intake.Taken{Events: 1}, read(t, reader(t), batch(track("Cart Viewed", `{}`))))
		now = now.Add(tailEvery)
	}
	all := w.Tail(7)
	if len(all) != tailLength {
		t.Fatalf("%d shapes, want %d", len(all), tailLength)
	}
	for i, s := range all {
		if s.Event == "Cart Viewed" || i > 0 && s.At.After(all[i-1].At) {
			t.Errorf("shape %d: %s at %v: the newest come first, one of each quarter of a second", i, s.Event, s.At)
		}
	}
	s := all[1]
	if fmt.Sprint(s.Properties) != "[{sku string}]" || len(s.Unknown) != 1 || fmt.Sprint(s.Broken) != "[price]" || !s.Planned {
		t.Errorf("the shape is %+v", s)
	}
	if w.Tail(8) != nil {
		t.Error("a source that sent nothing has a tail")
	}
}

func TestAFloodOfNamesIsBoundedAndCounted(t *testing.T) {
	now := moment
	w := New(at(&now))
	r := reader(t)
	for i := range 20 {
		var b strings.Builder
		b.WriteString(`{"sku":1`)
		for j := range 200 {
			fmt.Fprintf(&b, `,"n%c%c%c%c":1`, 'a'+i, 'a'+j/26, 'a'+j%26, 'x')
		}
		b.WriteString("}")
		w.Tell(web, intake.Arrival{}, intake.Taken{Events: 1}, read(t, r, batch(track("Product Viewed", b.String()))))
	}
	b := w.Take()
	if len(b.Proposals) > maxProposals || len(b.Violations) > maxViolations+maxRules {
		t.Errorf("%d proposals and %d violations are held", len(b.Proposals), len(b.Violations))
	}
	if b.Minutes[0].Unknown != 20*200 {
		t.Errorf("%d unknown properties were counted, want all 4000", b.Minutes[0].Unknown)
	}
}

func TestWhatCouldNotBeWrittenIsCountedOnce(t *testing.T) {
	now := moment
	w := New(at(&now))
	var told, written int64
	const seed = 5
	r := rand.New(rand.NewPCG(seed, seed))
	for range 500 {
		n := 1 + r.IntN(9)
		w.Tell(intake.Source{Number: uint32(r.IntN(3))}, intake.Arrival{}, intake.Taken{Events: n, Kept: n}, nil)
		told += int64(n)
		if r.IntN(3) == 0 {
			now = now.Add(time.Minute)
		}
		if r.IntN(4) > 0 {
			continue
		}
		if b := w.Take(); r.IntN(3) == 0 {
			w.Return(b) // the disk is full
		} else {
			for _, m := range b.Minutes {
				written += m.Events
			}
		}
	}
	for range 2 * maxMinutes { // an outage that is longer than what waits
		w.Tell(web, intake.Arrival{}, intake.Taken{Events: 1}, nil)
		told, now = told+1, now.Add(time.Minute)
		b := w.Take()
		w.Return(b)
	}
	for _, m := range w.Take().Minutes {
		written += m.Events
	}
	if told != written {
		t.Errorf("seed %d: %d were told, %d written", seed, told, written)
	}
}

func TestItIsToldFromManySides(t *testing.T) {
	w := New(nil)
	var wait sync.WaitGroup
	for i := range 4 {
		wait.Go(func() {
			r := reader(t)
			for range 200 {
				w.Tell(intake.Source{Number: uint32(i % 2)}, intake.Arrival{}, intake.Taken{Events: 1, Kept: 1}, read(t, r, batch(track("Product Viewed", `{"sku":1,"x":1}`))))
			}
		})
	}
	var events int64
	wait.Go(func() {
		for range 50 {
			for _, m := range w.Take().Minutes {
				events += m.Events
			}
			w.Tail(0)
			w.Totals()
		}
	})
	wait.Wait()
	for _, m := range w.Take().Minutes {
		events += m.Events
	}
	if events != 800 {
		t.Errorf("%d events, want 800", events)
	}
}

// BenchmarkTell tells of a batch of 100 events that break nothing, and of one in which
// each breaks a rule and has a property that the plan does not know.
func BenchmarkTell(b *testing.B) {
	clean, broken := make([]string, 100), make([]string, 100)
	for i := range clean {
		clean[i] = track("Product Viewed", `{"product_id":"p1","sku":"s","price":12.5,"currency":"EUR"}`)
		broken[i] = track("Product Viewed", `{"product_id":"p1","sku":5,"price":12.5,"currency":"EUR","lining":"silk"}`)
	}
	for name, events := range map[string][]string{"clean": clean, "broken": broken} {
		b.Run(name, func(b *testing.B) {
			w, body := New(nil), read(b, reader(b), batch(events...))
			taken := intake.Taken{Events: 100, Kept: 60, Dropped: map[intake.Drop]int{intake.Denied: 40}}
			b.ReportAllocs()
			for b.Loop() {
				w.Tell(web, intake.Arrival{}, taken, body)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100, "ns/event")
		})
	}
}
