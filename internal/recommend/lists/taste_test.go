package lists_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"thimble"
	"thimble/internal/decision/decisiondb"
	"thimble/internal/gate"
	"thimble/internal/recommend/taste"
	"thimble/internal/recommend/tastedb"
	"thimble/internal/sqldb"
	"thimble/internal/thimbletest"
)

// says has a person say something about their lists, or undo it.
func (l *learner) says(who thimble.SubjectID, undo bool, choices ...taste.Choice) {
	l.TB.Helper()
	_, err := l.Tastes.Say(l.TB.Context(), who, tastedb.Said{Choices: choices, Undo: undo, By: taste.By{Auth: "session", Component: "test"}})
	l.no(l.TB, err)
	// What is learned anew meanwhile is left out of lists, and of a shop as small as this
	// nothing else is there.
	l.Works()
}

// own opens what is somebody's own to them.
func (l *learner) own(who thimble.SubjectID) *gate.Grant {
	l.TB.Helper()
	g, err := l.Gate.Open(l.TB.Context(), gate.Request{Actor: gate.Actor{Kind: gate.Customer, Self: who}, Subject: who, Purpose: thimble.LegalObligation, Categories: []thimble.Category{thimble.AutomatedDecision}})
	l.no(l.TB, err)
	return g
}

// named are all items that a list of somebody shows, and all that its decision names as
// reasons.
func (l *learner) named(who thimble.SubjectID) (shown, because map[thimble.ItemID]bool, personal bool) {
	l.TB.Helper()
	shown, because = map[thimble.ItemID]bool{}, map[thimble.ItemID]bool{}
	list := l.Sees(who)
	if !list.Personal {
		return shown, because, false
	}
	g := l.own(who)
	sealed, err := l.Decisions.Get(l.TB.Context(), list.Decision)
	l.no(l.TB, err)
	r, _, err := decisiondb.Open(l.TB.Context(), g, sealed)
	l.no(l.TB, err)
	l.no(l.TB, r.Check())
	if same, known := l.App.Shop.Compare(r); !same || !known {
		l.TB.Errorf("the model that decided says otherwise: same %t, known %t", same, known)
	}
	for _, res := range r.Results {
		shown[res.Item] = true
		for _, t := range res.Terms {
			because[t.Because] = true
		}
	}
	return shown, because, true
}

func TestWhatAPersonSaysAboutTheirListsCountsAtTheNextOne(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		l := &learner{Shop: s}
		ada := l.person()
		l.Buys(ada, "shirt", "belt")
		l.crowd()
		l.Works()
		shown, because, ok := l.named(ada)
		if !ok || len(shown) < 2 || !because["shirt"] {
			t.Fatalf("before she says anything she is shown %v because of %v", shown, because)
		}
		var one thimble.ItemID
		for id := range shown {
			one = max(one, id)
		}

		l.says(ada, false, taste.Choice{Kind: taste.Less, Item: one})
		if shown, _, _ := l.named(ada); shown[one] {
			t.Errorf("%s is shown to somebody who wants less of it", one)
		}
		l.says(ada, false, taste.Choice{Kind: taste.Forget, Item: "shirt"})
		if shown, because, _ := l.named(ada); shown["shirt"] || because["shirt"] {
			t.Errorf("the shirt is to be forgotten, and is shown or a reason: %v, %v", shown, because)
		}
		l.says(ada, true, taste.Choice{Kind: taste.Less, Item: one}, taste.Choice{Kind: taste.Forget, Item: "shirt"})
		if again, because, _ := l.named(ada); !again[one] || !because["shirt"] {
			t.Errorf("after the undoing she is shown %v because of %v", again, because)
		}
		l.says(ada, false, taste.Choice{Kind: taste.Never, Category: "other"}) // that of everything here
		if list := l.Sees(ada); list.Personal || !strings.Contains(list.Why, "forgotten") {
			t.Errorf("when nothing counts she is told %q, personal %t", list.Why, list.Personal)
		}
	})
}

// TestAForgottenItemIsLearnedFromNoMore compares with a shop in which the person never
// bought it, byte for byte.
func TestAForgottenItemIsLearnedFromNoMore(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		l := &learner{Shop: s}
		ada := l.person()
		l.Buys(ada, "shirt", "extra-1", "socks")
		l.crowd()
		l.Works()
		knew, _ := l.App.Shop.Version()
		l.says(ada, false, taste.Choice{Kind: taste.Forget, Item: "extra-1"})
		l.Works() // the training that was queued with it
		after, _ := l.App.Shop.Version()
		if after.Hash == knew.Hash || after.Card.Data.Interactions != knew.Card.Data.Interactions-1 {
			t.Errorf("learned from %d bought products, want one less than %d", after.Card.Data.Interactions, knew.Card.Data.Interactions)
		}
		if after.Card.Data.People != knew.Card.Data.People {
			t.Errorf("learned from %d people, want the same %d", after.Card.Data.People, knew.Card.Data.People)
		}
		l.says(ada, true, taste.Choice{Kind: taste.Forget, Item: "extra-1"})
		l.Works()
		if again, _ := l.App.Shop.Version(); again.Hash != knew.Hash {
			t.Error("after the undoing the model is not that of before")
		}
	})
}

// TestNoSequenceOfChoicesShowsWhatIsForgotten says and undoes at random, and holds each
// list against what stands.
func TestNoSequenceOfChoicesShowsWhatIsForgotten(t *testing.T) {
	const seed = 8
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, seed))
	l := &learner{Shop: thimbletest.New(t)}
	ada := l.person()
	items := []thimble.ItemID{"shirt", "belt", "socks", "hat"}
	l.Buys(ada, items[:3]...)
	l.crowd()
	l.Works()
	for i := range 40 {
		kind := taste.Forget
		if random.IntN(3) == 0 {
			kind = taste.Less
		}
		c := taste.Choice{Kind: kind, Item: items[random.IntN(len(items))]}
		l.says(ada, random.IntN(3) == 0, c)
		state, err := l.Tastes.Of(t.Context(), l.own(ada))
		l.no(t, err)
		shown, because, _ := l.named(ada)
		for _, id := range items {
			if state.Hides(id, "") && shown[id] || state.Forgets(id, "") && because[id] {
				t.Fatalf("after %d choices %s is shown (%t) or a reason (%t), and stands is %+v", i+1, id, shown[id], because[id], state)
			}
		}
	}
}

func TestErasureLeavesNothingOfWhatWasSaidAboutLists(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		l := &learner{Shop: s}
		ada, ben := l.person(), l.person()
		l.says(ada, false, taste.Choice{Kind: taste.Less, Item: "shirt"})
		l.says(ben, false, taste.Choice{Kind: taste.Less, Item: "belt"})
		if got := fmt.Sprint(l.Archive(ada)); !strings.Contains(got, "shirt") {
			t.Error("the choice is not in her archive")
		}
		l.Erase(ada)
		for _, table := range []string{"taste_events", "taste_state"} {
			var n int
			err := l.Core.Read(t.Context(), func(tx *sqldb.Tx) error { return tx.QueryRow(t.Context(), "select count(*) from "+table).Scan(&n) })
			if err != nil || n != 1 {
				t.Errorf("%s has %d rows, want that of the other: %v", table, n, err)
			}
		}
	})
}
