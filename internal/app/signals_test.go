package app_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/consent/consentdb"
	"thimble/internal/consent/consentweb"
	"thimble/internal/consent/signal"
	"thimble/internal/gate/gateweb"
	"thimble/internal/session"
	"thimble/internal/session/sessionweb"
	"thimble/internal/sqldb"
	"thimble/internal/thimbletest"
	"thimble/internal/web"
)

// visit asks for a page, as somebody who is signed in or as nobody.
func visit(t *testing.T, s *thimbletest.Shop, path string, who thimble.SubjectID, gpc string) (*http.Response, string) {
	t.Helper()
	h, err := s.Handler(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Header.Set("Accept", "text/html")
	if gpc != "" {
		r.Header.Set("Sec-GPC", gpc)
	}
	if !who.IsZero() {
		cookie, err := s.Sessions.Begin(t.Context(), session.Who{Audience: session.Customer, Subject: who}, session.UnknownDevice)
		if err != nil {
			t.Fatal(err)
		}
		r.AddCookie(&http.Cookie{Name: sessionweb.New(nil, session.Customer, false, nil).Cookie(), Value: cookie})
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	answer := w.Result()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(body)
}

func choicesOf(t *testing.T, s *thimbletest.Shop, who thimble.SubjectID) (all []consentdb.Recorded) {
	t.Helper()
	g, err := gateweb.OpenOwn(s.Gate)(t.Context(), who, thimble.PrivacyPreferences)
	if err != nil {
		t.Fatal(err)
	}
	if all, err = s.Consent.History(t.Context(), g); err != nil {
		t.Fatal(err)
	}
	return all
}

// Edge case 39 of consent races: the signal of one device is an opt-out of the person.
func TestGlobalPrivacyControlIsHonouredShownAndRecordedOnce(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		ada := s.Subject("ada", thimbletest.Allows(personalize, train)...)
		before := len(choicesOf(t, s, ada))

		for _, path := range []string{"/", "/shop/items", "/privacy", "/privacy/choices", "/shop/nothing"} {
			answer, page := visit(t, s, path, ada, "1")
			if !strings.Contains(page, web.Honoured) {
				t.Errorf("%s (%d) does not say that the signal is honoured", path, answer.StatusCode)
			}
			if !strings.Contains(strings.Join(answer.Header.Values("Vary"), ","), "Sec-GPC") {
				t.Errorf("%s: a cache would give the page to others", path)
			}
			if _, page := visit(t, s, path, ada, ""); strings.Contains(page, web.Honoured) {
				t.Errorf("%s claims a signal that was not sent", path)
			}
		}

		added := choicesOf(t, s, ada)[before:]
		if len(added) != len(signal.OptedOut()) {
			t.Fatalf("%d events, want one per purpose of the signal, once", len(added))
		}
		for i, p := range signal.OptedOut() {
			e := added[i].Event
			if e.Purpose != p || e.State != consent.Refused || e.By.Actor != "signal:gpc" {
				t.Errorf("event %+v, want %s refused by signal:gpc", e, p)
			}
		}
		// What the person was asked for stands: the signal does not limit first-party use.
		for _, p := range []thimble.Purpose{personalize, train} {
			if st, err := s.Consent.Standing(t.Context(), ada, p); err != nil || !st.State.Permits() {
				t.Errorf("%s: %v, %v", p, st.State, err)
			}
		}
		if _, page := visit(t, s, "/privacy/receipts", ada, ""); !strings.Contains(page, "Selling or sharing your data") {
			t.Error("the person does not see the objection among the receipts")
		}
	})
}

func TestOfStrangersTheSignalLeavesNothingBehind(t *testing.T) {
	s := thimbletest.New(t)
	if _, page := visit(t, s, "/", thimble.SubjectID{}, "1"); !strings.Contains(page, web.Honoured) {
		t.Error("the page does not say that the signal is honoured")
	}
	var n int
	err := s.Core.Read(t.Context(), func(tx *sqldb.Tx) error {
		return tx.QueryRow(t.Context(), `select count(*) from consent_events`).Scan(&n)
	})
	if err != nil || n != 0 {
		t.Errorf("%d events, %v, want none", n, err)
	}
}

func TestTheSiteSaysThatItHonoursTheSignal(t *testing.T) {
	answer, body := visit(t, thimbletest.New(t), consentweb.WellKnown, thimble.SubjectID{}, "")
	var said struct {
		GPC        bool   `json:"gpc"`
		LastUpdate string `json:"lastUpdate"`
	}
	if err := json.Unmarshal([]byte(body), &said); err != nil || !said.GPC || len(said.LastUpdate) != len("2006-01-02") {
		t.Errorf("%s, %v", body, err)
	}
	if got := answer.Header.Get("Content-Type"); got != "application/json" || answer.StatusCode != http.StatusOK {
		t.Errorf("%d, %s", answer.StatusCode, got)
	}
}
