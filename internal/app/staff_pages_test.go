package app_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/app"
	"thimble/internal/gate"
	"thimble/internal/session"
	"thimble/internal/sqldb"
	"thimble/internal/staff"
	"thimble/internal/thimbletest"
)

// posts sends a form to the console as somebody of the staff who has just come in.
func posts(t *testing.T, s *thimbletest.Shop, name, path string, form url.Values) *httptest.ResponseRecorder {
	t.Helper()
	handler, err := s.Handler(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	cookie, err := s.Sessions.Begin(t.Context(), session.Who{Audience: session.Staff, Staff: name}, session.UnknownDevice)
	if err != nil {
		t.Fatal(err)
	}
	return postsWith(t, handler, cookie, path, form)
}

func postsWith(t *testing.T, handler http.Handler, cookie, path string, form url.Values) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.AddCookie(&http.Cookie{Name: "thimble_staff", Value: cookie})
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w
}

// The account with the owner's roles is made from the machine alone.
func TestNobodyMakesTheOwnersAccountFromTheConsole(t *testing.T) {
	s := thimbletest.New(t)
	s.Employs("ann", staff.Admin)
	// Whoever began with "thimble staff add" has no account of that name.
	err := s.Core.Write(t.Context(), func(tx *sqldb.Tx) error {
		_, err := tx.Exec(t.Context(), `update staff_accounts set name = 'another' where name = $1`, app.Owner)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if w := posts(t, s, "ann", "/console/people/"+app.Owner+"/link", nil); w.Code == http.StatusOK {
		t.Errorf("a link for nobody's account = %d", w.Code)
	}
	if a, err := s.Staff.Account(t.Context(), app.Owner); !errors.Is(err, thimble.ErrNotFound) {
		t.Errorf("there is an account %q with the roles %v (%v), want none", a.Name, a.Roles, err)
	}
}

var requestID = regexp.MustCompile(`[A-Z2-7]{26}`)

// Whom the gate refuses does not learn whether an account number is a customer's.
func TestWhoMayNotSeeAnAccountLearnsNotWhoseItIs(t *testing.T) {
	s := thimbletest.New(t)
	ada := s.Subject("17850")
	s.Employs("nia", staff.Security)
	s.Employs("sue", staff.Stylist)
	s.Employs("mara", staff.Support)
	find := func(name, account string) *httptest.ResponseRecorder {
		return posts(t, s, name, "/console/customers", url.Values{"account": {account}, "purpose": {string(thimble.SupportOperations)}})
	}
	known, unknown := find("nia", "17850"), find("nia", "99999")
	if known.Code != unknown.Code || requestID.ReplaceAllString(known.Body.String(), "") != requestID.ReplaceAllString(unknown.Body.String(), "") {
		t.Errorf("the answers of a customer's number and of nobody's differ: %d to %q, and %d", known.Code, known.Header().Get("Location"), unknown.Code)
	}
	for _, name := range []string{"sue", "mara"} {
		w := find(name, "17850")
		if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/console/customers/"+ada.String() {
			t.Errorf("%s = %d to %q", name, w.Code, w.Header().Get("Location"))
		}
	}
	uses, err := s.Uses.Of(t.Context(), ada, 10)
	if err != nil {
		t.Fatal(err)
	}
	looked := map[string]int{}
	for _, u := range uses {
		if u.Kind == gate.Staff {
			looked[u.Actor]++
		}
	}
	if looked["sue"] != 1 || looked["mara"] != 1 {
		t.Errorf("recorded looks: %v, want one of each who was led to the customer", looked)
	}
}

// Keys of the API are grave, whether they are made or taken away (docs/staff.md).
func TestAStolenCookieTakesNoKeyAway(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	s := thimbletest.OpenAt(t, map[string]string{"data": t.TempDir()}, func() time.Time { return now })
	s.Employs("nia", staff.Security)
	handler, err := s.Handler(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	cookie, err := s.Sessions.Begin(t.Context(), session.Who{Audience: session.Staff, Staff: "nia"}, session.UnknownDevice)
	if err != nil {
		t.Fatal(err)
	}
	now = now.Add(session.FreshFor)
	for _, path := range []string{"/console/keys", "/console/keys/x/revoke"} {
		if w := postsWith(t, handler, cookie, path, nil); w.Code != http.StatusSeeOther || !strings.HasPrefix(w.Header().Get("Location"), "/console/confirm?next=") {
			t.Errorf("POST %s = %d, want to be asked who it is", path, w.Code)
		}
	}
}
