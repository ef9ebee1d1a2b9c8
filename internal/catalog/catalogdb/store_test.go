package catalogdb_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"thimble"
	"thimble/internal/catalog"
	"thimble/internal/catalog/catalogdb"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
)

func each(t *testing.T, f func(*testing.T, *shop)) {
	sqldbtest.Each(t, sqldb.Core, func(t *testing.T, db *sqldb.DB) {
		f(t, &shop{T: t, db: db, store: catalogdb.New(db)})
	})
}

type shop struct {
	*testing.T
	db    *sqldb.DB
	store *catalogdb.Store
}

func (s *shop) write(f func(context.Context, *sqldb.Tx) error) error {
	return s.db.Write(s.Context(), func(tx *sqldb.Tx) error { return f(s.Context(), tx) })
}

func (s *shop) stocks(products ...catalog.Product) {
	s.Helper()
	err := s.write(func(ctx context.Context, tx *sqldb.Tx) error { return s.store.Upsert(ctx, tx, products) })
	if err != nil {
		s.Fatal(err)
	}
}

func (s *shop) sells(demand ...catalog.Demand) {
	s.Helper()
	err := s.write(func(ctx context.Context, tx *sqldb.Tx) error { return s.store.AddDemand(ctx, tx, demand) })
	if err != nil {
		s.Fatal(err)
	}
}

func (s *shop) page(q catalog.Query) catalog.Page {
	s.Helper()
	p, err := s.store.Page(s.Context(), q)
	if err != nil {
		s.Fatal(err)
	}
	return p
}

func pence(n int64) thimble.Money { return thimble.Money{Minor: n, Currency: "GBP"} }

func product(id, name string, price int64, day int) catalog.Product {
	at := time.Date(2011, 1, day, 0, 0, 0, 0, time.UTC)
	return catalog.Product{
		ID: thimble.ItemID(id), Name: name, Kind: catalog.Goods, Price: pence(price), Category: "mugs", UpdatedAt: at, Attributes: catalog.Attributes{Since: at},
	}
}

func TestWhatWasSeenLaterWins(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		later, earlier := product("1", "BLUE MUG", 300, 5), product("1", "OLD MUG", 100, 4)
		s.stocks(later)
		s.stocks(earlier, product("2", "CUP", 5, 1), product("2", "TEA CUP", 6, 2))
		got, err := s.store.Get(t.Context(), "1", "2", "3")
		if err != nil {
			t.Fatal(err)
		}
		want := map[thimble.ItemID]catalog.Product{"1": later, "2": product("2", "TEA CUP", 6, 2)}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("want (-) and got (+) differ:\n%s", diff)
		}
	})
}

func TestWhatIsUnknownLeavesWhatIsStored(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		s.stocks(product("1", "BLUE MUG", 300, 5))
		unknown := product("1", "", 0, 6)
		unknown.Category = ""
		s.stocks(unknown)
		want := product("1", "BLUE MUG", 300, 6)
		want.Since = product("1", "", 0, 5).Since // the first time that it was seen
		got, err := s.store.Get(t.Context(), "1")
		if diff := cmp.Diff(want, got["1"]); err != nil || diff != "" {
			t.Errorf("error %v; want (-) and got (+) differ:\n%s", err, diff)
		}
		if n := s.page(catalog.Query{Search: "blue"}).Total; n != 1 {
			t.Errorf("the product is found %d times, want once", n)
		}
	})
}

func TestAnAttributeThatIsUnknownLeavesWhatIsStored(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		shirt := product("1", "SHIRT", 300, 5)
		shirt.Attributes = catalog.Attributes{
			Brand: "Own", Colour: "blue", Size: "M", Gender: "female", AgeGroup: "adult", Material: "linen", Season: "summer", Group: "S1",
			Adult: catalog.No, Availability: catalog.InStock, Since: shirt.UpdatedAt.AddDate(0, 0, -3),
		}
		s.stocks(shirt)
		plain := product("1", "SHIRT", 300, 6) // as an order says it
		plain.Availability = catalog.OutOfStock
		s.stocks(plain)
		want := shirt
		want.UpdatedAt, want.Availability = plain.UpdatedAt, catalog.OutOfStock
		got, err := s.store.Get(t.Context(), "1")
		if diff := cmp.Diff(want, got["1"]); err != nil || diff != "" {
			t.Errorf("error %v; want (-) and got (+) differ:\n%s", err, diff)
		}
	})
}

func TestProductWithoutANameIsCalledByItsID(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		s.stocks(product("X1", "", 0, 1))
		s.sells(catalog.Demand{Item: "X2", Day: 1, Orders: 1, Units: 1})
		got, err := s.store.Get(t.Context(), "X1", "X2")
		if err != nil || got["X1"].Name != "X1" || got["X2"].Name != "X2" {
			t.Errorf("got %v, %v", got, err)
		}
	})
}

func TestABrokenProductStopsTheWholeWrite(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		err := s.write(func(ctx context.Context, tx *sqldb.Tx) error {
			return s.store.Upsert(ctx, tx, []catalog.Product{product("1", "MUG", 1, 1), {ID: "2"}})
		})
		n, countErr := s.store.Count(t.Context())
		if !errors.Is(err, thimble.ErrInvalid) || countErr != nil || n != 0 {
			t.Errorf("got %v and %d products (%v), want an invalid one and none", err, n, countErr)
		}
	})
}

func TestDemandAddsUp(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		s.stocks(product("1", "MUG", 1, 1))
		s.sells(catalog.Demand{Item: "1", Day: 10, Orders: 1, Units: 6}, catalog.Demand{Item: "1", Day: 10, Orders: 1, Units: 2})
		s.sells(catalog.Demand{Item: "1", Day: 10, Orders: 1, Units: 1}, catalog.Demand{Item: "1", Day: 8, Orders: 2, Units: 3})
		got, err := s.store.Demand(t.Context(), "1")
		want := []catalog.Demand{{Item: "1", Day: 8, Orders: 2, Units: 3}, {Item: "1", Day: 10, Orders: 3, Units: 9}}
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("error %v; want (-) and got (+) differ:\n%s", err, diff)
		}
		if l := s.page(catalog.Query{}).Products[0]; l.SoldOrders != 5 || l.SoldUnits != 12 {
			t.Errorf("the product has sold %d units in %d orders, want 12 in 5", l.SoldUnits, l.SoldOrders)
		}
		if day, err := s.store.LatestDay(t.Context()); day != 10 || err != nil {
			t.Errorf("the latest day is %d, %v, want 10", day, err)
		}
	})
}

func sold(item thimble.ItemID, day, orders, units int64) catalog.Demand {
	return catalog.Demand{Item: item, Day: day, Orders: orders, Units: units}
}

func ranked(item thimble.ItemID, orders int64) catalog.Ranked {
	return catalog.Ranked{Item: item, Orders: orders}
}

func TestPopularCountsTheWindowAndRanksTiesByID(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		none, err := s.store.Popular(t.Context(), catalog.Window{Days: 30}, 10)
		if err != nil || len(none) != 0 {
			t.Fatalf("got %v, %v of an empty shop", none, err)
		}
		post := product("POST", "POSTAGE", 100, 1)
		post.Kind = catalog.Service
		s.stocks(product("a", "A", 1, 1), product("b", "B", 1, 1), product("c", "C", 1, 1), post)
		for _, d := range []catalog.Demand{sold("c", 100, 3, 3), sold("b", 99, 2, 2), sold("a", 99, 2, 9), sold("POST", 100, 9, 9), sold("a", 90, 50, 50)} {
			s.sells(d)
		}
		for name, c := range map[string]struct {
			window catalog.Window
			skip   []catalog.Kind
			want   []catalog.Ranked
		}{
			"two days":             {catalog.Window{Days: 2}, []catalog.Kind{catalog.Service}, []catalog.Ranked{ranked("c", 3), ranked("a", 2), ranked("b", 2)}},
			"with services":        {catalog.Window{Days: 2}, nil, []catalog.Ranked{ranked("POST", 9), ranked("c", 3), ranked("a", 2)}},
			"all days":             {catalog.Window{}, []catalog.Kind{catalog.Service}, []catalog.Ranked{ranked("a", 52), ranked("c", 3), ranked("b", 2)}},
			"before the last day":  {catalog.Window{Days: 1, Before: catalog.DayTime(100)}, nil, []catalog.Ranked{ranked("a", 2), ranked("b", 2)}},
			"before anything sold": {catalog.Window{Days: 5, Before: catalog.DayTime(3)}, nil, nil},
		} {
			got, err := s.store.Popular(t.Context(), c.window, 3, c.skip...)
			if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
				t.Errorf("%s: error %v; want (-) and got (+) differ:\n%s", name, err, diff)
			}
		}
	})
}

func TestSearchFindsAllWordsAndTakesNoneAsAPattern(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		s.stocks(product("1", "BLUE MUG", 1, 1), product("2", "BLUE_CUP 100%", 1, 1), product("85123A", "HOLDER", 1, 1))
		for search, want := range map[string]int64{
			"": 3, "blue": 2, "Blue mug": 1, "mug blue": 1, "_": 1, "100%": 1, "%": 1, "85123a": 1, `\`: 0, "red": 0, "'": 0,
		} {
			if got := s.page(catalog.Query{Search: search}).Total; got != want {
				t.Errorf("search %q finds %d, want %d", search, got, want)
			}
		}
		if got := s.page(catalog.Query{Category: "bags"}).Total; got != 0 {
			t.Errorf("%d products in another category", got)
		}
		if got := s.page(catalog.Query{Kind: catalog.Service}).Total; got != 0 {
			t.Errorf("%d services", got)
		}
	})
}

func TestPagesShowEveryProductOnceInOrder(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		var all []catalog.Product
		for i := range 23 {
			all = append(all, product(fmt.Sprintf("%02d", i), fmt.Sprintf("Ä NAME %d", i%5), int64(i%4), 1))
			s.sells(catalog.Demand{Item: all[i].ID, Day: 1, Orders: 1, Units: int64(i % 3)})
		}
		s.stocks(all...)
		rapid.Check(t, func(rt *rapid.T) {
			q := catalog.Query{
				Sort:  rapid.SampledFrom([]string{"", catalog.ByName, catalog.ByPrice, catalog.BySold}).Draw(rt, "sort"),
				Desc:  rapid.Bool().Draw(rt, "desc"),
				Limit: rapid.IntRange(1, 25).Draw(rt, "limit"),
			}
			var walked []catalog.Listed
			for {
				p := s.page(q)
				walked = append(walked, p.Products...)
				if p.Total != 23 || len(p.Products) > q.Limit {
					rt.Fatalf("total %d, page of %d", p.Total, len(p.Products))
				}
				if q.After = p.Next; p.Next == "" {
					break
				}
			}
			q.After, q.Limit = "", 200
			whole := s.page(q).Products
			if diff := cmp.Diff(whole, walked); diff != "" || len(whole) != 23 {
				rt.Fatalf("one page of %d and many pages differ:\n%s", len(whole), diff)
			}
			if !slices.IsSortedFunc(whole, func(a, b catalog.Listed) int { return compare(q, a, b) }) {
				rt.Fatalf("not sorted by %s", q.Sort)
			}
		})
	})
}

func compare(q catalog.Query, a, b catalog.Listed) int {
	if q.Desc {
		a, b = b, a
	}
	switch key := func(l catalog.Listed) int64 {
		switch q.Sort {
		case catalog.ByPrice:
			return l.Price.Minor
		case catalog.BySold:
			return l.SoldUnits
		}
		return 0
	}; {
	case key(a) != key(b):
		return int(key(a) - key(b))
	case (q.Sort == "" || q.Sort == catalog.ByName) && a.Name != b.Name:
		return map[bool]int{true: -1, false: 1}[a.Name < b.Name]
	}
	return map[bool]int{true: -1, false: 1}[a.ID < b.ID]
}

func TestTheMarkChangesWithWhatIsKept(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		last := int64(-1)
		changed := func(what string, want bool) {
			t.Helper()
			mark, err := s.store.Mark(t.Context())
			if err != nil || (mark != last) != want {
				t.Errorf("%s: %d after %d, %v", what, mark, last, err)
			}
			last = mark
		}
		changed("nothing", true)
		s.stocks(product("1", "MUG", 1, 1), product("2", "CUP", 1, 1))
		changed("products", true)
		changed("nothing", false)
		gone := product("1", "MUG", 1, 2)
		gone.Availability = catalog.Withdrawn
		s.stocks(gone)
		changed("one is withdrawn", true)
		gone.Name = "MUG, BLUE"
		s.stocks(gone)
		changed("another name, by a feed of the same hour", true)
		s.sells(catalog.Demand{Item: "1", Day: 3, Orders: 1, Units: 2})
		changed("a sale", true)
		level := catalog.Stock{Item: "2", Place: "here", Units: 3, At: time.Unix(5, 0)}
		other := catalog.Stock{Item: "2", Place: "there", Units: 4, At: time.Unix(5, 0)}
		if err := s.write(func(ctx context.Context, tx *sqldb.Tx) error {
			return s.store.SetStock(ctx, tx, []catalog.Stock{level, other})
		}); err != nil {
			t.Fatal(err)
		}
		changed("stock", true)
		all, err := s.store.All(t.Context())
		if err != nil || len(all) != 2 || all[0].ID != "1" || all[0].Availability != catalog.Withdrawn {
			t.Errorf("all: %+v, %v", all, err)
		}
		if levels, err := s.store.Levels(t.Context()); err != nil || len(levels) != 1 || levels["2"] != 7 {
			t.Errorf("levels: %v, %v", levels, err)
		}
	})
}
