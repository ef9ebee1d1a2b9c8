package trialdb_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/recommend/trial"
	"thimble/internal/sqldb"
)

func TestWhoDoesNotPermitAnalyticsSeesTheListAsItIsAndCountsNowhere(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		id := s.starts(halves("home"))
		who := s.Person(t)
		s.Chooses(t, who, consent.Choice{Purpose: thimble.PersonalizeContent, State: consent.Given})
		seat := s.db.Assign(t.Context(), who, "home")
		s.db.Shown(t.Context(), seat, 7)
		s.must(s.db.Feedback(t.Context(), trial.Feedback{Subject: who, Placement: "home", Item: "shirt", What: trial.Clicked}))
		s.must(s.db.Flush(t.Context()))
		if days, err := s.db.Days(t.Context(), time.Time{}); seat != (trial.Seat{}) || err != nil || len(days) != 0 {
			t.Errorf("seat %+v, days %+v, %v", seat, days, err)
		}
		if _, _, assigned, _ := sum(s.groups(id), trial.Clicks); assigned != 0 {
			t.Errorf("%d people are counted", assigned)
		}
		stranger, err := thimble.NewSubjectID(nil)
		s.must(err)
		s.must(s.db.Feedback(t.Context(), trial.Feedback{Subject: stranger, Placement: "home", Item: "shirt", What: trial.Clicked}))
	})
}

func TestAPersonStaysInTheirGroupAndCountsWhenTheirDaysAreOver(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		id := s.starts(halves("home"))
		ada := s.permits(t)
		first := s.db.Assign(t.Context(), ada, "home")
		s.buys(ada, 3000, false)
		s.buys(ada, 1000, true)
		s.days(6)
		if again := s.db.Assign(t.Context(), ada, "home"); again.In != id || again.Variant != first.Variant {
			t.Errorf("first %+v, then %+v", first, again)
		}
		if elsewhere := s.db.Assign(t.Context(), ada, "basket"); !elsewhere.In.IsZero() || !elsewhere.Counts {
			t.Errorf("where nothing runs: %+v", elsewhere)
		}
		if _, _, assigned, closed := sum(s.groups(id), trial.Revenue); assigned != 1 || closed != 0 {
			t.Errorf("before their days are over: %d assigned, %d closed", assigned, closed)
		}
		s.days(1)
		s.buys(ada, 9000, false) // after their days
		s.db.Assign(t.Context(), ada, "home")
		s.days(1)
		groups := s.groups(id)
		revenue, _, assigned, closed := sum(groups, trial.Revenue)
		_, shown, _, _ := sum(groups, trial.Clicks)
		orders, _, _, _ := sum(groups, trial.Orders)
		if revenue != 2000 || orders != 1 || shown != 2 || assigned != 1 || closed != 1 {
			t.Errorf("revenue %v, orders %v, lists %v, assigned %d, closed %d", revenue, orders, shown, assigned, closed)
		}
	})
}

func TestOneExperimentAtATimeRunsAtAPlacement(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		id := s.starts(halves("home"))
		both := halves("home")
		both.Placements = []string{"basket", "home"}
		if _, err := s.db.Start(t.Context(), both, "mia", "two at once"); !errors.Is(err, thimble.ErrConflict) {
			t.Errorf("a second one: %v", err)
		}
		s.starts(halves("basket")) // the refused one has not taken it
		s.must(s.db.Stop(t.Context(), id, "mia", "seen enough"))
		if err := s.db.Stop(t.Context(), id, "mia", "again"); !errors.Is(err, thimble.ErrConflict) {
			t.Errorf("stopped twice: %v", err)
		}
		s.starts(both2(both))
	})
}

func both2(d trial.Design) trial.Design {
	d.Placements = []string{"home"}
	return d
}

func TestAReportCountsOnceAndOnlyOfAnEntryOfTheList(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		id := s.starts(halves("home"))
		ada := s.permits(t)
		s.db.Shown(t.Context(), s.db.Assign(t.Context(), ada, "home"), 7)
		list := s.decides(ada, "home", "shirt", "scarf")
		click := trial.Feedback{Decision: list, Item: "shirt", What: trial.Clicked}
		for range 3 {
			s.must(s.db.Feedback(t.Context(), click))
		}
		s.must(s.db.Feedback(t.Context(), trial.Feedback{Decision: list, Item: "scarf", What: trial.Added}))
		if fault, ok := errors.AsType[*trial.Fault](s.db.Feedback(t.Context(), trial.Feedback{Decision: list, Item: "coat", What: trial.Clicked})); !ok || fault.Field != "item" {
			t.Errorf("an item that was not listed: %v", fault)
		}
		if err := s.db.Feedback(t.Context(), trial.Feedback{Decision: thimble.ID{9}, Item: "shirt", What: trial.Clicked}); !errors.Is(err, thimble.ErrNotFound) {
			t.Errorf("a decision that is not there: %v", err)
		}
		s.must(s.db.Flush(t.Context()))
		days, err := s.db.Days(t.Context(), time.Time{})
		s.must(err)
		if len(days) != 1 || days[0].Model != 7 || days[0].Shown != 1 || days[0].Clicked != 1 || days[0].Added != 1 || days[0].Bought != 0 {
			t.Errorf("days %+v", days)
		}
		s.days(8)
		if x, y, _, _ := sum(s.groups(id), trial.Clicks); x != 1 || y != 1 {
			t.Errorf("%v clicks of %v lists", x, y)
		}
	})
}

// TestWhoLeavesIsOutOfWhatWasCounted: by an erasure, a withdrawal, an objection.
func TestWhoLeavesIsOutOfWhatWasCounted(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		for name, leave := range map[string]func(thimble.SubjectID){
			"erased":  func(who thimble.SubjectID) { _, err := s.db.Erase(t.Context(), who); s.must(err) },
			"objects": func(who thimble.SubjectID) { s.must(s.db.Object(t.Context(), who, trial.Analytics)) },
			"takes back being counted": func(who thimble.SubjectID) {
				s.Chooses(t, who, consent.Choice{Purpose: trial.Analytics, State: consent.Withdrawn})
			},
			"takes back lists": func(who thimble.SubjectID) {
				s.Chooses(t, who, consent.Choice{Purpose: thimble.PersonalizeContent, State: consent.Withdrawn})
			},
		} {
			place := fmt.Sprintf("place-%d", len(name))
			id := s.starts(halves(place))
			ada, bob := s.permits(t), s.permits(t)
			s.db.Assign(t.Context(), ada, place)
			s.db.Assign(t.Context(), bob, place)
			if _, _, n, _ := sum(s.groups(id), trial.Clicks); n != 2 {
				t.Fatalf("%s: %d before", name, n)
			}
			asked := s.asked
			leave(ada)
			e, err := s.db.Get(t.Context(), id)
			s.must(err)
			if e.Groups != nil || s.asked == asked {
				t.Errorf("%s: what was counted with them is still shown, or no count was asked for", name)
			}
			if _, _, n, _ := sum(s.groups(id), trial.Clicks); n != 1 {
				t.Errorf("%s: %d after, want the other", name, n)
			}
		}
	})
}

// TestWhoIsRestrictedIsKeptAndNotCounted, as long as they are.
func TestWhoIsRestrictedIsKeptAndNotCounted(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		id := s.starts(halves("home"))
		ada := s.permits(t)
		s.db.Assign(t.Context(), ada, "home")
		for _, on := range []bool{true, false} {
			s.must(s.Core.Write(t.Context(), func(tx *sqldb.Tx) error { return s.people.SetRestricted(t.Context(), tx, ada, on) }))
			s.must(s.db.Restrict(t.Context(), ada, on))
			if _, _, n, _ := sum(s.groups(id), trial.Clicks); (n == 0) != on {
				t.Errorf("restricted %v: %d counted", on, n)
			}
		}
	})
}

func TestAStoppedExperimentCountsOnlyWhoseDaysAreOver(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		id := s.starts(halves("home"))
		ada, bob := s.permits(t), s.permits(t)
		s.db.Assign(t.Context(), ada, "home")
		s.days(5)
		s.db.Assign(t.Context(), bob, "home")
		s.days(3)
		s.must(s.db.Stop(t.Context(), id, "mia", "seen enough"))
		if seat := s.db.Assign(t.Context(), bob, "home"); !seat.In.IsZero() {
			t.Errorf("after the stop: %+v", seat)
		}
		if _, _, assigned, closed := sum(s.groups(id), trial.Revenue); assigned != 1 || closed != 1 {
			t.Errorf("%d assigned, %d closed, want the first only", assigned, closed)
		}
	})
}

func TestAnExperimentEndsByItselfAndEachActIsALeaf(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		id := s.starts(halves("home"))
		s.days(60)
		if seat := s.db.Assign(t.Context(), s.permits(t), "home"); !seat.In.IsZero() {
			t.Errorf("at its end: %+v", seat)
		}
		for range 2 {
			s.must(s.db.Tally(t.Context()))
		}
		e, err := s.db.Get(t.Context(), id)
		s.must(err)
		acts, err := s.db.Acts(t.Context(), id)
		s.must(err)
		if e.Ended.IsZero() || len(acts) != 2 || acts[0].Act != "start" || acts[0].Staff != "mia" || acts[1].Act != "end" || acts[1].Staff != "" {
			t.Errorf("ended %v, acts %+v", e.Ended, acts)
		}
		claims := 0
		for c, err := range s.db.Claims(t.Context()) {
			s.must(err)
			if c.Rule != "" || c.Table != "recommend_trial_acts" {
				t.Errorf("claim %+v", c)
			}
			claims++
		}
		if claims != 2 {
			t.Errorf("%d claims of 2 acts", claims)
		}
	})
}

// TestWhatWasFixedCannotBeChangedUnseen: the leaf holds the design.
func TestWhatWasFixedCannotBeChangedUnseen(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		s.starts(halves("home"))
		s.changes(`update recommend_trials set design = replace(design, '"primary":"revenue"', '"primary":"clicks"')`)
		for c, err := range s.db.Claims(t.Context()) {
			s.must(err)
			if c.Rule == "" {
				t.Error("another measure than that of the start is not noticed")
			}
		}
	})
}
