package ddrfweb_test

import (
	"context"
	"encoding/json"
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
	"thimble/internal/rights/cases"
	"thimble/internal/rights/casesdb"
	"thimble/internal/rights/ddrf"
	"thimble/internal/rights/ddrfdb"
	"thimble/internal/rights/ddrfweb"
	"thimble/internal/rights/rightsdb"
	"thimble/internal/sqldb"
	"thimble/internal/subject"
)

func signer(t *testing.T, domain string) *ddrf.Signer {
	s, err := ddrf.NewSigner(domain, []byte(domain))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAChainBecomesOneRequestThatThePersonConfirms(t *testing.T) {
	holdertest.Each(t, func(t *testing.T, k *holdertest.Kernel) {
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		packs, err := policy.Shipped()
		must(err)
		store := casesdb.New(k.Core, casesdb.Parts{Ledger: k.Ledger, Vault: k.Vault, Subjects: k.Subjects, Requests: rightsdb.New(k.Core, k.Ledger, k.Subjects, k.Now)}, casesdb.Config{Now: k.Now,
			Dates: func(_ context.Context, _ *sqldb.Tx, _ thimble.SubjectID, at time.Time) (cases.Dates, error) {
				law, err := packs.Law(policy.Question{At: at})
				return cases.Deadlines(law, law), err
			}})
		shop, first, vendor := signer(t, "shop.example"), signer(t, "publisher1.com"), signer(t, "vendor1.com")
		partners := ddrf.Partners{}
		mux := http.NewServeMux()
		ddrfweb.Mount(mux, ddrfweb.Deps{Signer: shop, Partners: partners, Base: "https://shop.example", Store: ddrfdb.New(k.Core, store, k.Now), Find: k.Subjects.FindAll, Now: k.Now, Log: slog.New(slog.DiscardHandler)})
		call := func(ctx context.Context, method, path, body string) (int, string) {
			w := httptest.NewRecorder()
			mux.ServeHTTP(w, httptest.NewRequestWithContext(ctx, method, path, strings.NewReader(body)))
			b, err := io.ReadAll(w.Body)
			must(err)
			return w.Code, string(b)
		}
		code, file := call(t.Context(), "GET", "/dsrdelete.json", "")
		own, err := ddrf.ParseDiscovery([]byte(file))
		if code != 200 || err != nil || own.Endpoint != "https://shop.example/dsrdelete" || strings.Contains(file, `"d"`) {
			t.Fatalf("the discovery file = %d %s, %v", code, file, err)
		}
		for _, s := range []*ddrf.Signer{first, vendor} {
			partners[s.Domain] = ddrf.Discovery{Endpoint: "https://" + s.Domain + "/delete", Keys: own.Keys[:0:0]}
			d := partners[s.Domain]
			d.Keys = append(d.Keys, s.Public())
			partners[s.Domain] = d
		}
		email, err := subject.NewIdentifier(subject.Email, "ada@example.com")
		must(err)
		drafts, err := k.Subjects.Draft(t.Context(), []subject.Identifier{email})
		must(err)
		must(k.Core.Write(t.Context(), func(tx *sqldb.Tx) error { return k.Subjects.Create(t.Context(), tx, drafts[0]) }))
		request := func(jti, value, format string) string {
			id := ddrf.Identifier{Value: value, Type: "email", Format: format}
			idJWT, err := first.Identify("id of "+jti, id, k.Now())
			must(err)
			rq, err := vendor.Request(jti, idJWT, id, k.Now())
			must(err)
			return rq
		}
		sends := func(rq, body string) (int, ddrf.Receipt, int64) {
			t.Helper()
			ctx, n := sqldb.Counted(t.Context())
			code, answer := call(ctx, "POST", "/dsrdelete", body)
			var got map[string]string
			must(json.Unmarshal([]byte(answer), &got))
			receipt, err := ddrf.Acknowledged(got["acJWT"], "shop.example", own, rq)
			if err != nil {
				t.Fatalf("%d %s: %v", code, answer, err)
			}
			return code, receipt, n.Load()
		}
		open := func() []cases.Case {
			all, err := store.Queue(t.Context(), casesdb.Place{}, 10)
			must(err)
			return all
		}
		theirs, nobodys := request("b", "Ada@Example.com", "raw"), request("c", "nobody@example.com", "raw")
		warm := request("a", "eve@example.com", "raw")
		sends(warm, warm) // the first fills caches
		code, said, with := sends(theirs, theirs)
		other, same, without := sends(nobodys, `{"rqJWT":"`+nobodys+`"}`)
		if code != 202 || other != 202 || said.Code != ddrf.Successful || same.Code != said.Code || with != without || with == 0 {
			t.Errorf("somebody's = %d %v in %d statements, nobody's = %d %v in %d", code, said, with, other, same, without)
		}
		if again, _, _ := sends(theirs, theirs); again != 202 || len(open()) != 3 {
			t.Errorf("the same again = %d, and %d requests", again, len(open()))
		}
		for _, c := range open() {
			if c.State != cases.Awaiting || c.Via != cases.Chain || c.Kind != cases.Erase || c.AgentName != "vendor1.com" {
				t.Errorf("a request is %s by %s of %q", c.State, c.Via, c.AgentName)
			}
		}
		for name, tt := range map[string]struct {
			rq   string
			want ddrf.Code
			hold string // what the acknowledgement holds
		}{
			"another request with its number": {request("b", "bea@example.com", "raw"), ddrf.InvalidToken, ""},
			"a hash":                          {request("d", "28f6dc889e", "sha256"), ddrf.IncorrectFormat, "rq"},
			"no address":                      {request("e", "hello", "raw"), ddrf.IncorrectFormat, "rq"},
			"a stranger's":                    {"a.b.c", ddrf.InvalidToken, ""},
		} {
			hold := tt.rq
			if tt.hold == "" {
				hold = ""
			}
			if code, said, _ := sends(hold, tt.rq); code != 400 || said.Code != tt.want {
				t.Errorf("%s = %d with code %d, want %d", name, code, said.Code, tt.want)
			}
		}
		if len(open()) != 3 {
			t.Errorf("%d requests", len(open()))
		}
	})
}
