package subjectweb

import (
	"testing"

	"thimble"
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
	lines := web.Table{ID: "lines", Caption: "Lines", Columns: []web.Column{{Label: "Product"}}, Rows: []web.Row{{Cells: web.Cells("a light")}}}
	join := joinForm(thimble.SubjectID{1}).Explain(web.FieldProblem{Field: "account", Detail: "They are one person already."})
	log := web.Table{ID: "log", Caption: "Log", Columns: []web.Column{{Label: "When"}}, Rows: []web.Row{{Cells: web.Cells("now")}}}
	webtest.RenderAll(t, pages, map[string]web.Page{
		"console_customers.html": {Layout: web.Console, Title: "Customers", Body: consoleListBody{
			Find:  consoleForm().Explain(web.FieldProblem{Field: "account", Detail: "Nobody has it."}),
			Table: web.Table{ID: "customers", Caption: "All", Columns: []web.Column{{Label: "Customer"}}, Rows: []web.Row{{Cells: web.Cells("sub_1")}}},
		}},
		"console_customer.html": {Layout: web.Console, Title: "Customer", Body: consoleBody{
			Who: []web.KeyValue{{Key: "Account", Value: "17850", Copy: true}}, Denied: Denied(Reading{Why: "the ledger is silent", Cite: "GDPR Art. 6"}, "Back", consolePath),
			Done: consoleDone("joined"), Related: []web.KeyValue{{Key: "sends presents", Value: web.Token("sub_1")}}, Join: &join,
			Joined: []joinedView{{Facts: []web.KeyValue{{Key: "Since", Value: "now"}}, Part: partForm("/x", "mrg_1")}},
			Parts: []Part{
				{ID: "orders", Title: "Orders", Note: "One.", Folds: []Fold{{Summary: "Order 1", Detail: "£1", Badge: &web.Badge{Text: "Came back"}, Open: true, Table: lines}}},
				{ID: "looked", Title: "Who looked", Tables: []web.Table{log}, Facts: []web.KeyValue{{Key: "k", Value: 1}}},
				{ID: "none", Title: "Nothing", Empty: &web.Empty{Title: "Nothing"}},
			},
		}},
	})
}

func TestThePageOfAccountsRendersWithNothingAndWithEverything(t *testing.T) {
	kit, err := web.New(web.Config{})
	if err != nil {
		t.Fatal(err)
	}
	pages, err := kit.Pages(portalFiles, "pages/portal_*.html")
	if err != nil {
		t.Fatal(err)
	}
	webtest.RenderAll(t, pages, map[string]web.Page{
		"portal_accounts.html": {Layout: web.Portal, Title: "My accounts", Body: accountsBody{
			Done: consoleDone("parted"), Joined: []joinedView{{Facts: []web.KeyValue{{Key: "Since", Value: "now"}}, Part: partForm(PortalPath, "mrg_1")}}}},
	})
}
