package ledgerweb

import (
	"testing"
	"time"

	"thimble/internal/ledger"
	"thimble/internal/web"
	"thimble/internal/web/webtest"
)

func TestEveryPortalPageRenders(t *testing.T) {
	kit, err := web.New(web.Config{})
	if err != nil {
		t.Fatal(err)
	}
	pages, err := kit.Pages(portalFiles, "pages/portal_*.html", CheckPartial)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	rows := []sourced{{"choice", Listed{Key: "1", At: at, Title: "You allowed", Text: "Recommendations"}}, {"decision", Listed{Key: "dec_1", At: at.Add(time.Hour), Title: "A list"}}}
	webtest.RenderAll(t, pages, map[string]web.Page{
		"portal_receipts.html": {Layout: web.Portal, Title: "Receipts", Body: listBody{Table: receiptTable(rows), Key: "shop+1+A"}},
		"portal_receipt.html": {Layout: web.Portal, Title: "A receipt", Body: receiptBody{
			Check: Check{Title: "this receipt", Href: "/f", Key: "shop+1+A", Auto: true, Open: true}, File: "a.receipt", Record: record(ledger.Opening{Record: []byte(`{"v":1}`)}),
		}},
	})
	if got := receiptTable(rows).Rows[0].Cells[0].Value; got != "A list" {
		t.Errorf("the first line is %v, want the newest", got)
	}
}
