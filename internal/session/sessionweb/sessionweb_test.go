package sessionweb

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/session"
	"thimble/internal/web"
	"thimble/internal/web/webtest"
)

// memory is a store of one session.
type memory struct {
	cookie string
	ended  []string
	broken bool
	raised time.Time
}

func (m *memory) Session(_ context.Context, cookie string, a session.Audience) (session.Session, error) {
	switch {
	case m.broken:
		return session.Session{}, errors.New("the database is gone")
	case cookie != m.cookie || a != session.Customer:
		return session.Session{}, thimble.ErrDenied
	}
	return session.Session{Who: session.Who{Audience: a, Subject: thimble.SubjectID{1}}, Raised: m.raised}, nil
}

func (m *memory) Raise(context.Context, string) error { return nil }

func (m *memory) Redeem(context.Context, string, session.Audience, string) (string, session.Who, error) {
	m.cookie = "redeemed"
	return m.cookie, session.Who{}, nil
}

func (m *memory) Begin(context.Context, session.Who, string) (string, error) {
	m.cookie = "begun"
	return m.cookie, nil
}

func (m *memory) End(_ context.Context, cookie string) error {
	m.ended = append(m.ended, cookie)
	return nil
}

func request(d *Door, cookie string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	if cookie != "" {
		r.AddCookie(&http.Cookie{Name: d.Cookie(), Value: cookie})
	}
	return r
}

func TestOnlyTheSessionsOwnerIsAVisitor(t *testing.T) {
	for name, tc := range map[string]struct {
		cookie string
		broken bool
		want   bool
	}{"the owner": {"good", false, true}, "another cookie": {"bad", false, false}, "no cookie": {"", false, false}, "no answer": {"good", true, false}} {
		t.Run(name, func(t *testing.T) {
			d := New(&memory{cookie: "good", broken: tc.broken}, session.Customer, false, nil)
			var got bool
			next := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = !web.VisitorFrom(r.Context()).Subject.IsZero() })
			d.Visitors(next).ServeHTTP(httptest.NewRecorder(), request(d, tc.cookie))
			if got != tc.want {
				t.Errorf("a visitor: %t, want %t", got, tc.want)
			}
		})
	}
}

func TestSigningInReplacesTheSessionAndHidesTheCookie(t *testing.T) {
	for secure, name := range map[bool]string{false: "thimble_customer", true: "__Host-thimble_customer"} {
		m := &memory{}
		d := New(m, session.Customer, secure, nil)
		w := httptest.NewRecorder()

		if err := d.Begin(w, request(d, "planted"), session.Who{Subject: thimble.SubjectID{1}}); err != nil {
			t.Fatal(err)
		}

		c := w.Result().Cookies()[0]
		if c.Name != name || c.Value != "begun" || !c.HttpOnly || c.Secure != secure || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
			t.Errorf("the cookie is %+v", c)
		}
		if len(m.ended) != 1 || m.ended[0] != "planted" {
			t.Errorf("sessions ended: %v, want the old one", m.ended)
		}
	}
}

func TestNobodyIsSentToTheSignIn(t *testing.T) {
	w := httptest.NewRecorder()
	Require(SignIn, http.NotFoundHandler()).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/privacy", nil))
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != SignIn {
		t.Errorf("answer = %d to %q", w.Code, w.Header().Get("Location"))
	}
}

func TestEveryPageRenders(t *testing.T) {
	kit, err := web.New(web.Config{})
	if err != nil {
		t.Fatal(err)
	}
	pages, err := kit.Pages(portalFiles, "pages/portal_*.html")
	if err != nil {
		t.Fatal(err)
	}
	form := emailField("An address was expected.")
	webtest.RenderAll(t, pages, map[string]web.Page{
		"portal_sign-in.html": {Layout: web.Portal, Title: "Sign in", Body: signInBody{SignedIn: true, Demo: true, Again: true, Shop: true, Mail: &form}},
		"portal_link.html":    {Layout: web.Portal, Title: "Come in", Body: linkBody{Token: "abc", Next: "/privacy/data"}},
		"portal_code.html":    {Layout: web.Portal, Title: "Type in your code", Body: codeBody{Form: form, Again: SignIn}},
		"portal_devices.html": {Layout: web.Portal, Title: "Where you are signed in", Body: devicesBody{}},
	})
	spent := webtest.Render(t, pages, "portal_link.html", web.Page{Layout: web.Portal, Body: linkBody{Spent: true}})
	if strings.Contains(spent, "<button class=\"button primary\"") {
		t.Error("a spent link still has its button")
	}
}

// A stolen cookie may be old; what proves who it is must not.
func TestWhatIsGraveNeedsAFreshProof(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	for age, want := range map[time.Duration]int{
		0: http.StatusOK, session.FreshFor - 1: http.StatusOK, session.FreshFor: http.StatusSeeOther, time.Hour: http.StatusSeeOther,
		-session.Skew + 1: http.StatusOK, -session.Skew: http.StatusSeeOther, // the clock ran ahead when it was given
	} {
		reached := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
		h := Fresh(reached, Confirm, []string{"POST /privacy/forget"}, func(r *http.Request) string { return r.Method + " " + r.URL.Path }, func() time.Time { return now })
		ask := func(method string) *httptest.ResponseRecorder {
			r := httptest.NewRequest(method, "/privacy/forget", nil)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r.WithContext(web.WithVisitor(r.Context(), web.Visitor{Subject: thimble.SubjectID{1}, Raised: now.Add(-age)})))
			return w
		}
		if got := ask("POST"); got.Code != want || want == http.StatusSeeOther && got.Header().Get("Location") != Confirm+"?next=%2Fprivacy%2Fforget" {
			t.Errorf("a proof of %v ago: %d to %q, want %d", age, got.Code, got.Header().Get("Location"), want)
		}
		if got := ask("GET"); got.Code != http.StatusOK {
			t.Errorf("only looking needs a proof of %v ago: %d", age, got.Code)
		}
	}
}

func TestNobodyIsLedToAnotherSite(t *testing.T) {
	for next, want := range map[string]string{
		"/privacy/data": "/privacy/data", "/privacy": "/privacy", "": "", "//evil.example": "", "https://evil.example": "", "/privacy//evil.example": "",
		`/privacy/\evil.example`: "", "/console": "", "/privacyx": "", "/privacy/data?x=1": "", "/privacy/sign-in": "", "/privacy/link/abc": "", "/privacy/confirm": "",
		"javascript:alert(1)": "", "/privacy/a\r\nSet-Cookie: x": "", "%": "",
	} {
		r := httptest.NewRequest(http.MethodGet, "/?"+url.Values{"next": {next}}.Encode(), nil)
		if got := returnTo(r); got != want {
			t.Errorf("returnTo(%q) = %q, want %q", next, got, want)
		}
	}
}
