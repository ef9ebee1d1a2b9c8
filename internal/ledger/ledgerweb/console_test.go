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
	at := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	found := []ledger.Finding{{Table: "consent_state", Rule: "the current state does not follow from the events", Rows: 2}}
	state := health{Audit: auditCallout(ledgerdb.Audit{At: at, Size: 9, Compared: 4, Findings: found}, at), Findings: findingTable(found),
		Acts:   actTable([]ledger.Intent{{Act: ledger.Act{Kind: "model.destroy"}, At: at}, {Act: ledger.Act{Kind: "key.rotate"}, At: at, Done: at}}),
		Epochs: epochTable([]ledgerdb.EndedEpoch{{Number: 1, VerifierKey: "log+1+k", Size: 9, Ended: at}})}
	body := consoleBody{Health: state, Silent: call, Waiting: call, Grows: call, Alarm: witnessAlarm(watched), Watched: witnessTable(watched), Stats: []web.Stat{{Label: "Entries", Value: 99}}, Facts: []web.KeyValue{{Key: "Root", Value: "r"}}, Leaves: leaves, Signed: web.CodeBlock{ID: "checkpoint", Code: "note"}}
	webtest.RenderAll(t, pages, map[string]web.Page{"console_ledger.html": {Layout: web.Console, Title: "Ledger", Body: body}})
}

func TestAuditIsToldAsItStands(t *testing.T) {
	at := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	found := []ledger.Finding{{Table: "gate_uses", Rule: "r", Rows: 1}}
	for name, c := range map[string]struct {
		audit ledgerdb.Audit
		tone  web.Tone
	}{
		"nothing was found":                     {ledgerdb.Audit{At: at}, web.Good},
		"it is old":                             {ledgerdb.Audit{At: at.AddDate(0, 0, -3)}, web.Warn},
		"something was found, however long ago": {ledgerdb.Audit{At: at.AddDate(0, 0, -3), Findings: found}, web.Bad},
	} {
		if got := auditCallout(c.audit, at).Tone; got != c.tone {
			t.Errorf("%s: tone %v, want %v", name, got, c.tone)
		}
	}
}

func TestProofOfAnEntryIsDownloaded(t *testing.T) {
	kit, err := web.New(web.Config{})
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ledger.NewSigner("shop.example/ledger", make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	db := sqldbtest.SQLite(t, sqldb.Core)
	log := ledgerdb.New(db, signer, ledgerdb.Config{})
	err = db.Write(t.Context(), func(tx *sqldb.Tx) error {
		_, err := log.QueueMany(t.Context(), tx, []ledger.Entry{{Class: ledger.System, Record: []byte(`{"a":1}`)}, {Class: ledger.System, Record: []byte(`{"a":2}`)}})
		return err
	})
	if _, again := log.Integrate(t.Context()); err != nil || again != nil {
		t.Fatal(err, again)
	}
	section, err := Console(kit, log)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	section.Mount(mux, &web.Frame{Kit: kit, Log: slog.New(slog.DiscardHandler), Wrap: func(_ *http.Request, p web.Page) web.Page { return p }})
	for path, want := range map[string]int{"/1": http.StatusOK, "/2": http.StatusNotFound, "/-1": http.StatusNotFound, "/x": http.StatusNotFound} {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest("GET", consolePath+"/proof"+path, nil))
		if w.Code != want {
			t.Errorf("%s answers %d, want %d", path, w.Code, want)
		}
		if text := w.Body.String(); want == http.StatusOK && (!strings.HasPrefix(text, "c2sp.org/tlog-proof@v1\nindex 1\n") || strings.Contains(text, "extra ")) {
			t.Errorf("the proof is %q", text)
		}
	}
}
