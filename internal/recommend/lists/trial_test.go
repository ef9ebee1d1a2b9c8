package lists_test

import (
	"slices"
	"testing"

	"thimble"
	"thimble/internal/decision/decisiondb"
	"thimble/internal/gate"
	"thimble/internal/recommend"
	"thimble/internal/recommend/lists"
	"thimble/internal/recommend/trial"
	"thimble/internal/registry"
	"thimble/internal/sqldb"
	"thimble/internal/thimbletest"
)

// sits has somebody sit in a group of an experiment since now, whatever the lot says.
func (l *learner) sits(who thimble.SubjectID, in thimble.ID, variant int) {
	l.TB.Helper()
	l.no(l.TB, l.Core.Write(l.TB.Context(), func(tx *sqldb.Tx) error {
		_, err := tx.Exec(l.TB.Context(), `insert into recommend_trial_people (subject_id, trial_id, variant, at, shown, clicked, added, closed, orders, revenue) values ($1, $2, $3, $4, 0, 0, 0, 0, 0, 0)`,
			who, in, variant, l.App.Trials.Now().UnixMicro())
		return err
	}))
}

// tries starts an experiment where [thimbletest.Shop.Sees] looks, of what everybody gets and another.
func (l *learner) tries(other trial.Variant) thimble.ID {
	l.TB.Helper()
	d := trial.Design{Name: "another list", Placements: []string{"test"}, Primary: trial.Buyers, Window: 7, MinDays: 7, MaxDays: 14, MinPeople: 100,
		Variants: []trial.Variant{{Name: "as it is", Serve: trial.Champion, Share: 9000}, other}}
	if other.Serve == trial.Popular {
		slices.Reverse(d.Variants)
	}
	id, err := l.Trials.Start(l.TB.Context(), d, "mia", "to see which is better")
	l.no(l.TB, err)
	return id
}

// counted makes somebody who may be counted and has something to make a list from.
func (l *learner) counted() thimble.SubjectID {
	l.TB.Helper()
	who := l.person()
	l.Chooses(who, thimbletest.Allows(trial.Analytics)...)
	l.Buys(who, "shirt")
	return who
}

func TestWhoIsHeldOutSeesThePopularListIsToldSoAndIsCounted(t *testing.T) {
	crowded(t, func(t *testing.T, l *learner) {
		ada, eve := l.counted(), l.counted()
		id := l.tries(trial.Variant{Name: "popular list", Serve: trial.Popular, Share: 1000})
		l.sits(ada, id, 0)
		l.sits(eve, id, 1)
		before := l.left()
		list := l.Sees(ada)
		if list.Personal || list.Why != "Not personal, because you are in the group to which we compare: you allow that lists are compared, and can end it among your choices." || !list.Decision.IsZero() {
			t.Errorf("held out: personal %t, %q", list.Personal, list.Why)
		}
		if list := l.Sees(eve); !list.Personal || list.Decision.IsZero() {
			t.Errorf("in the other group: personal %t, %s", list.Personal, list.Why)
		}
		after := l.left()
		if n := after["lists of people in experiments"] - before["lists of people in experiments"]; n != 2 {
			t.Errorf("%d lists of people are counted, want one of each", n)
		}
		if n := after["lists by day"] - before["lists by day"]; n != 2 || after["decision_decisions"] != before["decision_decisions"]+1 {
			t.Errorf("%d lists by day, want the popular one among them, and one decision", n)
		}
		if seen := l.glimpse(ada); seen.Personal || seen.Why != list.Why {
			t.Errorf("staff see: personal %t, %q", seen.Personal, seen.Why)
		}
		// Whoever takes it back is not compared any more, from the next list on.
		l.Chooses(ada, thimbletest.Withdraws(trial.Analytics)...)
		if list := l.Sees(ada); !list.Personal {
			t.Errorf("when she is not compared any more: %s", list.Why)
		}
	})
}

func TestTheGroupOfTheChallengerSeesItAsLongAsThereIsOne(t *testing.T) {
	crowded(t, func(t *testing.T, l *learner) {
		ada, eve := l.counted(), l.counted()
		id := l.tries(trial.Variant{Name: "challenger", Serve: trial.Challenger, Share: 1000})
		l.sits(ada, id, 1)
		l.sits(eve, id, 0)
		l.Works()
		champion, _ := l.App.Shop.Version()
		if list := l.Sees(ada); list.Model != champion.Number {
			t.Errorf("without a challenger version %d is shown, want %d", list.Model, champion.Number)
		}
		better := recommend.DefaultRecipe()
		better.Name, better.Steps = "default-tuned", 4
		tuning, err := l.Tunings.Start(t.Context(), "mia")
		l.no(t, err)
		l.no(t, l.Tunings.Finish(t.Context(), tuning, recommend.TuneReport{Recipe: better, Points: []recommend.TunePoint{{Recipe: better}}}))
		_, err = l.Tunings.Choose(t.Context(), tuning, better, "mia", "it was better on what came after")
		l.no(t, err)
		_, err = l.App.Shop.TrainAs(t.Context(), lists.Training{Reason: "to be compared", Stage: registry.Challenger})
		l.no(t, err)
		challenger := l.stage(registry.Challenger)
		if challenger.Lineage.Chosen == nil {
			t.Error("the challenger does not say who chose its recipe")
		}
		for range 2 { // from its file, and from memory
			if list := l.Sees(ada); list.Model != challenger.Number || !list.Personal {
				t.Errorf("in its group version %d is shown, want %d", list.Model, challenger.Number)
			}
		}
		if list := l.Sees(eve); list.Model == challenger.Number {
			t.Error("outside of its group the challenger is shown")
		}
		if seen := l.glimpse(ada); seen.Model != challenger.Number {
			t.Errorf("staff see version %d of who sees %d", seen.Model, challenger.Number)
		}
		l.no(t, l.App.Shop.Revoke(t.Context(), challenger.Number, byHand))
		if list := l.Sees(ada); list.Model == challenger.Number {
			t.Error("a challenger that was revoked is shown")
		}
	})
}

func TestADrawnEntryHasItsExactChanceInTheRecord(t *testing.T) {
	dressed(t, func(t *testing.T, l *learner) {
		ada := l.counted()
		l.Buys(ada, "SHIRT")
		id := l.tries(trial.Variant{Name: "by lots", Serve: trial.Champion, Share: 1000, Explore: &trial.Exploration{PerMille: 100, Among: 3}})
		l.sits(ada, id, 1)
		l.Works()
		sees := func(n int) (lists.List, bool) {
			list, err := l.App.Shop.ForYou(t.Context(), gate.Actor{Kind: gate.Machine, Name: "recommend"}, ada, "test", n)
			l.no(t, err)
			sealed, err := l.Decisions.Get(t.Context(), list.Decision)
			l.no(t, err)
			r, _, err := decisiondb.Open(t.Context(), l.own(ada), sealed)
			l.no(t, err)
			l.no(t, r.Check())
			if r.Propensity == nil {
				return list, false
			}
			if p := *r.Propensity; p.Of != 3000 || p.Parts != 100 && p.Parts != 100+900*3 {
				t.Errorf("the chance is %d of %d, want that of who is drawn or of who stands there", p.Parts, p.Of)
			}
			return list, true
		}
		if list, drawn := sees(2); !drawn || len(list.Entries) != 2 {
			t.Errorf("of two entries: drawn %t, %v", drawn, items(list))
		}
		if list, drawn := sees(50); drawn {
			t.Errorf("a list that is not full is drawn: %v", items(list))
		}
		g, opened := l.staff(ada)
		seen, err := l.App.Shop.Glimpse(t.Context(), g, opened, "test", 2)
		l.no(t, err)
		if !seen.Lots || len(seen.Entries) != 2 {
			t.Errorf("staff are not told that lots draw: %+v", seen.Lots)
		}
	})
}
