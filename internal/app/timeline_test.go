package app_test

import (
	"fmt"
	"strings"
	"testing"

	"thimble"
	"thimble/internal/collect/timelinedb"
	"thimble/internal/gate"
	"thimble/internal/session"
	"thimble/internal/thimbletest"
)

func TestPeopleSeeWhatTheyLookedAtAndNobodyElses(t *testing.T) {
	s := thimbletest.New(t)
	ada, eve, bob := s.Subject("ada"), s.Subject("eve"), s.Subject("bob")
	var many []thimble.ItemID
	for i := range 60 {
		many = append(many, thimble.ItemID(fmt.Sprintf("LOOK-%02d", i)))
	}
	s.Buys(ada, "LOOK-59") // so that the catalogue has a name for it
	s.Browses(ada, many...)
	s.Browses(eve, "EVES")
	enter := frontDoor(t, s)
	page := func(who thimble.SubjectID, query string) string {
		code, _, body := enter("thimble_customer", session.Who{Audience: session.Customer, Subject: who}).do("GET", "/privacy/events"+query, nil)
		if code != 200 {
			t.Fatalf("the page answers %d", code)
		}
		return body
	}
	first := page(ada, "")
	for text, want := range map[string]bool{"You looked at a product": true, "ITEM LOOK-59": true, "LOOK-10": true, "LOOK-09": false, "EVES": false} {
		if strings.Contains(first, text) != want {
			t.Errorf("the first page has %q: %t, want %t", text, !want, want)
		}
	}
	_, after, ok := strings.Cut(first, "after=")
	if !ok {
		t.Fatal("there is no way to the next page")
	}
	after, _, _ = strings.Cut(after, `"`)
	if second := page(ada, "?after="+after); !strings.Contains(second, "LOOK-09") || strings.Contains(second, "LOOK-10") {
		t.Error("the second page does not go on where the first ends")
	}
	if empty := page(bob, ""); !strings.Contains(empty, "Nothing is kept of your visits") {
		t.Error("an empty page does not say so")
	}
	own := enter("thimble_customer", session.Who{Audience: session.Customer, Subject: ada})
	if code, _, _ := own.do("GET", "/privacy/events?after=nonsense", nil); code != 400 && code != 422 {
		t.Errorf("a place that is none: %d", code)
	}
	if archive := fmt.Sprint(s.Archive(ada)); !strings.Contains(archive, "You looked at a product") {
		t.Error("the download lacks the events")
	}
}

func TestAWithdrawalTakesWhatWasMadeOfEvents(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		ada := s.Subject("ada", thimbletest.Allows(personalize)...)
		s.Browses(ada, "SHIRT")
		made := func() int {
			g, err := s.Gate.Open(t.Context(), gate.Request{Actor: gate.Actor{Kind: gate.Customer, Self: ada}, Subject: ada, Purpose: thimble.LegalObligation, Categories: timelinedb.ProfileCategories()})
			if err != nil {
				t.Fatal(err)
			}
			all, err := s.Timeline.Interactions(t.Context(), g)
			if err != nil {
				t.Fatal(err)
			}
			return len(all)
		}
		if made() != 1 {
			t.Fatal("nothing was made of the event")
		}
		s.Chooses(ada, thimbletest.Withdraws(personalize)...)
		if err := s.Timeline.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := made(); n != 0 {
			t.Errorf("%d interactions are left after the withdrawal", n)
		}
	})
}

func TestNothingOfTheEventsOfSomebodyErasedIsLeftAfterCompaction(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		ada := s.Subject("ada", thimbletest.Allows(personalize)...)
		s.Browses(ada, "SHIRT", "SCARF")
		s.Erase(ada)
		done, err := s.Timeline.Compact(t.Context())
		if err != nil || done.Records != 2 || done.Waiting != 0 {
			t.Errorf("compacted %+v, %v, want two records and nothing waiting", done, err)
		}
		if left := string(valuesOf(t, s.Events, "log_frames")); strings.Contains(left, string(ada[:])) {
			t.Error("the log names somebody who is gone")
		}
	})
}
