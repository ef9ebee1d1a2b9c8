package app_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/session"
	"thimble/internal/sqldb"
	"thimble/internal/subject"
	"thimble/internal/thimbletest"
	"thimble/internal/web/webtest"
)

// A walker is a browser without script that carries one customer's session.
type walker struct {
	t       *testing.T
	handler http.Handler
	cookie  string
}

func browse(t *testing.T, s *thimbletest.Shop, who thimble.SubjectID) walker {
	t.Helper()
	h, err := s.Handler(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w := walker{t: t, handler: h}
	if !who.IsZero() {
		if w.cookie, err = s.Sessions.Begin(t.Context(), session.Who{Audience: session.Customer, Subject: who}, session.UnknownDevice); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

func (w walker) do(method, path string, form url.Values, headers ...string) *http.Response {
	w.t.Helper()
	r := httptest.NewRequestWithContext(w.t.Context(), method, "http://localhost:8080"+path, strings.NewReader(form.Encode()))
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	if w.cookie != "" {
		r.AddCookie(&http.Cookie{Name: "thimble_customer", Value: w.cookie})
	}
	answer := httptest.NewRecorder()
	w.handler.ServeHTTP(answer, r)
	return answer.Result()
}

func (w walker) page(path string) string {
	w.t.Helper()
	res := w.do(http.MethodGet, path, nil)
	b, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		w.t.Fatalf("GET %s = %d, %v", path, res.StatusCode, err)
	}
	return string(b)
}

func (w walker) says(path, answer string, headers ...string) int {
	w.t.Helper()
	return w.do(http.MethodPost, path, url.Values{"notice": {consent.Current().Ref().SHA256}, "all": {answer}}, headers...).StatusCode
}

func state(t *testing.T, s *thimbletest.Shop, who thimble.SubjectID) consent.State {
	t.Helper()
	st, err := s.Consent.Standing(t.Context(), who, thimble.PersonalizeContent)
	if err != nil {
		t.Fatal(err)
	}
	return st.Now(time.Now())
}

// privacy.md, case 6: no other site's page can mint a yes.
func TestTheBannerIsAnsweredInTheShopAndNowhereElse(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		ada := s.Subject("ada")
		w := browse(t, s, ada)
		if got := webtest.Select(t, w.page("/"), ".promptbuttons > *"); !slices.Equal(got, []string{"Refuse all", "Choose", "Allow all"}) {
			t.Fatalf("the shop asks with %q", got)
		}
		for _, forged := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Origin", "https://elsewhere.example"}} {
			if code := w.says("/shop/choices/banner", "allow", forged...); code != http.StatusForbidden || state(t, s, ada) != "" {
				t.Errorf("%v = %d, and the state is %q", forged, code, state(t, s, ada))
			}
		}
		if code := w.says("/shop/choices/banner", "refuse", "Sec-Fetch-Site", "same-origin"); code != http.StatusSeeOther || state(t, s, ada) != consent.Refused {
			t.Errorf("refusing = %d, and the state is %q", code, state(t, s, ada))
		}
		if got := webtest.Select(t, w.page("/"), ".prompt"); len(got) != 0 {
			t.Errorf("asked again: %q", got)
		}
		nobody := browse(t, s, thimble.SubjectID{})
		if got := webtest.Select(t, nobody.page("/"), ".prompt h2"); !slices.Equal(got, []string{"Nothing is collected about you here"}) {
			t.Errorf("somebody who is nobody is shown %q", got)
		}
		if res := nobody.do(http.MethodGet, "/", nil); len(res.Cookies()) != 0 {
			t.Errorf("somebody who is nobody is given %v", res.Cookies())
		}
	})
}

func TestAGuardianDecidesForAChildAndTheChildSeesIt(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		child, guardian, stranger := s.Subject("child"), s.Subject("guardian"), s.Subject("stranger")
		err := s.Core.Write(t.Context(), func(tx *sqldb.Tx) error {
			if err := s.Subjects.SetAge(t.Context(), tx, child, subject.Age{State: subject.AgeMinor, Evidence: "declared"}); err != nil {
				return err
			}
			return s.Subjects.Relate(t.Context(), tx, subject.Relation{From: guardian, To: child, Kind: subject.Guardian})
		})
		if err != nil {
			t.Fatal(err)
		}
		path := "/privacy/choices/for/" + child.String()
		own := browse(t, s, child)
		if code := own.says("/privacy/choices", "allow"); code != http.StatusForbidden || state(t, s, child) != "" {
			t.Errorf("the child's own yes = %d, %q", code, state(t, s, child))
		}
		for name, who := range map[string]thimble.SubjectID{"a stranger": stranger, "the child": child} {
			w := browse(t, s, who)
			if got, posted := w.do(http.MethodGet, path, nil).StatusCode, w.says(path, "allow"); got != http.StatusNotFound || posted != http.StatusNotFound {
				t.Errorf("%s as a guardian: %d, %d", name, got, posted)
			}
		}
		parent := browse(t, s, guardian)
		if links := webtest.SelectAttr(t, parent.page("/privacy/choices"), "[aria-labelledby=children] a", "href"); !slices.Equal(links, []string{path}) {
			t.Errorf("the guardian is led to %q", links)
		}
		parent.page(path)
		if code := parent.says(path, "allow"); code != http.StatusSeeOther || state(t, s, child) != consent.Given || state(t, s, guardian) != "" {
			t.Errorf("the guardian's yes = %d: child %q, guardian %q", code, state(t, s, child), state(t, s, guardian))
		}
		if text := strings.Join(webtest.Select(t, own.page("/privacy/choices"), ".ask"), " "); !strings.Contains(text, "Your guardian chose this") {
			t.Errorf("the child sees %q", text)
		}
		if code := own.says("/privacy/choices", "refuse"); code != http.StatusSeeOther || state(t, s, child) != consent.Withdrawn {
			t.Errorf("the child's no = %d, %q", code, state(t, s, child))
		}
	})
}

func TestARecordOfConsentNamesTheControllerOrThatThereIsNone(t *testing.T) {
	for contact, want := range map[string]string{"": "not configured", "privacy@shop.example": "privacy@shop.example"} {
		settings := map[string]string{"data": t.TempDir()}
		if contact != "" {
			settings["controller-name"], settings["controller-contact"] = "Haberdashery Ltd", contact
		}
		s := thimbletest.Open(t, settings)
		ada := s.Subject("ada", thimbletest.Allows(thimble.PersonalizeContent)...)
		s.Works()
		page := browse(t, s, ada)
		links := webtest.SelectAttr(t, page.page("/privacy/choices"), ".ask a", "href")
		i := slices.IndexFunc(links, func(l string) bool { return strings.HasPrefix(l, "/privacy/choices/record/") })
		res := page.do(http.MethodGet, links[i], nil)
		text, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode != http.StatusOK || !strings.Contains(string(text), want) {
			t.Errorf("%q: %d, %v: %s", contact, res.StatusCode, err, text)
		}
	}
}

// TestPagesOnWhichPeopleChooseHaveNoBarriers looks at the banner, the form of
// preferences and a guardian's page, which the customers of the demo do not come by.
func TestPagesOnWhichPeopleChooseHaveNoBarriers(t *testing.T) {
	browser := webtest.Start(t)
	h := open(t)
	child, guardian := h.Subject("child"), h.Subject("guardian")
	err := h.Core.Write(t.Context(), func(tx *sqldb.Tx) error {
		if err := h.Subjects.SetAge(t.Context(), tx, child, subject.Age{State: subject.AgeMinor, Evidence: "declared"}); err != nil {
			return err
		}
		return h.Subjects.Relate(t.Context(), tx, subject.Relation{From: guardian, To: child, Kind: subject.Guardian})
	})
	if err != nil {
		t.Fatal(err)
	}
	shots := os.Getenv("THIMBLE_SCREENSHOTS")
	for _, c := range []struct {
		who        thimble.SubjectID
		name, path string
	}{
		{guardian, "shop-banner", "/"}, {guardian, "shop-choices", "/shop/choices"}, {guardian, "privacy-choices-guardian", "/privacy/choices"},
		{guardian, "privacy-choices-for", "/privacy/choices/for/" + child.String()}, {child, "privacy-choices-child", "/privacy/choices"},
	} {
		tab := browser.NewTab(webtest.Desk)
		tab.Cookie(h.url, "thimble_customer", h.cookie(t, session.Who{Audience: session.Customer, Subject: c.who}))
		for name, view := range map[string]webtest.Viewport{"desk-light": webtest.Desk, "phone-dark": webtest.Phone} {
			view.Dark = strings.HasSuffix(name, "dark")
			tab.Look(view)
			tab.Goto(h.url + c.path)
			tab.NoOverflow(t)
			tab.Axe(t)
			tab.Clean(t, h.url)
			if shots != "" {
				tab.Screenshot(t, filepath.Join(shots, c.name+"-"+name+".png"))
			}
		}
	}
}
