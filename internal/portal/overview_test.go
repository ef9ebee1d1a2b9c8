package portal

import (
	"testing"

	"thimble/internal/ledger/ledgerweb"
	"thimble/internal/web"
	"thimble/internal/web/webtest"
)

func TestTheFirstPageRenders(t *testing.T) {
	kit, err := web.New(web.Config{})
	if err != nil {
		t.Fatal(err)
	}
	pages, err := kit.Pages(ledgerweb.WithCheck(pageFiles), "pages/*.html", ledgerweb.CheckPartial)
	if err != nil {
		t.Fatal(err)
	}
	table := web.Table{ID: "held", Caption: "Held", Columns: []web.Column{{Label: "What"}}, Rows: []web.Row{{Cells: web.Cells("Orders")}}}
	asked := table
	asked.ID = "open"
	webtest.RenderAll(t, pages, map[string]web.Page{"overview.html": {Layout: web.Portal, Title: "Your data", Body: overviewBody{Held: []web.Table{table}, Open: &asked, Receipts: []ledgerweb.Check{{Title: "A choice", Href: "/r"}}, Cards: []web.Card{
		{Icon: "check", Title: "My choices", Text: "On: lists.", Href: "/privacy/choices", Badge: &web.Badge{Text: "1 of 2", Tone: web.Good}},
	}}}})
}

func TestOnlyTheNamedPagesAreOpenToStrangers(t *testing.T) {
	for path, want := range map[string]bool{
		"/privacy": false, "/privacy/data": false, "/privacy/forget": false, "/privacy/receipts/choice/1/file": false, "/privacy/sign-in/x": false, "/privacy/forgotten": false,
		"/privacy/sign-in": true, "/privacy/link/abc": true, "/privacy/forgotten/req_1/file": true,
	} {
		if got := open(path); got != want {
			t.Errorf("open(%s) = %t, want %t", path, got, want)
		}
	}
}
