package lists_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"thimble"
	"thimble/internal/catalog"
	"thimble/internal/decision"
	"thimble/internal/decision/decisiondb"
	"thimble/internal/gate"
	"thimble/internal/recommend/lists"
	"thimble/internal/thimbletest"
)

// inputs are what the last decision about somebody says it was made from.
func (l *learner) inputs(list lists.List) map[thimble.Category]decision.Input {
	l.TB.Helper()
	ctx := context.Background()
	sealed, err := l.Decisions.Get(ctx, list.Decision)
	l.no(l.TB, err)
	g, err := l.Gate.Open(ctx, gate.Request{
		Actor: gate.Actor{Kind: gate.Customer, Self: sealed.Subject}, Subject: sealed.Subject,
		Purpose: thimble.LegalObligation, Categories: []thimble.Category{thimble.AutomatedDecision},
	})
	l.no(l.TB, err)
	r, _, err := decisiondb.Open(ctx, g, sealed)
	l.no(l.TB, err)
	all := map[thimble.Category]decision.Input{}
	for _, in := range r.Inputs {
		all[in.Category] = in
	}
	return all
}

func items(list lists.List) (all []thimble.ItemID) {
	for _, e := range list.Entries {
		all = append(all, e.Product.ID)
	}
	return all
}

// dressed is crowded with numbers of products as events have them.
func dressed(t *testing.T, f func(t *testing.T, l *learner)) {
	t.Helper()
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		l := &learner{Shop: s}
		for i := range 8 {
			l.Buys(l.person(), "SHIRT", "BELT", thimble.ItemID(fmt.Sprintf("EXTRA-%d", i%4)))
		}
		l.Works()
		f(t, l)
	})
}

func TestWhatSomebodyLooksAtChangesTheirNextListWithoutATraining(t *testing.T) {
	dressed(t, func(t *testing.T, l *learner) {
		ada := l.person()
		if list := l.Sees(ada); list.Personal {
			t.Fatalf("before she did anything the list is personal: %s", list.Why)
		}
		before, _ := l.App.Shop.Version()

		l.Browses(ada, "SHIRT")

		list := l.Sees(ada)
		if !list.Personal || !slices.Contains(items(list), "BELT") {
			t.Fatalf("after she looked at the shirt: personal %t, %v, %s; want the belt that goes with it", list.Personal, items(list), list.Why)
		}
		if list.Why != "Made from what you looked at, because you allow it." {
			t.Errorf("it says: %s", list.Why)
		}
		if after, _ := l.App.Shop.Version(); after.Number != before.Number {
			t.Errorf("version %d serves, want %d still", after.Number, before.Number)
		}
		in := l.inputs(list)
		if got := in[lists.Browsing]; got.Count != 1 || got.Basis != "consent" || got.Cite == "" {
			t.Errorf("the record says of what she looked at: %+v", got)
		}
		if _, ok := in[thimble.PurchaseHistory]; ok {
			t.Error("the record names orders, and there are none")
		}
	})
}

func TestWhatWasOnlyLookedAtMayBeShownAndWhatWasBoughtIsNot(t *testing.T) {
	dressed(t, func(t *testing.T, l *learner) {
		ada := l.person()
		l.Buys(ada, "SHIRT")
		l.Browses(ada, "BELT", "SHIRT")
		list := l.Sees(ada)
		if got := items(list); !slices.Contains(got, "BELT") || slices.Contains(got, "SHIRT") {
			t.Errorf("shown %v, want the belt she looked at and not the shirt she has", got)
		}
		in := l.inputs(list)
		if in[thimble.PurchaseHistory].Count != 1 || in[lists.Browsing].Count != 2 {
			t.Errorf("the record counts %+v, want 1 item bought and 2 looked at", in)
		}
	})
}

func TestAProductThatIsUnknownOrWithdrawnInAHistoryIsIgnored(t *testing.T) {
	dressed(t, func(t *testing.T, l *learner) {
		ada := l.person()
		l.Browses(ada, "nothing of this shop", "SHIRT")
		if list := l.Sees(ada); !list.Personal || !slices.Contains(items(list), "BELT") {
			t.Errorf("personal %t, %v, %s", list.Personal, items(list), list.Why)
		}
	})
}

func TestAShopOfOneCustomerShowsThemThePopularListWithAReason(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		l := &learner{Shop: s}
		ada := l.person()
		l.Buys(ada, "SHIRT")
		l.Works()
		list := l.Sees(ada)
		if list.Personal || list.Why == "" {
			t.Errorf("personal %t, %q: nothing goes with what one person bought", list.Personal, list.Why)
		}
		if list, err := l.App.Shop.GoesWith(t.Context(), "SHIRT", 5); err != nil || len(list.Entries) != 0 || list.Why == "" {
			t.Errorf("goes with: %v, %q, %v", list.Entries, list.Why, err)
		}
	})
}

func TestAnEmptyCatalogueGivesEmptyListsWithAReason(t *testing.T) {
	l := &learner{Shop: thimbletest.New(t)}
	_, err := l.App.Shop.Train(t.Context(), "the first", nil)
	l.no(t, err)
	if ids, err := l.Catalog.IDs(t.Context(), catalog.Goods); err != nil || len(ids) != 0 {
		t.Fatalf("the catalogue is not empty: %v, %v", ids, err)
	}
	if list := l.Sees(l.person()); list.Personal || list.Why == "" || len(list.Entries) != 0 {
		t.Errorf("%+v", list)
	}
}
