package ledgerweb

import (
	"net/http/httptest"
	"testing"

	"thimble/internal/ledger"
	"thimble/internal/ledger/ledgerdb"
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
	rows := []ledgerdb.LeafRow{{Index: 7, Leaf: ledger.Leaf{Class: ledger.Erasure}}, {Index: 6, Leaf: ledger.Leaf{Class: ledger.Consent}}}
	leaves := consoleLeaves(httptest.NewRequest("GET", "/console/ledger?before=8", nil), rows, 8, 99, "")
	if leaves.NextHref() != "/console/ledger?before=6" || leaves.PrevHref() != "/console/ledger?before=58" {
		t.Errorf("paging = %s, %s", leaves.NextHref(), leaves.PrevHref())
	}
	call := &web.Callout{Title: "t", Text: "x"}
	body := consoleBody{Silent: call, Waiting: call, Grows: call, Stats: []web.Stat{{Label: "Entries", Value: 99}}, Facts: []web.KeyValue{{Key: "Root", Value: "r"}}, Leaves: leaves, Signed: web.CodeBlock{ID: "checkpoint", Code: "note"}}
	webtest.RenderAll(t, pages, map[string]web.Page{"console_ledger.html": {Layout: web.Console, Title: "Ledger", Body: body}})
}
