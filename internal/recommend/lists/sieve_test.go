package lists_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"thimble"
	"thimble/internal/catalog"
	"thimble/internal/recommend/arrange"
)

// What keeps a product out of every list keeps it out of a personal one, which says so;
// the record of the list has the rule.
func TestAPersonalListObeysWhatKeepsAProductOut(t *testing.T) {
	onCounter(t, func(t *testing.T, c counter) {
		c.crowd() // who has a shirt has a belt
		ada := c.person()
		c.Buys(ada, "shirt")
		c.Works()
		if items, personal, why := c.shown(ada); !personal || !slices.Contains(items, "belt") {
			t.Fatalf("before: %v, %s", items, why)
		}
		belt := good("belt", "Belt", "", "belts", 100)
		belt.UpdatedAt = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
		belt.Adult, belt.Availability = catalog.No, catalog.InStock // what is not said does not replace what was
		adult, withdrawn, sold := belt, belt, belt
		adult.Adult, withdrawn.Availability, sold.Availability = catalog.Yes, catalog.Withdrawn, catalog.OutOfStock
		rules := arrange.Rules{}
		c.App.Shop.Rules = func(context.Context) (arrange.Rules, error) { return rules, nil }
		for i, step := range []struct {
			name    string
			product catalog.Product
			rules   arrange.Rules
			says    string
		}{
			{"for grown-ups", adult, arrange.Rules{}, arrange.Words(arrange.Adult)},
			{"withdrawn", withdrawn, arrange.Rules{}, arrange.Words(arrange.Withdrawn)},
			{"out of stock", sold, arrange.Rules{}, arrange.Words(arrange.NoStock)},
			{"by category", belt, arrange.Rules{AdultCategories: []string{"Belts"}}, arrange.Words(arrange.Adult)},
		} {
			rules = step.rules
			step.product.UpdatedAt = step.product.UpdatedAt.Add(time.Duration(i) * time.Hour)
			c.stocks(step.product)
			list := c.Sees(ada)
			for _, e := range list.Entries {
				if list.Personal && e.Product.ID == "belt" {
					t.Errorf("%s: the belt is in a personal list", step.name)
				}
			}
			if list.Personal && !slices.Contains(list.Applied, step.says) {
				t.Errorf("%s: the list says %q, want %q", step.name, list.Applied, step.says)
			}
		}
	})
}

// A window keeps a category out for days after a purchase from it.
func TestAWindowKeepsACategoryOutOfAPersonalList(t *testing.T) {
	onCounter(t, func(t *testing.T, c counter) {
		c.crowd()
		ada := c.person()
		c.Buys(ada, "shirt")
		c.Works()
		both := func(category string) {
			for _, id := range []string{"shirt", "belt"} {
				p := good(id, id, "", category, 100)
				p.UpdatedAt = time.Date(2030, 1, 1, 0, 0, 0, len(category), time.UTC)
				c.stocks(p)
			}
		}
		both("clothes")
		c.App.Shop.Rules = func(context.Context) (arrange.Rules, error) {
			return arrange.Rules{Windows: []arrange.Window{{Category: "clothes", Days: 36_500}}}, nil
		}
		for _, e := range c.Sees(ada).Entries {
			if e.Product.ID == thimble.ItemID("belt") && len(e.Terms) > 0 {
				t.Error("the belt is of a category from which ada bought lately, and shown")
			}
		}
		c.App.Shop.Rules = nil
		if items, personal, why := c.shown(ada); !personal || !slices.Contains(items, "belt") {
			t.Errorf("without the rule: %v, personal %v, %s", items, personal, why)
		}
	})
}
