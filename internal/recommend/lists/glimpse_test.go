package lists_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"thimble"
	"thimble/internal/app"
	"thimble/internal/datamap"
	"thimble/internal/gate"
	"thimble/internal/recommend/lists"
	"thimble/internal/recommend/taste"
	"thimble/internal/recommend/trial"
	"thimble/internal/sqldb"
	"thimble/internal/thimbletest"
)

// glimpse is the list of a person as staff see it, at the place where [thimbletest.Shop.Sees] looks.
func (l *learner) glimpse(who thimble.SubjectID) lists.Glimpse {
	l.TB.Helper()
	g, opened := l.staff(who)
	out, err := l.App.Shop.Glimpse(l.TB.Context(), g, opened, "test", 10)
	l.no(l.TB, err)
	return out
}

// staff opens for a member of the staff what a person's list is made from.
func (l *learner) staff(who thimble.SubjectID) (*gate.Grant, []thimble.Category) {
	l.TB.Helper()
	from, err := l.App.Shop.MadeFrom(l.TB.Context(), who)
	l.no(l.TB, err)
	opened := append([]thimble.Category{thimble.PrivacyPreferences}, from...)
	g, err := l.Gate.Open(l.TB.Context(), gate.Request{Actor: gate.Actor{Kind: gate.Staff, Name: app.Owner}, Subject: who, Purpose: thimble.SupportOperations, Categories: opened, Reason: thimble.Hide("you asked what you are shown")})
	l.no(l.TB, err)
	return g, opened
}

// left is what lies in every table of core that a list can leave something in: of all but
// the ledger and the log of uses, how many rows, and of what is counted how much.
func (l *learner) left() map[string]int64 {
	l.TB.Helper()
	l.no(l.TB, l.Trials.Flush(l.TB.Context()))
	all := map[string]int64{}
	read := func(name, query string) {
		l.no(l.TB, l.Core.Read(l.TB.Context(), func(tx *sqldb.Tx) error {
			var n int64
			err := tx.QueryRow(l.TB.Context(), query).Scan(&n)
			all[name] = n
			return err
		}))
	}
	for _, t := range datamap.All() {
		if t.Set == sqldb.Core && !strings.HasPrefix(t.Name, "ledger_") && !strings.HasPrefix(t.Name, "gate_") {
			read(t.Name, "select count(*) from "+t.Name)
		}
	}
	read("lists of people in experiments", "select coalesce(sum(shown), 0) from recommend_trial_people")
	read("lists by day", "select coalesce(sum(shown), 0) from recommend_days")
	return all
}

// told is what of a list somebody reads: products, scores and reasons.
func told(l lists.List) (all []string) {
	for _, e := range l.Entries {
		line := fmt.Sprintf("%s %d:", e.Product.ID, e.Score)
		for _, t := range e.Terms {
			line += fmt.Sprintf(" %s %d %s %t", t.Because.ID, t.Share, t.Did, t.Unwanted)
		}
		all = append(all, line)
	}
	return append(all, fmt.Sprint(l.Personal, l.Why, l.Model, l.Rules, l.Applied))
}

func TestStaffSeeJustTheListThatThePersonIsShown(t *testing.T) {
	dressed(t, func(t *testing.T, l *learner) {
		both, looked, none, silent := l.person(), l.person(), l.person(), l.Subject("silent")
		for _, who := range []thimble.SubjectID{both, looked, none, silent} {
			if who != looked {
				l.Buys(who, "SHIRT")
			}
			l.Browses(who, "EXTRA-1", "EXTRA-2")
		}
		l.Chooses(none, thimbletest.Withdraws(thimble.PersonalizeContent)...)
		l.Works()
		less := l.person()
		l.Buys(less, "SHIRT", "EXTRA-3")
		l.says(less, false, taste.Choice{Kind: taste.Less, Item: "EXTRA-3"}, taste.Choice{Kind: taste.Less, Category: "other"})
		l.Works()
		for name, who := range map[string]thimble.SubjectID{"who bought and looked": both, "who only looked": looked, "who takes it back": none, "who was never asked": silent, "who wants less of something": less} {
			seen := l.glimpse(who)
			if diff := cmp.Diff(told(l.Sees(who)), told(seen.List)); diff != "" {
				t.Errorf("%s: what is shown, and what staff see:\n%s", name, diff)
			}
			for _, e := range seen.Entries {
				sum := e.Moved
				for _, term := range e.Terms {
					sum += term.Share
				}
				if seen.Personal && sum != e.Score+e.Moved {
					t.Errorf("%s: the terms of %s sum to %d, its score is %d", name, e.Product.ID, sum, e.Score)
				}
			}
		}
		if !l.glimpse(both).Personal || l.glimpse(silent).Personal {
			t.Error("of who permits a list it is to be personal, of who was never asked not")
		}
		if from, err := l.App.Shop.MadeFrom(t.Context(), none); err != nil || len(from) != 0 {
			t.Errorf("the list of somebody who refuses is made from %v, %v", from, err)
		}
	})
}

func TestAGlimpseIsNoListOfThePerson(t *testing.T) {
	crowded(t, func(t *testing.T, l *learner) {
		ada := l.person()
		l.Chooses(ada, thimbletest.Allows(trial.Analytics)...)
		l.Buys(ada, "shirt")
		l.Works()
		_, err := l.Trials.Start(t.Context(), trial.Design{
			Name: "a drawn entry", Placements: []string{"test"}, Primary: trial.Buyers, Window: 7, MinDays: 7, MaxDays: 14, MinPeople: 100,
			Variants: []trial.Variant{{Name: "by lots", Serve: trial.Champion, Share: 5000, Explore: &trial.Exploration{PerMille: 100, Among: 2}}, {Name: "as it is", Serve: trial.Champion, Share: 5000, Explore: &trial.Exploration{PerMille: 100, Among: 3}}},
		}, "mia", "to see")
		l.no(t, err)
		before := l.left()
		for range 3 { // the second time as the first
			l.glimpse(ada)
		}
		if diff := cmp.Diff(before, l.left()); diff != "" {
			t.Errorf("a look at the list has left something behind:\n%s", diff)
		}
		l.no(t, l.Uses.Flush(t.Context()))
		uses, err := l.Uses.Of(t.Context(), ada, 100)
		l.no(t, err)
		looks := 0
		for _, u := range uses {
			if u.Kind == gate.Staff {
				looks++
			}
			if u.Kind == gate.Machine && u.Purpose != thimble.TrainAISystem {
				t.Errorf("a look counts as a use by %s for %s", u.Actor, u.Purpose)
			}
		}
		if looks != 3 {
			t.Errorf("%d looks by staff are recorded, want 3", looks)
		}
		// The same, shown, is told apart: so the test would see it.
		l.Sees(ada)
		if after := l.left(); after["recommend_trial_people"] != before["recommend_trial_people"]+1 || after["decision_decisions"] != before["decision_decisions"]+1 || after["lists by day"] != before["lists by day"]+1 {
			t.Errorf("a list that is shown leaves nothing behind: %v", after)
		}
	})
}

func TestAGlimpseOpensNoMoreThanThePersonPermitsForTheirList(t *testing.T) {
	dressed(t, func(t *testing.T, l *learner) {
		ada := l.person()
		l.Buys(ada, "SHIRT")
		g, opened := l.staff(ada)
		if _, err := l.App.Shop.Glimpse(t.Context(), g, slices.DeleteFunc(slices.Clone(opened), func(c thimble.Category) bool { return c == thimble.PurchaseHistory }), "test", 10); !errors.Is(err, thimble.ErrConflict) {
			t.Errorf("with a grant for less than the list is made from: %v", err)
		}
		l.Chooses(ada, thimbletest.Withdraws(thimble.PersonalizeContent)...)
		l.Works()
		// A grant from before, of somebody who has taken it back since: nothing of theirs is opened.
		seen, err := l.App.Shop.Glimpse(t.Context(), g, opened, "test", 10)
		l.no(t, err)
		if seen.Personal {
			t.Error("the list is personal of somebody who has taken it back")
		}
		if diff := cmp.Diff(told(l.Sees(ada)), told(seen.List)); diff != "" {
			t.Error(diff)
		}
	})
}
