package rightsweb

import (
	"testing"
	"time"

	"thimble"
	"thimble/internal/rights"
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
	q := rights.Request{Kind: rights.Erase, State: rights.Fulfilled, At: time.Unix(1, 0), Done: time.Unix(3, 0), Report: rights.Report{KeyHash: "ab",
		Holders: []rights.HolderLine{{Holder: "subject", Count: 2, Kept: []thimble.Kept{{Count: 1, What: "a hash", Law: "GDPR Art. 21(3)"}}}}, Models: &rights.Models{Before: "a", After: "b"}}}
	body := consoleBody{Facts: consoleFacts(q), Holders: consoleHolders(q.Report), Kept: consoleKept(q.Report), Models: []web.KeyValue{{Key: "Model", Value: "a", Sub: consoleSame(q.Report.Models)}}, Open: &web.Callout{Text: "soon"}}
	list := web.Table{ID: "requests", Caption: "Requests", Columns: []web.Column{{Label: "State"}}, Rows: []web.Row{{Cells: web.Cells(consoleState(q))}}}
	webtest.RenderAll(t, pages, map[string]web.Page{
		"console_requests.html": {Layout: web.Console, Title: "Requests", Body: consoleListBody{list}},
		"console_request.html":  {Layout: web.Console, Title: "Erasure", Body: body},
	})
}
