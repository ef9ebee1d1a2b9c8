package lists_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/catalog"
	"thimble/internal/recommend/arrange"
	"thimble/internal/recommend/lists"
	"thimble/internal/sqldb"
	"thimble/internal/thimbletest"
)

// A counter is a shop with goods that nobody needs to have bought.
type counter struct{ *learner }

func (c counter) stocks(products ...catalog.Product) {
	c.TB.Helper()
	c.no(c.TB, c.Core.Write(context.Background(), func(tx *sqldb.Tx) error { return c.Catalog.Upsert(context.Background(), tx, products) }))
}

func (c counter) sells(demand ...catalog.Demand) {
	c.TB.Helper()
	c.no(c.TB, c.Core.Write(context.Background(), func(tx *sqldb.Tx) error { return c.Catalog.AddDemand(context.Background(), tx, demand) }))
}

func (c counter) counts(levels ...catalog.Stock) {
	c.TB.Helper()
	c.no(c.TB, c.Core.Write(context.Background(), func(tx *sqldb.Tx) error { return c.Catalog.SetStock(context.Background(), tx, levels) }))
}

func (c counter) makes(a lists.Ask) lists.List {
	c.TB.Helper()
	if a.N == 0 {
		a.N = 10
	}
	l, err := c.App.Shop.Make(context.Background(), a)
	c.no(c.TB, err)
	return l
}

func listed(l lists.List) (all []thimble.ItemID) {
	for _, e := range l.Entries {
		all = append(all, e.Product.ID)
	}
	return all
}

func good(id, name, brand, category string, minor int64) catalog.Product {
	return catalog.Product{
		ID: thimble.ItemID(id), Name: name, Kind: catalog.Goods, Category: category, Price: thimble.Money{Minor: minor, Currency: "EUR"},
		UpdatedAt: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), Attributes: catalog.Attributes{Brand: brand},
	}
}

func onCounter(t *testing.T, f func(*testing.T, counter)) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) { f(t, counter{&learner{Shop: s}}) })
}

func TestListsOfCountsAreOfTheirTime(t *testing.T) {
	onCounter(t, func(t *testing.T, c counter) {
		c.stocks(good("old", "Old", "", "mugs", 1), good("new", "New", "", "shirts", 1), good("winter", "Winter", "", "mugs", 1))
		const today = 20_000
		c.sells(
			catalog.Demand{Item: "old", Day: today - 20, Orders: 40, Units: 40}, catalog.Demand{Item: "old", Day: today, Orders: 5, Units: 5},
			catalog.Demand{Item: "new", Day: today - 1, Orders: 6, Units: 6}, catalog.Demand{Item: "winter", Day: today - 360, Orders: 9, Units: 9},
		)
		for kind, want := range map[lists.Kind][]thimble.ItemID{
			lists.Popular: {"old", "new"}, lists.Trending: {"new"}, lists.Season: {"winter"},
		} {
			got := c.makes(lists.Ask{Kind: kind})
			if !slices.Equal(listed(got), want) || !strings.Contains(got.Why, "Nothing about you was used.") || got.Entries[0].Why == "" || got.Personal {
				t.Errorf("%s: %v, %q", kind, listed(got), got.Why)
			}
		}
		if got := c.makes(lists.Ask{Kind: lists.Popular, Filter: arrange.Filter{Category: "shirts"}}); !slices.Equal(listed(got), []thimble.ItemID{"new"}) {
			t.Errorf("popular shirts are %v", listed(got))
		}
	})
}

func TestWhatNobodyBoughtYetIsListedForWhatItIsLike(t *testing.T) {
	onCounter(t, func(t *testing.T, c counter) {
		c.stocks(good("s1", "Linen shirt", "Own", "shirts", 4000), good("s2", "Linen shirt wide", "Own", "shirts", 4200), good("m1", "Stone mug", "", "mugs", 900), good("m2", "Glass mug", "", "mugs", 800), good("h", "Shoe", "Else", "shoes", 9000))
		got := c.makes(lists.Ask{Kind: lists.Similar, Item: "s1"})
		if !slices.Equal(listed(got), []thimble.ItemID{"s2"}) || got.Entries[0].Why != "Like Linen shirt: same kind and brand, “linen” and “shirt” in the name" {
			t.Fatalf("got %v: %+v", listed(got), got.Entries)
		}
		var sum int64
		for _, a := range got.Entries[0].Alike {
			sum += a.Share
		}
		if sum != got.Entries[0].Score {
			t.Errorf("the shares sum to %d, the score is %d", sum, got.Entries[0].Score)
		}
		// Before there is a model, the other lists about items say so and are like it too.
		for _, a := range []lists.Ask{{Kind: lists.GoesWith, Item: "m1"}, {Kind: lists.Together, Session: []thimble.ItemID{"m1"}}, {Kind: lists.Next, Session: []thimble.ItemID{"h", "m1"}}} {
			if got := c.makes(a); len(got.Entries) == 0 || got.Entries[0].Product.ID != "m2" || got.Model != 0 {
				t.Errorf("%s: %v, %q", a.Kind, listed(got), got.Why)
			}
		}
	})
}

func TestASessionIsAnsweredFromAndNotKept(t *testing.T) {
	onCounter(t, func(t *testing.T, c counter) {
		c.crowd()
		_, err := c.App.Shop.Train(t.Context(), "test", nil)
		c.no(t, err)
		got := c.makes(lists.Ask{Kind: lists.Next, Session: []thimble.ItemID{"shirt"}})
		if len(got.Entries) == 0 || got.Entries[0].Product.ID != "belt" || got.Model == 0 || got.Personal || !got.Decision.IsZero() {
			t.Fatalf("got %v, %+v", listed(got), got)
		}
		if e := got.Entries[0]; e.Terms[0].Because.ID != "shirt" || e.Terms[0].Share != e.Score || e.Why != "Because you looked at ITEM shirt" {
			t.Errorf("got %+v", e)
		}
		if again := c.makes(lists.Ask{Kind: lists.Next, Session: []thimble.ItemID{"shirt", "belt"}}); slices.Contains(listed(again), "belt") || slices.Contains(listed(again), "shirt") {
			t.Errorf("what was looked at is in the list: %v", listed(again))
		}
		if basket := c.makes(lists.Ask{Kind: lists.Together, Item: "belt"}); basket.Entries[0].Product.ID != "shirt" || basket.Entries[0].Why != "Often bought with ITEM belt" {
			t.Errorf("got %+v", basket.Entries)
		}
	})
}

func TestAChangeOfTheCatalogueIsInTheNextList(t *testing.T) {
	onCounter(t, func(t *testing.T, c counter) {
		mug := good("m1", "Mug", "", "mugs", 900)
		c.stocks(mug, good("m2", "Other mug", "", "mugs", 800))
		c.sells(catalog.Demand{Item: "m1", Day: 20_000, Orders: 3, Units: 3}, catalog.Demand{Item: "m2", Day: 20_000, Orders: 1, Units: 1})
		popular := func() []thimble.ItemID { return listed(c.makes(lists.Ask{Kind: lists.Popular})) }
		if got := popular(); !slices.Equal(got, []thimble.ItemID{"m1", "m2"}) {
			t.Fatalf("got %v", got)
		}
		mug.Availability, mug.UpdatedAt = catalog.Withdrawn, mug.UpdatedAt.Add(time.Hour)
		c.stocks(mug)
		if got := popular(); !slices.Equal(got, []thimble.ItemID{"m2"}) {
			t.Errorf("withdrawn, and the list is %v", got)
		}
		c.counts(catalog.Stock{Item: "m2", Units: 0, At: time.Unix(9, 0)})
		got := c.makes(lists.Ask{Kind: lists.Popular})
		if len(got.Entries) != 0 || got.Why != "Nothing is left of 2: what is out of stock is left out (1); what is no longer sold is left out (1). Nothing about you was used." {
			t.Errorf("sold out: %v, %q", listed(got), got.Why)
		}
	})
}

func TestAListThatCannotBeIsRefusedAndAnEmptyOneSaysWhy(t *testing.T) {
	onCounter(t, func(t *testing.T, c counter) {
		for name, a := range map[string]lists.Ask{
			"unknown kind": {Kind: "best"}, "no item": {Kind: lists.Similar}, "no session": {Kind: lists.Next}, "no person": {Kind: lists.ForYou},
			"a person": {Kind: lists.Popular, Subject: thimble.SubjectID{1}}, "a long session": {Kind: lists.Next, Session: make([]thimble.ItemID, lists.MaxSession+1)},
		} {
			if _, err := c.App.Shop.Make(t.Context(), a); !errors.Is(err, thimble.ErrInvalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
		for _, kind := range lists.Kinds {
			a := lists.Ask{Kind: kind, Item: "nothing", Session: []thimble.ItemID{"nothing"}}
			if kind.Own() {
				a = lists.Ask{Kind: kind, Subject: thimble.SubjectID{9}}
			}
			if got := c.makes(a); len(got.Entries) > 0 || got.Why == "" {
				t.Errorf("%s of an empty catalogue: %v, %q", kind, listed(got), got.Why)
			}
		}
	})
}

func TestTheShopsRulesArrangeItsLists(t *testing.T) {
	onCounter(t, func(t *testing.T, c counter) {
		rules := arrange.Rules{
			MaxBoost: 20, Boosts: []arrange.Boost{{Words: "our own brand", Percent: 20, Brand: "Own"}},
			Campaigns: []arrange.Campaign{{Name: "Advertisement: shoes", Item: "h", Position: 1, Placement: "home"}},
		}
		c.App.Shop.Rules = func(context.Context) (arrange.Rules, error) { return rules, nil }
		c.stocks(good("a", "A", "Else", "mugs", 1), good("b", "B", "Own", "mugs", 1), good("h", "Shoe", "", "shoes", 1))
		c.sells(catalog.Demand{Item: "a", Day: 20_000, Orders: 11, Units: 11}, catalog.Demand{Item: "b", Day: 20_000, Orders: 10, Units: 10})
		got := c.makes(lists.Ask{Kind: lists.Popular, Placement: "home"})
		if !slices.Equal(listed(got), []thimble.ItemID{"h", "b", "a"}) || got.Rules != rules.Version() || !slices.Equal(got.Applied, []string{arrange.Words(arrange.Held)}) {
			t.Fatalf("got %v, %+v", listed(got), got)
		}
		if ad, own := got.Entries[0], got.Entries[1]; ad.Campaign != "Advertisement: shoes" || ad.Why != ad.Campaign || own.Moved != 2 || !slices.Equal(own.Because, []string{"our own brand"}) || own.Campaign != "" {
			t.Errorf("got %+v", got.Entries)
		}
		if got := c.makes(lists.Ask{Kind: lists.Popular, Placement: "mail"}); !slices.Equal(listed(got), []thimble.ItemID{"b", "a"}) {
			t.Errorf("elsewhere: %v", listed(got))
		}
	})
}
