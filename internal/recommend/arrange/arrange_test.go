package arrange_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"thimble"
	"thimble/internal/catalog"
	"thimble/internal/recommend/arrange"
)

var now = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

func candidate(id string, score int64, set ...func(*arrange.Candidate)) arrange.Candidate {
	c := arrange.Candidate{Score: score, Product: &catalog.Product{ID: thimble.ItemID(id), Kind: catalog.Goods, Price: thimble.Money{Minor: 1000, Currency: "EUR"}}}
	for _, f := range set {
		f(&c)
	}
	return c
}

func of(f func(*catalog.Product)) func(*arrange.Candidate) {
	return func(c *arrange.Candidate) { f(c.Product) }
}

func ids(r arrange.Result) (all string) {
	for _, e := range r.Entries {
		all += string(e.Product.ID) + " "
	}
	return strings.TrimSpace(all)
}

func TestEachFilterKeepsOutWhatItSays(t *testing.T) {
	rules := arrange.Rules{AdultCategories: []string{"spirits"}, Windows: []arrange.Window{{Category: "Shoes", Days: 30}}}
	shoe := of(func(p *catalog.Product) { p.Category = "shoes" })
	for name, c := range map[string]struct {
		out  arrange.Candidate
		ask  func(*arrange.Request)
		rule string
	}{
		"withdrawn":              {candidate("x", 9, of(func(p *catalog.Product) { p.Availability = catalog.Withdrawn })), nil, arrange.Withdrawn},
		"a service":              {candidate("x", 9, of(func(p *catalog.Product) { p.Kind = catalog.Service })), nil, arrange.Withdrawn},
		"bought":                 {candidate("x", 9), func(q *arrange.Request) { q.Bought = map[thimble.ItemID]time.Time{"x": now.AddDate(-1, 0, 0)} }, arrange.Bought},
		"just seen":              {candidate("x", 9), func(q *arrange.Request) { q.Seen = map[thimble.ItemID]bool{"x": true} }, arrange.Seen},
		"adult":                  {candidate("x", 9, of(func(p *catalog.Product) { p.Adult = catalog.Yes })), nil, arrange.Adult},
		"an adult category":      {candidate("x", 9, of(func(p *catalog.Product) { p.Category = "Spirits" })), nil, arrange.Adult},
		"none left":              {candidate("x", 9, func(c *arrange.Candidate) { c.Counted = true }), nil, arrange.NoStock},
		"out of stock":           {candidate("x", 9, of(func(p *catalog.Product) { p.Availability = catalog.OutOfStock })), nil, arrange.NoStock},
		"stock unknown":          {candidate("x", 9), func(q *arrange.Request) { q.Filter.InStock = true }, arrange.NoStock},
		"another category":       {candidate("x", 9, shoe), func(q *arrange.Request) { q.Filter.Category = "mugs" }, arrange.OtherKind},
		"another brand":          {candidate("x", 9), func(q *arrange.Request) { q.Filter.Brand = "Own" }, arrange.OtherBrand},
		"another size":           {candidate("x", 9), func(q *arrange.Request) { q.Filter.Size = "M" }, arrange.OtherSize},
		"too dear":               {candidate("x", 9), func(q *arrange.Request) { q.Filter.MaxPrice = 999 }, arrange.OtherPrice},
		"too cheap":              {candidate("x", 9), func(q *arrange.Request) { q.Filter.MinPrice = 1001 }, arrange.OtherPrice},
		"another currency":       {candidate("x", 9), func(q *arrange.Request) { q.Filter.MaxPrice, q.Filter.Currency = 2000, "GBP" }, arrange.OtherPrice},
		"an unknown price":       {candidate("x", 9, of(func(p *catalog.Product) { p.Price = thimble.Money{} })), func(q *arrange.Request) { q.Filter.MaxPrice = 2000 }, arrange.OtherPrice},
		"shoes again in 30 days": {candidate("x", 9, shoe), func(q *arrange.Request) { q.From = map[string]time.Time{"shoes": now.AddDate(0, 0, -29)} }, arrange.InWindow},
	} {
		q := arrange.Request{K: 10, Now: now}
		if c.ask != nil {
			c.ask(&q)
		}
		got := rules.Arrange([]arrange.Candidate{c.out}, q)
		if len(got.Entries) != 0 || got.Left[c.rule] != 1 || !strings.Contains(got.Empty, arrange.Words(c.rule)) || arrange.Words(c.rule) == "" {
			t.Errorf("%s: got %v, left %v, %q", name, ids(got), got.Left, got.Empty)
		}
	}
	lets := []arrange.Candidate{
		candidate("adult", 9, of(func(p *catalog.Product) { p.Adult = catalog.Yes })), candidate("unknown stock", 8),
		candidate("preorder", 7, func(c *arrange.Candidate) { c.Counted = true }, of(func(p *catalog.Product) { p.Availability = catalog.Preorder })),
		candidate("shoes", 6, shoe),
	}
	q := arrange.Request{K: 10, Now: now, GrownUp: true, From: map[string]time.Time{"shoes": now.AddDate(0, 0, -30)}}
	if got := rules.Arrange(lets, q); ids(got) != "adult unknown stock preorder shoes" {
		t.Errorf("got %s, left %v", ids(got), got.Left)
	}
}

func TestABoostIsBoundedAndStated(t *testing.T) {
	rules := arrange.Rules{MaxBoost: 20, Boosts: []arrange.Boost{{Words: "our own brand", Percent: 15, Brand: "own"}, {Words: "new", Percent: 15, NewDays: 30}}}
	own := of(func(p *catalog.Product) { p.Brand, p.Since = "Own", now.AddDate(0, 0, -1) })
	got := rules.Arrange([]arrange.Candidate{candidate("a", 1100), candidate("b", 1000, own), candidate("c", 900, own)}, arrange.Request{K: 3, Now: now})
	if ids(got) != "b a c" || got.Entries[0].Moved != 200 || got.Entries[0].Score != 1000 || !slices.Equal(got.Entries[0].Because, []string{"our own brand", "new"}) {
		t.Errorf("got %s: %+v", ids(got), got.Entries[0])
	}
}

func TestABrandHasSoManyPlacesAndTheOrderStaysThatOfTheScores(t *testing.T) {
	rules := arrange.Rules{Diversity: arrange.Diversity{Brand: 2}}
	var all []arrange.Candidate
	for i := range 8 {
		all = append(all, candidate(fmt.Sprint("big", i), int64(100-i), of(func(p *catalog.Product) { p.Brand = "Big" })))
	}
	all = append(all, candidate("small1", 50, of(func(p *catalog.Product) { p.Brand = "Small" })), candidate("none", 40))
	got := rules.Arrange(all, arrange.Request{K: 4, Now: now})
	if ids(got) != "big0 big1 small1 none" || got.Left[arrange.Various] == 0 {
		t.Errorf("got %s, left %v", ids(got), got.Left)
	}
	// Where nothing else is left, the bound yields.
	if got := rules.Arrange(all, arrange.Request{K: 6, Now: now}); ids(got) != "big0 big1 big2 big3 small1 none" {
		t.Errorf("got %s", ids(got))
	}
}

func TestNewProductsHaveTheirPartOfTheList(t *testing.T) {
	rules := arrange.Rules{Floors: []arrange.Floor{{Words: "new in the shop", AtLeast: 1, NewDays: 14}, {Words: "a small brand", AtLeast: 1, Brands: []string{"Tiny"}}}}
	all := []arrange.Candidate{candidate("a", 9), candidate("b", 8), candidate("c", 7),
		candidate("tiny", 2, of(func(p *catalog.Product) { p.Brand = "tiny" })), candidate("new", 1, of(func(p *catalog.Product) { p.Since = now.AddDate(0, 0, -3) }))}
	got := rules.Arrange(all, arrange.Request{K: 3, Now: now})
	if ids(got) != "a tiny new" || !slices.Equal(got.Entries[2].Because, []string{"new in the shop"}) || got.Left[arrange.Lifted] != 2 {
		t.Errorf("got %s: %+v", ids(got), got.Left)
	}
}

func TestACampaignHoldsItsPlaceAndIsMarked(t *testing.T) {
	rules := arrange.Rules{Campaigns: []arrange.Campaign{
		{Name: "Advertisement: spring", Item: "c", Position: 1, Placement: "home", From: now.AddDate(0, 0, -1), Until: now.AddDate(0, 0, 1)},
		{Name: "Over", Item: "b", Position: 2, Until: now}, {Name: "None left", Item: "gone", Position: 3},
	}}
	all := []arrange.Candidate{candidate("a", 9), candidate("b", 8), candidate("c", 1), candidate("gone", 7, func(c *arrange.Candidate) { c.Counted = true })}
	got := rules.Arrange(all, arrange.Request{K: 3, Now: now, Placement: "home"})
	if ids(got) != "c a b" || got.Entries[0].Campaign != "Advertisement: spring" || got.Entries[1].Campaign != "" || got.Left[arrange.Held] != 1 {
		t.Errorf("got %s: %+v", ids(got), got.Entries)
	}
	if got := rules.Arrange(all, arrange.Request{K: 3, Now: now, Placement: "mail"}); ids(got) != "a b c" {
		t.Errorf("elsewhere: %s", ids(got))
	}
}

func TestOfTheVariantsOneIsShown(t *testing.T) {
	group := of(func(p *catalog.Product) { p.Group = "shirt" })
	all := []arrange.Candidate{candidate("m", 9, group, of(func(p *catalog.Product) { p.Size = "M" })), candidate("l", 8, group, of(func(p *catalog.Product) { p.Size = "L" })), candidate("mug", 1)}
	if got := (arrange.Rules{}).Arrange(all, arrange.Request{K: 5, Now: now}); ids(got) != "m mug" || got.Left[arrange.Variant] != 1 {
		t.Errorf("got %s, %v", ids(got), got.Left)
	}
	// The one that fits, where a size is asked for.
	if got := (arrange.Rules{}).Arrange(all, arrange.Request{K: 5, Now: now, Filter: arrange.Filter{Size: "l"}}); ids(got) != "l" {
		t.Errorf("got %s", ids(got))
	}
}

func TestAnEmptyListSaysWhy(t *testing.T) {
	for name, got := range map[string]arrange.Result{
		"no candidates": arrange.Rules{}.Arrange(nil, arrange.Request{K: 5, Now: now}),
		"all bought":    arrange.Rules{}.Arrange([]arrange.Candidate{candidate("a", 1)}, arrange.Request{K: 5, Now: now, Bought: map[thimble.ItemID]time.Time{"a": now}}),
		"none wanted":   arrange.Rules{}.Arrange([]arrange.Candidate{candidate("a", 1)}, arrange.Request{Now: now}),
	} {
		if got.Empty == "" || len(got.Entries) > 0 {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// TestWhateverTheRulesTheirBoundsHold: seed 23.
func TestWhateverTheRulesTheirBoundsHold(t *testing.T) {
	r := rand.New(rand.NewPCG(23, 0))
	for n := range 3000 {
		rules, all, q := random(r)
		if err := rules.Validate(); err != nil {
			t.Fatal(err)
		}
		got := rules.Arrange(all, q)
		hidden := rules.Arrange(all, arrange.Request{K: len(all), Now: q.Now, Bought: q.Bought, From: q.From, Filter: q.Filter, GrownUp: q.GrownUp, Placement: q.Placement})
		allowed := map[thimble.ItemID]bool{}
		for _, e := range hidden.Entries {
			allowed[e.Product.ID] = true
		}
		met, groups := map[thimble.ItemID]bool{}, map[string]bool{}
		var before *arrange.Entry
		for _, e := range got.Entries {
			bound := e.Score * int64(rules.MaxBoost)
			if 100*e.Moved > bound || 100*e.Moved < -bound {
				t.Fatalf("seed 23, case %d: %d is moved by %d, at most %d %%", n, e.Score, e.Moved, rules.MaxBoost)
			}
			if p := e.Product; p.Availability == catalog.Withdrawn || p.Adult == catalog.Yes && !q.GrownUp || !q.Bought[p.ID].IsZero() || q.Filter.MaxPrice > 0 && p.Price.Minor > q.Filter.MaxPrice || met[p.ID] || p.Group != "" && groups[p.Group] {
				t.Fatalf("seed 23, case %d: %+v is in the list", n, p)
			}
			met[e.Product.ID] = true
			if groups[e.Product.Group] = true; e.Campaign != "" {
				continue
			}
			if before != nil && before.Score+before.Moved < e.Score+e.Moved {
				t.Fatalf("seed 23, case %d: %d stands before %d", n, before.Score+before.Moved, e.Score+e.Moved)
			}
			before = &e
		}
		if len(got.Entries) > q.K || (len(got.Entries) == 0) != (got.Empty != "") {
			t.Fatalf("seed 23, case %d: %d entries of %d, %q", n, len(got.Entries), q.K, got.Empty)
		}
		if want := min(q.K, len(allowed)); len(got.Entries) < want && len(rules.Campaigns) == 0 {
			t.Fatalf("seed 23, case %d: %d entries where %d were possible", n, len(got.Entries), want)
		}
		r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		if diff := cmp.Diff(got, rules.Arrange(all, q), cmpopts.IgnoreUnexported(arrange.Entry{})); diff != "" {
			t.Fatalf("seed 23, case %d: another order gives another list:\n%s", n, diff)
		}
	}
}

func random(r *rand.Rand) (arrange.Rules, []arrange.Candidate, arrange.Request) {
	rules := arrange.Rules{
		MaxBoost: r.IntN(51), Diversity: arrange.Diversity{Brand: r.IntN(4), Category: r.IntN(4)},
		Windows: []arrange.Window{{Category: "c1", Days: 10}}, Floors: []arrange.Floor{{Words: "new", AtLeast: 1 + r.IntN(3), NewDays: 10}},
	}
	for b := range r.IntN(3) {
		if rules.MaxBoost > 0 {
			rules.Boosts = append(rules.Boosts, arrange.Boost{Words: "w", Percent: rules.MaxBoost * (1 - 2*r.IntN(2)), Brand: fmt.Sprint("b", b)})
		}
	}
	if r.IntN(2) == 0 {
		rules.Campaigns = []arrange.Campaign{{Name: "ad", Item: "i3", Position: 1 + r.IntN(5)}}
	}
	var all []arrange.Candidate
	for i := range r.IntN(40) {
		all = append(all, candidate(fmt.Sprint("i", i), 1+r.Int64N(100_000), func(c *arrange.Candidate) {
			p := c.Product
			p.Brand, p.Category, p.Price.Minor = fmt.Sprint("b", r.IntN(4)), fmt.Sprint("c", r.IntN(4)), r.Int64N(2000)
			p.Since = now.AddDate(0, 0, -r.IntN(100))
			if c.Counted = r.IntN(2) == 0; c.Counted {
				c.Units = int64(r.IntN(3))
			}
			if r.IntN(9) == 0 {
				p.Availability = catalog.Withdrawn
			}
			if r.IntN(9) == 0 {
				p.Adult = catalog.Yes
			}
			if r.IntN(3) == 0 {
				p.Group = fmt.Sprint("g", r.IntN(5))
			}
		}))
	}
	q := arrange.Request{K: r.IntN(15), Now: now, GrownUp: r.IntN(2) == 0, Bought: map[thimble.ItemID]time.Time{"i1": now}, From: map[string]time.Time{"c1": now.AddDate(0, 0, -r.IntN(20))}}
	if r.IntN(3) == 0 {
		q.Filter.MaxPrice = 1000
	}
	return rules, all, q
}

func TestRulesThatCannotBeAreRefusedByName(t *testing.T) {
	for text, names := range map[string]string{
		`{"max_bost": 3}`:   "max_bost",
		`{"max_boost": 51}`: "max_boost",
		`{"max_boost": 10, "boosts": [{"words": "w", "percent": 11, "brand": "b"}]}`:                                                 "boosts[0].percent",
		`{"max_boost": 10, "boosts": [{"words": "w", "percent": 5}]}`:                                                                "boosts[0]",
		`{"max_boost": 10, "boosts": [{"percent": 5, "brand": "b"}]}`:                                                                "boosts[0]",
		`{"windows": [{"category": "shoes"}]}`:                                                                                       "windows[0]",
		`{"floors": [{"words": "w", "at_least": 1}]}`:                                                                                "floors[0]",
		`{"campaigns": [{"name": "n", "item": "i", "position": 0}]}`:                                                                 "campaigns[0]",
		`{"campaigns": [{"name": "n", "item": "i", "position": 1, "from": "2026-02-01T00:00:00Z", "until":"2026-01-01T00:00:00Z"}]}`: "campaigns[0]",
		`{"diversity": {"brand": -1}}`:                                                                                               "diversity",
		`{} {}`:                                                                                                                      "behind",
		`{"max_boost": NaN}`:                                                                                                         "",
	} {
		if _, err := arrange.Parse([]byte(text)); !errors.Is(err, thimble.ErrInvalid) || !strings.Contains(err.Error(), names) {
			t.Errorf("%s: %v", text, err)
		}
	}
	one, err := arrange.Parse([]byte(`{"max_boost": 10, "boosts": [{"words": "w", "percent": 5, "brand": "b"}]}`))
	if err != nil || one.Version() == (arrange.Rules{}).Version() || one.Version() != one.Version() {
		t.Errorf("%v, %s", err, one.Version())
	}
}
