package vaultweb

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"thimble"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
	"thimble/internal/vault"
	"thimble/internal/vault/vaultdb"
	"thimble/internal/vault/vaulttest"
	"thimble/internal/web"
	"thimble/internal/web/webtest"
)

func TestMain(m *testing.M) { os.Exit(webtest.Main(m)) }

func TestPageRendersWithNothingAndWithEverything(t *testing.T) {
	kit, err := web.New(web.Config{})
	if err != nil {
		t.Fatal(err)
	}
	pages, err := kit.Pages(pageFiles)
	if err != nil {
		t.Fatal(err)
	}
	made := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	epochs := []vault.EpochStatus{{Number: 1, Made: made, Ends: made.AddDate(0, 0, 30)}, {Number: 2, Made: made.AddDate(0, 0, 21), Ends: made.AddDate(0, 0, 51)}}
	webtest.RenderAll(t, pages, map[string]web.Page{"vault.html": {Layout: web.Console, Title: "Keys", Body: fill(epochs, made.AddDate(0, 0, 52), "2026-11-05")}})
}

// A door is a console with the page in it and nothing else, over a real vault.
type door struct {
	t   *testing.T
	mux *http.ServeMux
	v   *vault.Vault
	now atomic.Int64
}

func open(t *testing.T, db *sqldb.DB) *door {
	t.Helper()
	d := &door{t: t, mux: http.NewServeMux()}
	d.now.Store(time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC).Unix())
	d.v = vaulttest.Open(t, vaultdb.New(db), vaulttest.Root(t), vault.Config{Now: func() time.Time { return time.Unix(d.now.Load(), 0) }})
	vaulttest.Owner(t, d.v)
	kit, err := web.New(web.Config{})
	if err != nil {
		t.Fatal(err)
	}
	section, err := Console(kit, d.v, noBackups{})
	if err != nil {
		t.Fatal(err)
	}
	section.Mount(d.mux, &web.Frame{Kit: kit, Log: slog.New(slog.DiscardHandler), Wrap: func(_ *http.Request, p web.Page) web.Page {
		p.Layout, p.Nav = web.Console, section.Nav
		return p
	}})
	d.mux.Handle("/", kit.Assets())
	d.mux.Handle("/assets/", kit.Assets())
	return d
}

func (d *door) days(n int) { d.now.Add(int64(n) * 24 * 3600) }

func (d *door) page(path string) string {
	d.t.Helper()
	r := httptest.NewRequestWithContext(d.t.Context(), "GET", path, nil)
	r.Header.Set("Accept", "text/html")
	w := httptest.NewRecorder()
	d.mux.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		d.t.Fatalf("%s: %d", path, w.Code)
	}
	return w.Body.String()
}

func (d *door) rotate() (status int, to string) {
	w := httptest.NewRecorder()
	d.mux.ServeHTTP(w, httptest.NewRequestWithContext(d.t.Context(), "POST", Path+"/rotate", nil))
	return w.Code, w.Header().Get("Location")
}

func wants(t *testing.T, page string, all ...string) {
	t.Helper()
	for _, want := range all {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

// What the page says about a backup is what happens to its epoch key.
func TestPageSaysWhatABackupOpens(t *testing.T) {
	sqldbtest.Each(t, sqldb.Keys, func(t *testing.T, db *sqldb.DB) {
		d := open(t, db)
		wants(t, d.page(Path), "Rotated today")
		wants(t, d.page(Path+"?day=2026-11-01"), "It opens everything of today", "1 December 2026")
		wants(t, d.page(Path+"?day=2026-10-31"), "It opens nothing")
		wants(t, d.page(Path+"?day=2026-11-02"), "That is not a day up to today")
		wants(t, d.page(Path+"?day=%3Cscript%3E"), "That is not a day up to today")

		d.days(1)
		wants(t, d.page(Path), "Rotated yesterday")
		if status, to := d.rotate(); status != http.StatusSeeOther || to != Path+"?rotation=done" {
			t.Errorf("rotating: %d, %s", status, to)
		}
		wants(t, d.page(Path+"?rotation=done"), "Rotated today", "All data keys that open lie under", "Rotated: all data keys")
		d.days(1)
		d.rotate()
		wants(t, d.page(Path+"?day=2026-11-01"), "It still opens", "1 December 2026")

		d.days(2)
		wants(t, d.page(Path), "Rotation is overdue", "2 days old")
		for range 26 { // day by day to 1 December
			d.days(1)
			if status, to := d.rotate(); status != http.StatusSeeOther {
				t.Fatalf("rotating: %d, %s", status, to)
			}
		}
		d.now.Store(time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC).Unix())
		d.rotate()
		wants(t, d.page(Path+"?day=2026-11-01"), "It opens nothing")
		wants(t, d.page(Path+"?day=2026-11-02"), "It still opens", "2 December 2026")

		d.days(100)
		if _, to := d.rotate(); to != Path+"?rotation=postponed" {
			t.Errorf("after the clock has leapt: %s", to)
		}
		wants(t, d.page(Path+"?rotation=postponed"), "nothing was destroyed", "due")
	})
}

func TestPageIsAccessibleAndFitsAPhone(t *testing.T) {
	b := webtest.Start(t)
	d := open(t, sqldbtest.SQLite(t, sqldb.Keys))
	for range 9 {
		d.days(1)
		d.rotate()
	}
	server := httptest.NewServer(d.mux)
	defer server.Close()
	shots := os.Getenv("THIMBLE_SHOTS")
	if shots == "" {
		shots = t.TempDir()
	}
	tab := b.Open(server.URL+Path+"?day=2026-11-04", webtest.Desk)
	for name, look := range map[string]webtest.Viewport{
		"desk-light": webtest.Desk, "desk-dark": {Width: 1280, Height: 800, Dark: true},
		"phone-light": webtest.Phone, "phone-dark": {Width: 390, Height: 844, Dark: true},
	} {
		tab.Look(look)
		tab.NoOverflow(t)
		tab.Axe(t)
		tab.Screenshot(t, filepath.Join(shots, "keys-"+name+".png"))
	}
	tab.Clean(t, server.URL)
}

type noBackups struct{}

func (noBackups) Newest(context.Context) (Backup, error) { return Backup{}, thimble.ErrNotFound }
