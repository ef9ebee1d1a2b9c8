package catalogweb

import (
	"net/url"
	"testing"

	"thimble"
	"thimble/internal/catalog"
	"thimble/internal/web"
	"thimble/internal/web/webtest"
)

func TestEveryConsolePageRendersWithNothingAndWithEverything(t *testing.T) {
	kit, err := web.New(web.Config{})
	if err != nil {
		t.Fatal(err)
	}
	pages, err := kit.Pages(consoleFiles, "pages/console_*.html")
	if err != nil {
		t.Fatal(err)
	}
	p := catalog.Product{ID: "85123A/B", Name: "HANGING LIGHT", Kind: catalog.Goods, Category: "lights", Price: thimble.Money{Minor: 255, Currency: "GBP"}}
	demand := []catalog.Demand{{Day: 14945, Orders: 1, Units: 6}, {Day: 15030, Orders: 2, Units: 8}} // December 2010, February 2011
	months := consoleMonths("Units", demand)
	if got := months.Labels; len(got) != 3 || got[1] != "Jan 2011" || months.Series[0].Values[1] != 0 {
		t.Errorf("months = %v %v, want December to February with an empty January", got, months.Series)
	}
	row := consoleRow(catalog.Listed{Product: p, SoldUnits: 14})
	if row.Href != "/console/catalogue/85123A%2FB" {
		t.Errorf("href = %s", row.Href)
	}
	list := consoleTable(&url.URL{Path: "/console/catalogue"}, catalog.Query{})
	list.Rows = []web.Row{row}
	l := Learned{Version: 3, Counts: "Counted in tens.", For: []Neighbour{{"coat", "COAT", -9, 40}, {"hat", "HAT", 3, 0}}}
	webtest.RenderAll(t, pages, map[string]web.Page{
		"console_catalogue.html": {Layout: web.Console, Title: "Catalogue", Body: consoleListBody{list}},
		"console_product.html": {Layout: web.Console, Title: "Light", Body: consoleBody{Facts: consoleFacts(p, demand), Chart: months, Lists: []web.KeyValue{{Key: "Rule", Value: "a"}},
			Recommends: consoleWeights("recommends", "Which lists it drives", "Product", l, l.For, 30), By: consoleWeights("recommended-by", "What drives it", "Because of", Learned{Why: "Nothing was learned yet."}, nil, 0)}},
	})
}
