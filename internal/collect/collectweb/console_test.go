package collectweb

import (
	"net/http/httptest"
	"testing"

	"thimble/internal/collect"
	"thimble/internal/collect/collectdb"
	"thimble/internal/collect/table"
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
	i := collectdb.Import{Name: "orders.csv", State: collect.State{Line: 7, Counts: collect.Counts{Rows: 200, Rejected: 120, Reasons: map[collect.Reason]int64{collect.BadDate: 20, collect.BadItem: 100}}}}
	rejects := make([]collect.Reject, 120)
	lines := consoleLines(httptest.NewRequest("GET", "/console/imports/x?page=3", nil), i, rejects)
	if len(lines.Rows) != 20 || lines.Paging.From != 101 {
		t.Errorf("page 3 has %d rows from %d, want 20 from 101", len(lines.Rows), lines.Paging.From)
	}
	if wrong := consoleLines(httptest.NewRequest("GET", "/console/imports/x?page=9", nil), i, rejects); wrong.Paging.Page != 1 {
		t.Errorf("a page that is not there gives page %d", wrong.Paging.Page)
	}
	body := consoleBody{Stats: consoleStats(i), Open: &web.Callout{Text: "go on"}, Facts: consoleFacts(i), Reasons: consoleReasons(i), Lines: lines}
	guess := table.Guess{Columns: []table.Column{{Name: "E-Mail", Filled: 3, Field: "email", Why: "name", Shapes: []table.ShapeCount{{Shape: table.EmailShape, Count: 3}}}}, Mapping: table.Mapping{Form: table.Plain(), Columns: map[string]string{"email": "E-Mail"}}}
	list := web.Table{ID: "imports", Caption: "Imports", Columns: []web.Column{{Label: "State"}}, Rows: []web.Row{{Cells: web.Cells(consoleState(i))}}}
	webtest.RenderAll(t, pages, map[string]web.Page{
		"console_imports.html":  {Layout: web.Console, Title: "Imports", Body: consoleListBody{Waiting: consoleWaiting([]collectdb.Delivery{{Feed: "shopify/main", Topic: "shop/redact", Digest: []byte{1}}}), Table: list}},
		"console_upload.html":   {Layout: web.Console, Title: "Import a file", Body: uploadBody{Form: uploadForm(collect.Orders).Explain(web.FieldProblem{Field: "file", Detail: "Choose a file."}), Command: web.CodeBlock{Code: "thimble import"}}},
		"console_confirm.html":  {Layout: web.Console, Title: "Confirm the columns", Body: confirmBody{Facts: consoleFacts(i), Doubts: &web.Callout{Text: "date"}, Columns: guessTable(guess), Form: confirmForm(upload{kind: collect.Customers, shops: []string{"shopify/main"}}, guess), Drop: web.Action{Label: "Drop", Post: true}}},
		"console_progress.html": {Layout: web.Console, Title: "orders.csv", Body: progress(upload{stage: running})},
		"console_import.html":   {Layout: web.Console, Title: "orders.csv", Body: body},
	})
}
