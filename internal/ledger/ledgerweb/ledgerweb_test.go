package ledgerweb_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"thimble/internal/ledger"
	"thimble/internal/ledger/ledgerdb"
	"thimble/internal/ledger/ledgerweb"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
	"thimble/internal/web/webtest"
)

func TestMain(m *testing.M) { os.Exit(webtest.Main(m)) }

type shop struct {
	t   *testing.T
	db  *sqldb.DB
	log *ledgerdb.Log
	url string
}

func newShop(t *testing.T, db *sqldb.DB) *shop {
	t.Helper()
	signer, err := ledger.NewSigner("shop.example/ledger", bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	s := &shop{t: t, db: db, log: ledgerdb.New(db, signer, ledgerdb.Config{})}
	server := httptest.NewServer(ledgerweb.Handler(s.log, nil))
	t.Cleanup(server.Close)
	s.url = server.URL + ledgerweb.Prefix
	return s
}

func (s *shop) fetch() ledger.Fetch { return ledgerweb.Fetch(http.DefaultClient, s.url) }

// records n entries and signs the tree.
func (s *shop) records(n int) []ledger.Opening {
	s.t.Helper()
	entries := make([]ledger.Entry, n)
	for i := range entries {
		entries[i] = ledger.Entry{Class: ledger.Consent, Policy: [8]byte{1}, Record: fmt.Appendf(nil, `{"purpose":"personalize","given":true,"n":%d}`, i)}
	}
	var openings []ledger.Opening
	err := s.db.Write(s.t.Context(), func(tx *sqldb.Tx) (err error) {
		openings, err = s.log.QueueMany(s.t.Context(), tx, entries)
		return err
	})
	for n := 1; n > 0 && err == nil; {
		n, err = s.log.Integrate(s.t.Context())
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return openings
}

func (s *shop) receipt(o ledger.Opening) string {
	s.t.Helper()
	r, err := s.log.Receipt(s.t.Context(), o)
	if err != nil {
		s.t.Fatal(err)
	}
	text, err := r.MarshalText()
	if err != nil {
		s.t.Fatal(err)
	}
	return string(text)
}

// tiles reads a log as sumdb's own client would.
type tiles struct{ fetch ledger.Fetch }

func (tiles) Height() int                     { return ledger.TileHeight }
func (tiles) SaveTiles([]tlog.Tile, [][]byte) {}
func (r tiles) ReadTiles(want []tlog.Tile) (data [][]byte, err error) {
	for _, t := range want {
		b, err := r.fetch(context.Background(), ledger.TilePath(t))
		if err != nil {
			return nil, err
		}
		data = append(data, b)
	}
	return data, nil
}

func (s *shop) head() ledger.Checkpoint {
	s.t.Helper()
	signed, err := s.fetch()(s.t.Context(), "checkpoint")
	if err != nil {
		s.t.Fatal(err)
	}
	head, err := ledger.OpenCheckpoint(signed, s.log.VerifierKey())
	if err != nil {
		s.t.Fatal(err)
	}
	return head
}

// A foreign client reads the log back over HTTP, authenticates each tile, and
// proves every pair of checkpoints consistent.
func TestSumdbClientReadsTheLogBack(t *testing.T) {
	sqldbtest.Each(t, sqldb.Core, func(t *testing.T, db *sqldb.DB) {
		s := newShop(t, db)
		var heads []ledger.Checkpoint
		var openings []ledger.Opening
		for _, n := range []int{1, 254, 1, 1, 300, 700} {
			openings = append(openings, s.records(n)...)
			heads = append(heads, s.head())
		}
		last := heads[len(heads)-1]
		reader := tlog.TileHashReader(last.Tree(), tiles{s.fetch()})
		for _, old := range heads {
			if root, err := tlog.TreeHash(old.Size, reader); err != nil || root != old.Root {
				t.Errorf("root of %d leaves by the tiles: %v, %v; want %v", old.Size, root, err, old.Root)
			}
			proof, err := tlog.ProveTree(last.Size, old.Size, reader)
			if err != nil {
				t.Fatal(err)
			}
			if err := tlog.CheckTree(proof, last.Size, last.Root, old.Size, old.Root); err != nil {
				t.Errorf("%d to %d: %v", old.Size, last.Size, err)
			}
		}
		for _, i := range []int{0, 255, 256, 511, 512, len(openings) - 1} {
			proof, err := tlog.ProveRecord(last.Size, int64(i), reader)
			if err != nil {
				t.Fatal(err)
			}
			if err := tlog.CheckRecord(proof, last.Size, last.Root, int64(i), openings[i].Hash()); err != nil {
				t.Errorf("leaf %d: %v", i, err)
			}
		}
	})
}

func TestAuditorFollowsTheLogOverHTTP(t *testing.T) {
	sqldbtest.Each(t, sqldb.Core, func(t *testing.T, db *sqldb.DB) {
		s := newShop(t, db)
		a, err := ledger.NewAuditor(nil, s.log.VerifierKey())
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range []int{3, 252, 1, 600} {
			s.records(n)
			if err := a.Audit(t.Context(), s.fetch()); err != nil {
				t.Fatal(err)
			}
		}
		if a.Seen().Size != 856 {
			t.Errorf("the auditor has seen %d leaves, want 856", a.Seen().Size)
		}
	})
}

func TestPathsAreThoseOfTlogTiles(t *testing.T) {
	s := newShop(t, sqldbtest.SQLite(t, sqldb.Core))
	s.records(1)
	s.records(299)
	for path, want := range map[string]struct {
		status, size int
		kind, cache  string
	}{
		"checkpoint":            {200, len(s.head().Note), "text/plain; charset=utf-8", "no-cache"},
		"tile/0/000":            {200, 8192, "application/octet-stream", "public, max-age=31536000, immutable"},
		"tile/0/001.p/44":       {200, 44 * 32, "application/octet-stream", "public, max-age=31536000, immutable"},
		"tile/0/000.p/1":        {200, 32, "application/octet-stream", "public, max-age=31536000, immutable"},
		"tile/1/000.p/1":        {200, 32, "application/octet-stream", "public, max-age=31536000, immutable"},
		"tile/entries/000":      {200, 256 * 56, "application/octet-stream", "public, max-age=31536000, immutable"},
		"tile/entries/001.p/44": {200, 44 * 56, "application/octet-stream", "public, max-age=31536000, immutable"},
		"tile/0/001":            {status: 404},
		"tile/0/001.p/45":       {status: 404},
		"tile/0/000.p/256":      {status: 404},
		"tile/0/000.p/0":        {status: 404},
		"tile/0/0":              {status: 404},
		"tile/00/000":           {status: 404},
		"tile/-1/000":           {status: 404},
		"tile/2/000.p/1":        {status: 404},
		"tile/63/000":           {status: 404},
		"tile/data/000":         {status: 404},
		"tile/8/0/000":          {status: 404},
		"tile/0/x999/x999/x999/x999/x999/x999/999": {status: 404},
		"nothing":   {status: 404},
		"verify.js": {200, -1, "text/javascript; charset=utf-8", "no-cache"},
		"key":       {200, len(s.log.VerifierKey()) + 1, "text/plain; charset=utf-8", "no-cache"},
	} {
		res, err := http.Get(s.url + "/" + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || res.StatusCode != want.status {
			t.Errorf("%s: got %s (%v), want %d", path, res.Status, err, want.status)
			continue
		}
		if want.status != 200 {
			continue
		}
		kind, cache := res.Header.Get("Content-Type"), res.Header.Get("Cache-Control")
		if want.size >= 0 && len(body) != want.size || kind != want.kind || cache != want.cache || res.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: got %d bytes, %s, %s", path, len(body), kind, cache)
		}
	}
}

func TestUnsignedLogSaysTryLater(t *testing.T) {
	s := newShop(t, sqldbtest.SQLite(t, sqldb.Core))
	res, err := http.Get(s.url + "/checkpoint")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" {
		t.Errorf("got %s, want 503 with Retry-After", res.Status)
	}
}

// paste puts a receipt into the page as a person would, and reads the verdict.
func paste(tab *webtest.Tab, receipt string) (verdict string) {
	tab.Eval(fmt.Sprintf(`document.getElementById("text").value = %q; document.getElementById("answer").hidden = true`, receipt), nil)
	tab.Click("button")
	tab.Wait(`!document.getElementById("answer").hidden`)
	return tab.Text("#verdict")
}

func TestPageChecksAReceiptInABrowser(t *testing.T) {
	b := webtest.Start(t)
	s := newShop(t, sqldbtest.SQLite(t, sqldb.Core))
	good := s.receipt(s.records(40)[11])
	bad := strings.Replace(good, "\nindex 11\n", "\nindex 12\n", 1)

	tab := b.Open(s.url+"/verify.html", webtest.Desk)
	tab.Axe(t)
	if got := paste(tab, good); got != "This receipt is genuine." {
		t.Errorf("verdict on a good receipt: %q, %q", got, tab.Text("#why"))
	}
	if got := tab.Text("#record"); !strings.Contains(got, `"n": 11`) {
		t.Errorf("the record is not shown: %q", got)
	}
	tab.Axe(t)
	shots := os.Getenv("THIMBLE_SHOTS")
	if shots == "" {
		shots = t.TempDir()
	}
	tab.Screenshot(t, filepath.Join(shots, "ledger-verify-desk.png"))
	tab.Look(webtest.Viewport{Width: webtest.Phone.Width, Height: webtest.Phone.Height, Dark: true})
	if got := paste(tab, bad); got != "This receipt did not pass." {
		t.Errorf("verdict on a bad receipt: %q", got)
	}
	tab.NoOverflow(t)
	tab.Axe(t)
	tab.Screenshot(t, filepath.Join(shots, "ledger-verify-phone-dark.png"))
	tab.Clean(t, s.url)
}

// The one-file page is opened from the disk, where there is no server to ask.
func TestOfflinePageWorksFromTheDisk(t *testing.T) {
	b := webtest.Start(t)
	s := newShop(t, sqldbtest.SQLite(t, sqldb.Core))
	good := s.receipt(s.records(5)[2])
	path := filepath.Join(t.TempDir(), "check-receipt.html")
	if err := os.WriteFile(path, ledgerweb.OfflinePage(s.log.VerifierKey()), 0o600); err != nil {
		t.Fatal(err)
	}
	tab := b.Open("file://"+path, webtest.Desk)
	if got := paste(tab, good); got != "This receipt is genuine." {
		t.Errorf("verdict: %q, %q", got, tab.Text("#why"))
	}
	if got := paste(tab, good[:len(good)-9]); got != "This receipt did not pass." {
		t.Errorf("verdict on a cut receipt: %q", got)
	}
	tab.Clean(t, "file://"+path)
}
