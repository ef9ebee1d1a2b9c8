package rightsweb

import (
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"thimble"
	"thimble/internal/catalog"
	"thimble/internal/ledger/ledgerweb"
	"thimble/internal/rights"
	"thimble/internal/web"
	"thimble/internal/web/webtest"
)

type line struct {
	Item       thimble.ItemID `json:"item"`
	PriceMinor int64          `json:"price_minor"`
	Currency   string         `json:"currency"`
}

type kept struct {
	V       int             `json:"v"`
	Number  string          `json:"number"`
	Purpose thimble.Purpose `json:"purpose"`
	Return  bool            `json:"return"`
	Lines   []line          `json:"lines"`
	Tags    []string        `json:"tags"`
	None    *int            `json:"none"`
}

func TestAnyValueBecomesReadable(t *testing.T) {
	n := treeOf(kept{1, "536365", thimble.TrainAISystem, true, []line{{"85123A", 255, "GBP"}, {"M", 100, "GBP"}, {"POST", 300, "GBP"}}, []string{"a", "b"}, nil})
	name(&n, map[thimble.ItemID]catalog.Product{"85123A": {Name: "WHITE HEART"}, "M": {ID: "M", Name: "M"}}) // of M no name is known, of POST nothing
	want := node{Parts: []node{
		{Name: "number", Text: "536365"}, {Name: "purpose", Text: "learning for everyone"}, {Name: "return", Text: "yes"},
		{Name: "lines", Head: []string{"item", "price"}, Rows: [][]string{{"White heart (85123A)", "£2.55"}, {"M", "£1.00"}, {"POST", "£3.00"}}},
		{Name: "tags", Text: "a, b"}, {Name: "none", Text: "–"},
	}}
	if diff := cmp.Diff(want, n, cmp.AllowUnexported(node{})); diff != "" {
		t.Error(diff)
	}
	for text, v := range map[string]any{"17850": "17850", "yes": true, "22 Nov 2026, 08:00 UTC": time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC), "see the download": func() {}} {
		if got := treeOf(v).Text; got != text {
			t.Errorf("treeOf = %q, want %q", got, text)
		}
	}
}

func TestPagesOfOneHolderCoverItAll(t *testing.T) {
	for n, pages := range map[int]int{0: 1, 1: 1, shownPage: 1, shownPage + 1: 2, 95: 5} {
		seen := 0
		for p := 1; p <= pages; p++ {
			u := &url.URL{Path: "/privacy/data", RawQuery: url.Values{"page": {web.Text(p)}}.Encode()}
			from, to, _ := paged(u, n)
			if from != seen {
				t.Errorf("page %d of %d entries begins at %d, want %d", p, n, from, seen)
			}
			seen = to
		}
		if seen != n {
			t.Errorf("%d of %d entries are shown", seen, n)
		}
	}
}

func TestEveryPortalPageRenders(t *testing.T) {
	kit, err := web.New(web.Config{})
	if err != nil {
		t.Fatal(err)
	}
	pages, err := kit.Pages(ledgerweb.WithCheck(portalFiles), "pages/portal_*.html", "pages/_portal_tree.html", ledgerweb.CheckPartial)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	var data []thimble.Datum
	for range shownFirst + 1 {
		data = append(data, thimble.Datum{Holder: "order", Category: thimble.PurchaseHistory, Name: "order", At: at, Value: kept{Lines: []line{{"1", 2, "GBP"}}}})
	}
	data = append(data, thimble.Datum{Holder: "decision", Category: thimble.AutomatedDecision, Name: "dec_1", At: at, Value: map[string]any{"capability": "recommend"}})
	archive := rights.Archive{Data: data, Report: rights.Report{Holders: []rights.HolderLine{{Holder: "order", Count: 4}, {Holder: "decision", Count: 1}, {Holder: "gate"}}}}
	groups := grouped(archive, nil, func(thimble.Datum) string { return "" })
	if len(groups) != 2 || groups[0].Count != shownFirst+1 || len(groups[0].Items) != shownFirst || groups[0].More == "" {
		t.Fatalf("groups = %+v", groups)
	}
	done := forgottenBody{
		Facts: []web.KeyValue{{Key: "Request", Value: web.Token("req_1")}}, Check: ledgerweb.Check{Title: "this erasure", Href: "/f", Key: "k", Auto: true},
		Table: web.Table{Caption: "Places", Columns: []web.Column{{Label: "Place"}}, Rows: []web.Row{{Cells: web.Cells("Orders")}}}, Kept: []thimble.Kept{{Count: 2, What: "invoices", Law: "AO § 147"}},
		Certificate: &ledgerweb.Check{Title: "this erasure", Href: "/c", Key: "k", Auto: true, Certificate: checkModule},
	}
	webtest.RenderAll(t, pages, map[string]web.Page{
		"portal_data.html":      {Layout: web.Portal, Title: "My data", Body: dataBody{Groups: groups, Pages: []web.Action{{Label: "Next page", Href: "/n"}}}},
		"portal_waits.html":     {Layout: web.Portal, Title: "This waits"},
		"portal_take.html":      takePage(takeBody{Words: "01234-56789", Until: at, Form: web.Form{Action: takeFile}}),
		"portal_forget.html":    {Layout: web.Portal, Title: "Be forgotten", Body: forgetBody{forgetForm().Explain(web.FieldProblem{Field: "word", Detail: "No."})}},
		"portal_forgotten.html": {Layout: web.Portal, Title: "Forgotten", Body: done},
	})
	webtest.Check(t, webtest.Render(t, pages, "portal_data.html", web.Page{Layout: web.Portal, Body: dataBody{One: &groups[0]}}))
}
