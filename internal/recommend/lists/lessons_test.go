package lists_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"thimble"
	"thimble/internal/recommend/lists"
	"thimble/internal/recommend/taste"
	"thimble/internal/registry"
	"thimble/internal/thimbletest"
)

// learns is how much the version that serves has learned from.
func (l *learner) learns() (people, interactions int) {
	l.TB.Helper()
	d := l.stage(registry.Champion).Card.Data
	return d.People, d.Interactions
}

func TestVersionsLearnFromWhatPeopleDoSinceTheyPermitIt(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		l := &learner{Shop: s}
		people := l.garden(6)
		silent := l.Subject("permits lists alone", thimbletest.Allows(thimble.PersonalizeContent)...)
		late := l.Subject("permits it later")
		l.Does(late, "Product Added", "G0-A", "G1-A")
		l.Works()
		_, before := l.learns()

		l.Does(people[0], "Product Added", "G3-A")
		l.Does(people[0], "Product Added to Wishlist", "G4-A")
		l.Browses(people[0], "G5-A") // a look on one day is too little
		l.Does(silent, "Product Added", "G3-A", "G4-A")
		l.Chooses(late, thimbletest.Allows(thimble.TrainAISystem)...)
		l.no(t, l.App.Shop.TakeIn(t.Context()))

		first := l.stage(registry.Champion)
		last, err := l.Frames.Last(t.Context())
		l.no(t, err)
		if _, now := l.learns(); now != before+2 || first.Lineage.Events != last {
			t.Errorf("after they were taken in: %d interactions until place %d; want %d until %d", now, first.Lineage.Events, before+2, last)
		}
		if !slices.Contains(first.Lineage.Uses, registry.LineageUse{Purpose: thimble.TrainAISystem, Category: lists.Browsing}) {
			t.Errorf("the lineage does not say so: %+v", first.Lineage.Uses)
		}
		l.exact(t)
		l.no(t, l.App.Shop.TakeIn(t.Context()))
		if again := l.stage(registry.Champion); again.Number != first.Number {
			t.Errorf("nothing came in, and version %d serves after %d", again.Number, first.Number)
		}

		l.Works() // the yes of the late one; what they did before it is not learned from
		if n, now := l.learns(); now != before+2 || n != len(people) {
			t.Errorf("after a training: %d interactions of %d people, want %d of %d", now, n, before+2, len(people))
		}
		l.exact(t)
		l.Does(late, "Product Added", "G0-A", "G1-A")
		l.no(t, l.App.Shop.TakeIn(t.Context()))
		if n, now := l.learns(); now != before+4 || n != len(people)+1 {
			t.Errorf("what the late one did after the yes: %d interactions of %d people, want %d of %d", now, n, before+4, len(people)+1)
		}
		l.exact(t)
	})
}

func TestWhatSomebodyDidLeavesWithThemAndWithTheirWord(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		l := &learner{Shop: s}
		people := l.garden(6)
		twin := l.person()
		for _, who := range append(people[:8:8], twin) {
			l.Does(who, "Product Added", "G3-A", "G4-A")
		}
		l.Works()
		n, all := l.learns()
		check := func(what string, people, interactions int) {
			t.Helper()
			if p, i := l.learns(); p != people || i != interactions {
				t.Errorf("%s: %d interactions of %d people, want %d of %d", what, i, p, interactions, people)
			}
			l.exact(t)
			if p, err := l.App.Shop.Prove(t.Context(), nil, 2, 1); err != nil || !p.Holds() {
				t.Errorf("%s: the proof does not hold: %+v, %v", what, p, err)
			}
		}
		check("at first", n, all)

		l.says(people[0], false, taste.Choice{Kind: taste.Forget, Item: "G3-A"})
		check("one product forgotten", n, all-1)
		l.says(people[0], true, taste.Choice{Kind: taste.Forget, Item: "G3-A"})
		check("and that taken back", n, all)
		l.Chooses(people[1], thimbletest.Withdraws(thimble.TrainAISystem)...)
		l.no(t, l.App.Shop.CatchUp(t.Context()))
		check("one withdrew", n-1, all-5)
		l.Erase(people[2])
		check("one was erased", n-2, all-10)
		l.Erase(twin)
		check("one who never ordered was erased", n-3, all-12)
	})
}

func TestTwoWhoAreOneHaveDoneWhatBothDid(t *testing.T) {
	l := &learner{Shop: thimbletest.New(t)}
	l.garden(6)
	ada, phone := l.person(), l.person()
	l.Buys(ada, "G0-A", "G0-B")
	l.Does(phone, "Product Added", "G1-A", "G0-A")
	l.Works()
	n, all := l.learns()
	l.link = l.Join(ada, phone)
	l.Works()
	if p, i := l.learns(); p != n-1 || i != all-1 {
		t.Errorf("merged: %d interactions of %d people, want %d of %d", i, p, all-1, n-1)
	}
	l.exact(t)
	l.Part(l.link)
	l.Works()
	if p, i := l.learns(); p != n || i != all {
		t.Errorf("parted: %d interactions of %d people, want %d of %d", i, p, all, n)
	}
	l.exact(t)
}

func TestWhoNeverOrderedIsBound(t *testing.T) {
	l := &learner{Shop: thimbletest.New(t)}
	l.garden(6)
	for i := range 30 {
		l.Does(l.person(), "Product Added", "G0-A", thimble.ItemID(fmt.Sprintf("G%d-B", 1+i%5)))
	}
	l.Works()
	r := l.recipe()
	if r.UntrustedCap != 2 || r.TrustedBefore != 0 {
		t.Errorf("the recipe lets %d of those who never ordered count for a product, trusted before %d; want 2 and no age, since the shop is young", r.UntrustedCap, r.TrustedBefore)
	}
	l.exact(t)
}

func TestWhatExpiredIsLearnedFromNoMore(t *testing.T) {
	l := &learner{Shop: thimbletest.New(t)}
	people := l.garden(6)
	l.Works()
	_, orders := l.learns()
	l.Does(people[0], "Product Added", "G3-A", "G4-A")
	l.no(t, l.App.Shop.TakeIn(t.Context()))
	if _, i := l.learns(); i != orders+2 {
		t.Fatalf("%d interactions, want %d", i, orders+2)
	}
	later := time.Now().Add(time.Minute)
	for _, h := range []thimble.Holder{l.Timeline, l.App.Shop} {
		_, err := h.Expire(t.Context(), lists.Browsing, later)
		l.no(t, err)
	}
	if _, i := l.learns(); i != orders {
		t.Errorf("after it expired: %d interactions, want %d", i, orders)
	}
	l.exact(t)
}
