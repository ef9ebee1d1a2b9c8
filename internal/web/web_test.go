package web_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"thimble"
	"thimble/internal/web"
	"thimble/internal/web/webtest"
)

func TestEveryPageRendersWithNothingAndWithEverything(t *testing.T) {
	webtest.RenderAll(t, newPages(t), map[string]web.Page{
		"overview.html": overviewPage(web.Console),
		"record.html":   recordPage(web.Portal),
		"shop.html":     shopPage(),
	})
}

func TestAPageThatFailsIsAnErrorPageAndNotHalfOfItself(t *testing.T) {
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Accept", "text/html")
	w := httptest.NewRecorder()

	newPages(t).Render(w, r, 200, "shop.html", web.Page{Title: "Chosen", Body: "no products here"})

	if w.Code != 500 || strings.Contains(w.Body.String(), "Chosen") || strings.Contains(w.Body.String(), "no products") {
		t.Errorf("answer %d: %s", w.Code, w.Body)
	}
}

func TestOnlyAPageForNobodyMayBeStored(t *testing.T) {
	for name, tc := range map[string]struct {
		page web.Page
		want string
	}{
		"nobody":    {web.Page{Body: shopBody{}}, "no-cache"},
		"signed in": {web.Page{Body: shopBody{}, Account: &web.Account{}}, "no-store"},
		"personal":  {web.Page{Body: shopBody{}, Notice: &web.AccessNotice{}}, "no-store"},
	} {
		t.Run(name, func(t *testing.T) {
			w := httptest.NewRecorder()
			newPages(t).Render(w, httptest.NewRequest("GET", "/", nil), 200, "shop.html", tc.page)
			if got := w.Header().Get("Cache-Control"); got != tc.want {
				t.Errorf("Cache-Control = %q, want %q", got, tc.want)
			}
		})
	}
}

func TestAFragmentIsOneBlockOfAPartialOrTheKit(t *testing.T) {
	pages := newPages(t)
	for block, data := range map[string]any{"gallery row": "7", "badge": web.Badge{Text: "Paid"}} {
		w := httptest.NewRecorder()
		pages.Fragment(w, httptest.NewRequest("GET", "/", nil), block, data)
		if w.Code != 200 || strings.Contains(w.Body.String(), "<html") {
			t.Errorf("block %s: %d %s, want the block alone", block, w.Code, w.Body)
		}
	}
	if _, err := pages.FragmentHTML("nowhere", nil); err == nil {
		t.Error("an unknown block gives no error")
	}
}

func TestValuesAreEscaped(t *testing.T) {
	page := web.Page{Title: "<script>alert(1)</script>", Body: shopBody{Products: []web.Product{{Name: "<img onerror=x>", Href: "javascript:alert(1)"}}}}

	webtest.Check(t, webtest.Render(t, newPages(t), "shop.html", page))
}

func TestATableSortsFiltersAndPagesByItsURL(t *testing.T) {
	html := webtest.Render(t, newPages(t), "overview.html", overviewPage(web.Console))

	for _, tc := range []struct {
		sel, attr string
		want      []string
	}{
		{"#orders thead a", "href", []string{"/overview?sort=order&status=open", "/overview?sort=placed&status=open", "/overview?sort=items&status=open", "/overview?sort=total&status=open"}},
		{"#orders [aria-sort]", "aria-sort", []string{"descending"}},
		{"#orders .paging [rel]", "href", []string{"/overview?page=2&sort=-placed&status=open", "/overview?page=4&sort=-placed&status=open"}},
		{"#orders .filters a", "href", []string{"/overview?sort=-placed"}},
		{"#orders .filters [type=hidden]", "value", []string{"-placed"}},
		{"#orders option[selected]", "value", []string{"open"}},
	} {
		if diff := cmp.Diff(tc.want, webtest.SelectAttr(t, html, tc.sel, tc.attr)); diff != "" {
			t.Errorf("%s of %s (-want +got):\n%s", tc.attr, tc.sel, diff)
		}
	}
	if got := webtest.Select(t, html, "#orders tbody tr"); len(got) != 5 {
		t.Errorf("rows = %d, want 5", len(got))
	}
}

func TestCursorsReplaceEachOther(t *testing.T) {
	u, _ := url.Parse("/x?after=c1&q=a%20b")
	table := web.Table{URL: u, Paging: &web.Paging{Prev: "p", Next: "n"}}

	if got := []string{table.PrevHref(), table.NextHref()}; !cmp.Equal(got, []string{"/x?before=p&q=a+b", "/x?after=n&q=a+b"}) {
		t.Errorf("links = %q", got)
	}
}

func TestAFormGivesBackWhatWasSentButNoPassword(t *testing.T) {
	form := web.Form{Fields: []web.Field{{Name: "mail"}, {Name: "secret", Kind: web.PasswordField}, {Name: "yes", Kind: web.CheckField, Checked: true}}}

	form = form.Fill(url.Values{"mail": {"a@b"}, "secret": {"x"}}).Explain(web.FieldProblem{Field: "mail", Detail: "is taken"}, web.FieldProblem{Field: "?", Detail: "try later"})

	if f := form.Fields; f[0].Value != "a@b" || f[0].Error != "is taken" || f[1].Value != "" || f[2].Checked || form.Problem != "try later" {
		t.Errorf("form = %+v", form)
	}
}

func TestAssetsAreImmutableAndNamedByTheirHash(t *testing.T) {
	kit := newPages(t).Kit()
	for _, name := range []string{"tokens.css", "htmx.min.js", "logo.svg"} {
		path, err := kit.Asset(name)
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest("GET", path, nil)
		r.Header.Set("Accept-Encoding", "gzip")
		w := httptest.NewRecorder()
		kit.Assets().ServeHTTP(w, r)
		if w.Code != 200 || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") || w.Header().Get("Content-Encoding") != "gzip" {
			t.Errorf("%s: %d %v", path, w.Code, w.Header())
		}
		if z, err := gzip.NewReader(w.Body); err != nil {
			t.Errorf("%s: %v", name, err)
		} else if _, err := io.Copy(io.Discard, z); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	w := httptest.NewRecorder()
	kit.Assets().ServeHTTP(w, httptest.NewRequest("GET", "/assets/tokens.css", nil))
	if w.Code != 404 {
		t.Errorf("an asset without its hash = %d, want 404", w.Code)
	}
}

func TestExtraAssetsJoinAndMayNotReplace(t *testing.T) {
	kit, err := web.New(web.Config{Extra: []fs.FS{fstest.MapFS{"consent.js": {Data: []byte("1")}}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := kit.Asset("consent.js"); err != nil {
		t.Error(err)
	}
	if _, err := web.New(web.Config{Extra: []fs.FS{fstest.MapFS{"tokens.css": {}}}}); err == nil {
		t.Error("replacing tokens.css gives no error")
	}
}

func TestTheStylesStaySmall(t *testing.T) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	for _, name := range []string{"tokens", "base", "layout", "components", "icons", "chart"} {
		data, err := os.ReadFile("assets/" + name + ".css")
		if err != nil {
			t.Fatal(err)
		}
		_, _ = z.Write(data)
	}
	_ = z.Close()
	if b.Len() > 20<<10 {
		t.Errorf("styles = %d bytes gzipped, want at most 20 KB", b.Len())
	}
}

func TestKindsGetTheirStatus(t *testing.T) {
	for _, tc := range []struct {
		err    error
		status int
		slug   string
	}{
		{thimble.ErrNotFound, 404, "not-found"}, {thimble.ErrInvalid, 422, "invalid"}, {thimble.ErrConflict, 409, "conflict"},
		{thimble.ErrDenied, 403, "denied"}, {thimble.ErrUnavailable, 503, "unavailable"}, {errors.New("disk on fire"), 500, "internal"},
		{web.FieldProblems{{Field: "mail", Detail: "is missing"}}, 422, "invalid"},
	} {
		status, slug, _ := web.Kind(fmt.Errorf("rights: opening request 7: %w", tc.err))
		if status != tc.status || slug != tc.slug {
			t.Errorf("Kind(%v) = %d %s, want %d %s", tc.err, status, slug, tc.status, tc.slug)
		}
	}
}

func TestAnErrorIsAPageForBrowsersAndAProblemForPrograms(t *testing.T) {
	kit := newPages(t).Kit()
	for accept, want := range map[string]string{"text/html,*/*": "text/html; charset=utf-8", "application/json": "application/problem+json", "": "application/problem+json"} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Accept", accept)
		w := httptest.NewRecorder()

		kit.Error(w, r, fmt.Errorf("order 7 of Ada: %w", thimble.ErrNotFound))

		if w.Code != 404 || w.Header().Get("Content-Type") != want {
			t.Errorf("%q: %d %s, want 404 %s", accept, w.Code, w.Header().Get("Content-Type"), want)
		}
		if strings.Contains(w.Body.String(), "Ada") {
			t.Errorf("%q: the answer quotes the error's text", accept)
		}
	}
}
