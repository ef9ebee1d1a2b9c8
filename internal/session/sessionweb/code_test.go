package sessionweb

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/session"
	"thimble/internal/session/sessiondb"
	"thimble/internal/subject"
	"thimble/internal/web"
)

// work counts what is done for a request.
type work struct {
	calls map[string]int
	known bool // whether anybody has the address
	sent  chan thimble.Personal[string]
}

func (c *work) Find(context.Context, subject.Identifier) (thimble.SubjectID, error) {
	c.calls["look-up"]++
	if !c.known {
		return thimble.SubjectID{}, thimble.ErrNotFound
	}
	return thimble.SubjectID{1}, nil
}

func (c *work) Index(context.Context, string, string) ([]byte, error) {
	c.calls["hash"]++
	return []byte("mark"), nil
}

func (c *work) Ask(_ context.Context, who thimble.SubjectID, _ []byte) (sessiondb.Asked, error) {
	c.calls["code"]++
	return sessiondb.Asked{Browser: "b", Code: thimble.Hide("k7pw-03fx"), Send: !who.IsZero()}, nil
}

func (c *work) Enter(_ context.Context, browser, code, _ string) (string, session.Who, error) {
	if browser == "b" && code == "k7pw-03fx" {
		return "cookie", session.Who{}, nil
	}
	return "", session.Who{}, thimble.ErrDenied
}

func (c *work) Code(_ context.Context, _ thimble.SubjectID, _, code thimble.Personal[string]) error {
	c.sent <- code
	return nil
}

// open mounts the pages over what counts the work.
func open(t *testing.T, c *work, now func() time.Time) (http.Handler, *Post) {
	t.Helper()
	kit, err := web.New(web.Config{})
	if err != nil {
		t.Fatal(err)
	}
	door, post := New(&memory{}, session.Customer, false, nil), NewPost(c, nil)
	section, err := Portal(kit, door, PortalDeps{People: c, Index: c, Codes: c, Post: post, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	section.Mount(mux, &web.Frame{Kit: kit, Log: slog.New(slog.DiscardHandler), Wrap: func(_ *http.Request, p web.Page) web.Page { p.Layout = web.Portal; return p }})
	return mux, post
}

func post(h http.Handler, path string, form url.Values, cookies ...*http.Cookie) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, c := range cookies {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestWhoAsksForACodeLearnsNothingOfWhoHasTheAddress(t *testing.T) {
	answers, works := map[bool]*httptest.ResponseRecorder{}, map[bool]map[string]int{}
	for _, known := range []bool{true, false} {
		c := &work{calls: map[string]int{}, known: known, sent: make(chan thimble.Personal[string], 1)}
		h, office := open(t, c, nil)
		answers[known] = post(h, SignIn, url.Values{"email": {"ada@example.org"}, "next": {"/privacy/data"}})
		works[known] = c.calls

		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- office.Run(ctx) }()
		if known {
			if code := <-c.sent; code.Reveal() != "k7pw-03fx" {
				t.Error("another code was sent")
			}
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if len(c.sent) != 0 || len(office.waiting) != 0 && known {
			t.Errorf("known %t: mail is left or was sent to nobody", known)
		}
	}
	got, other := answers[true], answers[false]
	if got.Code != http.StatusSeeOther || got.Header().Get("Location") != CodePage+"?next=%2Fprivacy%2Fdata" {
		t.Fatalf("answer = %d to %q", got.Code, got.Header().Get("Location"))
	}
	if got.Code != other.Code || got.Body.String() != other.Body.String() || !maps.EqualFunc(got.Header(), other.Header(), func(a, b []string) bool { return strings.Join(a, "|") == strings.Join(b, "|") }) {
		t.Errorf("the answers differ: %v %v", got, other)
	}
	if !maps.Equal(works[true], works[false]) || works[true]["hash"] != 1 || works[true]["look-up"] != 1 || works[true]["code"] != 1 {
		t.Errorf("the work differs: %v, %v", works[true], works[false])
	}
}

func TestACodeLeadsInAndOnward(t *testing.T) {
	h, _ := open(t, &work{calls: map[string]int{}}, nil)
	asked := &http.Cookie{Name: "thimble_customer_code", Value: "b"}
	for name, w := range map[string]*httptest.ResponseRecorder{
		"wrong": post(h, CodePage, url.Values{"code": {"nope"}}, asked), "another browser": post(h, CodePage, url.Values{"code": {"k7pw-03fx"}}),
	} {
		if w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "does not work") || len(w.Result().Cookies()) != 0 {
			t.Errorf("%s: %d", name, w.Code)
		}
	}
	w := post(h, CodePage, url.Values{"code": {"k7pw-03fx"}, "next": {"/privacy/forget"}}, asked)
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/privacy/forget" {
		t.Fatalf("the right code = %d to %q", w.Code, w.Header().Get("Location"))
	}
	for _, c := range w.Result().Cookies() {
		if c.Name == "thimble_customer_code" && c.MaxAge >= 0 {
			t.Error("the code's cookie stays")
		}
	}
}

func TestBadInputAtTheSignInIsSaidAndCountsForNothing(t *testing.T) {
	c := &work{calls: map[string]int{}}
	h, _ := open(t, c, nil)
	for _, email := range []string{"", "ada", "ada@", "a b@example.org", "ada@example.org\nBcc: x@y.z"} {
		if w := post(h, SignIn, url.Values{"email": {email}}); w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), "was expected") {
			t.Errorf("%q: %d", email, w.Code)
		}
	}
	if c.calls["code"] != 0 {
		t.Errorf("%d codes were made", c.calls["code"])
	}
}

func TestOneNetworkIsSlowedDown(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	h, _ := open(t, &work{calls: map[string]int{}}, func() time.Time { return now })
	codes := 0
	for range 100 {
		if w := post(h, SignIn, url.Values{"email": {"ada@example.org"}}); w.Code == http.StatusSeeOther {
			codes++
		} else if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") == "" {
			t.Fatalf("%d", w.Code)
		}
	}
	if codes != networkBurst {
		t.Errorf("%d codes at once from one network, want %d", codes, networkBurst)
	}
}

func TestAPostThatIsFullDropsAndSaysSo(t *testing.T) {
	var said strings.Builder
	p := NewPost(&work{}, slog.New(slog.NewTextHandler(&said, nil)))
	for range cap(p.waiting) + 1 {
		p.add(letter{})
	}
	if !strings.Contains(said.String(), "too many wait") {
		t.Error("nothing was said")
	}
}

// once spends each id once.
type once struct {
	spent map[string]bool
	link  session.Who
}

func (o *once) Spend(_ context.Context, t session.ShopToken) error {
	if o.spent[string(t.ID)] {
		return session.ErrShopToken
	}
	o.spent[string(t.ID)] = true
	return nil
}

func (o *once) Link(_ context.Context, who session.Who) (string, error) {
	o.link = who
	return "abc", nil
}

func TestWithoutKeysNoShopIsBelieved(t *testing.T) {
	c := &work{calls: map[string]int{}, known: true}
	h, _ := open(t, c, nil)
	if w := post(h, Enter, url.Values{"token": {"a.b.c"}}); w.Code != http.StatusForbidden || c.calls["look-up"] != 0 {
		t.Errorf("answer = %d after %v", w.Code, c.calls)
	}
}

func TestWhyATokenIsRefusedIsSaidWithoutWhatItSays(t *testing.T) {
	for err, want := range map[error]string{
		errors.Join(thimble.ErrNotFound, errors.New("Ada")): "no customer has the account in sub", thimble.ErrDenied: "it was used before",
	} {
		if got := whyRefused(err); got != want {
			t.Errorf("why = %q, want %q", got, want)
		}
	}
}
