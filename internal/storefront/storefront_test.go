package storefront

import (
	"context"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/catalog"
	"thimble/internal/gate"
	"thimble/internal/recommend/lists"
	"thimble/internal/session"
	"thimble/internal/session/sessionweb"
	"thimble/internal/web"
	"thimble/internal/web/webtest"
)

var (
	ada   = thimble.SubjectID{1}
	heart = catalog.Product{ID: "85123A", Name: "WHITE HANGING HEART T-LIGHT HOLDER", Price: thimble.Money{Minor: 255, Currency: "GBP"}, Category: "candles"}
	bag   = catalog.Product{ID: "85099B", Name: "JUMBO BAG RED RETROSPOT", Price: thimble.Money{Minor: 208, Currency: "GBP"}, Category: "bags"}
	at    = time.Date(2010, 12, 1, 8, 0, 0, 0, time.UTC)
)

// shelves makes a personal list for whoever allows it.
type shelves struct{ allowed bool }

func (s *shelves) ForYou(_ context.Context, a gate.Actor, _ thimble.SubjectID, _ string, _ int) (lists.List, error) {
	if !s.allowed || a.Kind != gate.Machine {
		return lists.List{Why: "Not personal, because the person refused.", Verdict: &gate.Verdict{}, Entries: []lists.Entry{{Product: &bag, Orders: 9}}}, nil
	}
	return lists.List{Personal: true, Why: "Made from what you bought.", Decision: thimble.ID{7}, Entries: []lists.Entry{{Product: &bag, Terms: []lists.Term{{Because: &heart, Share: 3}}}}}, nil
}

func (s *shelves) Popular(context.Context, int) (lists.List, error) {
	return lists.List{Why: "What most orders contained.", Entries: []lists.Entry{{Product: &bag, Orders: 9}}}, nil
}

func (s *shelves) Make(_ context.Context, a lists.Ask) (lists.List, error) {
	e := lists.Entry{Product: &bag, Why: "In 3 orders lately"}
	if a.Kind == lists.Recent {
		if !s.allowed || a.Subject != ada {
			return lists.List{Kind: a.Kind, Why: "Not personal."}, nil
		}
		return lists.List{Kind: a.Kind, Personal: true, Why: "What you looked at.", Entries: []lists.Entry{{Product: &heart, Why: "You looked at it on 1 December 2010"}}}, nil
	}
	if a.Kind == lists.Similar {
		e = lists.Entry{Product: &bag, Why: "Like " + heart.Name + ": same colour", Alike: []lists.Likeness{{Because: &heart}}}
	}
	return lists.List{Kind: a.Kind, Why: "Learned.", Entries: []lists.Entry{e}}, nil
}

type goods struct{ asked catalog.Query }

func (g *goods) Get(context.Context, ...thimble.ItemID) (map[thimble.ItemID]catalog.Product, error) {
	return map[thimble.ItemID]catalog.Product{heart.ID: heart}, nil
}

func (g *goods) Page(_ context.Context, q catalog.Query) (catalog.Page, error) {
	g.asked = q
	if _, err := q.Normal(); err != nil {
		return catalog.Page{}, err
	}
	return catalog.Page{Products: []catalog.Listed{{Product: heart, SoldUnits: 5}}, Next: "next", Total: 80}, nil
}

func (g *goods) Demand(context.Context, thimble.ItemID) ([]catalog.Demand, error) {
	day := catalog.Day(at)
	return []catalog.Demand{{Day: day, Orders: 1, Units: 6}, {Day: day + 1, Orders: 1, Units: 4}, {Day: day + 70, Orders: 1, Units: 2}}, nil
}

// one is the store of Ada's session.
type one struct{ cookie string }

func (o *one) Session(_ context.Context, cookie string, _ session.Audience) (session.Session, error) {
	if cookie != "ada" {
		return session.Session{}, thimble.ErrDenied
	}
	return session.Session{Who: session.Who{Subject: ada}}, nil
}
func (o *one) Redeem(context.Context, string, session.Audience, string) (string, session.Who, error) {
	return "", session.Who{}, thimble.ErrDenied
}
func (o *one) Raise(context.Context, string) error { return nil }
func (o *one) Begin(_ context.Context, who session.Who, _ string) (string, error) {
	o.cookie = who.Subject.String()
	return "ada", nil
}
func (o *one) End(context.Context, string) error { return nil }

type fixture struct {
	*testing.T
	http.Handler
	shelves *shelves
	goods   *goods
}

func open(t *testing.T, demo bool) fixture {
	t.Helper()
	kit, err := web.New(web.Config{Extra: []fs.FS{Assets()}})
	if err != nil {
		t.Fatal(err)
	}
	f := fixture{T: t, shelves: &shelves{allowed: true}, goods: &goods{}}
	f.Handler, err = New(Config{
		Kit: kit, Sessions: sessionweb.New(&one{}, session.Customer, false, nil), Lists: f.shelves, Catalog: f.goods,
		Categories: []string{"bags", "candles"}, Demo: demo, Customers: []DemoCustomer{{"Customer 17850", "Allows everything", ada}}, Rule: "By the last digit.",
	})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func (f fixture) do(method, path, cookie string, form url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "text/html")
	if cookie != "" {
		r.AddCookie(&http.Cookie{Name: "thimble_customer", Value: cookie})
	}
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	return w
}

func TestARefusalShowsThePopularListAtTheNextRequest(t *testing.T) {
	f := open(t, true)
	page := f.do("GET", "/", "ada", nil).Body.String()
	if got := webtest.Select(t, page, ".why a"); len(got) != 1 || got[0] != "Because you bought White hanging heart t-light holder" {
		t.Errorf("the reason is %q", got)
	}
	if got := webtest.SelectAttr(t, page, ".why a", "href"); !strings.HasPrefix(got[0], "/shop/why/dec_") || !strings.HasSuffix(got[0], "#result-1") {
		t.Errorf("the reason leads to %q", got)
	}

	f.shelves.allowed = false

	w := f.do("GET", "/", "ada", nil)
	if got := webtest.Select(t, w.Body.String(), "#for-you, #popular"); len(got) != 1 || got[0] != "Popular" {
		t.Errorf("shelves = %q", got)
	}
	if w.Header().Get("Cache-Control") != "no-store" {
		t.Error("the page of somebody signed in may be stored")
	}
}

func TestWhatWasSeenHasAShelfForWhoAllowsItAndAButtonToForgetIt(t *testing.T) {
	f := open(t, true)
	page := f.do("GET", "/", "ada", nil).Body.String()
	if got := webtest.Select(t, page, "#recent"); len(got) != 1 || got[0] != "Recently seen" || !strings.Contains(page, "Forget that I looked at this") || !strings.Contains(page, "You looked at it on 1 December 2010") {
		t.Errorf("the shelf is %q", got)
	}
	for cookie, allowed := range map[string]bool{"ada": false, "": true} {
		f.shelves.allowed = allowed
		if got := webtest.Select(t, f.do("GET", "/", cookie, nil).Body.String(), "#recent"); len(got) != 0 {
			t.Errorf("signed in as %q, allowed %t: %q", cookie, allowed, got)
		}
	}
}

func TestTheCatalogueIsInTheAddress(t *testing.T) {
	f := open(t, true)
	page := f.do("GET", "/shop/items?q=red+bag&category=bags&sort=cheap", "", nil).Body.String()
	if q := f.goods.asked; q.Search != "red bag" || q.Category != "bags" || q.Sort != catalog.ByPrice || q.Desc || q.Kind != catalog.Goods {
		t.Errorf("asked for %+v", q)
	}
	if got := webtest.SelectAttr(t, page, "a[rel=next]", "href"); len(got) != 1 || got[0] != "/shop/items?after=next&category=bags&q=red+bag&sort=cheap" {
		t.Errorf("the next page is %q", got)
	}
	if code := f.do("GET", "/shop/items?q="+strings.Repeat("a+", 20), "", nil).Code; code != http.StatusUnprocessableEntity {
		t.Errorf("twenty words = %d", code)
	}
}

func TestAProductShowsItsMonths(t *testing.T) {
	f := open(t, true)
	page := f.do("GET", "/shop/items/85123A", "", nil).Body.String()
	if got := strings.Join(webtest.Select(t, page, "#sold td"), " "); got != "10 0 2" {
		t.Errorf("units per month = %q, want the empty month too", got)
	}
	if got := webtest.Select(t, page, "section[aria-labelledby=similar] .why"); len(got) != 1 || got[0] != "Same colour" {
		t.Errorf("the reason of what is similar is %q", got)
	}
	if got := webtest.Select(t, f.do("GET", "/", "", nil).Body.String(), "section[aria-labelledby=trending] .why"); len(got) != 1 || got[0] != "In 3 orders lately" {
		t.Errorf("the reason of what is trending is %q", got)
	}
	if code := f.do("GET", "/shop/items/nothing", "", nil).Code; code != http.StatusNotFound {
		t.Errorf("an unknown product = %d", code)
	}
}

func TestOnlyTheDemoLetsPickACustomerAndOnlyOneOfItsOwn(t *testing.T) {
	f := open(t, true)
	if w := f.do("POST", "/shop/sign-in", "", url.Values{"customer": {ada.String()}}); w.Code != http.StatusSeeOther || len(w.Result().Cookies()) != 1 {
		t.Errorf("signing in = %d", w.Code)
	}
	if w := f.do("POST", "/shop/sign-in", "", url.Values{"customer": {thimble.SubjectID{2}.String()}}); w.Code != http.StatusNotFound || len(w.Result().Cookies()) != 0 {
		t.Errorf("signing in as somebody else = %d", w.Code)
	}
	if w := f.do("POST", "/shop/sign-out", "ada", nil); w.Code != http.StatusSeeOther || w.Result().Cookies()[0].MaxAge >= 0 {
		t.Errorf("signing out = %d", w.Code)
	}
	real := open(t, false)
	if w := real.do("POST", "/shop/sign-in", "", url.Values{"customer": {ada.String()}}); w.Code != http.StatusNotFound {
		t.Errorf("signing in outside the demo = %d", w.Code)
	}
}

func TestEveryPageRenders(t *testing.T) {
	kit, err := web.New(web.Config{Extra: []fs.FS{Assets()}})
	if err != nil {
		t.Fatal(err)
	}
	pages, err := kit.Pages(pageFiles)
	if err != nil {
		t.Fatal(err)
	}
	products := []web.Product{card(heart), {Name: "Bag", Href: "/b", Why: "Because you bought it", WhyHref: "/w"}}
	row := shelf{ID: "for-you", Title: "For you", Badge: web.Badge{Text: "Personal"}, Why: "Made.", WhyHref: "/w", WhyLabel: "Why?", Products: products}
	s := &shop{Config: Config{Categories: []string{"bags"}}}
	webtest.RenderAll(t, pages, map[string]web.Page{
		"home.html":    {Layout: web.Shop, Title: "Shop", Body: homeBody{Shelves: []shelf{row, {ID: "most", Title: "Most sold"}}, Categories: s.categories(), SignIn: true, Demo: true, Device: &onDevice{Key: "a2V5"}}},
		"browse.html":  {Layout: web.Shop, Title: "All", Body: browseBody{Filter: s.filter(url.Values{}), Products: products, First: "/1", Next: "/2", Clear: "/", Filtered: true}},
		"item.html":    {Layout: web.Shop, Title: "Heart", Crumbs: []web.Crumb{{Label: "Shop", Href: "/"}, {Label: "Heart"}}, Body: itemBody{Device: &onDevice{"a2V5", "85123A"}, Product: products[0], Facts: []web.KeyValue{{Key: "Number", Value: "1"}}, Chart: monthly([]catalog.Demand{{Day: 14944, Units: 2}}), GoesWith: row}},
		"about.html":   {Layout: web.Shop, Title: "About", Body: aboutBody{Demo: true, Rule: "By the last digit."}},
		"sign-in.html": {Layout: web.Shop, Title: "Look as a customer", Body: signInBody{[]DemoCustomer{{"Customer 17850", "Allows everything", ada}}}},
	})
}
