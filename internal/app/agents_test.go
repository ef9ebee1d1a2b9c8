package app_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"thimble/internal/disclose/wire"
	"thimble/internal/rights/agents"
	"thimble/internal/rights/cases"
	"thimble/internal/rights/drp"
	"thimble/internal/sqldb"
	"thimble/internal/staff"
	"thimble/internal/subject"
	"thimble/internal/thimbletest"
)

// An agency is an agent outside, with an address at which it is told.
type agency struct {
	t       *testing.T
	shop    *thimbletest.Shop
	handler http.Handler
	key     ed25519.PrivateKey
	token   string

	mu    sync.Mutex
	heard []string // status and reason of each call
	bad   []error  // calls that were not signed
	verif wire.SigningKey
}

func (a *agency) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	a.mu.Lock()
	defer a.mu.Unlock()
	if err == nil {
		_, err = wire.Verify(r.Header, body, time.Now(), a.verif)
	}
	if err != nil {
		a.bad = append(a.bad, err)
	}
	var s drp.Status
	if json.Unmarshal(body, &s) == nil {
		a.heard = append(a.heard, string(s.State)+" "+string(s.Reason)+" "+s.Reference)
	}
	w.WriteHeader(http.StatusOK)
}

func (a *agency) sends(method, path string, document map[string]string) (int, string) {
	a.t.Helper()
	var body []byte
	if document != nil {
		b, err := json.Marshal(document)
		if err != nil {
			a.t.Fatal(err)
		}
		body = drp.Sign(a.key, b)
	}
	r := httptest.NewRequestWithContext(a.t.Context(), method, "http://localhost:8080"+path, bytes.NewReader(body))
	r.Header.Set("Content-Type", "text/plain")
	if a.token != "" {
		r.Header.Set("Authorization", "Bearer "+a.token)
	}
	w := httptest.NewRecorder()
	a.handler.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func (a *agency) letter(more ...string) map[string]string {
	now := time.Now()
	d := map[string]string{"agent-id": "PERMISSION_SLIP", "business-id": "LINEN_SHOP", "issued-at": now.Add(-time.Second).Format(time.RFC3339), "expires-at": now.Add(5 * time.Minute).Format(time.RFC3339), "drp.version": "1.0"}
	for i := 0; i+1 < len(more); i += 2 {
		d[more[i]] = more[i+1]
	}
	return d
}

func (a *agency) asks(more ...string) drp.Status {
	a.t.Helper()
	code, body := a.sends(http.MethodPost, "/drp/v1/data-rights-request", a.letter(more...))
	var s drp.Status
	if code != http.StatusOK || json.Unmarshal([]byte(body), &s) != nil {
		a.t.Fatalf("a request = %d %s", code, body)
	}
	return s
}

// An agent is entered at the console, asks, is told by itself; the person sees who asked,
// and says that they may.
func TestAnAgentAsksThePersonConfirmsAndTheAgentIsTold(t *testing.T) {
	a := &agency{t: t, key: ed25519.NewKeyFromSeed(bytes.Repeat([]byte{9}, 32))}
	server := httptest.NewServer(a)
	defer server.Close()
	s := thimbletest.Open(t, map[string]string{"data": t.TempDir(), "drp-business": "LINEN_SHOP", "disclose-loopback": server.Listener.Addr().String()})
	ada := s.Subject("ada")
	email, err := subject.NewIdentifier(subject.Email, "ada@example.com")
	if err != nil {
		t.Fatal(err)
	}
	added, err := s.Subjects.DraftFor(t.Context(), ada, email)
	if err == nil {
		err = s.Core.Write(t.Context(), func(tx *sqldb.Tx) error { return s.Subjects.Add(t.Context(), tx, added) })
	}
	if err != nil {
		t.Fatal(err)
	}
	w := browse(t, s, ada)
	a.shop, a.handler = s, w.handler
	zoe, sam := answers(t, s, "zoe", staff.Privacy), answers(t, s, "sam", staff.Support)
	form := url.Values{"id": {"PERMISSION_SLIP"}, "name": {"Slips & Co"}, "key": {agents.KeyText(a.key.Public().(ed25519.PublicKey))}, "callback": {server.URL + "/update"}}
	if code, _ := sam.sends("/console/agents", form); code != http.StatusForbidden {
		t.Errorf("support enters an agent: %d", code)
	}
	wrong := url.Values{"id": {"X"}, "name": {"Slips & Co"}, "key": form["key"], "callback": {"https://10.0.0.1/update"}}
	if code, page := zoe.sends("/console/agents", wrong); code != http.StatusUnprocessableEntity || !strings.Contains(page, "public internet") {
		t.Errorf("an address inside is entered: %d", code)
	}
	code, page := zoe.sends("/console/agents", form)
	if code != http.StatusSeeOther || !strings.Contains(page, "Slips &amp; Co") || !strings.Contains(page, "http://localhost:8080/drp") {
		t.Fatalf("entering an agent = %d\n%s", code, page)
	}
	public := html.UnescapeString(page[strings.Index(page, "whpk_"):])
	if a.verif, err = wire.ParseSigningKey(public[:strings.IndexAny(public, "\"< ")]); err != nil {
		t.Fatal(err)
	}

	_, body := a.sends(http.MethodPost, "/drp/v1/agent/PERMISSION_SLIP", a.letter())
	var set map[string]string
	if json.Unmarshal([]byte(body), &set) != nil || set["token"] == "" {
		t.Fatalf("no token: %s", body)
	}
	a.token = set["token"]

	restrictable := a.asks("exercise", "access", "email", "ada@example.com", "email_verified", "true", "agent-request-id", "foo", "power_of_attorney", "the one of May", "status_callback", server.URL+"/update")
	optOut := a.asks("exercise", "sale:opt-out", "email", "ada@example.com", "status_callback", "https://elsewhere.example/update")
	tell := func() {
		t.Helper()
		_, settled := s.Cases.Settle(t.Context())
		_, retried := s.Desk.Retry(t.Context())
		_, again := s.Cases.Settle(t.Context())
		if err := errors.Join(settled, retried, again); err != nil {
			t.Fatal(err)
		}
		s.Works()
		if err := s.TellAgents(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	tell()
	id, err := drp.ParseUUID(restrictable.Request)
	if err != nil {
		t.Fatal(err)
	}
	token := id.Token(cases.TokenPrefix)
	if restrictable.Verification != "http://localhost:8080/privacy/requests/"+token {
		t.Errorf("the person is sent to %s", restrictable.Verification)
	}
	desk := zoe.page("/console/cases/" + token)
	list := w.page("/privacy/requests")
	mine := w.page("/privacy/requests/" + token)
	for _, want := range []string{"Slips &amp; Co", "it has a power of attorney", "it has verified the e-mail address"} {
		if !strings.Contains(desk, want) || !strings.Contains(mine, want) {
			t.Errorf("the desk or the person does not see %q", want)
		}
	}
	if !strings.Contains(list, "by Slips &amp; Co") || !strings.Contains(mine, "they may ask for me") || !strings.Contains(desk, "the one of May") {
		t.Error("the list does not say who asked, or the page does not ask, or the desk does not show the power of attorney")
	}
	stranger := browse(t, s, s.Subject("eve"))
	if res := stranger.do(http.MethodPost, "/privacy/requests/"+token+"/confirm", nil); res.StatusCode != http.StatusNotFound {
		t.Errorf("a stranger confirms: %d", res.StatusCode)
	}
	if code, page := w.sends("/privacy/requests/"+token+"/confirm", nil); code != http.StatusSeeOther || !strings.Contains(page, "It is ready") || !strings.Contains(page, "the person confirmed it") {
		t.Errorf("confirming = %d", code)
	}
	tell()
	if code, _ := w.sends("/privacy/requests/"+token+"/collect", nil); code != http.StatusSeeOther {
		t.Errorf("opening the archive = %d", code)
	}
	tell()
	if code, _ := a.sends(http.MethodGet, "/drp/v1/data-rights-request/"+restrictable.Request, nil); code != http.StatusOK {
		t.Errorf("the status = %d", code)
	}
	want := []string{"in_progress need_user_verification foo", "in_progress  foo", "fulfilled  foo"}
	if fmt.Sprint(a.heard) != fmt.Sprint(want) || len(a.bad) != 0 {
		t.Errorf("the agent heard %q, want %q; not signed: %v", a.heard, want, a.bad)
	}
	id, _ = drp.ParseUUID(optOut.Request)
	if c, err := s.Cases.Get(t.Context(), id); err != nil || c.State != cases.Fulfilled {
		t.Errorf("the opt-out is %s, %v", c.State, err)
	}
	if page := zoe.page("/console/agents/PERMISSION_SLIP"); !strings.Contains(page, "fulfilled") || !strings.Contains(page, "zoe") {
		t.Error("the agent's page does not show what it was told, and who entered it")
	}
	if done, err := s.Audit(t.Context()); err != nil || len(done.Findings) > 0 {
		t.Errorf("the audit finds %+v, %v", done.Findings, err)
	}
	// What was told is forgotten after a while, and what is still to be told is not.
	err = s.Core.Write(t.Context(), func(tx *sqldb.Tx) error {
		return s.Agents.QueueTx(t.Context(), tx, "PERMISSION_SLIP", id, "fulfilled ")
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		before time.Time
		want   int
	}{{time.Now().Add(-time.Hour), 0}, {time.Now().Add(time.Hour), len(a.heard)}} {
		if n, err := s.Agents.SweepCalls(t.Context(), tt.before); err != nil || n != tt.want {
			t.Errorf("of what was told before %s %d went, %v, want %d", tt.before, n, err, tt.want)
		}
	}
	if due, err := s.Agents.Due(t.Context(), 10); err != nil || len(due) != 1 {
		t.Errorf("%d are to be told, %v, want the one that was queued", len(due), err)
	}
	// What is erased leaves no word of the agent about the person.
	s.Erase(ada)
	var left int
	err = s.Core.Read(t.Context(), func(tx *sqldb.Tx) error {
		return tx.QueryRow(t.Context(), `select count(attorney) from cases_agents`).Scan(&left)
	})
	if err != nil || left != 0 {
		t.Errorf("after the erasure %d powers of attorney are left, %v", left, err)
	}
}
