package lists_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/catalog"
	"thimble/internal/order"
	"thimble/internal/recommend/arrange"
	"thimble/internal/recommend/lists"
	"thimble/internal/sqldb"
	"thimble/internal/thimbletest"
)

// orders gives a person an order in a country, on a day before the last.
func (c counter) orders(who thimble.SubjectID, country string, daysAgo int, items ...thimble.ItemID) {
	c.TB.Helper()
	ctx := context.Background()
	id, err := thimble.NewID(nil)
	c.no(c.TB, err)
	o := order.Order{ID: id, Subject: who, Number: "place-" + id.Token("ord"), PlacedAt: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC).AddDate(0, 0, -daysAgo), Country: country}
	for _, item := range items {
		o.Lines = append(o.Lines, order.Line{Item: item, Units: 1, Price: thimble.Money{Minor: 250, Currency: "EUR"}})
	}
	drafts, err := c.Orders.Draft(ctx, []order.Order{o})
	c.no(c.TB, err)
	c.no(c.TB, c.Core.Write(ctx, func(tx *sqldb.Tx) error { return c.Orders.Add(ctx, tx, drafts) }))
}

// there is the popular list of a country, and whether it is of that country alone.
func (c counter) there(country string) (lists.List, bool) {
	c.TB.Helper()
	list := c.makes(lists.Ask{Kind: lists.Popular, Country: country})
	return list, strings.Contains(list.Why, "there") && !strings.Contains(list.Why, "no list of its own")
}

// world has 21 people who bought in Germany and 19 in France, who bought other things,
// and demand of all places.
func (c counter) world() (germans []thimble.SubjectID) {
	c.stocks(good("loden", "Loden", "", "coats", 1), good("beret", "Beret", "", "hats", 1), good("rare", "Rare", "", "hats", 1), good("old", "Old", "", "hats", 1), good("all", "All", "", "mugs", 1))
	c.sells(catalog.Demand{Item: "all", Day: catalog.Day(time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)), Orders: 99, Units: 99})
	for i := range 40 {
		who := c.person()
		switch {
		case i < 19:
			c.orders(who, "FR", i%20, "beret", "all")
			continue
		case i == 19, i == 20, i == 21, i == 22:
			c.orders(who, "DE", 1, "loden", "rare")
		default:
			c.orders(who, "DE", i%20, "loden", "all")
			c.orders(who, "DE", 0, "loden")
			c.orders(who, "DE", 200, "old")
		}
		germans = append(germans, who)
	}
	c.Works()
	return germans
}

func TestAPlaceHasAListOfItsOwnWhenEnoughPeopleBoughtThere(t *testing.T) {
	onCounter(t, func(t *testing.T, c counter) {
		germans := c.world()
		list, own := c.there("DE")
		if !own || !slices.Equal(listed(list), []thimble.ItemID{"loden", "all"}) || list.Entries[0].Score != 21 || list.Entries[0].Why != "Bought by 21 people there lately" {
			t.Fatalf("Germany: %v, %q, %+v", listed(list), list.Why, list.Entries) // what four bought, and what was bought long ago, is not in it
		}
		for _, country := range []string{"FR", "IT"} { // 19 people, and none
			if list, own := c.there(country); own || !slices.Equal(listed(list), []thimble.ItemID{"all"}) || !strings.Contains(list.Why, "20 people") {
				t.Errorf("%s: %v, %q", country, listed(list), list.Why)
			}
		}
		if list := c.makes(lists.Ask{Kind: lists.Popular, Country: "DE", Filter: arrange.Filter{Category: "coats"}}); !slices.Equal(listed(list), []thimble.ItemID{"loden"}) {
			t.Errorf("coats of Germany: %v", listed(list))
		}
		if list := c.makes(lists.Ask{Kind: lists.Popular, Country: "DE", Filter: arrange.Filter{Category: "boats"}}); len(list.Entries) != 0 || list.Empty == "" {
			t.Errorf("boats of Germany: %v, %q", listed(list), list.Why)
		}
		// Whoever leaves is in no count from the commit of that on.
		for i, who := range germans[:2] {
			c.Chooses(who, thimbletest.Withdraws(thimble.TrainAISystem)...)
			if list, own := c.there("DE"); own {
				t.Errorf("while %d leave: %v, %q", i+1, listed(list), list.Why)
			}
			c.Works()
			if list, own := c.there("DE"); own != (i == 0) || own && list.Entries[0].Score != 20 {
				t.Errorf("after %d left: %v, %q", i+1, listed(list), list.Why)
			}
		}
	})
}

// Whatever people do, the list of a place is that of a shop that gathers anew from the
// store: nobody who left is in a count, and no place has one with too few.
func TestTheListOfAPlaceIsWhatGatheringAnewGives(t *testing.T) {
	const seed = 83
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	c := counter{&learner{Shop: thimbletest.New(t)}}
	germans := c.world()
	gone, owns := map[thimble.SubjectID]bool{}, 0
	for i := range 12 {
		who := germans[rng.IntN(len(germans))]
		switch n := rng.IntN(3); {
		case n == 0 && !gone[who]:
			c.Chooses(who, thimbletest.Withdraws(thimble.TrainAISystem)...)
			gone[who] = true
		case n == 1 && gone[who]:
			c.Chooses(who, thimbletest.Allows(thimble.TrainAISystem)...)
			delete(gone, who)
		default:
			c.orders(who, []string{"DE", "FR"}[rng.IntN(2)], rng.IntN(5), []thimble.ItemID{"rare", "beret", "loden"}[rng.IntN(3)])
		}
		c.Works()
		c.no(t, c.App.Shop.TakeIn(t.Context()))
		var now []string
		for _, country := range []string{"DE", "FR"} {
			list, own := c.there(country)
			if own {
				owns++
			}
			now = append(now, fmt.Sprint(country, own, told(list)))
		}
		_, err := c.App.Shop.Train(t.Context(), "anew", nil)
		c.no(t, err)
		for k, country := range []string{"DE", "FR"} {
			list, own := c.there(country)
			if anew := fmt.Sprint(country, own, told(list)); anew != now[k] {
				t.Fatalf("step %d: %s, gathered anew %s", i+1, now[k], anew)
			}
		}
	}
	if owns == 0 {
		t.Error("no place had a list of its own")
	}
}
