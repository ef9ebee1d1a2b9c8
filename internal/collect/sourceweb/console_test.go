package sourceweb_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"thimble/internal/collect/intake"
	"thimble/internal/collect/source"
	"thimble/internal/collect/sourcedb"
	"thimble/internal/collect/sourceweb"
	"thimble/internal/ledger"
	"thimble/internal/ledger/ledgerdb"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
	"thimble/internal/web"
)

// A console has the desk in it and nothing else.
type console struct {
	t     *testing.T
	mux   *http.ServeMux
	store *sourcedb.Store
}

func open(t *testing.T) console {
	t.Helper()
	kit, err := web.New(web.Config{})
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ledger.NewSigner("shop.example/log", make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	db := sqldbtest.SQLite(t, sqldb.Core)
	store := sourcedb.New(db, ledgerdb.New(db, signer, ledgerdb.Config{}), nil)
	section, err := sourceweb.Console(kit, sourceweb.Deps{Store: store, PublicURL: "https://thimble.shop.example/"})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	section.Mount(mux, &web.Frame{Kit: kit, Log: slog.New(slog.DiscardHandler), Wrap: func(_ *http.Request, p web.Page) web.Page {
		p.Layout = web.Console
		return p
	}})
	return console{t, mux, store}
}

func (c console) do(method, path string, form url.Values) (*http.Response, string) {
	c.t.Helper()
	r := httptest.NewRequestWithContext(web.WithVisitor(c.t.Context(), web.Visitor{Staff: "mara"}), method, path, strings.NewReader(form.Encode()))
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	c.mux.ServeHTTP(w, r)
	body, err := io.ReadAll(w.Result().Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return w.Result(), string(body)
}

var keyText = regexp.MustCompile(`wk[sp]_[0-9a-z]{40}`)

func TestAServersKeyIsShownOnceAndWorks(t *testing.T) {
	c := open(t)
	res, page := c.do("POST", sourceweb.Path, url.Values{"name": {"till"}, "kind": {"server"}})
	key := keyText.FindString(page)
	if res.StatusCode != 200 || key == "" || res.Header.Get("Cache-Control") != "no-store" || !strings.Contains(page, "https://thimble.shop.example/v1/track") {
		t.Fatalf("got %s, %q, key %q, %s", res.Status, res.Header.Get("Cache-Control"), key, page)
	}
	if s, err := c.store.Find(t.Context(), key); err != nil || s.Name != "till" || !s.Trusted() {
		t.Errorf("Find = %+v, %v", s, err)
	}
	for _, path := range []string{sourceweb.Path, sourceweb.Path + "/1"} {
		if _, page := c.do("GET", path, nil); keyText.MatchString(page) || !strings.Contains(page, "till") {
			t.Errorf("%s shows a key, or no till", path)
		}
	}
	if _, page := c.do("GET", sourceweb.Path+"/1", nil); !strings.Contains(page, "…"+source.Hint(key)) {
		t.Error("the end of the key is not shown")
	}
}

func TestAPublicKeyIsInTheProgramsToCopy(t *testing.T) {
	c := open(t)
	res, _ := c.do("POST", sourceweb.Path, url.Values{"name": {"shop"}, "kind": {"browser"}, "origins": {"https://shop.example\r\nhttps://www.shop.example"}, "consents": {"1"}})
	if res.StatusCode != 303 || res.Header.Get("Location") != sourceweb.Path+"/1" {
		t.Fatalf("got %s to %q", res.Status, res.Header.Get("Location"))
	}
	s, err := c.store.Get(t.Context(), 1)
	if err != nil || len(s.Origins) != 2 || !s.Consents || s.Kind != intake.Browser {
		t.Fatalf("got %+v, %v", s, err)
	}
	if _, page := c.do("GET", sourceweb.Path+"/1", nil); strings.Count(page, s.Keys[0].Text) < 3 {
		t.Error("the key is not in the programs")
	}
}

func TestAFormWithErrorsComesBackWithThemAndMakesNothing(t *testing.T) {
	c := open(t)
	for _, bad := range []struct{ form, want string }{
		{"name=&kind=server", "1 to 80 visible characters"}, {"name=x&kind=fax", "Server, browser or app"}, {"name=x&kind=browser", "The address of the shop"},
		{"name=x&kind=browser&origins=http%3A%2F%2Fshop.example", "Https was expected"}, {"name=kept-name&kind=server&origins=https%3A%2F%2Fshop.example", "kept-name"},
	} {
		form, err := url.ParseQuery(bad.form)
		if err != nil {
			t.Fatal(err)
		}
		if res, page := c.do("POST", sourceweb.Path, form); res.StatusCode != 422 || !strings.Contains(page, bad.want) {
			t.Errorf("%s: got %s without %q", bad.form, res.Status, bad.want)
		}
	}
	c.do("POST", sourceweb.Path, url.Values{"name": {"till"}, "kind": {"server"}})
	if res, page := c.do("POST", sourceweb.Path, url.Values{"name": {"till"}, "kind": {"server"}}); res.StatusCode != 409 || !strings.Contains(page, "Another source") {
		t.Errorf("the same name: %s", res.Status)
	}
	if all, err := c.store.List(t.Context()); err != nil || len(all) != 1 {
		t.Errorf("%d sources, %v, want one", len(all), err)
	}
}

func TestSettingsChangeAndKeysRotate(t *testing.T) {
	c := open(t)
	c.do("POST", sourceweb.Path, url.Values{"name": {"shop"}, "kind": {"browser"}, "origins": {"https://shop.example"}})
	if res, page := c.do("POST", sourceweb.Path+"/1", url.Values{"origins": {"ftp://x"}}); res.StatusCode != 422 || !strings.Contains(page, "ftp://x") {
		t.Errorf("a bad origin: %s", res.Status)
	}
	if res, _ := c.do("POST", sourceweb.Path+"/1", url.Values{"origins": {"https://new.example"}, "consents": {"1"}}); res.StatusCode != 303 {
		t.Errorf("settings: %s", res.Status)
	}
	if res, _ := c.do("POST", sourceweb.Path+"/1/key", url.Values{"grace": {"1h"}}); res.StatusCode != 303 {
		t.Errorf("a new public key: %s", res.Status)
	}
	if res, page := c.do("POST", sourceweb.Path+"/1/key", url.Values{"grace": {"never"}}); res.StatusCode != 422 || !strings.Contains(page, "One of the choices") {
		t.Errorf("a bad grace: %s", res.Status)
	}
	s, err := c.store.Get(t.Context(), 1)
	if err != nil || len(s.Keys) != 2 || s.Origins[0] != "https://new.example" || !s.Consents {
		t.Errorf("got %+v, %v", s, err)
	}
	c.do("POST", sourceweb.Path, url.Values{"name": {"till"}, "kind": {"server"}})
	res, page := c.do("POST", sourceweb.Path+"/2/key", url.Values{"grace": {"0s"}})
	if key := keyText.FindString(page); res.StatusCode != 200 || key == "" {
		t.Errorf("a new secret key: %s", res.Status)
	} else if _, err := c.store.Find(t.Context(), key); err != nil {
		t.Errorf("it opens nothing: %v", err)
	}
	if _, page := c.do("GET", sourceweb.Path+"/1", nil); !strings.Contains(page, "New key made") || !strings.Contains(page, "mara") {
		t.Error("who did what is not shown")
	}
}

func TestEndingAsksFirst(t *testing.T) {
	c := open(t)
	_, page := c.do("POST", sourceweb.Path, url.Values{"name": {"till"}, "kind": {"server"}})
	key := keyText.FindString(page)
	if res, page := c.do("GET", sourceweb.Path+"/1/end", nil); res.StatusCode != 200 || !strings.Contains(page, "refused at once") {
		t.Fatalf("got %s, %s", res.Status, page)
	}
	if _, err := c.store.Find(t.Context(), key); err != nil {
		t.Errorf("asking ended it: %v", err)
	}
	if res, _ := c.do("POST", sourceweb.Path+"/1/end", nil); res.StatusCode != 303 {
		t.Errorf("got %s", res.Status)
	}
	if _, err := c.store.Find(t.Context(), key); err == nil {
		t.Error("its key opens still")
	}
	if res, page := c.do("GET", sourceweb.Path+"/1", nil); res.StatusCode != 200 || strings.Contains(page, "Send a first event") {
		t.Errorf("an ended source is offered programs: %s", res.Status)
	}
	for path, status := range map[string]int{"/1/end": 409, "/9": 404, "/x": 404, "/01": 404, "/4294967297": 404} {
		if res, _ := c.do("GET", sourceweb.Path+path, nil); res.StatusCode != status {
			t.Errorf("%s: %s, want %d", path, res.Status, status)
		}
	}
}

func TestAnEmptyListSaysWhatToDoFirst(t *testing.T) {
	if _, page := open(t).do("GET", sourceweb.Path, nil); !strings.Contains(page, "No source yet") || !strings.Contains(page, "Add the first one below") {
		t.Error(page)
	}
}
