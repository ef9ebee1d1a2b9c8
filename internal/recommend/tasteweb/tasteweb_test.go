package tasteweb

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/catalog"
	"thimble/internal/recommend/lists"
	"thimble/internal/recommend/taste"
	"thimble/internal/recommend/tastedb"
	"thimble/internal/web"
	"thimble/internal/web/webtest"
)

var ada = thimble.SubjectID{1}

// own is a grant for Ada's own data.
type own struct{ thimble.Grant }

func (own) Subject() thimble.SubjectID { return ada }

// kept folds what is said.
type kept struct{ events []taste.Event }

func (k *kept) Say(_ context.Context, who thimble.SubjectID, s tastedb.Said) (all []tastedb.Recorded, _ error) {
	for _, c := range s.Choices {
		if err := c.Check(); err != nil {
			return nil, err
		}
		if _, stands := taste.Fold(k.events, time.Now()).Holds(c); stands != s.Undo {
			continue
		}
		e := taste.Event{V: 1, Subject: who, Seq: int64(len(k.events) + 1), Choice: c, Undone: s.Undo, By: s.By}
		k.events, all = append(k.events, e), append(all, tastedb.Recorded{Event: e})
	}
	return all, nil
}

func (k *kept) Of(context.Context, thimble.Grant) (taste.State, error) {
	return taste.Fold(k.events, time.Now()), nil
}

func (k *kept) History(context.Context, thimble.Grant) (all []tastedb.Recorded, _ error) {
	for _, e := range k.events {
		all = append(all, tastedb.Recorded{Event: e})
	}
	return all, nil
}

// Counts implements Lists: a shirt was bought and a hat looked at.
func (k *kept) Counts(context.Context, thimble.Grant) (all []lists.Counted, permitted bool, _ error) {
	s := taste.Fold(k.events, time.Now())
	for item, did := range map[thimble.ItemID]taste.Did{"shirt": taste.Bought, "hat": taste.Looked} {
		if !s.Forgets(item, "") {
			all = append(all, lists.Counted{Product: &catalog.Product{ID: item, Name: "THE " + strings.ToUpper(string(item))}, Did: did, Last: time.Now()})
		}
	}
	return all, true, nil
}

func (k *kept) Get(context.Context, ...thimble.ItemID) (map[thimble.ItemID]catalog.Product, error) {
	return map[thimble.ItemID]catalog.Product{"shirt": {ID: "shirt", Name: "THE SHIRT"}}, nil
}

type site struct {
	http.Handler
	*kept
}

func open(t *testing.T) site {
	t.Helper()
	kit, err := web.New(web.Config{})
	if err != nil {
		t.Fatal(err)
	}
	k := &kept{}
	section, err := Portal(kit, PortalDeps{Store: k, Lists: k, Names: k, Own: func(_ context.Context, who thimble.SubjectID, _ ...thimble.Category) (thimble.Grant, error) {
		if who != ada {
			return nil, thimble.ErrDenied
		}
		return own{}, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	frame := &web.Frame{Kit: kit, Wrap: func(_ *http.Request, p web.Page) web.Page { p.Layout = web.Portal; return p }}
	section.Mount(mux, frame)
	Shop(k).Mount(mux, frame)
	return site{mux, k}
}

func (s site) do(method, path string, who thimble.SubjectID, form url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r = r.WithContext(web.WithVisitor(r.Context(), web.Visitor{Subject: who}))
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func TestWhatIsForgottenOnThePageCountsNoMoreAndCanBeUndoneThere(t *testing.T) {
	s := open(t)
	page := s.do("GET", PortalPath, ada, nil).Body.String()
	if got := strings.Join(webtest.Select(t, page, "section:last-of-type li strong"), ", "); !strings.Contains(got, "The shirt") {
		t.Fatalf("what counts is %q", got)
	}
	if w := s.do("POST", PortalPath, ada, url.Values{"kind": {"forget"}, "item": {"shirt"}}); w.Code != http.StatusSeeOther || w.Header().Get("Location") != PortalPath+"?done=lists-saved" {
		t.Fatalf("forgetting = %d %s", w.Code, w.Header().Get("Location"))
	}
	page = s.do("GET", PortalPath, ada, nil).Body.String()
	if got := webtest.Select(t, page, "section:first-of-type li strong"); len(got) != 1 || got[0] != "Forget The shirt" {
		t.Errorf("what she said is %q", got)
	}
	if got := strings.Join(webtest.Select(t, page, "section:last-of-type li strong"), ", "); strings.Contains(got, "The shirt") {
		t.Errorf("what counts is %q still", got)
	}
	s.do("POST", PortalPath, ada, url.Values{"kind": {"forget"}, "item": {"shirt"}, "undo": {"1"}})
	if got := taste.Fold(s.events, time.Now()); !got.Empty() {
		t.Errorf("after the undoing stands %+v", got)
	}
}

func TestAButtonOfTheShopIsSaidOnceAndByNobodyNotAtAll(t *testing.T) {
	s := open(t)
	less := url.Values{"kind": {"less"}, "item": {"shirt"}}
	for i, want := range []string{"/?done=lists-saved", "/?done=lists-same"} {
		if got := s.do("POST", ShopPath, ada, less).Header().Get("Location"); got != want {
			t.Errorf("press %d leads to %s, want %s", i+1, got, want)
		}
	}
	if got := s.do("POST", ShopPath, thimble.SubjectID{}, less).Header().Get("Location"); got != "/" || len(s.events) != 1 {
		t.Errorf("nobody's press leads to %s, and %d events are there", got, len(s.events))
	}
	if w := s.do("POST", ShopPath, ada, url.Values{"kind": {"more"}, "item": {"shirt"}}); w.Code != http.StatusUnprocessableEntity {
		t.Errorf("another kind = %d", w.Code)
	}
}
