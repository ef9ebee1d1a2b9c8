package drpweb_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/holdertest"
	"thimble/internal/policy"
	"thimble/internal/rights/agents"
	"thimble/internal/rights/agentsdb"
	"thimble/internal/rights/cases"
	"thimble/internal/rights/casesdb"
	"thimble/internal/rights/drp"
	"thimble/internal/rights/drpweb"
	"thimble/internal/rights/rightsdb"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
	"thimble/internal/subject"
	"thimble/internal/vault"
)

// A network is a shop that takes requests, with an agent in its registry.
type network struct {
	*holdertest.Kernel
	t      *testing.T
	door   http.Handler
	cases  *casesdb.Store
	agents *agentsdb.Store
	key    ed25519.PrivateKey
	token  string
	log    bytes.Buffer
}

const agent, business = "PERMISSION_SLIP", "LINEN_SHOP"

func keyOf(n byte) ed25519.PrivateKey { return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, 32)) }

func open(t *testing.T, k *holdertest.Kernel) *network {
	t.Helper()
	n := &network{Kernel: k, t: t, key: keyOf(1)}
	packs, err := policy.Shipped()
	n.must(err)
	dates := func(_ context.Context, _ *sqldb.Tx, _ thimble.SubjectID, at time.Time) (cases.Dates, error) {
		law, err := packs.Law(policy.Question{At: at})
		return cases.Deadlines(law, law), err
	}
	n.cases = casesdb.New(k.Core, casesdb.Parts{Ledger: k.Ledger, Vault: k.Vault, Subjects: k.Subjects, Requests: rightsdb.New(k.Core, k.Ledger, k.Subjects, k.Now)}, casesdb.Config{Now: k.Now, Dates: dates})
	n.agents = agentsdb.New(k.Core, k.Ledger, agentsdb.Config{Now: k.Now, Callable: func(string) error { return nil }})
	n.door = drpweb.Handler(drpweb.Deps{
		Business: business, Registry: n.agents, Cases: n.cases, Find: k.Subjects.FindAll, Now: k.Now, Log: slog.New(slog.NewTextHandler(&n.log, nil)),
		Page: func(id thimble.ID) string {
			return "https://shop.example/privacy/requests/" + id.Token(cases.TokenPrefix)
		},
	})
	_, err = n.agents.Add(t.Context(), []agents.Agent{
		{ID: agent, Name: "Slips", Key: n.key.Public().(ed25519.PublicKey), Callback: "https://slips.example/update"},
		{ID: "OTHER", Name: "Others", Key: keyOf(2).Public().(ed25519.PublicKey)},
	}, "zoe")
	n.must(err)
	n.token = n.setUp(agent, n.key)
	return n
}

func (n *network) must(err error) {
	n.t.Helper()
	if err != nil {
		n.t.Fatal(err)
	}
}

func each(t *testing.T, f func(t *testing.T, n *network)) {
	holdertest.Each(t, func(t *testing.T, k *holdertest.Kernel) { f(t, open(t, k)) })
}

// asks sends something, and returns status and body.
func (n *network) asks(ctx context.Context, method, path, token string, body []byte) (int, string) {
	n.t.Helper()
	r := httptest.NewRequestWithContext(ctx, method, path, bytes.NewReader(body))
	r.Header.Set("Content-Type", "text/plain")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	n.door.ServeHTTP(w, r)
	b, err := io.ReadAll(w.Body)
	n.must(err)
	return w.Code, string(b)
}

// letter is a document with an envelope for now, and more members.
func (n *network) letter(more ...string) map[string]string {
	d := map[string]string{"agent-id": agent, "business-id": business, "issued-at": n.Now().Add(-time.Minute).Format(time.RFC3339), "expires-at": n.Now().Add(5 * time.Minute).Format(time.RFC3339), "drp.version": "1.0"}
	for i := 0; i+1 < len(more); i += 2 {
		d[more[i]] = more[i+1]
	}
	return d
}

func (n *network) signed(key ed25519.PrivateKey, d map[string]string) []byte {
	b, err := json.Marshal(d)
	n.must(err)
	return drp.Sign(key, b)
}

func (n *network) setUp(id string, key ed25519.PrivateKey) string {
	n.t.Helper()
	code, body := n.asks(n.t.Context(), "POST", "/drp/v1/agent/"+id, "", n.signed(key, n.letter("agent-id", id, "salt", fmt.Sprint(n.Now().UnixNano()))))
	var got map[string]string
	if code != 200 || json.Unmarshal([]byte(body), &got) != nil || got["agent-id"] != id || len(got["token"]) < 40 {
		n.t.Fatalf("key setup = %d %s", code, body)
	}
	return got["token"]
}

const requests = "/drp/v1/data-rights-request"

func (n *network) exercise(ctx context.Context, more ...string) (int, drp.Status, string) {
	n.t.Helper()
	code, body := n.asks(ctx, "POST", requests, n.token, n.signed(n.key, n.letter(more...)))
	return code, n.status(body), body
}

func (n *network) status(body string) (s drp.Status) {
	_ = json.Unmarshal([]byte(body), &s) // an error has none
	return s
}

// known makes somebody with an e-mail address.
func (n *network) known(address string) thimble.SubjectID {
	n.t.Helper()
	email, err := subject.NewIdentifier(subject.Email, address)
	n.must(err)
	drafts, err := n.Subjects.Draft(n.t.Context(), []subject.Identifier{email})
	n.must(err)
	n.must(n.Core.Write(n.t.Context(), func(tx *sqldb.Tx) error { return n.Subjects.Create(n.t.Context(), tx, drafts[0]) }))
	return drafts[0].ID
}

// A grant opens what is a person's own.
type grant struct {
	*vault.Vault
	who thimble.SubjectID
}

func (g grant) Subject() thimble.SubjectID   { return g.who }
func (g grant) Members() []thimble.SubjectID { return []thimble.SubjectID{g.who} }
func (g grant) Purpose() thimble.Purpose     { return thimble.EssentialService }

func (n *network) caseOf(s drp.Status) cases.Case {
	n.t.Helper()
	id, err := drp.ParseUUID(s.Request)
	n.must(err)
	c, err := n.cases.Get(n.t.Context(), id)
	n.must(err)
	return c
}

func TestAnAgentGetsATokenAndChecksIt(t *testing.T) {
	each(t, func(t *testing.T, n *network) {
		if code, body := n.asks(t.Context(), "GET", "/drp/v1/agent/"+agent, n.token, nil); code != 200 || body != "{}" {
			t.Errorf("a good token = %d %s", code, body)
		}
		other := n.setUp("OTHER", keyOf(2))
		message := n.signed(n.key, n.letter())
		if code, _ := n.asks(t.Context(), "POST", "/drp/v1/agent/"+agent, "", message); code != 200 {
			t.Errorf("a second token = %d", code)
		}
		for name, tt := range map[string]struct {
			method, path, token string
			body                []byte
		}{
			"no token":                      {"GET", "/drp/v1/agent/" + agent, "", nil},
			"a token that never was":        {"GET", "/drp/v1/agent/" + agent, "AAAA", nil},
			"another agent's token":         {"GET", "/drp/v1/agent/" + agent, other, nil},
			"the same message again":        {"POST", "/drp/v1/agent/" + agent, "", message},
			"the same, spelt another way":   {"POST", "/drp/v1/agent/" + agent, "", append(bytes.TrimRight(message, "="), '\n')},
			"another agent's path":          {"POST", "/drp/v1/agent/OTHER", "", n.signed(n.key, n.letter("agent-id", "OTHER"))},
			"another agent's name":          {"POST", "/drp/v1/agent/" + agent, "", n.signed(n.key, n.letter("agent-id", "OTHER"))},
			"an agent that is not listed":   {"POST", "/drp/v1/agent/NOBODY", "", n.signed(n.key, n.letter("agent-id", "NOBODY"))},
			"a message for another":         {"POST", "/drp/v1/agent/" + agent, "", n.signed(n.key, n.letter("business-id", "WOOL_SHOP"))},
			"a message of the future":       {"POST", "/drp/v1/agent/" + agent, "", n.signed(n.key, n.letter("issued-at", n.Now().Add(time.Minute).Format(time.RFC3339)))},
			"a message that has expired":    {"POST", "/drp/v1/agent/" + agent, "", n.signed(n.key, n.letter("expires-at", n.Now().Format(time.RFC3339)))},
			"no message":                    {"POST", "/drp/v1/agent/" + agent, "", []byte("hello")},
			"a message of a megabyte":       {"POST", "/drp/v1/agent/" + agent, "", bytes.Repeat([]byte("A"), 1<<20)},
			"a request of nobody's agent":   {"POST", requests, "", nil},
			"the status of nobody's":        {"GET", requests + "/c789ff35-7644-4ceb-9981-4b35c264aac3", n.token, nil},
			"the status of a word":          {"GET", requests + "/hello", n.token, nil},
			"a revocation of nobody's":      {"DELETE", requests + "/c789ff35-7644-4ceb-9981-4b35c264aac3", n.token, n.signed(n.key, map[string]string{"reason": "no"})},
			"a revocation that is unsigned": {"DELETE", requests + "/c789ff35-7644-4ceb-9981-4b35c264aac3", n.token, []byte(`{"reason":"no"}`)},
		} {
			if code, body := n.asks(t.Context(), tt.method, tt.path, tt.token, tt.body); code != 403 || body != "" {
				t.Errorf("%s = %d %q, want 403 without a body", name, code, body)
			}
		}
		if _, err := n.agents.Token(t.Context(), "OTHER", [32]byte{1}); err != nil {
			t.Errorf("another agent has no token any more: %v", err)
		}
	})
}

func TestWhoGuessesIsSlowedDown(t *testing.T) {
	n := open(t, holdertest.NewKernel(t, sqldbtest.SQLite(t, sqldb.Core), sqldbtest.SQLite(t, sqldb.Keys)))
	for range 20 {
		if code, _ := n.asks(t.Context(), "GET", "/drp/v1/agent/"+agent, "guess", nil); code != 403 {
			t.Fatalf("a guess = %d", code)
		}
	}
	if code, _ := n.asks(t.Context(), "GET", "/drp/v1/agent/"+agent, "guess", nil); code != 429 {
		t.Errorf("the twenty-first guess = %d, want 429", code)
	}
	if code, _ := n.asks(t.Context(), "GET", "/drp/v1/agent/"+agent, n.token, nil); code != 200 {
		t.Errorf("a good token after guesses = %d", code)
	}
}

func TestTheFirstBrokenRuleOfARequestDecidesTheAnswer(t *testing.T) {
	n := open(t, holdertest.NewKernel(t, sqldbtest.SQLite(t, sqldb.Core), sqldbtest.SQLite(t, sqldb.Keys)))
	for name, tt := range map[string]struct {
		body []byte
		code int
		says string
	}{
		"no base64":               {[]byte("{}"), 403, ""},
		"another's key":           {n.signed(keyOf(2), n.letter("agent-id", "OTHER")), 403, ""},
		"another agent":           {n.signed(n.key, n.letter("agent-id", "OTHER", "business-id", "WOOL_SHOP")), 403, ""},
		"another business":        {n.signed(n.key, n.letter("business-id", "WOOL_SHOP", "expires-at", n.Now().Format(time.RFC3339))), 403, ""},
		"of the future":           {n.signed(n.key, n.letter("issued-at", n.Now().Add(time.Minute).Format(time.RFC3339))), 400, `{"code":"400","message":"issued-at: it lies in the future"}`},
		"expired":                 {n.signed(n.key, n.letter("expires-at", n.Now().Format(time.RFC3339), "exercise", "everything")), 400, `{"code":"400","message":"expires-at: it has passed","fatal":true}`},
		"good for too long":       {n.signed(n.key, n.letter("expires-at", n.Now().Add(time.Hour).Format(time.RFC3339))), 400, `{"code":"400","message":"expires-at: at most ten minutes after issued-at were expected","fatal":true}`},
		"an unknown action":       {n.signed(n.key, n.letter("exercise", "everything", "email", "a@example.com")), 400, `{"code":"400","message":"Unsupported rights actions submitted.","fatal":true}`},
		"a yes to a sale":         {n.signed(n.key, n.letter("exercise", "sale:opt-in", "email", "a@example.com")), 400, `{"code":"400","message":"Unsupported rights actions submitted.","fatal":true}`},
		"nobody who can be found": {n.signed(n.key, n.letter("exercise", "deletion", "name", "Ada")), 400, `{"code":"400","message":"email or phone_number was expected, in a form that such have","fatal":true}`},
		"an address that is none": {n.signed(n.key, n.letter("exercise", "deletion", "email", "at example.com")), 400, `{"code":"400","message":"email or phone_number was expected, in a form that such have","fatal":true}`},
	} {
		if code, body := n.asks(t.Context(), "POST", requests, n.token, tt.body); code != tt.code || body != tt.says {
			t.Errorf("%s = %d %s, want %d %s", name, code, body, tt.code, tt.says)
		}
	}
	if all, err := n.cases.Queue(t.Context(), casesdb.Place{}, 10); err != nil || len(all) != 0 {
		t.Errorf("%d requests were made of these, %v", len(all), err)
	}
	if logged := n.log.String(); strings.Contains(logged, "Ada") || strings.Contains(logged, "@") || !strings.Contains(logged, "another business is meant") {
		t.Errorf("the log says %s", logged)
	}
}

func TestTheSameMessageAgainIsTheSameRequest(t *testing.T) {
	each(t, func(t *testing.T, n *network) {
		n.known("ada@example.com")
		message := n.signed(n.key, n.letter("exercise", "deletion", "email", "Ada@Example.com", "agent-request-id", "foo", "power_of_attorney", "the one of May"))
		code, first := n.asks(t.Context(), "POST", requests, n.token, message)
		if s := n.status(first); code != 200 || s.State != drp.InProgress || s.Reason != drp.NeedVerification || s.Reference != "foo" || !strings.HasPrefix(s.Verification, "https://shop.example/privacy/requests/case_") || s.Expected == nil {
			t.Fatalf("a request = %d %s", code, first)
		}
		n.Tick(t)
		for name, again := range map[string][]byte{"the same": message, "spelt another way": append([]byte("\n"), bytes.TrimRight(message, "=")...)} {
			if code, body := n.asks(t.Context(), "POST", requests, n.token, again); code != 200 || body != first {
				t.Errorf("%s = %d %s, want %s", name, code, body, first)
			}
		}
		if all, err := n.cases.Queue(t.Context(), casesdb.Place{}, 10); err != nil || len(all) != 1 {
			t.Errorf("%d requests, %v", len(all), err)
		}
		if code, body := n.asks(t.Context(), "POST", requests+"/", n.token, n.signed(n.key, n.letter("exercise", "deletion", "email", "ada@example.com"))); code != 200 || n.status(body).Request == n.status(first).Request {
			t.Errorf("another message, with a slash = %d %s", code, body)
		}
		c := n.caseOf(n.status(first))
		if _, err := n.cases.AttorneyOf(t.Context(), grant{n.Vault, n.Person(t)}, c); !errors.Is(err, thimble.ErrDenied) {
			t.Errorf("a grant for somebody else reads the power of attorney: %v", err)
		}
		said, err := n.cases.AttorneyOf(t.Context(), grant{n.Vault, c.Subject}, c)
		if err != nil || said.Reveal() != "the one of May" || c.Agent != agent || c.AgentName != "Slips" || len(c.Stated) != 1 {
			t.Errorf("the authority is kept as %q of %+v, %v", said.Reveal(), c.Agency, err)
		}
	})
}

// The same branch, the same statements, the same answer: whether or not anybody is known.
func TestARequestTellsNothingOfWhetherAnybodyIsKnown(t *testing.T) {
	each(t, func(t *testing.T, n *network) {
		n.known("ada@example.com")
		n.known("bea@example.com")
		for _, action := range []drp.Action{drp.OptOut, drp.Deletion, drp.Access, drp.Categories} {
			ask := func(address string) (int64, string) {
				ctx, count := sqldb.Counted(t.Context())
				code, s, body := n.exercise(ctx, "exercise", string(action), "email", address, "phone_number", "+442079460018", "power_of_attorney", "of "+address)
				if code != 200 {
					t.Fatalf("%s = %d %s", action, code, body)
				}
				return count.Load(), strings.NewReplacer(s.Request, "ID", n.caseOf(s).ID.Token(cases.TokenPrefix), "CASE").Replace(body)
			}
			ask("ada@example.com") // the first fills caches
			with, theirs := ask("bea@example.com")
			without, nobodys := ask("nobody@example.com")
			if with != without || with == 0 {
				t.Errorf("%s: %d statements for somebody, %d for nobody", action, with, without)
			}
			if theirs != nobodys {
				t.Errorf("%s: somebody's is\n%s\nnobody's\n%s", action, theirs, nobodys)
			}
		}
	})
}

func TestAnOptOutIsDoneByTheAgentsWordAndNothingElseIs(t *testing.T) {
	each(t, func(t *testing.T, n *network) {
		ada := n.known("ada@example.com")
		_, theirs, _ := n.exercise(t.Context(), "exercise", "sale:opt-out", "email", "ada@example.com")
		_, nobodys, _ := n.exercise(t.Context(), "exercise", "sale:opt-out", "email", "nobody@example.com")
		_, deletion, _ := n.exercise(t.Context(), "exercise", "deletion", "email", "ada@example.com")
		moved, err := n.cases.Settle(t.Context())
		n.must(err)
		c := n.caseOf(theirs)
		if moved != 2 || c.State != cases.Executing || c.Authority != cases.Signed || c.Subject != ada {
			t.Errorf("%d moved; the opt-out is %s by %q", moved, c.State, c.Authority)
		}
		if got := n.caseOf(nobodys).State; got != cases.Lapsed {
			t.Errorf("nobody's opt-out is %s", got)
		}
		if got := n.caseOf(deletion); got.State != cases.Awaiting || got.Authorised {
			t.Errorf("the deletion is %s", got.State)
		}
		steps, err := n.cases.Steps(t.Context(), c.ID)
		n.must(err)
		if len(steps) != 3 || steps[1].What != cases.Permitted || steps[1].By != cases.TheAgent || steps[1].AgentName != "Slips" || steps[0].Agent != agent {
			t.Errorf("the steps are %+v", steps)
		}
	})
}

func TestWhatThePersonConfirmedGoesOnAndTheAgentSeesIt(t *testing.T) {
	each(t, func(t *testing.T, n *network) {
		n.known("ada@example.com")
		_, s, _ := n.exercise(t.Context(), "exercise", "access", "email", "ada@example.com")
		id := n.caseOf(s).ID
		do := func(e cases.Event) error {
			_, err := n.cases.Do(t.Context(), id, e, thimble.Hide(""))
			return err
		}
		if do(cases.Event{What: cases.Permitted, By: cases.TheAgent, Authority: cases.Signed}) == nil || do(cases.Event{What: cases.Permitted, By: cases.ThePerson, Authority: cases.Confirmed}) == nil {
			t.Error("permission was taken before anybody showed who they are")
		}
		n.must(do(cases.Event{What: cases.Proved, By: cases.ThePerson, Proof: cases.Session}))
		if _, err := n.cases.Accept(t.Context(), id, cases.TheStaff, "zoe"); err == nil {
			t.Error("begun without the person's permission")
		}
		n.must(do(cases.Event{What: cases.Permitted, By: cases.ThePerson, Authority: cases.Confirmed}))
		_, err := n.cases.Accept(t.Context(), id, cases.ThePerson, "")
		n.must(err)
		code, body := n.asks(t.Context(), "GET", requests+"/"+s.Request, n.token, nil)
		if got := n.status(body); code != 200 || got.State != drp.InProgress || got.Reason != "" || got.Verification != "" {
			t.Errorf("the status = %d %s", code, body)
		}
	})
}

func TestAnAgentTakesBackItsOwnAndSeesNobodyElses(t *testing.T) {
	each(t, func(t *testing.T, n *network) {
		n.known("ada@example.com")
		other := n.setUp("OTHER", keyOf(2))
		reason := n.signed(n.key, map[string]string{"reason": "I don't want my account deleted"})
		for _, address := range []string{"ada@example.com", "nobody@example.com"} {
			_, s, _ := n.exercise(t.Context(), "exercise", "deletion", "email", address)
			path := requests + "/" + s.Request
			if code, body := n.asks(t.Context(), "GET", path, other, nil); code != 403 || body != "" {
				t.Errorf("another agent sees %d %s", code, body)
			}
			if code, body := n.asks(t.Context(), "DELETE", path, other, n.signed(keyOf(2), map[string]string{"reason": ""})); code != 403 || body != "" {
				t.Errorf("another agent takes back %d %s", code, body)
			}
			for range 2 {
				if code, body := n.asks(t.Context(), "DELETE", path, n.token, reason); code != 200 || n.status(body).State != drp.Revoked {
					t.Errorf("taken back = %d %s", code, body)
				}
			}
			if got := n.caseOf(s).State; got != cases.Revoked {
				t.Errorf("the case is %s", got)
			}
		}
		var told []string
		for _, address := range []string{"ada@example.com", "nobody@example.com"} {
			_, s, _ := n.exercise(t.Context(), "exercise", "sale:opt-out", "email", address, "salt", "again")
			_, err := n.cases.Settle(t.Context())
			n.must(err)
			code, body := n.asks(t.Context(), "DELETE", requests+"/"+s.Request, n.token, reason)
			told = append(told, fmt.Sprint(code, body))
		}
		if told[0] != told[1] || !strings.HasPrefix(told[0], "409") {
			t.Errorf("what is done is taken back: %q and of nobody %q", told[0], told[1])
		}
	})
}

func TestASuspendedAgentIsToldWhatANewOneIsTold(t *testing.T) {
	each(t, func(t *testing.T, n *network) {
		do := func(a agents.Act) { n.must(n.agents.Do(t.Context(), agent, a, "zoe")) }
		_, s, _ := n.exercise(t.Context(), "exercise", "deletion", "email", "ada@example.com")
		do(agents.Suspend)
		refused := func() {
			t.Helper()
			if code, _, body := n.exercise(t.Context(), "exercise", "deletion", "email", "bea@example.com"); code != 403 || body != "" {
				t.Errorf("a request = %d %s", code, body)
			}
			if code, body := n.asks(t.Context(), "POST", "/drp/v1/agent/"+agent, "", n.signed(n.key, n.letter("salt", "x"))); code != 403 || body != "" {
				t.Errorf("a token = %d %s", code, body)
			}
			if code, _ := n.asks(t.Context(), "GET", requests+"/"+s.Request, n.token, nil); code != 403 {
				t.Errorf("a status = %d", code)
			}
		}
		refused()
		do(agents.Resume)
		if code, _ := n.asks(t.Context(), "GET", requests+"/"+s.Request, n.token, nil); code != 200 {
			t.Errorf("resumed, and a status = %d", code)
		}
		do(agents.End)
		refused()
		if n.agents.Do(t.Context(), agent, agents.Resume, "zoe") == nil {
			t.Error("an agent that ended was resumed")
		}
		for c, err := range n.agents.Claims(t.Context()) {
			if err != nil || c.Err != nil || c.Rule != "" {
				t.Errorf("the audit finds %v %v %v", c.Table, c.Rule, err)
			}
		}
	})
}
