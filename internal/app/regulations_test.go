package app_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/apikey"
	"thimble/internal/apikey/apikeydb"
	"thimble/internal/rights/cases"
	"thimble/internal/thimbletest"
)

// A backend speaks Segment's verbs of deletion and suppression.
func TestSegmentsVerbsBecomeRequestsOfThePeopleTheyName(t *testing.T) {
	s := thimbletest.New(t)
	ada, bea, cid := s.Subject("ada"), s.Subject("bea"), s.Subject("cid")
	w := browse(t, s, cid)
	keys := map[apikey.Scope]string{}
	for _, scope := range []apikey.Scope{apikey.Admin, apikey.Read} {
		key, _, err := apikeydb.New(s.Core, time.Now).Create(t.Context(), string(scope), []apikey.Scope{scope})
		if err != nil {
			t.Fatal(err)
		}
		keys[scope] = key
	}
	call := func(scope apikey.Scope, method, path, body string) (int, string) {
		t.Helper()
		r := httptest.NewRequestWithContext(t.Context(), method, "http://localhost:8080"+path, strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+keys[scope])
		r.Header.Set("Content-Type", "application/json")
		answer := httptest.NewRecorder()
		w.handler.ServeHTTP(answer, r)
		return answer.Code, answer.Body.String()
	}
	regulate := func(verb string, ids ...string) string {
		t.Helper()
		all, err := json.Marshal(ids)
		if err != nil {
			t.Fatal(err)
		}
		// The example of the Public API, with other values.
		code, body := call(apikey.Admin, http.MethodPost, "/v1/regulations", fmt.Sprintf(`{"regulationType":%q,"subjectType":"USER_ID","subjectIds":%s}`, verb, all))
		var got struct {
			Data struct {
				ID string `json:"regulateId"`
			} `json:"data"`
		}
		if code != http.StatusOK || json.Unmarshal([]byte(body), &got) != nil || !strings.HasPrefix(got.Data.ID, "reg_") {
			t.Fatalf("%s = %d %s", verb, code, body)
		}
		return got.Data.ID
	}
	status := func(id string) string {
		t.Helper()
		code, body := call(apikey.Read, http.MethodGet, "/v1/regulations/"+id, "")
		var got struct {
			Data struct {
				Regulation struct {
					ID       string `json:"id"`
					Status   string `json:"overallStatus"`
					Finished string `json:"finishedAt"`
				} `json:"regulation"`
			} `json:"data"`
		}
		if code != http.StatusOK || json.Unmarshal([]byte(body), &got) != nil || got.Data.Regulation.ID != id || (got.Data.Regulation.Finished != "") != (got.Data.Regulation.Status != "INITIALIZED") {
			t.Fatalf("the status = %d %s", code, body)
		}
		return got.Data.Regulation.Status
	}
	works := func() {
		t.Helper()
		_, begun := s.Verbs.Begin(t.Context())
		_, done := s.Desk.Retry(t.Context())
		_, settled := s.Cases.Settle(t.Context())
		if err := errors.Join(begun, done, settled); err != nil {
			t.Fatal(err)
		}
	}
	restricted := func(who thimble.SubjectID) bool {
		p, err := s.Subjects.Person(t.Context(), who)
		if err != nil {
			t.Fatal(err)
		}
		return p.Restricted
	}
	if code, _ := call(apikey.Read, http.MethodPost, "/v1/regulations", `{"regulationType":"DELETE_ONLY","subjectType":"USER_ID","subjectIds":["ada"]}`); code != http.StatusForbidden {
		t.Errorf("a key that only reads deletes: %d", code)
	}
	for _, wrong := range []string{`{"regulationType":"DELETE_EVERYTHING","subjectType":"USER_ID","subjectIds":["ada"]}`, `{"regulationType":"DELETE_ONLY","subjectType":"OBJECT_ID","subjectIds":["ada"]}`, `{"regulationType":"DELETE_ONLY","subjectType":"USER_ID","subjectIds":[]}`, `{"regulationType":"DELETE_ONLY","subjectType":"EMAIL","subjectIds":["secret"]}`} {
		if code, body := call(apikey.Admin, http.MethodPost, "/v1/regulations", wrong); code != http.StatusUnprocessableEntity || strings.Contains(body, "secret") {
			t.Errorf("%s = %d %s", wrong, code, body)
		}
	}

	suppress, forget := regulate("SUPPRESS_ONLY", "bea", "nobody"), regulate("SUPPRESS_AND_DELETE", "ada", "ada", "nobody")
	back := regulate("SUPPRESS_ONLY", "ada")
	if got := status(suppress) + status(forget); got != "INITIALIZEDINITIALIZED" {
		t.Errorf("before anything is begun they are %s", got)
	}
	if code, body := call(apikey.Admin, http.MethodDelete, "/v1/regulations/"+back, ""); code != http.StatusOK || !strings.Contains(body, "SUCCESS") {
		t.Errorf("taking one back = %d %s", code, body)
	}
	works()
	if got := status(suppress) + status(forget) + status(back); got != "FINISHEDFINISHEDFAILED" || !restricted(bea) {
		t.Errorf("then they are %s; bea is restricted: %v", got, restricted(bea))
	}
	if _, err := s.Subjects.Epoch(t.Context(), ada); !errors.Is(err, thimble.ErrNotFound) {
		t.Errorf("ada is still there: %v", err)
	}
	if code, _ := call(apikey.Admin, http.MethodDelete, "/v1/regulations/"+suppress, ""); code != http.StatusConflict {
		t.Errorf("what is done is taken back: %d", code)
	}
	if c := caseOf(t, s, bea); c.Kind != cases.Restrict || c.Via != cases.System || c.Proof != cases.Vouched {
		t.Errorf("bea's request is %s by %s, proof %q", c.Kind, c.Via, c.Proof)
	}

	// What a person limited themselves, a backend does not lift.
	if code, _ := w.sends("/privacy/limit", map[string][]string{"kind": {"restrict"}}); code != http.StatusSeeOther {
		t.Fatalf("limiting = %d", code)
	}
	lift, own, gone := regulate("UNSUPPRESS", "bea"), regulate("UNSUPPRESS", "cid"), regulate("UNSUPPRESS", "ada")
	works()
	if got := status(lift) + status(own) + status(gone); got != "FINISHEDNOT_SUPPORTEDFINISHED" || restricted(bea) || !restricted(cid) {
		t.Errorf("lifted: %s; bea is restricted: %v, cid: %v", got, restricted(bea), restricted(cid))
	}
	code, page := call(apikey.Read, http.MethodGet, "/v1/regulations?pagination.count=2", "")
	var listed struct {
		Data struct {
			Regulations []map[string]any  `json:"regulations"`
			Pagination  map[string]string `json:"pagination"`
		} `json:"data"`
	}
	if code != http.StatusOK || json.Unmarshal([]byte(page), &listed) != nil || len(listed.Data.Regulations) != 2 || listed.Data.Pagination["next"] == "" || strings.Contains(page, "cid") {
		t.Fatalf("the list = %d %s", code, page)
	}
	if code, page = call(apikey.Read, http.MethodGet, "/v1/regulations?status=FAILED&pagination.cursor="+listed.Data.Pagination["next"], ""); code != http.StatusOK || !strings.Contains(page, back) || strings.Contains(page, "FINISHED") {
		t.Errorf("what failed = %d %s", code, page)
	}
}
