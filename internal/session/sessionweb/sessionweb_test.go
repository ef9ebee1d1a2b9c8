package sessionweb

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

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
}

func (m *memory) Who(_ context.Context, cookie string, a session.Audience) (session.Who, error) {
	switch {
	case m.broken:
		return session.Who{}, errors.New("the database is gone")
	case cookie != m.cookie || a != session.Customer:
		return session.Who{}, thimble.ErrDenied
	}
	return session.Who{Audience: a, Subject: thimble.SubjectID{1}}, nil
}

func (m *memory) Redeem(context.Context, string, session.Audience) (string, session.Who, error) {
	m.cookie = "redeemed"
	return m.cookie, session.Who{}, nil
}

func (m *memory) Begin(context.Context, session.Who) (string, error) {
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
	webtest.RenderAll(t, pages, map[string]web.Page{
		"portal_sign-in.html": {Layout: web.Portal, Title: "Sign in", Body: signInBody{SignedIn: true, Demo: true}},
		"portal_link.html":    {Layout: web.Portal, Title: "Come in", Body: linkBody{Token: "abc"}},
	})
	spent := webtest.Render(t, pages, "portal_link.html", web.Page{Layout: web.Portal, Body: linkBody{Spent: true}})
	if strings.Contains(spent, "<button class=\"button primary\"") {
		t.Error("a spent link still has its button")
	}
}
