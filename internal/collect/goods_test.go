package collect_test

import (
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/catalog"
	"thimble/internal/collect"
)

func TestProductsAndStockAreTheCatalogues(t *testing.T) {
	eachShop(t, func(t *testing.T, s *shop) {
		src := source("Artikelnummer;Bezeichnung;Preis;Warengruppe\nH-1;Leinenhemd;1.239,90 €;Kleidung > Hemden\nH-2;Hose;79;Hosen\n")
		if _, err := s.brings(collect.Products, src, collect.Answers{Currency: "EUR"}, 0); err != nil {
			t.Fatal(err)
		}
		got, err := s.goods.Get(s.ctx, "H-1")
		p := got["H-1"]
		p.UpdatedAt, p.Since = time.Time{}, time.Time{}
		if err != nil || p != (catalog.Product{ID: "H-1", Name: "Leinenhemd", Kind: catalog.Goods, Price: thimble.Money{Minor: 123990, Currency: "EUR"}, Category: "hemden"}) {
			t.Errorf("got %+v, %v", p, err)
		}
		s.brought(collect.Stock, "sku\twarehouse\ton hand\tcounted at\nH-1\tBerlin\t12\t2024-05-02\nH-1\tParis\t-3\t2024-05-02\nH-1\tBerlin\t99\t2024-05-01\n")
		stock, err := s.goods.Stock(s.ctx, "H-1")
		if err != nil || len(stock) != 2 || stock[0].Units != 12 || stock[0].Place != "Berlin" || stock[1].Units != -3 {
			t.Errorf("stock is %+v, %v", stock, err)
		}
	})
}

func TestAProductFeedBringsWhatTellsVariantsApart(t *testing.T) {
	eachShop(t, func(t *testing.T, s *shop) {
		s.brought(collect.Products, "id\ttitle\tprice\tavailability\tbrand\tcolor\tsize\tgender\tage group\tmaterial\titem group id\tadult\tavailability date\n"+
			"A-1\tLinen shirt\t39.90 EUR\tin_stock\tOwn Brand\tNavy Blue\tM\tWomen\tadult\tLinen\tA\tno\t2024-05-01\n"+
			"A-2\tLinen shirt\t39.90 EUR\tsoon perhaps\t"+strings.Repeat("x", 65)+"\t\tL\t\t\t\tA\t\t\n")
		got, err := s.goods.Get(s.ctx, "A-1", "A-2")
		want := catalog.Attributes{
			Brand: "Own Brand", Colour: "navy blue", Size: "M", Gender: "female", AgeGroup: "adult", Material: "linen", Group: "A", Adult: catalog.No,
			Availability: catalog.InStock, Since: time.Date(2024, 5, 1, 0, 0, 0, 0, time.UTC),
		}
		if err != nil || got["A-1"].Attributes != want {
			t.Errorf("got %+v, %v", got["A-1"].Attributes, err)
		}
		// What is no attribute says nothing, and the product is there all the same.
		two := got["A-2"].Attributes
		if two.Since = (time.Time{}); two != (catalog.Attributes{Size: "L", Group: "A"}) {
			t.Errorf("got %+v", two)
		}
	})
}
