package console_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"thimble"
	"thimble/internal/console"
	"thimble/internal/ledger"
	"thimble/internal/session"
	"thimble/internal/session/sessionweb"
	"thimble/internal/staff"
	"thimble/internal/staff/rules"
	"thimble/internal/web"
	"thimble/internal/web/webtest"
)

// sessions keeps cookies in memory.
type sessions struct {
	open  map[string]string // cookie to member of staff
	fault error
}

func (s *sessions) Redeem(context.Context, string, session.Audience, string) (string, session.Who, error) {
	return "", session.Who{}, thimble.ErrDenied
}

func (s *sessions) Begin(context.Context, session.Who, string) (string, error) {
	return "", thimble.ErrDenied
}

func (s *sessions) Raise(context.Context, string) error { return nil }

func (s *sessions) Session(_ context.Context, cookie string, _ session.Audience) (session.Session, error) {
	if name, ok := s.open[cookie]; ok || s.fault != nil {
		return session.Session{Who: session.Who{Audience: session.Staff, Staff: name}, Raised: time.Now()}, s.fault
	}
	return session.Session{}, thimble.ErrDenied
}

func (s *sessions) End(_ context.Context, cookie string) error {
	delete(s.open, cookie)
	return nil
}

func ruled(t *testing.T) *rules.Set {
	t.Helper()
	set, err := rules.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// account knows everybody but who has left.
func account(_ context.Context, name string) (staff.Account, error) {
	a := staff.Account{Name: name, Status: staff.Active, Roles: staff.Roles()}
	if name == "eve" {
		a.Status = staff.Left
	}
	return a, nil
}

func newDoor(t *testing.T, s *sessions, tls bool, overview console.Overview) http.Handler {
	t.Helper()
	kit, err := web.New(web.Config{})
	if err != nil {
		t.Fatal(err)
	}
	first, err := overview.Section(kit)
	if err != nil {
		t.Fatal(err)
	}
	other := web.Section{Nav: []web.NavItem{{Label: "Jobs", Href: "/console/jobs", Group: "Proof"}, {Label: "Customers", Href: "/console/customers", Group: "Customers"}}, Mount: func(web.Routes, *web.Frame) {}}
	entrance := web.Section{Mount: func(mux web.Routes, f *web.Frame) {
		mux.HandleFunc("GET /console/sign-in", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("the entrance")) })
	}}
	door, err := console.New(console.Config{
		Kit: kit, Log: slog.New(slog.DiscardHandler), Sessions: sessionweb.New(s, session.Staff, tls, nil), Sections: []web.Section{other, first}, Site: "Fold & Hem",
		Entrance: entrance, Account: account, Rules: ruled(t), Proofs: []string{"POST /console/sign-out"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return door
}

func ask(h http.Handler, method, path string, cookies ...*http.Cookie) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	r.Header.Set("Accept", "text/html")
	for _, c := range cookies {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestWhoIsNotSignedInIsShownTheWay(t *testing.T) {
	door := newDoor(t, &sessions{open: map[string]string{"eves": "eve"}}, false, console.Overview{})
	for _, path := range []string{"/console", "/console/customers", "/console/nowhere", "/console/sign-out"} {
		for _, method := range []string{"GET", "POST"} {
			for _, cookie := range []string{"forged", "eves"} {
				w := ask(door, method, path, &http.Cookie{Name: "thimble_staff", Value: cookie})
				if to, _, _ := strings.Cut(w.Header().Get("Location"), "?"); w.Code != http.StatusSeeOther || to != "/console/sign-in" {
					t.Errorf("%s %s with the cookie %s = %d to %q, want the sign-in page", method, path, cookie, w.Code, to)
				}
			}
		}
	}
	w := ask(door, "GET", "/console/sign-in")
	if w.Code != 200 || w.Body.String() != "the entrance" {
		t.Errorf("sign-in page = %d %s", w.Code, w.Body)
	}
}

func TestAPartOfAPageSendsTheWholePageToSignIn(t *testing.T) {
	r := httptest.NewRequest("GET", "/console/customers", nil)
	r.Header.Set("HX-Request", "true")
	w := httptest.NewRecorder()
	newDoor(t, &sessions{}, false, console.Overview{}).ServeHTTP(w, r)
	if w.Code != http.StatusNoContent || w.Header().Get("HX-Redirect") != "/console/sign-in" {
		t.Errorf("answer = %d %v", w.Code, w.Header())
	}
}

func TestSigningOutEndsTheSession(t *testing.T) {
	for tls, name := range map[bool]string{false: "thimble_staff", true: "__Host-thimble_staff"} {
		door, c := newDoor(t, &sessions{open: map[string]string{"c": "mara"}}, tls, console.Overview{}), &http.Cookie{Name: name, Value: "c"}
		if w := ask(door, "GET", "/console", c); w.Code != 200 || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("the console = %d %v", w.Code, w.Header())
		}
		w := ask(door, "POST", "/console/sign-out", c)
		if gone := w.Result().Cookies(); w.Code != http.StatusSeeOther || len(gone) != 1 || gone[0].MaxAge >= 0 || gone[0].SameSite != http.SameSiteStrictMode || gone[0].Secure != tls {
			t.Errorf("signing out = %d %v", w.Code, gone)
		}
		if w := ask(door, "GET", "/console", c); w.Code != http.StatusSeeOther {
			t.Errorf("after signing out = %d", w.Code)
		}
	}
}

func TestTheNavigationIsGroupedAndKnowsWhereItIs(t *testing.T) {
	s := &sessions{open: map[string]string{"c": "mara"}}
	page := ask(newDoor(t, s, false, console.Overview{}), "GET", "/console", &http.Cookie{Name: "thimble_staff", Value: "c"}).Body.String()

	if got := strings.Join(webtest.Select(t, page, ".railbody .navlink"), " "); got != "Overview Customers Jobs" {
		t.Errorf("navigation = %s", got)
	}
	if got := webtest.Select(t, page, ".railbody [aria-current=page]"); len(got) != 1 || got[0] != "Overview" {
		t.Errorf("current = %v", got)
	}
	missing := ask(newDoor(t, s, false, console.Overview{}), "GET", "/console/customers/sub_1", &http.Cookie{Name: "thimble_staff", Value: "c"})
	if got := webtest.Select(t, missing.Body.String(), ".railbody [aria-current=page]"); missing.Code != 404 || len(got) != 1 || got[0] != "Customers" {
		t.Errorf("a missing page = %d below %v", missing.Code, got)
	}
}

func TestAFaultIsAPageThatTellsNothing(t *testing.T) {
	cookie := &http.Cookie{Name: "thimble_staff", Value: "c"}
	broken := ask(newDoor(t, &sessions{fault: errors.New("disk of Ada")}, false, console.Overview{}), "GET", "/console", cookie)
	tile := console.Overview{Tiles: []func(context.Context) ([]web.Stat, error){func(context.Context) ([]web.Stat, error) { return nil, errors.New("disk of Ada") }}}
	inside := ask(newDoor(t, &sessions{open: map[string]string{"c": "mara"}}, false, tile), "GET", "/console", cookie)
	for name, w := range map[string]*httptest.ResponseRecorder{"sessions": broken, "a tile": inside} {
		if w.Code != 500 || strings.Contains(w.Body.String(), "Ada") {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
}

// browser is a client with cookies that does not follow redirects by itself.
func browser(t *testing.T) *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func do(t *testing.T, c *http.Client, method, address string, form url.Values) (int, string, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "text/html")
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header.Get("Location"), string(body)
}

func TestTheConsoleOfARealShop(t *testing.T) {
	var journal journal
	s := newShop(t, slog.New(slog.NewTextHandler(&journal, &slog.HandlerOptions{Level: slog.LevelDebug})))
	s.fill()
	base, client := s.serve(), browser(t)
	if code, to, _ := do(t, client, "POST", base+s.link(), nil); code != http.StatusSeeOther || to != "/console" {
		t.Fatalf("signing in = %d to %s", code, to)
	}
	who := s.people()[0]
	account := s.account(who)

	t.Run("a customer is found by a number that is in no address and no log", func(t *testing.T) {
		code, to, _ := do(t, client, "POST", base+"/console/customers", url.Values{"account": {account}, "purpose": {string(thimble.SupportOperations)}})
		if code != http.StatusSeeOther || to != "/console/customers/"+who.String() {
			t.Fatalf("finding = %d to %s", code, to)
		}
		code, _, body := do(t, client, "GET", base+to, nil)
		if code != 200 || strings.Contains(body, account) || !strings.Contains(body, "use_") || !strings.Contains(body, string(thimble.SupportOperations)) {
			t.Errorf("the customer = %d, or the number stands in the clear", code)
		}
		code, _, body = do(t, client, "POST", base+to+"/unmask", url.Values{"reason": {"to send the parcel again"}})
		if code != 200 || !strings.Contains(body, account) {
			t.Errorf("the number in the clear = %d", code)
		}
		uses, err := s.uses.Of(t.Context(), who, 1)
		if err != nil || len(uses) != 1 || uses[0].Actor != "mara" || !uses[0].Receipted() {
			t.Errorf("recorded use = %v, %v", uses, err)
		}
	})
	t.Run("a number that nobody has is a field error and is not repeated", func(t *testing.T) {
		for name, form := range map[string]url.Values{
			"unknown": {"account": {"no-such-number"}, "purpose": {string(thimble.SupportOperations)}}, "empty": {"purpose": {string(thimble.SupportOperations)}},
			"purpose": {"account": {"no-such-number"}, "purpose": {"marketing"}},
		} {
			code, _, body := do(t, client, "POST", base+"/console/customers", form)
			if code != http.StatusUnprocessableEntity || len(webtest.Select(t, body, ".field .error")) != 1 || strings.Contains(body, "no-such-number") {
				t.Errorf("%s = %d %v", name, code, webtest.Select(t, body, ".field .error"))
			}
		}
	})
	t.Run("a refusal says why and shows nothing", func(t *testing.T) {
		code, _, body := do(t, client, "GET", base+"/console/customers/"+thimble.SubjectID{9}.String(), nil)
		if code != http.StatusForbidden || !strings.Contains(body, "there is no such person") || len(webtest.Select(t, body, "main table")) > 0 {
			t.Errorf("a stranger = %d", code)
		}
	})
	t.Run("bad values give a field error or the first page", func(t *testing.T) { s.badValues(t, client, base) })
	t.Run("training is queued once and done", func(t *testing.T) {
		for range 2 {
			if code, to, _ := do(t, client, "POST", base+"/console/recommendations/train", nil); code != http.StatusSeeOther || to != "/console/recommendations?queued=1" {
				t.Fatalf("train = %d to %s", code, to)
			}
		}
		n := 0
		for worked := true; worked; n++ {
			var err error
			if worked, err = s.jobs.Step(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if n != 2 { // one job, and one look that found none
			t.Errorf("%d jobs, want 1", n-1)
		}
	})
	t.Run("each address answers", func(t *testing.T) {
		for name, path := range s.addresses() {
			want := map[string]int{"missing": 404, "denied": 403, "catalogue-bad": 422}[name]
			if code, _, _ := do(t, client, "GET", base+path, nil); code != max(want, 200) && code != want {
				t.Errorf("%s = %d", name, code)
			}
		}
	})
	if strings.Contains(journal.String(), account) || strings.Contains(journal.String(), "no-such-number") || strings.Contains(journal.String(), "sub_") {
		t.Error("the log names a person")
	}
}

func (s *shop) badValues(t *testing.T, client *http.Client, base string) {
	t.Helper()
	for path, want := range map[string]int{
		"/catalogue?kind=zz": 422, "/catalogue?q=a+b+c+d+e+f+g+h+i": 422, "/catalogue?category=%00": 422, "/catalogue?after=zz": 422, "/catalogue?sort=zz": 200,
		"/customers?after=zz": 200, "/ledger?before=zz": 200, "/ledger?before=-1": 200, "/jobs?state=zz": 422, "/datamap?category=zz": 422, "/requests/executed?kind=zz": 422, "/access?staff=zz": 200,
		"/customers/zz": 404, "/decisions/zz": 404, "/requests/zz": 404, "/requests/zz/receipt": 404, "/imports/zz": 404, "/catalogue/zz": 404,
	} {
		if code, _, body := do(t, client, "GET", base+"/console"+path, nil); code != want {
			t.Errorf("%s = %d, want %d: %v", path, code, want, webtest.Select(t, body, "main h1"))
		}
	}
}

func TestAReceiptOfAnErasureCanBeCheckedByItself(t *testing.T) {
	s := newShop(t, slog.New(slog.DiscardHandler))
	s.fill()
	base, client := s.serve(), browser(t)
	if code, _, _ := do(t, client, "POST", base+s.link(), nil); code != http.StatusSeeOther {
		t.Fatal(code)
	}
	code, _, text := do(t, client, "GET", base+s.addresses()["request-erase"]+"/receipt", nil)
	if code != 200 {
		t.Fatalf("receipt = %d", code)
	}
	checkReceipt(t, text, s.ledger.VerifierKey())
}

func checkReceipt(t *testing.T, text, vkey string) {
	t.Helper()
	opened, err := ledger.Verify([]byte(text), vkey)
	if err != nil || opened.Class != ledger.Erasure {
		t.Errorf("receipt = %v, %v", opened.Class, err)
	}
}

// A journal is a log that is read while the server writes it.
type journal struct {
	mu  sync.Mutex
	log bytes.Buffer
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.log.Write(b)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.log.String()
}

func TestTheAddressWithASlashLeadsToTheConsole(t *testing.T) {
	door := newDoor(t, &sessions{open: map[string]string{"maras": "mara"}}, false, console.Overview{})
	w := ask(door, "GET", "/console/", &http.Cookie{Name: "thimble_staff", Value: "maras"})
	if w.Code != http.StatusMovedPermanently || w.Header().Get("Location") != "/console" {
		t.Errorf("GET /console/ = %d to %q, want the console", w.Code, w.Header().Get("Location"))
	}
}
