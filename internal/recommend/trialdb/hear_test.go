package trialdb_test

import (
	"testing"
	"time"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/decision"
	"thimble/internal/recommend/trial"
)

// heard is what of what events said was counted, of all lists.
func (s *shop) heard() (clicked, added, bought int64) {
	s.t.Helper()
	days, err := s.db.Days(s.t.Context(), time.Time{})
	s.must(err)
	for _, d := range days {
		clicked, added, bought = clicked+d.Clicked, added+d.Added, bought+d.Bought
	}
	return clicked, added, bought
}

func TestWhatEventsSayOfListsCountsAsReportsDo(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		id := s.starts(halves("home"))
		ada := s.permits(t)
		for range 3 {
			s.db.Shown(t.Context(), s.db.Assign(t.Context(), ada, "home"), 7)
		}
		list := s.decides(ada, "home", "shirt", "scarf").Token(decision.TokenPrefix)
		s.now = s.now.Add(time.Minute)
		says := func(who thimble.SubjectID, list string, item thimble.ItemID, what trial.What) {
			t.Helper()
			s.must(s.db.Hear(t.Context(), trial.Event{Who: who, List: list, Item: item, What: what, At: s.time()}))
		}
		for range 3 {
			says(ada, list, "shirt", trial.Clicked) // told again, and clicked again
		}
		report, _ := trial.Event{Who: ada, List: list, Item: "shirt", What: trial.Clicked}.Feedback()
		s.must(s.db.Feedback(t.Context(), report)) // and reported by the shop's server
		says(ada, list, "scarf", trial.Added)
		says(ada, list, "scarf", trial.Bought)
		says(ada, "home", "hat", trial.Clicked) // of the popular list there
		if c, a, b := s.heard(); c != 2 || a != 1 || b != 1 {
			t.Errorf("%d clicks, %d put in the basket, %d bought, want 2, 1 and 1", c, a, b)
		}

		bob, eve := s.permits(t), s.Person(t)
		says(bob, list, "shirt", trial.Clicked)                                      // somebody else's list
		says(eve, "home", "shirt", trial.Clicked)                                    // was never asked
		says(ada, list, "coat", trial.Clicked)                                       // was not in it
		says(ada, "hot deals", "shirt", trial.Clicked)                               // the shop's own list
		says(ada, "ada@example.org", "shirt", trial.Clicked)                         // anything at all
		says(ada, "nowhere", "shirt", trial.Clicked)                                 // where no list was shown
		says(ada, thimble.ID{9}.Token(decision.TokenPrefix), "shirt", trial.Clicked) // no such decision
		s.Chooses(t, bob, consent.Choice{Purpose: trial.Analytics, State: consent.Withdrawn})
		says(bob, "home", "shirt", trial.Clicked)
		if c, a, b := s.heard(); c != 2 || a != 1 || b != 1 {
			t.Errorf("with what must not count: %d clicks, %d, %d, want 2, 1 and 1", c, a, b)
		}
		s.days(8)
		says(ada, list, "scarf", trial.Clicked) // their days are over: it counts of the list, and not of them
		if x, y, _, _ := sum(s.groups(id), trial.Clicks); x != 2 || y != 3 {
			t.Errorf("%v clicks of %v lists in the experiment, want 2 of 3", x, y)
		}
		_, err := s.db.Erase(t.Context(), ada)
		s.must(err)
		if x, _, n, _ := sum(s.groups(id), trial.Clicks); x != 0 || n != 0 {
			t.Errorf("%v clicks of %d people after the erasure", x, n)
		}
	})
}
