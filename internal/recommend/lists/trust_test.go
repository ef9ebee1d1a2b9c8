package lists_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/recommend"
	"thimble/internal/recommend/suspectdb"
	"thimble/internal/registry"
	"thimble/internal/thimbletest"
)

// regulars gives the shop people who bought first years ago.
func (l *learner) regulars(n int) {
	for i := range n {
		l.BuysOn(time.Date(2020, 1, 1+i, 9, 0, 0, 0, time.UTC), l.person(), "shirt", "belt", thimble.ItemID(fmt.Sprintf("extra-%d", i%4)))
	}
}

// newcomers gives it people who buy today.
func (l *learner) newcomers(n int, items ...thimble.ItemID) {
	for range n {
		l.BuysOn(time.Now().UTC().Truncate(time.Second), l.person(), items...)
	}
}

func (l *learner) trains() {
	l.TB.Helper()
	l.Works()
	_, err := l.App.Shop.Train(context.Background(), "a test", nil)
	l.no(l.TB, err)
}

func TestWhereMostAreTrustedTheOthersAreCappedAndLookedAt(t *testing.T) {
	l := &learner{Shop: thimbletest.New(t)}
	l.regulars(20)
	l.newcomers(12, "shirt", "ring")
	l.trains()
	r := l.recipe()
	if r.UntrustedCap == 0 || r.TrustedBefore == 0 || r.ChoiceKey == 0 {
		t.Errorf("recipe %+v, want caps, an age and a key", r)
	}
	l.no(t, same(l.keeps(t)))
	all, err := l.App.Suspects.Findings(t.Context(), 10)
	l.no(t, err)
	if len(all) != 1 || all[0].Item != "ring" || all[0].People != 12 || all[0].State != suspectdb.Open || !strings.Contains(all[0].Why, "12 of 12 people") {
		t.Errorf("findings = %+v, want the ring's twelve", all)
	}

	// Who comes later is no more trusted, and the key stays.
	l.newcomers(1, "shirt", "belt")
	l.trains()
	if again := l.recipe(); again.ChoiceKey != r.ChoiceKey || again.UntrustedCap != r.UntrustedCap {
		t.Errorf("recipe %+v after %+v, want the same caps and lot", again, r)
	}
	l.no(t, same(l.keeps(t)))
}

func TestInAYoungShopEverybodyCounts(t *testing.T) {
	l := &learner{Shop: thimbletest.New(t)}
	l.newcomers(12, "shirt", "ring")
	l.trains()
	if r := l.recipe(); r.UntrustedCap != 0 {
		t.Errorf("recipe %+v, want no caps where nobody is of an age", r)
	}
	if got := l.stage(registry.Champion).Card.Data.People; got != 12 {
		t.Errorf("learned from %d people, want 12", got)
	}
	all, err := l.App.Suspects.Findings(t.Context(), 10)
	l.no(t, err)
	if len(all) != 0 {
		t.Errorf("findings = %+v, want none", all)
	}
}

func TestOneOrderOfTodayMakesNothingElseOld(t *testing.T) {
	l := &learner{Shop: thimbletest.New(t)}
	l.regulars(20)
	l.newcomers(1, "shirt", "belt")
	l.trains()
	asleep := recommend.Month(time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC))
	if r := l.recipe(); r.DecayEpoch != asleep || r.HalfLife != 2 || r.MostHalvings != 2 {
		t.Errorf("weights are whole in %d, halved every %d months, %d times at most; want %d, 2, 2", r.DecayEpoch, r.HalfLife, r.MostHalvings, asleep)
	}
	l.no(t, same(l.keeps(t)))

	// With more of them the shop is awake, and what they buy counts more than what was bought then.
	l.newcomers(5, "shirt", "belt")
	l.trains()
	if r := l.recipe(); r.DecayEpoch < recommend.Month(time.Now())-1 {
		t.Errorf("weights are whole in %d, want this month", r.DecayEpoch)
	}
	l.no(t, same(l.keeps(t)))
}
