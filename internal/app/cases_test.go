package app_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/apikey"
	"thimble/internal/apikey/apikeydb"
	"thimble/internal/consent/signal"
	"thimble/internal/rights/cases"
	"thimble/internal/session"
	"thimble/internal/sqldb"
	"thimble/internal/staff"
	"thimble/internal/subject"
	"thimble/internal/thimbletest"
)

// caseOf is the newest request of a person.
func caseOf(t *testing.T, s *thimbletest.Shop, who thimble.SubjectID) cases.Case {
	t.Helper()
	all, err := s.Cases.Of(t.Context(), who, 1)
	if err != nil || len(all) != 1 {
		t.Fatalf("%d requests, %v", len(all), err)
	}
	return all[0]
}

// sends posts a form and follows to the page that it leads to.
func (w walker) sends(path string, form url.Values) (int, string) {
	w.t.Helper()
	res := w.do(http.MethodPost, path, form)
	if res.StatusCode == http.StatusSeeOther {
		return res.StatusCode, w.page(res.Header.Get("Location"))
	}
	b, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

// An answerer is somebody of the staff at the console.
type answerer struct{ walker }

func answers(t *testing.T, s *thimbletest.Shop, name string, roles ...staff.Role) answerer {
	t.Helper()
	s.Employs(name, roles...)
	w := browse(t, s, thimble.SubjectID{})
	cookie, err := s.Sessions.Begin(t.Context(), session.Who{Audience: session.Staff, Staff: name}, session.UnknownDevice)
	if err != nil {
		t.Fatal(err)
	}
	handler := w.handler
	w.handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		r.AddCookie(&http.Cookie{Name: "thimble_staff", Value: cookie})
		handler.ServeHTTP(rw, r)
	})
	return answerer{w}
}

// does what somebody does to a case.
func (c answerer) does(of cases.Case, what cases.What, more ...string) int {
	c.t.Helper()
	form := url.Values{"what": {string(what)}}
	for i := 0; i+1 < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	code, _ := c.sends("/console/cases/"+of.ID.Token(cases.TokenPrefix), form)
	return code
}

func TestALimitTakesEffectAtOnceAndIsARequestWithReceipts(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		ada := s.Subject("ada", thimbletest.Allows(personalize, train)...)
		w := browse(t, s, ada)
		limit := func(kind cases.Kind, purpose thimble.Purpose) cases.Case {
			t.Helper()
			form := url.Values{"kind": {string(kind)}}
			if purpose != "" {
				form.Set("purpose", string(purpose))
			}
			if code, page := w.sends("/privacy/limit", form); code != http.StatusSeeOther || !strings.Contains(page, "It is done") {
				t.Errorf("%s = %d, and the page does not say that it is done", kind, code)
			}
			c := caseOf(t, s, ada)
			if c.Kind != kind || c.State != cases.Fulfilled || c.Closed.IsZero() {
				t.Errorf("%s is %s of %s", kind, c.State, c.Kind)
			}
			return c
		}
		restricted := func() bool {
			p, err := s.Subjects.Person(t.Context(), ada)
			if err != nil {
				t.Fatal(err)
			}
			return p.Restricted
		}
		refuses := func(p thimble.Purpose) bool {
			st, err := s.Consent.Standing(t.Context(), ada, p)
			if err != nil {
				t.Fatal(err)
			}
			return st.State.Refuses()
		}
		limit(cases.Sale, "")
		limit(cases.ShareAds, "")
		for _, p := range signal.OptedOut() {
			if !refuses(p) {
				t.Errorf("%s is not refused", p)
			}
		}
		if limit(cases.Object, train); !refuses(train) || refuses(personalize) {
			t.Error("the objection is not to what was named, alone")
		}
		if limit(cases.Restrict, ""); !restricted() {
			t.Error("nothing is restricted")
		}
		if page := w.page("/privacy/limit"); strings.Count(page, "Stopped") != 4 { // everything, two opt-outs, one use
			t.Errorf("%d of the limits are shown as set", strings.Count(page, "Stopped"))
		}
		if limit(cases.Lift, ""); restricted() {
			t.Error("it is restricted still")
		}
		for name, form := range map[string]url.Values{"the contract": {"kind": {"object"}, "purpose": {string(thimble.EssentialService)}}, "nothing": {}, "an erasure": {"kind": {"erase"}}} {
			if code, _ := w.sends("/privacy/limit", form); code != http.StatusUnprocessableEntity {
				t.Errorf("a limit of %s = %d", name, code)
			}
		}
		s.Works()
		if n := strings.Count(w.page("/privacy/receipts"), "/privacy/receipts/request/"); n < 5*3 {
			t.Errorf("%d receipts of requests", n)
		}
		audit, err := s.Audit(t.Context())
		if err != nil || len(audit.Findings) != 0 {
			t.Errorf("the audit found %v, %v", audit.Findings, err)
		}
	})
}

func TestARequestGoesThroughTheDeskToAnAnswerAndAnAppeal(t *testing.T) {
	s := thimbletest.New(t)
	ada, eve := s.Subject("ada"), s.Subject("eve")
	w, other := browse(t, s, ada), browse(t, s, eve)
	zoe, max, sam := answers(t, s, "zoe", staff.Privacy), answers(t, s, "max", staff.Privacy), answers(t, s, "sam", staff.Support)
	if code, page := w.sends("/privacy/requests", url.Values{"kind": {"rectify"}, "text": {"my size is wrong"}}); code != http.StatusSeeOther || !strings.Contains(page, "my size is wrong") {
		t.Fatalf("asking = %d", code)
	}
	c := caseOf(t, s, ada)
	path := "/privacy/requests/" + c.ID.Token(cases.TokenPrefix)
	if res := other.do(http.MethodGet, path, nil); res.StatusCode != http.StatusNotFound {
		t.Errorf("another person reads it: %d", res.StatusCode)
	}
	if !strings.Contains(zoe.page("/console/requests"), c.ID.Token(cases.TokenPrefix)) || !strings.Contains(zoe.page("/console/cases/"+c.ID.Token(cases.TokenPrefix)), "my size is wrong") {
		t.Error("the desk does not show it to who answers")
	}
	if strings.Contains(sam.page("/console/cases/"+c.ID.Token(cases.TokenPrefix)), "my size is wrong") {
		t.Error("support reads what was written to who answers requests")
	}
	if code := sam.does(c, cases.Declined, "ground", "excessive", "text", "no"); code != http.StatusForbidden {
		t.Errorf("support refuses: %d", code)
	}
	for _, step := range []struct {
		do   func() int
		want int
		then cases.State
	}{
		{func() int { return zoe.does(c, cases.Completed, "text", "done") }, http.StatusConflict, cases.Received},
		{func() int { return zoe.does(c, cases.Questioned) }, http.StatusUnprocessableEntity, cases.Received},
		{func() int { return zoe.does(c, cases.Questioned, "text", "which size?") }, http.StatusSeeOther, cases.Clarify},
		{func() int { n, _ := w.sends(path+"/reply", url.Values{"text": {"of shirts"}}); return n }, http.StatusSeeOther, cases.Received},
		{func() int { return zoe.does(c, cases.Handed, "to", "nobody") }, http.StatusUnprocessableEntity, cases.Received},
		{func() int { return zoe.does(c, cases.Handed, "to", "max") }, http.StatusSeeOther, cases.Received},
		{func() int { return zoe.does(c, cases.Prolonged, "text", "it takes longer") }, http.StatusSeeOther, cases.Received},
		{func() int { return zoe.does(c, cases.Declined, "ground", "not_held", "text", "we keep no sizes") }, http.StatusSeeOther, cases.Refused},
		{func() int { n, _ := w.sends(path+"/appeal", url.Values{"text": {"you do"}}); return n }, http.StatusSeeOther, cases.Appealed},
		{func() int { return zoe.does(c, cases.WasUpheld, "text", "no") }, http.StatusForbidden, cases.Appealed},
		{func() int { return max.does(c, cases.Overturned, "text", "we do") }, http.StatusSeeOther, cases.Received},
		{func() int { return max.does(c, cases.Accepted) }, http.StatusSeeOther, cases.Executing},
		{func() int { return max.does(c, cases.Completed, "text", "it is M now") }, http.StatusSeeOther, cases.Fulfilled},
		{func() int { return max.does(c, cases.Declined, "ground", "excessive", "text", "no") }, http.StatusConflict, cases.Fulfilled},
	} {
		if got := step.do(); got != step.want || caseOf(t, s, ada).State != step.then {
			t.Errorf("got %d and %s, want %d and %s", got, caseOf(t, s, ada).State, step.want, step.then)
		}
	}
	page := w.page(path)
	for _, want := range []string{"which size?", "of shirts", "we keep no sizes", "GDPR Art. 12(3)", "it is M now", "zoe", "max"} {
		if !strings.Contains(page, want) {
			t.Errorf("the person's page does not say %q", want)
		}
	}
	s.Works()
	if res := max.do(http.MethodGet, "/console/cases/"+c.ID.Token(cases.TokenPrefix)+"/receipt/1", nil); res.StatusCode != http.StatusOK {
		t.Errorf("the receipt of the first step: %d", res.StatusCode)
	}
}

func TestAnArchiveThatWasAskedForIsOpenedByItsPerson(t *testing.T) {
	s := thimbletest.New(t)
	ada := s.Subject("ada")
	w := browse(t, s, ada)
	if code, page := w.sends("/privacy/requests", url.Values{"kind": {"access"}}); code != http.StatusSeeOther || !strings.Contains(page, "It is ready") {
		t.Fatalf("asking = %d", code)
	}
	c := caseOf(t, s, ada)
	if c.State != cases.Executing {
		t.Errorf("before it is opened it is %s", c.State)
	}
	if code, page := w.sends("/privacy/requests/"+c.ID.Token(cases.TokenPrefix)+"/collect", nil); code != http.StatusSeeOther || !strings.Contains(page, "What the shop keeps about me") {
		t.Errorf("opening it = %d", code)
	}
	if c = caseOf(t, s, ada); c.State != cases.Fulfilled || !strings.HasPrefix(c.Work[0].Ref, "req_") {
		t.Errorf("it is %s by %v", c.State, c.Work)
	}
}

func TestAGuardianAsksForAChildAndReadsNothingOfTheirs(t *testing.T) {
	s := thimbletest.New(t)
	child, guardian, stranger := s.Subject("child"), s.Subject("guardian"), s.Subject("stranger")
	err := s.Core.Write(t.Context(), func(tx *sqldb.Tx) error {
		return s.Subjects.Relate(t.Context(), tx, subject.Relation{From: guardian, To: child, Kind: subject.Guardian})
	})
	if err != nil {
		t.Fatal(err)
	}
	w := browse(t, s, guardian)
	if code, _ := w.sends("/privacy/requests", url.Values{"kind": {"complain"}, "for": {"1"}, "text": {"about my child"}}); code != http.StatusSeeOther {
		t.Fatalf("asking = %d", code)
	}
	c := caseOf(t, s, child)
	if c.Via != cases.Guardian || c.Proof != cases.Relation {
		t.Errorf("it came by %s with the proof %q", c.Via, c.Proof)
	}
	path := "/privacy/requests/" + c.ID.Token(cases.TokenPrefix)
	if page := w.page(path); strings.Contains(page, "about my child") {
		t.Error("the guardian reads what is sealed for the child")
	}
	if page := browse(t, s, child).page(path); !strings.Contains(page, "about my child") || !strings.Contains(page, "the guardian") {
		t.Error("the child does not see what was asked for them, and by whom")
	}
	other := browse(t, s, stranger)
	if res := other.do(http.MethodGet, path, nil); res.StatusCode != http.StatusNotFound {
		t.Errorf("a stranger reads it: %d", res.StatusCode)
	}
	if code, _ := other.sends("/privacy/requests", url.Values{"kind": {"complain"}, "for": {"1"}}); code != http.StatusNotFound {
		t.Errorf("a stranger asks for somebody: %d", code)
	}
}

// The API answers for somebody and for nobody, and who it is confirms.
func TestASystemLearnsOfARequestOnlyOnceItIsShownWhoAsks(t *testing.T) {
	s := thimbletest.New(t)
	ada := s.Subject("ada")
	w := browse(t, s, ada)
	key, _, err := apikeydb.New(s.Core, time.Now).Create(t.Context(), "shop", []apikey.Scope{apikey.Admin, apikey.Read})
	if err != nil {
		t.Fatal(err)
	}
	call := func(method, path, body string) (int, map[string]any) {
		t.Helper()
		r := httptest.NewRequestWithContext(t.Context(), method, "http://localhost:8080"+path, strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+key)
		r.Header.Set("Content-Type", "application/json")
		answer := httptest.NewRecorder()
		w.handler.ServeHTTP(answer, r)
		got := map[string]any{}
		if err := json.Unmarshal(answer.Body.Bytes(), &got); err != nil {
			t.Fatalf("%s: %v", answer.Body, err)
		}
		return answer.Code, got
	}
	open := func(account, request string) (id string, said string) {
		t.Helper()
		code, got := call(http.MethodPost, "/v1/rights/requests", fmt.Sprintf(`{"request": %q, "kind": "account", "value": %q}`, request, account))
		if code != http.StatusOK {
			t.Fatalf("%s for %s = %d %v", request, account, code, got)
		}
		id, _ = got["id"].(string)
		delete(got, "id")
		delete(got, "received_at")
		return id, fmt.Sprint(got)
	}
	for _, kind := range []string{"restrict", "access", "opt_out_sale"} {
		theirs, said := open("ada", kind)
		nobodys, same := open("nobody", kind)
		if said != same {
			t.Errorf("%s: %s for somebody, %s for nobody", kind, said, same)
		}
		s.Works()
		if _, err := s.Cases.Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, a := call(http.MethodGet, "/v1/rights/requests/"+theirs, "")
		_, b := call(http.MethodGet, "/v1/rights/requests/"+nobodys, "")
		if len(a) != len(b) || a["state"] != b["state"] || a["due_at"] != nil {
			t.Errorf("%s: then %v for somebody, %v for nobody", kind, a, b)
		}
	}
	id, _ := open("ada", "restrict")
	if code, page := w.sends("/privacy/requests/"+id+"/confirm", nil); code != http.StatusSeeOther || !strings.Contains(page, "It is done") {
		t.Errorf("confirming = %d", code)
	}
	if _, got := call(http.MethodGet, "/v1/rights/requests/"+id, ""); got["state"] != "fulfilled" || got["due_at"] == nil || got["rule"] == nil {
		t.Errorf("once it is shown who asks: %v", got)
	}
}

func TestBeingForgottenIsARequestThatWaitsAfterANewAddress(t *testing.T) {
	now := time.Now()
	s := thimbletest.OpenAt(t, map[string]string{"data": filepath.Join(t.TempDir(), "data")}, func() time.Time { return now })
	ada := s.Subject("ada")
	now = now.Add(time.Hour)
	id, err := subject.NewIdentifier(subject.Email, "thief@example.org")
	if err != nil {
		t.Fatal(err)
	}
	d, err := s.Subjects.DraftFor(t.Context(), ada, id)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Core.Write(t.Context(), func(tx *sqldb.Tx) error { return s.Subjects.Add(t.Context(), tx, d) }); err != nil {
		t.Fatal(err)
	}
	w := browse(t, s, ada)
	if code, page := w.sends("/privacy/forget", url.Values{"word": {"FORGET"}}); code != http.StatusConflict || !strings.Contains(page, "waits for three days") {
		t.Fatalf("at once = %d", code)
	}
	for _, ask := range [][2]string{{http.MethodGet, "/privacy/data"}, {http.MethodGet, "/privacy/data?of=order"}, {http.MethodGet, "/privacy/data.json"}, {http.MethodGet, "/privacy/take"}, {http.MethodPost, "/privacy/take"}} {
		if res := w.do(ask[0], ask[1], nil); res.StatusCode != http.StatusConflict {
			t.Errorf("%s %s at once = %d, want 409", ask[0], ask[1], res.StatusCode)
		}
	}
	c := caseOf(t, s, ada)
	if c.State != cases.Received || s.Subjects == nil {
		t.Errorf("the request is %s", c.State)
	}
	now = now.Add(73 * time.Hour)
	w = browse(t, s, ada)
	if res := w.do(http.MethodGet, "/privacy/take", nil); res.StatusCode != http.StatusOK {
		t.Errorf("after three days the page = %d", res.StatusCode)
	}
	if res := w.do(http.MethodPost, "/privacy/forget", url.Values{"word": {"FORGET"}}); res.StatusCode != http.StatusSeeOther {
		t.Fatalf("after three days = %d", res.StatusCode)
	}
	if c, err = s.Cases.Get(t.Context(), c.ID); err != nil || c.State != cases.Fulfilled || !c.Subject.IsZero() {
		t.Errorf("the request is %s, %v", c.State, err)
	}
}

// What answers a request waits too when the address was added after it was made.
func TestACopyIsTakenAlongOnceNothingHasToWait(t *testing.T) {
	now := time.Now()
	s := thimbletest.OpenAt(t, map[string]string{"data": filepath.Join(t.TempDir(), "data")}, func() time.Time { return now })
	later := func(d time.Duration) {
		t.Helper()
		now = now.Add(d)
		_, err := s.Ledger.Integrate(t.Context())
		if err = errors.Join(err, s.Node.Renew(t.Context())); err != nil {
			t.Fatal(err)
		}
	}
	ada := s.Subject("ada")
	later(time.Hour)
	w := browse(t, s, ada)
	if code, _ := w.sends("/privacy/requests", url.Values{"kind": {string(cases.Port)}}); code != http.StatusSeeOther {
		t.Fatalf("asking = %d", code)
	}
	c := caseOf(t, s, ada)
	collect := "/privacy/requests/" + c.ID.Token(cases.TokenPrefix) + "/collect"
	id, err := subject.NewIdentifier(subject.Email, "thief@example.org")
	if err != nil {
		t.Fatal(err)
	}
	d, err := s.Subjects.DraftFor(t.Context(), ada, id)
	if err == nil {
		err = s.Core.Write(t.Context(), func(tx *sqldb.Tx) error { return s.Subjects.Add(t.Context(), tx, d) })
	}
	if err != nil {
		t.Fatal(err)
	}
	if res := w.do(http.MethodPost, collect, nil); res.StatusCode != http.StatusConflict {
		t.Errorf("while it waits = %d, want 409", res.StatusCode)
	}
	if c, err = s.Cases.Get(t.Context(), c.ID); err != nil || c.State == cases.Fulfilled {
		t.Errorf("the request is %s, %v, and nothing was shown", c.State, err)
	}
	later(73 * time.Hour)
	w = browse(t, s, ada)
	if res := w.do(http.MethodPost, collect, nil); res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != "/privacy/take" {
		t.Errorf("after three days = %d to %s", res.StatusCode, res.Header.Get("Location"))
	}
}
