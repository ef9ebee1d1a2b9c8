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
	"thimble/internal/decision"
	"thimble/internal/decision/decisiondb"
	"thimble/internal/gate"
	"thimble/internal/recommend/arrange"
	"thimble/internal/recommend/lists"
	"thimble/internal/recommend/taste"
	"thimble/internal/thimbletest"
)

var (
	brands = []string{"Own", "Else", "Third", ""}
	kinds  = []string{"shirts", "belts", "mugs", "other"}
	sizes  = []string{"S", "M", ""}
)

// market has goods of brands, categories, sizes and prices, bought by enough people that
// something goes with each, and a person who bought two.
func (c counter) market() (ada thimble.SubjectID) {
	for i := range 16 {
		items := []thimble.ItemID{"p00", "p01"}
		for j := range 5 {
			items = append(items, thimble.ItemID(fmt.Sprintf("p%02d", (i*3+j*5)%24)))
		}
		slices.Sort(items)
		c.Buys(c.person(), slices.Compact(items)...)
	}
	ada = c.person()
	c.Buys(ada, "p00", "p01")
	for i := range 24 {
		id := fmt.Sprintf("p%02d", i)
		p := good(id, "Product "+id, brands[i%4], kinds[i/2%4], int64(100*i))
		p.UpdatedAt, p.Since = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC), c.App.Shop.Now().AddDate(0, 0, -3*i)
		p.Size = sizes[i%3]
		if i%7 == 0 {
			p.Availability = catalog.InStock
		}
		if i%5 == 0 {
			p.Group = fmt.Sprint("group ", i%10)
		}
		c.stocks(p)
	}
	p := good("brand-new", "Brand new", "Own", "mugs", 500) // nobody bought it: no model knows it
	p.UpdatedAt = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	c.stocks(p)
	c.Works()
	return ada
}

func (c counter) rules(r arrange.Rules) {
	c.TB.Helper()
	c.no(c.TB, r.Validate())
	c.App.Shop.Rules = func(context.Context) (arrange.Rules, error) { return r, nil }
}

// asks makes a personal list and opens its decision, which it does again.
func (c counter) asks(who thimble.SubjectID, f arrange.Filter, n int) (lists.List, decision.Record) {
	c.TB.Helper()
	list := c.makes(lists.Ask{Kind: lists.ForYou, Actor: gate.Actor{Kind: gate.Machine, Name: "recommend"}, Subject: who, Placement: "home", N: n, Filter: f})
	if !list.Personal {
		return list, decision.Record{}
	}
	sealed, err := c.Decisions.Get(c.TB.Context(), list.Decision)
	c.no(c.TB, err)
	r, opening, err := decisiondb.Open(c.TB.Context(), c.own(who), sealed)
	c.no(c.TB, err)
	c.no(c.TB, r.Check())
	committed, err := decision.Unmarshal(opening.Record)
	c.no(c.TB, err)
	if a, b := fmt.Sprintf("%+v", committed.Results), fmt.Sprintf("%+v", r.Results); a != b {
		c.TB.Errorf("the receipt commits to other results than the record has")
	}
	if same, known := c.App.Shop.Compare(r); !same || !known {
		c.TB.Errorf("the model that decided says otherwise: same %t, known %t", same, known)
	}
	return list, r
}

func randomRules(rng *rand.Rand) (r arrange.Rules) {
	r.MaxBoost = rng.IntN(arrange.MostBoost + 1)
	for i := range rng.IntN(4) {
		if r.MaxBoost == 0 {
			break
		}
		b := arrange.Boost{Words: fmt.Sprint("rule ", i), Percent: 1 + rng.IntN(r.MaxBoost)}
		if rng.IntN(3) == 0 {
			b.Percent = -b.Percent
		}
		switch rng.IntN(3) {
		case 0:
			b.Brand = brands[rng.IntN(3)]
		case 1:
			b.Category = kinds[rng.IntN(4)]
		default:
			b.NewDays = 1 + rng.IntN(60)
		}
		r.Boosts = append(r.Boosts, b)
	}
	r.Diversity = arrange.Diversity{Brand: rng.IntN(4), Category: rng.IntN(4)}
	if rng.IntN(2) == 0 {
		r.Floors = []arrange.Floor{{Words: "a small brand", AtLeast: 1, Brands: []string{"Third"}}}
	}
	for i := range rng.IntN(3) {
		item := []thimble.ItemID{"brand-new", "p05", "p17", "p00", "unknown"}[rng.IntN(5)]
		r.Campaigns = append(r.Campaigns, arrange.Campaign{Name: fmt.Sprint("Advertisement ", i), Item: item, Position: 1 + rng.IntN(4), Placement: []string{"", "home", "mail"}[rng.IntN(3)]})
	}
	return r
}

func randomFilter(rng *rand.Rand) (f arrange.Filter) {
	pick := func(all []string) string {
		if rng.IntN(4) > 0 {
			return ""
		}
		return all[rng.IntN(len(all))]
	}
	f = arrange.Filter{Category: pick(kinds), Brand: pick(brands), Size: pick(sizes), InStock: rng.IntN(6) == 0}
	if rng.IntN(3) == 0 {
		f.MinPrice = int64(rng.IntN(900))
		f.MaxPrice = f.MinPrice + int64(rng.IntN(1500))
	}
	return f
}

// fits says in its own words whether a product is what was asked for.
func fits(p catalog.Product, f arrange.Filter) bool {
	price := f.MinPrice == 0 && f.MaxPrice == 0 || p.Price.Minor > 0 && p.Price.Minor >= f.MinPrice && (f.MaxPrice == 0 || p.Price.Minor <= f.MaxPrice)
	return (f.Category == "" || f.Category == p.Category) && (f.Brand == "" || f.Brand == p.Brand) && (f.Size == "" || f.Size == p.Size) && (!f.InStock || p.Availability == catalog.InStock) && price
}

// Whatever the rules and whatever is asked for: shares and boosts are all there is of a
// place, the record replays and the receipt commits to it, and nothing is in the list
// that was to stay out.
func TestRulesAndFiltersActOnPersonalListsExactly(t *testing.T) {
	const seed, runs = 81, 300
	t.Logf("seed %d, %d runs", seed, runs)
	rng := rand.New(rand.NewPCG(seed, 0))
	c := counter{&learner{Shop: thimbletest.New(t)}}
	ada := c.market()
	personal, boosted, held, filtered := 0, 0, 0, 0
	for i := range runs {
		rules, f := randomRules(rng), arrange.Filter{}
		if rng.IntN(2) == 0 {
			f = randomFilter(rng)
		}
		c.rules(rules)
		n := 1 + rng.IntN(12)
		list, r := c.asks(ada, f, n)
		if len(list.Entries) > n || list.Rules != rules.Version() {
			t.Fatalf("run %d: %d entries of %d, rules %q", i, len(list.Entries), n, list.Rules)
		}
		for _, e := range list.Entries {
			if !fits(*e.Product, f) {
				t.Fatalf("run %d: %s is in a list that asked for %+v (personal %t)", i, e.Product.ID, f, list.Personal)
			}
		}
		if !list.Personal {
			continue
		}
		personal++
		if f != (arrange.Filter{}) {
			filtered++
		}
		groups := map[string]bool{}
		last := int64(1 << 62)
		for k, e := range list.Entries {
			shares, boosts := int64(0), int64(0)
			for _, term := range e.Terms {
				shares += term.Share
			}
			for _, b := range e.Boosts {
				boosts += b.Share
				if b.Words == "" {
					t.Fatalf("run %d: a boost without a name", i)
				}
			}
			res := r.Results[k]
			if shares != e.Score || boosts != e.Moved || res.Item != e.Product.ID || res.Score != e.Score || res.Moved != e.Moved || res.Held != e.Campaign {
				t.Fatalf("run %d: %s has %d and %d, the sum is %d and %d, the record has %+v", i, e.Product.ID, e.Score, e.Moved, shares, boosts, res)
			}
			if most := e.Score * int64(rules.MaxBoost) / 100; boosts > most || boosts < -most {
				t.Fatalf("run %d: %d moves by %d, beyond %d percent", i, e.Score, boosts, rules.MaxBoost)
			}
			if boosts != 0 {
				boosted++
			}
			if e.Product.ID == "p00" || e.Product.ID == "p01" {
				t.Fatalf("run %d: what she bought is in the list, campaign %q", i, e.Campaign)
			}
			if g := e.Product.Group; g != "" && groups[g] {
				t.Fatalf("run %d: two variants of %s", i, g)
			}
			groups[e.Product.Group] = true
			if e.Campaign != "" {
				held++
				continue
			}
			if e.Score+e.Moved > last || e.Score <= 0 {
				t.Fatalf("run %d: entry %d stands below a lower score, or has none", i, k)
			}
			last = e.Score + e.Moved
		}
	}
	t.Logf("%d personal lists, %d of them with a filter, %d boosts, %d places held", personal, filtered, boosted, held)
	if personal < runs/3 || filtered == 0 || boosted == 0 || held == 0 {
		t.Error("that shows little")
	}
}

// What a person said wins over a campaign, at the next list.
func TestWhatAPersonSaidWinsOverACampaign(t *testing.T) {
	onCounter(t, func(t *testing.T, c counter) {
		ada := c.market()
		c.rules(arrange.Rules{Campaigns: []arrange.Campaign{{Name: "Advertisement: mugs", Item: "brand-new", Position: 1}, {Name: "Advertisement: shirts", Item: "p17", Position: 2}}})
		list, r := c.asks(ada, arrange.Filter{}, 6)
		if !list.Personal || len(list.Entries) < 3 || list.Entries[0].Campaign != "Advertisement: mugs" || list.Entries[0].Score != 0 || list.Entries[1].Product.ID != "p17" || len(r.Results[1].Terms) != 0 ||
			!slices.Contains(list.Applied, arrange.Words(arrange.Held)) || !slices.ContainsFunc(r.Rails, func(x decision.Rail) bool { return x.Name == arrange.Held && x.Fired }) {
			t.Fatalf("got %v: %+v", listed(list), list.Applied)
		}
		for _, choice := range []taste.Choice{{Kind: taste.Less, Item: "brand-new"}, {Kind: taste.Forget, Item: "brand-new"}, {Kind: taste.Never, Category: "mugs"}, {Kind: taste.Less, Category: "mugs"}} {
			c.says(ada, false, choice)
			if list, _ := c.asks(ada, arrange.Filter{}, 6); slices.Contains(listed(list), "brand-new") && list.Personal {
				t.Errorf("she said %+v, and is shown the campaign's product", choice)
			}
			c.says(ada, true, choice)
		}
		// What is like something that she wants less of is not advertised either.
		if list, _ := c.asks(ada, arrange.Filter{}, 6); list.Entries[0].Product.ID != "brand-new" {
			t.Fatalf("after the undoing: %v", listed(list))
		}
		best := c.makes(lists.Ask{Kind: lists.GoesWith, Item: "p17", N: 20})
		for _, e := range best.Entries {
			if e.Product.ID == "p00" || e.Product.ID == "p01" {
				continue
			}
			c.says(ada, false, taste.Choice{Kind: taste.Less, Item: e.Product.ID})
		}
		list, _ = c.asks(ada, arrange.Filter{}, 6)
		if list.Personal && slices.ContainsFunc(list.Entries, func(e lists.Entry) bool { return e.Campaign == "Advertisement: shirts" }) {
			t.Errorf("an advertisement for what is like what she wants less of: %v", listed(list))
		}
	})
}

// Nothing personal is left of what was asked for: the popular list is of the same, and an
// empty one says why.
func TestAFilterReachesThePopularListThatIsShownInstead(t *testing.T) {
	onCounter(t, func(t *testing.T, c counter) {
		ada := c.market()
		c.stocks(good("tea", "Tea", "", "teas", 100))
		today, err := c.Catalog.LatestDay(t.Context())
		c.no(t, err)
		c.sells(catalog.Demand{Item: "tea", Day: today, Orders: 9, Units: 9})
		list, _ := c.asks(ada, arrange.Filter{Category: "teas"}, 5)
		if list.Personal || !slices.Equal(listed(list), []thimble.ItemID{"tea"}) || !strings.Contains(list.Why, "asked for") {
			t.Errorf("got %v, %q", listed(list), list.Why)
		}
		list, _ = c.asks(ada, arrange.Filter{Category: "boats"}, 5)
		if len(list.Entries) > 0 || !strings.Contains(list.Why, arrange.Words(arrange.OtherKind)) {
			t.Errorf("got %v, %q", listed(list), list.Why)
		}
		stranger := c.Subject("stranger")
		list, _ = c.asks(stranger, arrange.Filter{Category: "teas"}, 5)
		if list.Personal || !slices.Equal(listed(list), []thimble.ItemID{"tea"}) {
			t.Errorf("somebody who allows nothing: %v", listed(list))
		}
	})
}
