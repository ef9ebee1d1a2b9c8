package app_test

import (
	"fmt"
	"testing"
	"time"

	"thimble"
	"thimble/internal/collect/frame"
	"thimble/internal/collect/intake"
	"thimble/internal/collect/segment"
	"thimble/internal/collect/source"
	"thimble/internal/decision"
	"thimble/internal/recommend/trial"
	"thimble/internal/thimbletest"
)

// From the door for events to the counts of lists: a click comes from the browser, a purchase
// counts from the shop's server alone, and of who does not permit analytics nothing is kept.
func TestAClickAndAPurchaseOfAListAreCountedFromEvents(t *testing.T) {
	s := thimbletest.New(t)
	for i := range 12 { // articles as the door writes them, in capitals
		s.Buys(s.Subject(fmt.Sprintf("crowd-%d", i), thimbletest.Allows(personalize, train)...), "SHIRT", "BELT", thimble.ItemID(fmt.Sprintf("EXTRA-%d", i%4)))
	}
	ada := s.Subject("A-1", thimbletest.Allows(personalize, trial.Analytics)...)
	eve := s.Subject("E-1", thimbletest.Allows(personalize)...)
	s.Buys(ada, "SHIRT")
	s.Buys(eve, "SHIRT")
	s.Works()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	opened := func(name string, kind intake.Kind) intake.Source {
		draft, err := source.New(name, kind, false, nil)
		must(err)
		key, _, err := s.Sources.Add(t.Context(), draft, "mara")
		must(err)
		found, err := s.Sources.Find(t.Context(), key)
		must(err)
		return found
	}
	server, browser := opened("till", intake.Server), opened("app", intake.App)
	n := 0
	sends := func(from intake.Source, account, event, properties string) {
		t.Helper()
		n++
		now := time.Now().UTC()
		body := fmt.Sprintf(`{"messageId":"m-%d","userId":%q,"event":%q,"timestamp":%q,"properties":{%s}}`, n, account, event, now.Format(time.RFC3339Nano), properties)
		_, err := s.Intake.Take(t.Context(), from, segment.Track, []byte(body), intake.Arrival{At: now})
		must(err)
		must(s.Timeline.Flush(t.Context()))
	}
	counted := func() (out [4]int64) {
		t.Helper()
		must(s.Trials.Flush(t.Context()))
		all, err := s.Trials.Days(t.Context(), time.Time{})
		must(err)
		for _, d := range all {
			out[0], out[1], out[2], out[3] = out[0]+d.Shown, out[1]+d.Clicked, out[2]+d.Added, out[3]+d.Bought
		}
		return out
	}

	list, other := s.Sees(ada), s.Sees(eve)
	token, item := list.Decision.Token(decision.TokenPrefix), list.Entries[0].Product.ID
	of := func(token string, item thimble.ItemID) string {
		return fmt.Sprintf(`"product_id":%q,"list_id":%q`, item, token)
	}
	sends(server, "A-1", "Product Clicked", of(token, item))
	sends(server, "A-1", "Product Clicked", of(token, item)) // twice
	sends(server, "A-1", "Product Added", of(token, item))
	sends(server, "A-1", "Product Added", `"product_id":"scarf","list_id":"winter-sale"`) // a list of the shop's own
	sends(server, "E-1", "Product Clicked", of(other.Decision.Token(decision.TokenPrefix), other.Entries[0].Product.ID))
	order := func(number string) string {
		return fmt.Sprintf(`"order_id":%q,"currency":"GBP","products":[{"product_id":"scarf","quantity":1,"price":9.5},{%s,"quantity":1,"price":19.95}]`, number, of(token, item))
	}
	// An order of which a browser speaks is in the log too.
	r := frame.Record{ID: thimble.ID{1}, Subject: ada, Received: time.Now().UnixMicro(), Source: browser.Number}
	sealed, err := s.Vault.Seal(t.Context(), frame.PartCell(&r, thimble.PurchaseHistory), fmt.Appendf(nil, `{"plan":1,"type":"track","event":"Order Completed","properties":{%s}}`, order("N-1")))
	must(err)
	r.Parts = []frame.Part{{Category: thimble.PurchaseHistory, Sealed: sealed}}
	_, err = s.Frames.Append(t.Context(), []frame.Record{r})
	must(err)
	must(s.Timeline.Flush(t.Context()))
	if got, want := counted(), [4]int64{1, 1, 1, 0}; got != want {
		t.Errorf("shown, clicked, put in the basket, bought: %v, want %v", got, want)
	}
	sends(server, "A-1", "Order Completed", order("N-2"))
	if got, want := counted(), [4]int64{1, 1, 1, 1}; got != want {
		t.Errorf("with the server's order: %v, want %v", got, want)
	}
	s.Chooses(ada, thimbletest.Withdraws(trial.Analytics)...)
	sends(server, "A-1", "Product Clicked", of(token, list.Entries[1].Product.ID))
	if got, want := counted(), [4]int64{1, 1, 1, 1}; got != want {
		t.Errorf("after a no: %v, want %v", got, want)
	}
}
