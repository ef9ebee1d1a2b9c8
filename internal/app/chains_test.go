package app_test

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"thimble"
	"thimble/internal/rights/cases"
	"thimble/internal/rights/casesdb"
	"thimble/internal/rights/certificate"
	"thimble/internal/rights/ddrf"
	"thimble/internal/rights/ddrfweb"
	"thimble/internal/rights/systems"
	"thimble/internal/sqldb"
	"thimble/internal/subject"
	"thimble/internal/thimbletest"
)

// A vendor takes requests to delete, and answers as it is told to.
type vendor struct {
	t      *testing.T
	signer *ddrf.Signer
	file   ddrf.Discovery
	mu     sync.Mutex
	heard  []string // the requests
	answer func(rq string) (int, string)
}

func newVendor(t *testing.T) (*vendor, *httptest.Server) {
	t.Helper()
	v := &vendor{t: t}
	server := httptest.NewServer(v)
	t.Cleanup(server.Close)
	signer, err := ddrf.NewSigner("127.0.0.1", []byte("a vendor"))
	if err != nil {
		t.Fatal(err)
	}
	v.signer, v.answer = signer, v.acknowledges(http.StatusAccepted, ddrf.Successful)
	v.file = ddrf.Discovery{Endpoint: server.URL + "/delete", Keys: []jose.JSONWebKey{signer.Public()}, Identifiers: []ddrf.Accepted{{ID: 1, Type: "email", Format: "sha256"}, {ID: 2, Type: "email", Format: "raw"}}}
	return v, server
}

func (v *vendor) acknowledges(status int, code ddrf.Code) func(string) (int, string) {
	return func(rq string) (int, string) {
		ac, err := v.signer.Acknowledge("ack-1", rq, code, "", time.Now())
		if err != nil {
			v.t.Error(err)
		}
		return status, `{"acJWT":"` + ac + `"}`
	}
}

func (v *vendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.mu.Lock()
	defer v.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	var got map[string]string
	if err := json.Unmarshal(body, &got); err != nil || r.URL.Path != "/delete" {
		v.t.Errorf("%s %s: %v", r.URL.Path, body, err)
	}
	v.heard = append(v.heard, got["rqJWT"])
	status, text := v.answer(got["rqJWT"])
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text)
}

// The shop as first firm and as the next of a chain: from the wish, or from another firm's
// request, to the signed acknowledgement in the certificate.
func TestAnErasureGoesOnByAChainOfDeletionAndItsAcknowledgementIsCertified(t *testing.T) {
	v, server := newVendor(t)
	publisher, err := ddrf.NewSigner("publisher1.com", []byte("a publisher"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for domain, d := range map[string]ddrf.Discovery{"127.0.0.1": v.file, "publisher1.com": {Endpoint: "https://publisher1.com/delete", Keys: []jose.JSONWebKey{publisher.Public()}}} {
		text, err := json.Marshal(d)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, domain+".json"), text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	s := thimbletest.Open(t, map[string]string{"data": t.TempDir(), "public-url": "https://shop.example", "deletion-domain": "shop.example", "deletion-partners": dir, "disclose-loopback": server.Listener.Addr().(*net.TCPAddr).String()})
	ctx := t.Context()
	handler, err := s.Handler(ctx)
	if err != nil {
		t.Fatal(err)
	}
	call := func(method, path, body string) (int, []byte) {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequestWithContext(ctx, method, path, strings.NewReader(body)))
		return w.Code, w.Body.Bytes()
	}
	_, text := call("GET", "/dsrdelete.json", "")
	own, err := ddrf.ParseDiscovery(text)
	if err != nil {
		t.Fatal(err)
	}
	known := ddrf.Partners{"shop.example": own, "publisher1.com": {Keys: []jose.JSONWebKey{publisher.Public()}}}

	y := systems.System{Name: "Advertiser", Kinds: []cases.Kind{cases.Erase}, Means: systems.Framework, Endpoint: "https://127.0.0.1", Names: systems.Email, Necessity: "it has nothing but addresses", Days: 7}
	for field, change := range map[string]func(*systems.System){
		"endpoint": func(y *systems.System) { y.Endpoint = "https://unknown.example" },
		"names":    func(y *systems.System) { y.Names, y.Necessity = systems.Account, "" },
		"kinds":    func(y *systems.System) { y.Kinds = []cases.Kind{cases.Erase, cases.Access} },
	} {
		other := y
		change(&other)
		_, _, err := s.Systems.Add(ctx, other, thimble.Hide(""), "zoe")
		if wrong, ok := errors.AsType[*systems.FieldError](err); !ok || wrong.Field != field {
			t.Errorf("a wrong %s: %v", field, err)
		}
	}
	if y, _, err = s.Systems.Add(ctx, y, thimble.Hide(""), "zoe"); err != nil {
		t.Fatal(err)
	}
	person := func(name string) thimble.SubjectID {
		t.Helper()
		who := s.Subject(name)
		email, err := subject.NewIdentifier(subject.Email, name+"@example.com")
		if err != nil {
			t.Fatal(err)
		}
		added, err := s.Subjects.DraftFor(ctx, who, email)
		if err == nil {
			err = s.Core.Write(ctx, func(tx *sqldb.Tx) error { return s.Subjects.Add(ctx, tx, added) })
		}
		if err != nil {
			t.Fatal(err)
		}
		return who
	}
	task := func(id thimble.ID) systems.Task {
		t.Helper()
		all, err := s.Systems.OfCase(ctx, id)
		if err != nil || len(all) != 1 {
			t.Fatal(all, err)
		}
		return all[0]
	}
	tells := func() {
		t.Helper()
		err := s.Core.Write(ctx, func(tx *sqldb.Tx) error {
			_, err := tx.Exec(ctx, `update systems_tasks set next_at = 0 where told is not null`)
			return err
		})
		if err == nil {
			_, err = s.Systems.Step(ctx)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	chain := func(rq string) ddrf.Chain {
		t.Helper()
		c, err := known.Verify(rq, v.file, time.Now())
		if err != nil {
			t.Fatalf("the vendor cannot verify what it got: %v", err)
		}
		return c
	}
	hashed, _ := v.file.Write("email", "ada@example.com")

	ada := person("ada")
	c, err := s.Cases.Open(ctx, casesdb.Asked{Subject: ada, Kind: cases.Erase, Via: cases.Centre, Proof: cases.Session, By: cases.ThePerson})
	if err == nil {
		c, err = s.Cases.Accept(ctx, c.ID, cases.ThePerson, "")
	}
	if err != nil || c.Tasks != 1 {
		t.Fatalf("%d systems, %v", c.Tasks, err)
	}
	report := s.Erase(ada)
	if c, err = s.Cases.Finish(ctx, c); err != nil || c.State != cases.Waiting {
		t.Fatalf("the case is %s, %v", c.State, err)
	}
	forger, err := ddrf.NewSigner("127.0.0.1", []byte("a forger"))
	if err != nil {
		t.Fatal(err)
	}
	for why, answer := range map[string]func(string) (int, string){
		"failing":                       func(string) (int, string) { return http.StatusBadGateway, "" },
		string(ddrfweb.NotAcknowledged): func(string) (int, string) { return http.StatusAccepted, "thanks" },
		string(ddrfweb.NotAcknowledged) + " ": func(rq string) (int, string) {
			ac, _ := forger.Acknowledge("ack", rq, ddrf.Successful, "", time.Now())
			return http.StatusAccepted, ac
		},
	} {
		v.answer = answer
		if tells(); task(c.ID).State != systems.ToTell || task(c.ID).Why != strings.TrimSpace(why) {
			t.Errorf("after what acknowledges nothing the task is %s, %s, want it to be told again, %s", task(c.ID).State, task(c.ID).Why, why)
		}
	}
	v.answer = v.acknowledges(http.StatusAccepted, ddrf.Successful)
	tells()
	for _, rq := range v.heard {
		if rq != v.heard[0] {
			t.Error("the same request, sent again, is another")
		}
	}
	if got := chain(v.heard[0]); got.First != "shop.example" || got.Requester != "shop.example" || got.Subject != hashed || len(v.heard) != 4 {
		t.Errorf("the vendor heard %d times of %+v", len(v.heard), got)
	}
	if got := task(c.ID); got.State != systems.Acknowledged || got.Holds || !strings.HasPrefix(got.Proof, "acJWT signed by 127.0.0.1, SHA-256 ") {
		t.Errorf("after the acknowledgement: %+v", got)
	}
	if c, err = s.Cases.Get(ctx, c.ID); err != nil || c.State != cases.Fulfilled {
		t.Errorf("the case is %s, %v, want it closed: the framework says no more", c.State, err)
	}
	if _, err := s.Desk.Certify(ctx); err != nil {
		t.Fatal(err)
	}
	_, said := certified(t, s, report.Request)
	if len(said.Recipients) != 1 || said.Recipients[0].State != certificate.Acknowledged || said.Recipients[0].Proof != task(c.ID).Proof {
		t.Errorf("the certificate says %+v", said.Recipients)
	}
	if open, err := s.Systems.Open(ctx, y.ID, 10); err != nil || len(open) != 0 {
		t.Errorf("what is acknowledged is open: %+v, %v", open, err)
	}

	// Another firm passes a request on; the person confirms, and the vendor gets the first
	// firm's own token.
	bea := person("bea")
	named := ddrf.Identifier{Value: "bea@example.com", Type: "email", Format: "raw"}
	idJWT, err := publisher.Identify("theirs", named, time.Now())
	var rq string
	if err == nil {
		rq, err = publisher.Request("to the shop", idJWT, named, time.Now())
	}
	if err != nil {
		t.Fatal(err)
	}
	if code, body := call("POST", "/dsrdelete", rq); code != http.StatusAccepted {
		t.Fatalf("another firm's request: %d %s", code, body)
	}
	all, err := s.Cases.Of(ctx, bea, 10)
	if err != nil || len(all) != 1 || all[0].Via != cases.Chain {
		t.Fatalf("it became %+v, %v", all, err)
	}
	// While nobody has said that it was them, it stands in nobody's way.
	if own, err := s.Cases.Open(ctx, casesdb.Asked{Subject: bea, Kind: cases.Erase, Via: cases.Centre, Proof: cases.Session, By: cases.ThePerson}); err != nil || own.ID == all[0].ID || own.State != cases.Received {
		t.Errorf("asking the same in the privacy centre: %+v, %v, want a request of its own", own, err)
	} else if _, err := s.Cases.Do(ctx, own.ID, cases.Event{What: cases.Withdrawn, By: cases.ThePerson}, thimble.Hide("")); err != nil {
		t.Error(err)
	}
	_, err = s.Cases.Do(ctx, all[0].ID, cases.Event{What: cases.Proved, By: cases.ThePerson, Proof: cases.Session}, thimble.Hide(""))
	if err == nil {
		_, err = s.Cases.Accept(ctx, all[0].ID, cases.ThePerson, "") // without the days after a new address
	}
	if err != nil {
		t.Fatal(err)
	}
	s.Erase(bea)
	v.heard, v.answer = nil, v.acknowledges(http.StatusBadRequest, ddrf.UnsupportedType)
	tells()
	if got := task(all[0].ID); len(v.heard) != 1 || got.State != systems.Vanished || got.Why != "refused-identifier-type" || !got.Holds {
		t.Fatalf("after a signed refusal, %d times heard: %+v", len(v.heard), got)
	}
	if err := s.Systems.ByHand(ctx, task(all[0].ID).ID, systems.TellAgain, "zoe"); err != nil {
		t.Fatal(err)
	}
	v.answer = v.acknowledges(http.StatusAccepted, ddrf.Successful)
	tells()
	if got := chain(v.heard[1]); got.First != "publisher1.com" || got.FirstID != "theirs" || got.Requester != "shop.example" || ddrf.IDToken(v.heard[1]) != idJWT {
		t.Errorf("passed on: %+v", got)
	}
	var left int
	err = s.Core.Read(ctx, func(tx *sqldb.Tx) error {
		return tx.QueryRow(ctx, `select (select count(*) from cases_agents where chain is not null) + (select count(*) from systems_tasks where told is not null)`).Scan(&left)
	})
	if err != nil || left != 0 || task(all[0].ID).State != systems.Acknowledged {
		t.Errorf("%d tokens or names are left, %v, and the task is %s", left, err, task(all[0].ID).State)
	}
	s.Works()
	if audit, err := s.Audit(ctx); err != nil || len(audit.Findings) > 0 {
		t.Errorf("the audit: %+v, %v", audit.Findings, err)
	}
}
