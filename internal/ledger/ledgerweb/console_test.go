package ledgerweb

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"thimble/internal/ledger"
	"thimble/internal/ledger/ledgerdb"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
	"thimble/internal/web"
	"thimble/internal/web/webtest"
)

// watchedLog is a log whose witnesses are told by the test.
type watchedLog struct {
	ConsoleLog
	all []ledgerdb.WitnessStatus
}

func (l watchedLog) Witnesses(context.Context) ([]ledgerdb.WitnessStatus, error) { return l.all, nil }

func TestARefusingWitnessIsAnAlarmOnThePage(t *testing.T) {
	b := webtest.Start(t)
	kit, err := web.New(web.Config{})
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ledger.NewSigner("shop.example/ledger", make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	log := ledgerdb.New(sqldbtest.SQLite(t, sqldb.Core), signer, ledgerdb.Config{})
	if _, err := log.Integrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	section, err := Console(kit, watchedLog{log, []ledgerdb.WitnessStatus{
		{Name: "partner", State: ledgerdb.Cosigned, Size: 1812, Asked: at, Since: at.AddDate(0, -1, 0)},
		{Name: "union", State: ledgerdb.Stranger, Asked: at, Since: at},
		{Name: "attic", State: ledgerdb.Refused, Size: 1900, Asked: at, Since: at},
	}})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	section.Mount(mux, &web.Frame{Kit: kit, Log: slog.New(slog.DiscardHandler), Wrap: func(_ *http.Request, p web.Page) web.Page {
		p.Layout, p.Nav = web.Console, section.Nav
		return p
	}})
	mux.Handle("/", kit.Assets())
	server := httptest.NewServer(mux)
	defer server.Close()
	shots := os.Getenv("THIMBLE_SHOTS")
	if shots == "" {
		shots = t.TempDir()
	}
	tab := b.Open(server.URL+consolePath, webtest.Desk)
	if text := tab.Text("main"); !strings.Contains(text, "A witness refuses this log") || !strings.Contains(text, "1 of 3") {
		t.Errorf("the page says %q", text)
	}
	tab.Axe(t)
	tab.Screenshot(t, filepath.Join(shots, "ledger-witnesses-desk.png"))
	tab.Look(webtest.Viewport{Width: webtest.Phone.Width, Height: webtest.Phone.Height, Dark: true})
	tab.NoOverflow(t)
	tab.Axe(t)
	tab.Screenshot(t, filepath.Join(shots, "ledger-witnesses-phone-dark.png"))
}

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
	watched := []ledgerdb.WitnessStatus{{Name: "partner", State: ledgerdb.Refused, Size: 9, Asked: time.Unix(1, 0)}, {Name: "union", State: ledgerdb.Unasked}}
	call := &web.Callout{Title: "t", Text: "x"}
	body := consoleBody{Silent: call, Waiting: call, Grows: call, Alarm: witnessAlarm(watched), Watched: witnessTable(watched), Stats: []web.Stat{{Label: "Entries", Value: 99}}, Facts: []web.KeyValue{{Key: "Root", Value: "r"}}, Leaves: leaves, Signed: web.CodeBlock{ID: "checkpoint", Code: "note"}}
	webtest.RenderAll(t, pages, map[string]web.Page{"console_ledger.html": {Layout: web.Console, Title: "Ledger", Body: body}})
}
