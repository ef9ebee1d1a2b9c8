package device_test

import (
	"slices"
	"testing"

	"thimble"
	"thimble/internal/catalog"
	"thimble/internal/recommend/device"
)

func TestWhatIsAlikeSaysInWhat(t *testing.T) {
	products := []catalog.Product{
		{ID: "A", Name: "Red retrospot mug", Kind: catalog.Goods, Category: "mugs", Price: thimble.Money{Minor: 295, Currency: "GBP"}},
		{ID: "B", Name: "Blue retrospot mug", Kind: catalog.Goods, Category: "mugs", Price: thimble.Money{Minor: 295, Currency: "GBP"}},
		{ID: "C", Name: "Retrospot lunch bag", Kind: catalog.Goods, Category: "bags", Price: thimble.Money{Minor: 165, Currency: "GBP"}},
		{ID: "D", Name: "Jam making set", Kind: catalog.Goods, Category: "kitchen", Price: thimble.Money{Minor: 895, Currency: "GBP"}},
		{ID: "E", Name: "Wooden frame", Kind: catalog.Goods, Category: "frames", Price: thimble.Money{Minor: 1295, Currency: "GBP"}},
		{ID: "F", Name: "Paper lantern", Kind: catalog.Goods, Category: "lights", Price: thimble.Money{Minor: 4295, Currency: "GBP"}},
		{ID: "G", Name: "Glass jar", Kind: catalog.Goods, Category: "jars", Price: thimble.Money{Minor: 95, Currency: "GBP"}},
	}
	var items []device.Item
	for _, p := range products {
		items = append(items, device.Item{ID: p.ID, Name: p.Name})
	}
	fields, of := device.Alike(products)
	h := head(device.Content)
	h.Fields = fields
	f, err := device.New(h, items, device.Rows(items, device.Width, of))
	if err != nil {
		t.Fatal(err)
	}
	list := f.Rank([]thimble.ItemID{"A"}, 5)
	if len(list) != 2 || list[0].Item != "B" || list[1].Item != "C" {
		t.Fatalf("alike to the red mug: %v, want the blue one and then the bag of the same pattern", list)
	}
	if got, want := list[0].Terms[0].Fields, []string{"category", "price", "name"}; !slices.Equal(got, want) {
		t.Errorf("the mugs are alike in %q, want %q", got, want)
	}
	if got, want := list[1].Terms[0].Fields, []string{"name"}; !slices.Equal(got, want) {
		t.Errorf("mug and bag are alike in %q, want %q", got, want)
	}
}
