package apikeyweb_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"thimble/internal/apikey"
	"thimble/internal/apikey/apikeydb"
	"thimble/internal/apikey/apikeyweb"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
	"thimble/internal/web"
)

// A door is a console with the desk in it and nothing else.
type door struct {
	t    *testing.T
	mux  *http.ServeMux
	keys *apikeydb.Store
}

func open(t *testing.T) door {
	t.Helper()
	kit, err := web.New(web.Config{})
	if err != nil {
		t.Fatal(err)
	}
	keys := apikeydb.New(sqldbtest.SQLite(t, sqldb.Core), nil)
	section, err := apikeyweb.Console(kit, keys)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	section.Mount(mux, &web.Frame{Kit: kit, Log: slog.New(slog.DiscardHandler), Wrap: func(_ *http.Request, p web.Page) web.Page {
		p.Layout = web.Console
		return p
	}})
	return door{t, mux, keys}
}

func (d door) do(method, path string, form url.Values) (*http.Response, string) {
	d.t.Helper()
	r := httptest.NewRequestWithContext(d.t.Context(), method, path, strings.NewReader(form.Encode()))
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	d.mux.ServeHTTP(w, r)
	body, err := io.ReadAll(w.Result().Body)
	if err != nil {
		d.t.Fatal(err)
	}
	return w.Result(), string(body)
}

var keyText = regexp.MustCompile(`tk_[0-9a-z]{58}`)

func TestAKeyIsShownOnceAndWorks(t *testing.T) {
	d := open(t)
	res, page := d.do("POST", apikeyweb.Path, url.Values{"name": {"storefront"}, "scope": {"read"}})
	text := keyText.FindString(page)
	if res.StatusCode != http.StatusOK || text == "" || res.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("got %s, %q, key %q", res.Status, res.Header.Get("Cache-Control"), text)
	}
	if k, err := d.keys.Check(t.Context(), text, apikey.Read); err != nil || k.Name != "storefront" {
		t.Errorf("Check = %+v, %v", k, err)
	}
	if _, page := d.do("GET", apikeyweb.Path, nil); strings.Contains(page, text) || !strings.Contains(page, "storefront") || !strings.Contains(page, "…"+apikey.Hint(text)) {
		t.Errorf("the list: %s", page)
	}
}

func TestAFormWithErrorsComesBackWithThemAndMakesNothing(t *testing.T) {
	d := open(t)
	res, page := d.do("POST", apikeyweb.Path, url.Values{"name": {"  "}})
	if res.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(page, "Write a name") || !strings.Contains(page, "Choose at least one") {
		t.Errorf("got %s, %s", res.Status, page)
	}
	d.do("POST", apikeyweb.Path, url.Values{"name": {"till"}, "scope": {"collect"}})
	res, page = d.do("POST", apikeyweb.Path, url.Values{"name": {"till"}, "scope": {"read"}})
	if res.StatusCode != http.StatusConflict || !strings.Contains(page, "Another key") || !strings.Contains(page, `value="till"`) {
		t.Errorf("got %s, %s", res.Status, page)
	}
	if all, err := d.keys.List(t.Context()); err != nil || len(all) != 1 {
		t.Errorf("List = %+v, %v, want the till's", all, err)
	}
}

func TestRevokingAsksFirst(t *testing.T) {
	d := open(t)
	text, k, err := d.keys.Create(t.Context(), "storefront", apikey.Scopes())
	if err != nil {
		t.Fatal(err)
	}
	path := apikeyweb.Path + "/" + k.ID.Token(apikey.TokenPrefix) + "/revoke"
	if res, page := d.do("GET", path, nil); res.StatusCode != http.StatusOK || !strings.Contains(page, "It stops working at once") {
		t.Fatalf("got %s, %s", res.Status, page)
	}
	if _, err := d.keys.Check(t.Context(), text, apikey.Read); err != nil {
		t.Errorf("asking revoked it: %v", err)
	}
	if res, _ := d.do("POST", path, nil); res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != apikeyweb.Path {
		t.Errorf("got %s to %q", res.Status, res.Header.Get("Location"))
	}
	if _, err := d.keys.Check(t.Context(), text, apikey.Read); err != apikey.ErrUnknown {
		t.Errorf("got %v, want ErrUnknown", err)
	}
	for _, bad := range []string{"key_0", k.ID.Token("dec"), apikey.Key{}.ID.Token("key")} {
		if res, _ := d.do("GET", apikeyweb.Path+"/"+bad+"/revoke", nil); res.StatusCode != http.StatusNotFound {
			t.Errorf("%s: got %s, want 404", bad, res.Status)
		}
	}
}

func TestThereIsAnEmptyListAtFirst(t *testing.T) {
	if _, page := open(t).do("GET", apikeyweb.Path, nil); !strings.Contains(page, "No key yet") {
		t.Error(page)
	}
}
