package timeline_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"thimble"
	"thimble/internal/collect/frame"
	"thimble/internal/collect/plan"
	"thimble/internal/collect/timeline"
	"thimble/internal/order"
)

var noon = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

// said reads an event from its parts.
func said(parts ...string) *timeline.What {
	var w timeline.What
	for _, p := range parts {
		w.Add([]byte(p))
	}
	w.Done()
	return &w
}

const viewed = `{"plan":1,"type":"track","event":"Product Viewed","time":1795953600000000,"properties":{"product_id":"ls-38","price_minor":1995,"currency":"EUR","name":"Linen shirt","image_url":"https://shop.example/1"}}`

func TestAnEventIsReadFromItsPartsInAnyOrder(t *testing.T) {
	parts := []string{viewed, `{"country":"GB"}`, `{"context":{"locale":"en-GB","timezone":"Europe/London"}}`, `{"properties":{"size":"38"}}`}
	want := &timeline.What{
		Type: "track", Name: "Product Viewed", At: noon, Currency: "EUR", Country: "GB", Language: "en",
		Products: []timeline.Product{{Item: "ls-38", Name: "Linen shirt", Minor: 1995}},
	}
	rnd := rand.New(rand.NewPCG(7, 1))
	for range 24 {
		rnd.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
		if diff := cmp.Diff(want, said(parts...), cmpopts.IgnoreUnexported(timeline.What{})); diff != "" {
			t.Fatalf("want (-) and got (+) of %q:\n%s", parts, diff)
		}
	}
}

func TestProductsOfSeveralPartsAreJoinedByTheirPlace(t *testing.T) {
	w := said(`{"event":"Order Completed","properties":{"order_id":"7","products":[{"product_id":"a","quantity":2},{"sku":"b"}]}}`,
		`{"properties":{"products":[{"size":"38"},{"size":"40"},{"name":"Scarf"}]}}`)
	want := []timeline.Product{{Item: "A", Units: 2}, {Item: "B"}, {Name: "Scarf"}}
	if diff := cmp.Diff(want, w.Products); diff != "" {
		t.Errorf("want (-) and got (+):\n%s", diff)
	}
}

func TestWhatIsBrokenSaysOnlyWhatCameBefore(t *testing.T) {
	for name, text := range map[string]string{
		"nothing": "", "no object": `[1,2]`, "cut off": `{"event":"Product Viewed","properties":{"product_id":"a`, "a number": `7`,
		"other types": `{"event":7,"time":"noon","country":["GB"],"properties":{"products":{"a":1},"query":{}},"context":[{}]}`,
	} {
		w := said(text)
		if len(w.Products) > 0 || w.Country != "" || w.Query != "" || !w.At.IsZero() {
			t.Errorf("%s: it says %+v", name, w)
		}
	}
}

func FuzzWhat(f *testing.F) {
	f.Add([]byte(viewed))
	f.Add([]byte(`{"properties":{"products":[{"product_id":"a","quantity":-1,"price_minor":99999999999999999999}]}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var w timeline.What
		w.Add(b)
		w.Add(b)
		w.Done()
		if o, err := w.Sale(thimble.SubjectID{1}); err == nil {
			if err := o.Validate(); err != nil {
				t.Errorf("a sale that breaks a rule of orders: %v", err)
			}
		}
		all := timeline.Interactions(nil).Add(&w)
		if got, err := timeline.DecodeInteractions(all.Encode()); err != nil || len(got) != len(all) {
			t.Errorf("%d interactions come back as %d: %v", len(all), len(got), err)
		}
	})
}

func FuzzDecodeInteractions(f *testing.F) {
	f.Add(timeline.Interactions(nil).Add(said(viewed)).Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		all, err := timeline.DecodeInteractions(b)
		if err != nil {
			if !errors.Is(err, thimble.ErrInvalid) {
				t.Errorf("an error of another kind: %v", err)
			}
			return
		}
		if again, err := timeline.DecodeInteractions(all.Encode()); err != nil || !cmp.Equal(all, again) {
			t.Errorf("%v comes back as %v, %v", all, again, err)
		}
	})
}

func FuzzPostings(f *testing.F) {
	f.Add(timeline.AppendPosting(nil, timeline.Place{Seq: 77, Index: 3}))
	f.Fuzz(func(t *testing.T, b []byte) {
		places, err := timeline.Postings(nil, 5, b)
		if err != nil {
			return
		}
		var again []byte
		for _, p := range places {
			if timeline.Block(p.Seq) != 5 {
				t.Errorf("%v is in another block", p)
			}
			again = timeline.AppendPosting(again, p)
		}
		if back, err := timeline.Postings(nil, 5, again); err != nil || !cmp.Equal(places, back) {
			t.Errorf("%v comes back as %v, %v", places, back, err)
		}
	})
}

func TestPostingsAreTheSameHoweverTheyAreCut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const block = 3
		var places []timeline.Place
		var whole, pieces []byte
		seq := int64(block) << 14
		for range rapid.IntRange(0, 50).Draw(t, "postings") {
			seq += rapid.Int64Range(0, 90).Draw(t, "frames between")
			places = append(places, timeline.Place{Seq: seq, Index: rapid.IntRange(0, 80_000).Draw(t, "index")})
		}
		for _, p := range places {
			whole = timeline.AppendPosting(whole, p)
		}
		cut := rapid.IntRange(0, len(places)).Draw(t, "cut")
		for _, run := range [][]timeline.Place{places[:cut], places[cut:]} {
			var piece []byte
			for _, p := range run {
				piece = timeline.AppendPosting(piece, p)
			}
			pieces = append(pieces, piece...)
		}
		if !bytes.Equal(whole, pieces) {
			t.Fatal("two runs, one behind the other, are not the whole")
		}
		got, err := timeline.Postings(nil, block, whole)
		if err != nil || !cmp.Equal(places, got, cmpopts.EquateEmpty()) {
			t.Fatalf("got %v, %v, want %v", got, err, places)
		}
	})
}

func TestAPlaceHasOneText(t *testing.T) {
	for _, p := range []timeline.Place{{}, {Seq: 1}, {Seq: 1 << 40, Index: 79_999}} {
		got, err := timeline.ParsePlace(p.String())
		if err != nil || got != p {
			t.Errorf("%v comes back as %v, %v", p, got, err)
		}
	}
	for _, bad := range []string{"1", ".", "1.", "0.1", "-1.2", "01.2", "1.2.3", "A.1", "1.-1", "zzzzzzzzzzzzzzz.1"} {
		if _, err := timeline.ParsePlace(bad); !errors.Is(err, thimble.ErrInvalid) {
			t.Errorf("%q: got %v, want an error of kind invalid", bad, err)
		}
	}
}

func touch(event, item string, at time.Time) *timeline.What {
	return &timeline.What{Type: "track", Name: event, At: at, Products: []timeline.Product{{Item: thimble.ItemID(item)}}}
}

func TestInteractionsDoNotDependOnTheOrderOfEvents(t *testing.T) {
	events := []string{"Product Viewed", "Product Clicked", "Product Added", "Product Added to Wishlist", "Order Completed", "Order Cancelled", "Products Searched", "Cart Viewed"}
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) *timeline.What {
			return touch(rapid.SampledFrom(events).Draw(t, "event"), rapid.SampledFrom([]string{"A", "B", "C"}).Draw(t, "item"),
				noon.Add(time.Duration(rapid.IntRange(0, 1000).Draw(t, "seconds"))*time.Second))
		}), 0, 40).Draw(t, "events")
		sum := func(all []*timeline.What) []byte {
			var i timeline.Interactions
			for _, w := range all {
				i = i.Add(w)
			}
			return i.Encode()
		}
		if !bytes.Equal(sum(all), sum(rapid.Permutation(all).Draw(t, "shuffled"))) {
			t.Fatal("the interactions differ")
		}
	})
}

func TestInteractionsAreBounded(t *testing.T) {
	var all timeline.Interactions
	for i := range timeline.MostInteractions + 50 {
		all = all.Add(touch("Product Viewed", string(rune('A'+i%26))+string(rune('a'+i/26%26))+string(rune('a'+i/676)), noon.Add(time.Duration(i)*time.Second)))
	}
	if len(all) != timeline.MostInteractions {
		t.Fatalf("got %d, want %d", len(all), timeline.MostInteractions)
	}
}

// A month is what the events of one category and month come to, as the store writes it: in
// parts, each sealed by itself, which are put together when they are read.
func month(t *testing.T, all []*timeline.What, cuts []int) (interactions, profile []byte) {
	t.Helper()
	var i timeline.Interactions
	var p timeline.Profile
	from := 0
	for _, to := range append(cuts, len(all)) {
		var part timeline.Interactions
		var profiled timeline.Profile
		for _, w := range all[from:to] {
			part = part.Add(w)
			profiled.Add(w, noon)
		}
		from = to
		again, err := timeline.DecodeInteractions(part.Encode())
		if err != nil {
			t.Fatal(err)
		}
		b, err := profiled.Encode()
		if err != nil {
			t.Fatal(err)
		}
		back, err := timeline.DecodeProfile(b)
		if err != nil {
			t.Fatal(err)
		}
		i, p = i.Join(again).Bounded(), p.Join(back)
	}
	b, err := p.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return i.Encode(), b
}

// Also when there is more than a row has room for.
func TestAMonthHasTheSameBytesHoweverItsRecordsWereCut(t *testing.T) {
	const seed = 11
	rnd := rand.New(rand.NewPCG(seed, 1))
	names := []string{"Product Viewed", "Product Added", "Product Added to Wishlist"}
	for round, size := range []int{200, 4000, 9000} {
		var all []*timeline.What
		for range size {
			name := names[rnd.IntN(len(names))]
			if rnd.IntN(4) == 0 {
				name = fmt.Sprintf("Named %d", rnd.IntN(300))
			}
			w := touch(name, fmt.Sprintf("SKU-%d", rnd.IntN(1500)), noon.Add(time.Duration(rnd.IntN(1000))*time.Second))
			w.Country, w.Language = []string{"", "GB", "DE"}[rnd.IntN(3)], []string{"", "en", "de"}[rnd.IntN(3)]
			all = append(all, w)
		}
		interactions, profile := month(t, all, nil)
		if size > 4000 {
			got, err := timeline.DecodeInteractions(interactions)
			if err != nil || len(got) != timeline.MostInteractions {
				t.Fatalf("%d interactions, %v: the test proves nothing about the bound", len(got), err)
			}
		}
		for range 5 {
			cuts := make([]int, rnd.IntN(40))
			for i := range cuts {
				cuts[i] = rnd.IntN(size)
			}
			slices.Sort(cuts)
			i, p := month(t, all, cuts)
			if !bytes.Equal(i, interactions) || !bytes.Equal(p, profile) {
				t.Fatalf("seed %d, round %d, cut at %v: the bytes differ (interactions %t, profile %t)", seed, round, cuts, !bytes.Equal(i, interactions), !bytes.Equal(p, profile))
			}
		}
	}
}

func TestAProfileOfTwoIsWhatOneOfBothWouldBe(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var p, q, both timeline.Profile
		for i := range rapid.IntRange(0, 30).Draw(t, "events") {
			w := touch(rapid.SampledFrom([]string{"Product Viewed", "Cart Viewed"}).Draw(t, "event"), "A", noon.Add(time.Duration(i)*time.Second))
			w.Country = rapid.SampledFrom([]string{"", "GB", "DE"}).Draw(t, "country")
			if rapid.Bool().Draw(t, "first") {
				p.Add(w, noon)
			} else {
				q.Add(w, noon)
			}
			both.Add(w, noon)
		}
		got := p.Join(q)
		if diff := cmp.Diff(both, got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("want (-) and got (+):\n%s", diff)
		}
	})
}

func TestAProfileComesBackAsItWas(t *testing.T) {
	var p timeline.Profile
	p.Add(said(viewed, `{"country":"GB"}`, `{"context":{"locale":"de_AT"}}`), noon)
	b, err := p.Encode()
	if err != nil {
		t.Fatal(err)
	}
	got, err := timeline.DecodeProfile(b)
	if diff := cmp.Diff(p, got); err != nil || diff != "" {
		t.Errorf("%v, want (-) and got (+):\n%s", err, diff)
	}
	if p.Country != "GB" || p.Language != "de" || p.Events["Product Viewed"] != 1 {
		t.Errorf("it says %+v", p)
	}
	if _, err := timeline.DecodeProfile([]byte(`{"first":7}`)); !errors.Is(err, thimble.ErrInvalid) {
		t.Errorf("got %v, want an error of kind invalid", err)
	}
}

func TestAPartThatSaysNothingIsNotCounted(t *testing.T) {
	var p timeline.Profile
	if p.Add(said(`{"properties":{"size":"38"}}`), noon) || !p.First.IsZero() {
		t.Errorf("a size alone made %+v", p)
	}
}

func TestAnOrderOfAnEventIsAnOrder(t *testing.T) {
	w := said(`{"type":"track","event":"Order Completed","time":1795953600000000,"country":"GB","properties":{"order_id":"536365","currency":"GBP","products":[{"product_id":"85123a","quantity":6,"price_minor":255,"name":"Holder"},{"sku":"71053"}]}}`)
	got, err := w.Sale(thimble.SubjectID{1})
	want := order.Order{Subject: thimble.SubjectID{1}, Number: "536365", PlacedAt: noon, Country: "GB", Lines: []order.Line{
		{Item: "85123A", Units: 6, Price: thimble.Money{Minor: 255, Currency: "GBP"}}, {Item: "71053", Units: 1, Price: thimble.Money{Currency: "GBP"}}}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v, want (-) and got (+):\n%s", err, diff)
	}
	if diff := cmp.Diff([]string{"Holder", ""}, w.Names()); diff != "" {
		t.Error(diff)
	}
	w.Name, w.Message = "Order Refunded", "0123456789ab"
	if got, err = w.Sale(thimble.SubjectID{1}); err != nil || !got.Return || got.Number != "536365/refunded/0123456789ab" {
		t.Errorf("a refund is %+v, %v", got, err)
	}
}

func TestAnOrderThatBreaksARuleIsNone(t *testing.T) {
	for name, text := range map[string]string{
		"no currency":  `{"event":"Order Completed","time":1,"properties":{"order_id":"7","products":[{"sku":"a"}]}}`,
		"no products":  `{"event":"Order Completed","time":1,"properties":{"order_id":"7","currency":"GBP"}}`,
		"no item":      `{"event":"Order Completed","time":1,"properties":{"order_id":"7","currency":"GBP","products":[{"name":"x"}]}}`,
		"less than no": `{"event":"Order Completed","time":1,"properties":{"order_id":"7","currency":"GBP","products":[{"sku":"a","quantity":-2}]}}`,
		"no time":      `{"event":"Order Completed","properties":{"order_id":"7","currency":"GBP","products":[{"sku":"a"}]}}`,
	} {
		w := said(text)
		if _, err := w.Sale(thimble.SubjectID{1}); !errors.Is(err, thimble.ErrInvalid) {
			t.Errorf("%s: got %v, want an error of kind invalid", name, err)
		}
	}
}

func TestDemandNamesNobody(t *testing.T) {
	tally := timeline.Tally{}
	tally.Add(said(viewed))
	tally.Add(said(viewed))
	tally.Add(said(`{"type":"track","event":"Products Searched","time":1795953600000000,"properties":{"query":"shirt"}}`))
	tally.Count(frame.Count{Event: "Product Viewed", Item: "ls-38", Day: 20786, N: 3})
	tally.Add(said(`{"type":"page","time":1795953600000000}`)) // a page is no event of the plan
	want := timeline.Tally{{Day: 20786, Event: "Product Viewed", Item: "ls-38"}: 5, {Day: 20786, Event: "Products Searched"}: 1}
	if diff := cmp.Diff(want, tally); diff != "" {
		t.Errorf("want (-) and got (+):\n%s", diff)
	}
}

func TestEveryEventOfThePlanHasWords(t *testing.T) {
	for _, e := range plan.Default().Events {
		w := timeline.What{Type: "track", Name: e.Name}
		if e.Call != "" {
			w = timeline.What{Type: e.Call}
		}
		if e.Call != "context" && (w.Words() == e.Name || w.Words() == "Something was noted") {
			t.Errorf("%s%s has no words", e.Name, e.Call)
		}
	}
}

func TestWhatItWasAboutIsOneLine(t *testing.T) {
	named := func(id thimble.ItemID) string {
		if id == "a" {
			return "Linen shirt"
		}
		return ""
	}
	p := func(ids ...string) (all []timeline.Product) {
		for _, id := range ids {
			all = append(all, timeline.Product{Item: thimble.ItemID(id)})
		}
		return all
	}
	for want, w := range map[string]timeline.What{
		"“shirt”": {Query: "shirt"}, "Linen shirt": {Products: p("a")}, "order 7: Linen shirt, b": {Order: "7", Products: p("a", "b")},
		"order 7": {Order: "7"}, "Linen shirt, b, c and 2 more": {Products: p("a", "b", "c", "d", "e")}, "Home": {Title: "Home"},
	} {
		if got := w.About(named); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestMonthsBeginWhereTheyBegin(t *testing.T) {
	for _, at := range []time.Time{noon, time.UnixMicro(0), noon.AddDate(40, 1, 0)} {
		begins := timeline.MonthTime(timeline.Month(at))
		if begins.After(at) || !begins.AddDate(0, 1, 0).After(at) || begins.Day() != 1 {
			t.Errorf("the month of %v begins %v", at, begins)
		}
	}
}

func TestAnEventSaysEachThingInALineOfItsOwn(t *testing.T) {
	e := timeline.NewEvent(1, 0, &frame.Record{})
	e.Opened("user.behavior.browsing_history", []byte(`{"plan":1,"type":"track","event":"Cart Viewed","time":5,"properties":{"cart_id":"c","products":[{"sku":"A"},{"sku":"B","price_minor":1999}]},"context":{"campaign":{"name":"winter"}}}`))
	e.Opened("thimble.size", []byte(`{"properties":{"products":[null,{"size":"M"}]}}`))
	e.Opened("user.device", []byte(`not JSON`))
	lines, more := e.Lines()
	var got []string
	for _, l := range lines {
		got = append(got, fmt.Sprintf("%s %s %s", l.Path, l.Shape, l.Value))
	}
	want := []string{"cart_id text c", "products[0].sku text A", "products[1].price_minor number 1999", "products[1].size text M", "products[1].sku text B", "context.campaign.name text winter"}
	if !slices.Equal(got, want) || more || lines[3].Category != "thimble.size" {
		t.Errorf("got %q, want %q", got, want)
	}
	many := timeline.NewEvent(1, 0, &frame.Record{})
	many.Opened("thimble.size", []byte(`{"properties":{"sizes":[`+strings.Repeat(`"M",`, 99)+`"M"]}}`))
	if lines, more := many.Lines(); len(lines) != timeline.MaxLines || !more {
		t.Errorf("%d lines of 100, more: %t", len(lines), more)
	}
}
