package content_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"thimble"
	"thimble/internal/catalog"
	"thimble/internal/recommend"
	"thimble/internal/recommend/content"
)

func product(id, name, brand, colour, category string, price int64) catalog.Product {
	return catalog.Product{
		ID: thimble.ItemID(id), Name: name, Kind: catalog.Goods, Category: category, Price: thimble.Money{Minor: price, Currency: "EUR"},
		Attributes: catalog.Attributes{Brand: brand, Colour: colour},
	}
}

// shop is a small catalogue: shirts and shoes of two brands, and mugs.
var shop = []catalog.Product{
	product("s1", "Linen shirt", "Own", "blue", "shirts", 4000), product("s2", "Linen shirt wide", "Own", "red", "shirts", 4200),
	product("s3", "Cotton shirt", "Else", "blue", "shirts", 2000), product("h1", "Running shoe", "Else", "blue", "shoes", 9000),
	product("h2", "Trail running shoe", "Else", "green", "shoes", 11000), product("m1", "Stoneware mug", "", "white", "mugs", 900),
	product("m2", "Enamel mug", "", "red", "mugs", 1000), product("m3", "Glass mug", "", "white", "mugs", 800),
}

func ids(list []content.Ranked) (out []thimble.ItemID) {
	for _, r := range list {
		out = append(out, r.Item)
	}
	return out
}

func TestWhatIsLikeWhatWasSeenComesFirstAndSaysWhy(t *testing.T) {
	m := content.Build(shop)
	got := m.Rank([]thimble.ItemID{"s1"}, recommend.Query{K: 3})
	if want := []thimble.ItemID{"s2", "s3", "h1"}; !slices.Equal(ids(got), want) {
		t.Fatalf("got %v, want %v", ids(got), want)
	}
	shared := map[content.Field]bool{}
	for _, term := range got[0].Terms {
		shared[term.Field] = true
		if term.Because != "s1" {
			t.Errorf("because of %s", term.Because)
		}
	}
	if !shared[content.Brand] || !shared[content.Category] || !shared[content.Word] || shared[content.Colour] {
		t.Errorf("s2 is like s1 for %v", shared)
	}
}

func TestTheLastProductSeenCountsMost(t *testing.T) {
	m := content.Build(shop)
	if got := m.Rank([]thimble.ItemID{"s1", "m1"}, recommend.Query{K: 1}); got[0].Item != "m3" {
		t.Errorf("after a mug: %v", got)
	}
	if got := m.Rank([]thimble.ItemID{"m1", "s1"}, recommend.Query{K: 1}); got[0].Item != "s2" {
		t.Errorf("after a shirt: %v", got)
	}
}

// A random catalogue, with gaps in what is said.
func random(r *rand.Rand, n int) (all []catalog.Product) {
	pick := func(kind string, of int) string {
		if r.IntN(5) == 0 {
			return ""
		}
		return fmt.Sprint(kind, r.IntN(of))
	}
	for i := range n {
		p := product(fmt.Sprintf("p%04d", i), pick("word", 30)+" "+pick("word", 30)+" "+pick("only", 1000), pick("b", 9), pick("c", 7), pick("k", 12), int64(r.IntN(20_000)))
		p.Material, p.Season, p.Gender = pick("m", 4), pick("s", 4), pick("g", 2)
		all = append(all, p)
	}
	return all
}

// TestSharesSumToTheScoreAndTheOrderIsTotal: seed 17.
func TestSharesSumToTheScoreAndTheOrderIsTotal(t *testing.T) {
	r := rand.New(rand.NewPCG(17, 0))
	goods := random(r, 400)
	m := content.Build(goods)
	for range 200 {
		var seen []thimble.ItemID
		for range r.IntN(70) {
			seen = append(seen, goods[r.IntN(len(goods))].ID)
		}
		list := m.Rank(append(seen, "unknown"), recommend.Query{K: 25})
		for i, e := range list {
			var sum int64
			for _, term := range e.Terms {
				sum += term.Share
			}
			if sum != e.Score || e.Score <= 0 || slices.Contains(seen, e.Item) {
				t.Fatalf("seed 17: %+v sums to %d", e, sum)
			}
			if i > 0 && (list[i-1].Score < e.Score || list[i-1].Score == e.Score && list[i-1].Item >= e.Item) {
				t.Fatalf("seed 17: %s stands before %s", list[i-1].Item, e.Item)
			}
			if diff := cmp.Diff(m.Explain(seen, e.Item), e); diff != "" {
				t.Fatalf("seed 17: explained otherwise (-):\n%s", diff)
			}
		}
		// The list is the head of the list of all.
		if all := m.Rank(seen, recommend.Query{K: 1000}); !slices.Equal(ids(all)[:len(list)], ids(list)) {
			t.Fatal("seed 17: a longer list begins otherwise")
		}
	}
}

// TestTheBytesDependOnTheCatalogueAlone: seed 18.
func TestTheBytesDependOnTheCatalogueAlone(t *testing.T) {
	r := rand.New(rand.NewPCG(18, 0))
	goods := random(r, 300)
	one := content.Build(goods)
	r.Shuffle(len(goods), func(i, j int) { goods[i], goods[j] = goods[j], goods[i] })
	if one.Hash() != content.Build(goods).Hash() {
		t.Error("seed 18: another order gives other bytes")
	}
	file, err := one.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	read, err := content.Unmarshal(file)
	if err != nil || read.Hash() != one.Hash() {
		t.Fatalf("read again it is another: %v", err)
	}
	seen := []thimble.ItemID{goods[3].ID, goods[9].ID}
	if diff := cmp.Diff(one.Rank(seen, recommend.Query{}), read.Rank(seen, recommend.Query{})); diff != "" {
		t.Errorf("it ranks otherwise:\n%s", diff)
	}
	for cut := range len(file) {
		if _, err := content.Unmarshal(file[:cut]); !errors.Is(err, thimble.ErrInvalid) {
			t.Fatalf("the first %d bytes were read: %v", cut, err)
		}
	}
}

func TestANewProductIsRankedAtOnceAndChangesNothingElse(t *testing.T) {
	m := content.Build(shop)
	before := m.Explain([]thimble.ItemID{"s1"}, "s3")
	fresh := product("new", "Linen shirt slim", "Own", "blue", "shirts", 4100)
	more := m.With(fresh, shop[0])
	if got := more.Rank([]thimble.ItemID{"s1"}, recommend.Query{K: 1}); got[0].Item != "new" {
		t.Errorf("got %v", got)
	}
	if diff := cmp.Diff(before, more.Explain([]thimble.ItemID{"s1"}, "s3")); diff != "" || more.Items() != m.Items()+1 || m.Has("new") {
		t.Errorf("the rest has changed: %s", diff)
	}
	if got := more.Rank([]thimble.ItemID{"new"}, recommend.Query{K: 1}); got[0].Item != "s1" {
		t.Errorf("like the new one is %v", got)
	}
}

func TestWhatIsNotSoldOrNotKnownIsNowhere(t *testing.T) {
	post, gone := product("post", "Linen shirt", "Own", "blue", "shirts", 1), product("gone", "Linen shirt", "Own", "blue", "shirts", 4000)
	post.Kind, gone.Availability = catalog.Service, catalog.Withdrawn
	m := content.Build(append([]catalog.Product{post, gone}, shop...))
	if m.Has("post") || m.Has("gone") || m.With(gone).Has("gone") {
		t.Error("what is not sold is ranked")
	}
	for name, seen := range map[string][]thimble.ItemID{"nothing seen": nil, "unknown": {"nobody knows"}} {
		if got := m.Rank(seen, recommend.Query{}); got != nil {
			t.Errorf("%s: %v", name, got)
		}
	}
	if got := content.Build(nil).Rank([]thimble.ItemID{"s1"}, recommend.Query{}); got != nil {
		t.Errorf("an empty catalogue: %v", got)
	}
	odd := product("odd", "", "", "", "", math.MaxInt64)
	if got := content.Build([]catalog.Product{odd}).Rank([]thimble.ItemID{"odd"}, recommend.Query{}); got != nil {
		t.Errorf("a single product of which nothing is known: %v", got)
	}
	if got := m.Rank([]thimble.ItemID{"s1"}, recommend.Query{K: 2, Exclude: func(id thimble.ItemID) bool { return id == "s2" }}); !slices.Equal(ids(got), []thimble.ItemID{"s3", "h1"}) {
		t.Errorf("without s2: %v", ids(got))
	}
}

func FuzzUnmarshal(f *testing.F) {
	file, _ := content.Build(shop).MarshalBinary()
	f.Add(file)
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := content.Unmarshal(b)
		if err == nil {
			m.Rank([]thimble.ItemID{"s1", "m1"}, recommend.Query{})
		}
	})
}

func BenchmarkRank(b *testing.B) {
	goods := random(rand.New(rand.NewPCG(1, 0)), 40_000)
	m := content.Build(goods)
	seen := []thimble.ItemID{goods[1].ID, goods[5].ID, goods[100].ID}
	b.ReportAllocs()
	for b.Loop() {
		m.Rank(seen, recommend.Query{K: 20})
	}
	file, _ := m.MarshalBinary()
	b.ReportMetric(float64(len(file)), "bytes")
}

func TestWhatIsSharedIsSaidInWords(t *testing.T) {
	m := content.Build(shop)
	if got := content.Words(m.Explain([]thimble.ItemID{"s1"}, "s2").Terms); got != "same brand and kind, “linen” and “shirt” in the name" {
		t.Errorf("got %q", got)
	}
	if got := content.Words(m.Explain([]thimble.ItemID{"m1"}, "m3").Terms); got != "same kind and colour, “mug” in the name" {
		t.Errorf("got %q", got)
	}
	if got := content.Words(nil); got != "" {
		t.Errorf("nothing shared is %q", got)
	}
}
