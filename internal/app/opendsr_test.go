package app_test

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"thimble"
	"thimble/internal/rights/cases"
	"thimble/internal/rights/casesdb"
	"thimble/internal/rights/opendsr"
	"thimble/internal/rights/opendsr/opendsrtest"
	"thimble/internal/rights/opendsrdb"
	"thimble/internal/rights/systems"
	"thimble/internal/sqldb"
	"thimble/internal/thimbletest"
)

// A firm is an installation that is reached at an address of this machine.
type firm struct {
	*thimbletest.Shop
	url string
}

// firms are two installations with certificates of one authority: of each, the other may be
// a processor or a controller.
func firms(t *testing.T) (shop, processor firm, ca *opendsrtest.Authority) {
	t.Helper()
	ca = opendsrtest.NewAuthority(t, time.Now())
	dir := t.TempDir()
	keep := func(name string, text []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	cert, key := ca.Issue(t, "127.0.0.1", time.Now())
	roots := keep("roots.pem", ca.PEM())
	var servers [2]*httptest.Server
	var handlers [2]atomic.Pointer[http.Handler]
	for i := range servers {
		servers[i] = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*handlers[i].Load()).ServeHTTP(w, r) }))
		t.Cleanup(servers[i].Close)
	}
	var all [2]firm
	for i := range servers {
		s := thimbletest.Open(t, map[string]string{"data": t.TempDir(), "public-url": servers[i].URL, "disclose-loopback": servers[0].Listener.Addr().String() + " " + servers[1].Listener.Addr().String(),
			"opendsr-cert": keep("cert.pem", cert), "opendsr-key": keep("key.pem", key), "opendsr-roots": roots})
		h, err := s.Handler(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		handlers[i].Store(&h)
		all[i] = firm{s, servers[i].URL}
	}
	return all[0], all[1], ca
}

func (f firm) tells(t *testing.T) {
	t.Helper()
	for range 20 {
		told, err := f.Systems.Step(t.Context())
		called, callErr := f.OpenDSR.Step(t.Context())
		if err != nil || callErr != nil {
			t.Fatal(err, callErr)
		}
		if !told && !called {
			return
		}
	}
}

// settles does what the program does each minute.
func (f firm) settles(t *testing.T) {
	t.Helper()
	for range 2 {
		if _, err := f.Cases.Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Desk.Retry(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := f.OpenDSR.Follow(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// Both roles at once: the shop is the controller of the processor, both are Thimble.
func TestAnErasureGoesToAProcessorByOpenDSRAndComesBackSigned(t *testing.T) {
	shop, processor, _ := firms(t)
	ctx := t.Context()
	c, token, err := processor.OpenDSR.Register(ctx, opendsrdb.Controller{Name: "The shop", Hosts: []string{"127.0.0.1"}}, "zoe")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := shop.Systems.Add(ctx, systems.System{Name: "Processor", Kinds: []cases.Kind{cases.Erase}, Means: systems.Processor, Endpoint: processor.url, Names: systems.Account, Days: 30}, thimble.Hide(token), "zoe"); err != nil {
		t.Fatal(err)
	}
	there := processor.Subject("ada")
	processor.Buys(there, "shirt")
	ada := shop.Subject("ada")
	asked, err := shop.Cases.Open(ctx, casesdb.Asked{Subject: ada, Kind: cases.Erase, Via: cases.Centre, Proof: cases.Session, By: cases.ThePerson})
	if err == nil {
		asked, err = shop.Cases.Accept(ctx, asked.ID, cases.ThePerson, "")
	}
	if err != nil {
		t.Fatal(err)
	}
	shop.Erase(ada)
	if _, err := shop.Cases.Finish(ctx, asked); err != nil {
		t.Fatal(err)
	}
	shop.tells(t)
	task := func() systems.Task { t.Helper(); return onlyTask(t, shop.Shop, asked.ID) }
	if got := task(); got.State != systems.Acknowledged || !strings.HasSuffix(got.Remote, " "+c.ID.Token(opendsrdb.ControllerPrefix)) || !strings.HasPrefix(got.Proof, "OpenDSR signature") {
		t.Fatalf("after it was passed on: %+v", got)
	}
	processor.settles(t)
	processor.tells(t) // the callback
	if got := task(); got.State != systems.Done {
		t.Fatalf("after the callback it is %s, %s", got.State, got.Why)
	}
	if _, err := processor.Subjects.Epoch(ctx, there); err == nil {
		t.Error("the processor still knows the person")
	}
	if done, err := shop.Cases.Get(ctx, asked.ID); err != nil || done.State != cases.Fulfilled {
		t.Errorf("the case is %s, %v", done.State, err)
	}
	theirs, err := processor.Cases.Closed(ctx, casesdb.Place{}, 10)
	if err != nil || len(theirs) != 1 || theirs[0].Via != cases.Controller || theirs[0].Proof != cases.Vouched || theirs[0].State != cases.Fulfilled {
		t.Errorf("at the processor: %+v, %v", theirs, err)
	}
	for _, f := range []firm{shop, processor} {
		f.Works()
		if audit, err := f.Audit(ctx); err != nil || len(audit.Findings) > 0 {
			t.Errorf("the audit: %+v, %v", audit.Findings, err)
		}
	}
}

// asks speaks to a processor as a controller does.
func (f firm) asks(t *testing.T, method, path, token, body string) (int, http.Header, []byte) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, f.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Header, b
}

func erasure(id, kind, value, format string) string {
	return `{"subject_request_id":"` + id + `","subject_request_type":"erasure","submitted_time":"2026-11-30T08:00:00Z","subject_identities":[{"identity_type":"` + kind + `","identity_value":"` + value + `","identity_format":"` + format + `"},]}`
}

func TestAProcessorTellsNobodyWhomItKnowsAndRefusesClearly(t *testing.T) {
	_, f, ca := firms(t)
	ctx := t.Context()
	_, token, err := f.OpenDSR.Register(ctx, opendsrdb.Controller{Name: "The shop"}, "zoe")
	if err != nil {
		t.Fatal(err)
	}
	mine, foreign, err := f.OpenDSR.Register(ctx, opendsrdb.Controller{Name: "Another"}, "zoe")
	if err != nil {
		t.Fatal(err)
	}
	f.Subject("ada")
	known, unknown := "a7551968-d5d6-44b2-9831-815ac9017798", "b7551968-d5d6-44b2-9831-815ac9017798"
	code, head, body := f.asks(t, "GET", "/v2/discovery", "", "")
	says, err := opendsr.ParseDiscovery(body)
	if err != nil || code != http.StatusOK || !says.Supports(opendsr.Erasure, opendsr.Email, opendsr.Raw) || says.Supports(opendsr.Erasure, opendsr.Email, opendsr.SHA256) {
		t.Fatalf("discovery: %d %s, %v", code, body, err)
	}
	_, _, pem := f.asks(t, "GET", "/v2/certificate.pem", "", "")
	cert, err := opendsr.ParseCertificate(pem, "127.0.0.1", ca.Roots, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	verify := func(head http.Header, body []byte) {
		t.Helper()
		domain, sig, err := opendsr.Signed(head)
		if err == nil {
			err = cert.Verify(domain, sig, body)
		}
		if err != nil {
			t.Errorf("an answer is not signed: %v", err)
		}
	}
	verify(head, body)
	receipts := map[string]opendsr.Receipt{}
	for id, account := range map[string]string{known: "ada", unknown: "nobody-of-that-name"} {
		sent := erasure(id, "controller_customer_id", account, "raw")
		code, head, body := f.asks(t, "POST", "/v2/requests", token, sent)
		var r opendsr.Receipt
		if err := json.Unmarshal(body, &r); err != nil || code != http.StatusCreated || r.ID != id || r.Encoded != base64.StdEncoding.EncodeToString([]byte(sent)) {
			t.Fatalf("%s: %d %s, %v", account, code, body, err)
		}
		verify(head, body)
		receipts[id] = r
	}
	if !receipts[known].Expected.Truncate(time.Minute).Equal(receipts[unknown].Expected.Truncate(time.Minute)) {
		t.Errorf("somebody is to be done by %s, nobody by %s", receipts[known].Expected, receipts[unknown].Expected)
	}
	for name, try := range map[string]struct {
		method, path, token, body string
		want                      int
	}{
		"without a token":                {"GET", "/v2/requests/" + known, "", "", 401},
		"with a token of nobody":         {"GET", "/v2/requests/" + known, "dsr_x", "", 401},
		"another controller's request":   {"GET", "/v2/requests/" + known, foreign, "", 404},
		"one that there is not":          {"GET", "/v2/requests/c7551968-d5d6-44b2-9831-815ac9017798", token, "", 404},
		"another's, to be cancelled":     {"DELETE", "/v2/requests/" + known, foreign, "", 404},
		"an id that is none":             {"GET", "/v2/requests/7", token, "", 400},
		"the same again":                 {"POST", "/v2/requests", token, erasure(known, "controller_customer_id", "ada", "raw"), 201},
		"something else under its id":    {"POST", "/v2/requests", token, strings.Replace(erasure(known, "controller_customer_id", "ada", "raw"), "08:00", "09:00", 1), 409},
		"a copy instead of an erasure":   {"POST", "/v2/requests", token, strings.Replace(erasure(unknown, "email", "a@b.example", "raw"), `"erasure"`, `"access"`, 1), 400},
		"a callback to somebody":         {"POST", "/v2/requests", token, strings.Replace(erasure(unknown, "email", "a@b.example", "raw"), `{`, `{"status_callback_urls":["https://evil.example/"],`, 1), 400},
		"nothing that is a request":      {"POST", "/v2/requests", token, `[]`, 400},
		"an identity under a hash alone": {"POST", "/v2/requests", token, erasure("d7551968-d5d6-44b2-9831-815ac9017798", "email", strings.Repeat("a", 40), "sha1"), 201},
	} {
		if code, _, body := f.asks(t, try.method, try.path, try.token, try.body); code != try.want {
			t.Errorf("%s: %d %s, want %d", name, code, body, try.want)
		}
	}
	status := func(id string) opendsr.Standing {
		t.Helper()
		code, head, body := f.asks(t, "GET", "/v2/requests/"+id, token, "")
		st, err := opendsr.ParseStanding(body)
		if code != http.StatusOK || err != nil {
			t.Fatalf("%d %s, %v", code, body, err)
		}
		verify(head, body)
		return st
	}
	if st := status("d7551968-d5d6-44b2-9831-815ac9017798"); st.Status != opendsr.Cancelled || st.Extensions["127.0.0.1"]["reason"] != opendsrdb.NotSearchable {
		t.Errorf("of a hash alone: %+v", st)
	}
	if a, b := status(known), status(unknown); a.Status != opendsr.Pending || b.Status != opendsr.Pending {
		t.Errorf("before anything is done somebody's is %s, nobody's %s", a.Status, b.Status)
	}
	f.settles(t)
	if a, b := status(known), status(unknown); a.Status != opendsr.Completed || b.Status != opendsr.Completed {
		t.Errorf("afterwards somebody's is %s, nobody's %s", a.Status, b.Status)
	}
	if code, _, body := f.asks(t, "DELETE", "/v2/requests/"+known, token, ""); code != http.StatusConflict {
		t.Errorf("cancelling what is done: %d %s", code, body)
	}
	late := "e7551968-d5d6-44b2-9831-815ac9017798"
	f.asks(t, "POST", "/v2/requests", token, erasure(late, "controller_customer_id", "eve", "raw"))
	if code, head, body := f.asks(t, "DELETE", "/v2/requests/"+late, token, ""); code != http.StatusAccepted {
		t.Errorf("cancelling what is pending: %d %s", code, body)
	} else {
		verify(head, body)
	}
	if st := status(late); st.Status != opendsr.Cancelled {
		t.Errorf("what was cancelled is %s", st.Status)
	}
	costs := func(account, id string) int64 {
		t.Helper()
		ask, err := opendsr.ParseRequest([]byte(erasure(id, "controller_customer_id", account, "raw")))
		if err != nil {
			t.Fatal(err)
		}
		ctx, n := sqldb.Counted(ctx)
		if _, err := f.OpenDSR.Receive(ctx, mine, ask); err != nil {
			t.Fatal(err)
		}
		return n.Load()
	}
	f.Subject("bob")
	if some, none := costs("bob", known), costs("nobody-else", unknown); some != none {
		t.Errorf("somebody costs %d statements, nobody %d", some, none)
	}
}

// onlyTask is the one task of a case.
func onlyTask(t *testing.T, s *thimbletest.Shop, of thimble.ID) systems.Task {
	t.Helper()
	all, err := s.Systems.OfCase(t.Context(), of)
	if err != nil || len(all) != 1 {
		t.Fatal(all, err)
	}
	return all[0]
}
