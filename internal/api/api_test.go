package api_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"

	"thimble"
	"thimble/internal/api"
	"thimble/internal/api/apitest"
	"thimble/internal/apikey"
	"thimble/internal/apikey/apikeydb"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
	"thimble/internal/web"
)

type greeting struct {
	Who   string   `json:"who" maxLength:"20"`
	Times int      `json:"times" minimum:"1" maximum:"9"`
	Words []string `json:"words,omitempty"`
	Deep  []struct {
		Mood string `json:"mood" enum:"good,bad"`
	} `json:"deep,omitempty"`
}

type greetInput struct {
	Body greeting
}

type Ask struct {
	How string `query:"how" enum:"softly,loudly"`
}

type said struct{ Body map[string]string }

// toy registers an operation of each kind.
func toy(h huma.API) {
	huma.Register(h, huma.Operation{OperationID: "greet", Method: "POST", Path: "/v1/greetings", MaxBodyBytes: 1 << 10, Metadata: map[string]any{"scope": "collect"}},
		func(ctx context.Context, in *greetInput) (*said, error) {
			return &said{map[string]string{"by": apikey.From(ctx).Name}}, nil
		})
	huma.Register(h, huma.Operation{OperationID: "ask", Method: "GET", Path: "/v1/asks/{kind}", Metadata: map[string]any{"scope": "read"}},
		func(_ context.Context, in *struct {
			Ask
			Kind string `path:"kind"`
		}) (*said, error) {
			return nil, map[string]error{
				"none": thimble.ErrNotFound, "denied": fmt.Errorf("gate: no: %w", thimble.ErrDenied), "moved": thimble.ErrConflict,
				"later": thimble.ErrUnavailable, "broken": errors.New("disk 7 is on fire"), "wrong": web.FieldProblems{{Field: "path.kind", Detail: "expected another"}},
			}[in.Kind]
		})
	huma.Register(h, huma.Operation{OperationID: "hello", Method: "GET", Path: "/v1/hello", Metadata: map[string]any{"scope": "public"}},
		func(context.Context, *struct{}) (*said, error) { return &said{map[string]string{"hello": "you"}}, nil })
}

func TestAKeyIsNeededInForceAndWithTheScope(t *testing.T) {
	d := apitest.Open(t, toy)
	for _, row := range []struct {
		name, key, slug string
		status          int
	}{
		{"no key", apitest.None, "key-missing", 401},
		{"a misspelt key", "nonsense", "key-misspelt", 401},
		{"a revoked key", "tk_gone", "key-unknown", 401},
		{"another scope", apitest.Collect, "scope-missing", 403},
	} {
		t.Run(row.name, func(t *testing.T) {
			a := d.Get(row.key, "/v1/asks/none")
			d.Refuses(a, row.status, row.slug, "")
			if a.Header.Get("WWW-Authenticate") == "" {
				t.Error("no WWW-Authenticate")
			}
		})
	}
	if a := d.Get(apitest.Collect, "/v1/asks/none"); !strings.Contains(a.Problem.Detail, "scope read") {
		t.Errorf("the missing scope is not named: %s", a.Problem.Detail)
	}
	d.Refuses(d.Get(apitest.Admin, "/v1/asks/none"), 404, "not-found", "")
	if a := d.Get(apitest.None, "/v1/hello"); a.Status != 200 {
		t.Errorf("public: %d %s", a.Status, a.Body)
	}
	if a := d.Do(apitest.Collect, "POST", "/v1/greetings", `{"who":"you","times":1}`); a.Status != 200 || !strings.Contains(a.Body, "collect-system") {
		t.Errorf("got %d %s, want the key's name", a.Status, a.Body)
	}
	for _, header := range []string{"tk_read", "Basic tk_read", "Bearer"} {
		if a := d.Get(apitest.None, "/v1/asks/none", "Authorization", header); a.Status != 401 {
			t.Errorf("Authorization %q: got %d, want 401", header, a.Status)
		}
	}
	d.Refuses(d.Get(apitest.None, "/v1/asks/none?access_token="+apitest.Read), 401, "key-missing", "")
}

func TestKeysOfTheStoreOpenTheDoor(t *testing.T) {
	kit, err := web.New(web.Config{})
	if err != nil {
		t.Fatal(err)
	}
	store := apikeydb.New(sqldbtest.SQLite(t, sqldb.Core), nil)
	text, key, err := store.Create(t.Context(), "storefront", []apikey.Scope{apikey.Collect})
	if err != nil {
		t.Fatal(err)
	}
	door, err := api.New(api.Config{Kit: kit, Keys: store, Operations: []func(huma.API){toy}})
	if err != nil {
		t.Fatal(err)
	}
	post := func() int {
		w := recorder()
		r := request(t, "POST", "/v1/greetings", `{"who":"you","times":1}`)
		r.Header.Set("Authorization", "Bearer "+text)
		door.ServeHTTP(w, r)
		return w.Code
	}
	if got := post(); got != 200 {
		t.Errorf("got %d, want 200", got)
	}
	if err := store.Revoke(t.Context(), key.ID); err != nil {
		t.Fatal(err)
	}
	if got := post(); got != 401 {
		t.Errorf("revoked: got %d, want 401", got)
	}
}

func TestEveryErrorIsAProblem(t *testing.T) {
	d := apitest.Open(t, toy)
	const secret = "ada@example.org"
	for _, row := range []struct {
		name, method, path, body, slug, field string
		status                                int
	}{
		{"unknown address", "GET", "/v1/" + secret, "", "not-found", "", 404},
		{"wrong method", "DELETE", "/v1/greetings", "", "method", "", 405},
		{"no body", "POST", "/v1/greetings", "", "malformed", "", 400},
		{"not JSON", "POST", "/v1/greetings", `{"who": ` + secret, "malformed", "body", 400},
		{"two documents", "POST", "/v1/greetings", `{"who":"a","times":1} "` + secret + `"`, "malformed", "body", 400},
		{"a name twice", "POST", "/v1/greetings", `{"who":"a","times":1,"who":"` + secret + `"}`, "malformed", "body", 400},
		{"a name twice, inside", "POST", "/v1/greetings", `{"who":"a","times":1,"deep":[{"mood":"good"},{"mood":"good","mood":"bad"}]}`, "malformed", "body", 400},
		{"not UTF-8", "POST", "/v1/greetings", "{\"who\":\"\xff\",\"times\":1}", "malformed", "body", 400},
		{"an unknown field", "POST", "/v1/greetings", `{"who":"a","times":1,"nickname":"` + secret + `"}`, "invalid", "body.nickname", 422},
		{"a field in other letters", "POST", "/v1/greetings", `{"Who":"a","times":1}`, "invalid", "body.Who", 422},
		{"a value for a name", "POST", "/v1/greetings", `{"who":"a","times":1,"` + secret + `":1}`, "invalid", "body.(an unknown name)", 422},
		{"a missing field", "POST", "/v1/greetings", `{"who":"a"}`, "invalid", "body", 422},
		{"too long", "POST", "/v1/greetings", `{"who":"` + secret + secret + `","times":1}`, "invalid", "body.who", 422},
		{"another type", "POST", "/v1/greetings", `{"who":"a","times":"` + secret + `"}`, "invalid", "body.times", 422},
		{"not of the list", "POST", "/v1/greetings", `{"who":"a","times":1,"deep":[{"mood":"` + secret + `"}]}`, "invalid", "body.deep[0].mood", 422},
		{"a body too large", "POST", "/v1/greetings", `{"who":"` + strings.Repeat(secret, 100) + `","times":1}`, "too-large", "", 413},
		{"a parameter not of the list", "GET", "/v1/asks/none?how=" + secret, "", "invalid", "query.how", 422},
		{"an unknown parameter", "GET", "/v1/asks/none?mail=" + secret, "", "invalid", "query.mail", 422},
		{"a value for a parameter", "GET", "/v1/asks/none?" + secret + "=1", "", "invalid", "query.(an unknown name)", 422},
		{"not there", "GET", "/v1/asks/none", "", "not-found", "", 404},
		{"denied", "GET", "/v1/asks/denied", "", "denied", "", 403},
		{"conflict", "GET", "/v1/asks/moved", "", "conflict", "", 409},
		{"later", "GET", "/v1/asks/later", "", "unavailable", "", 503},
		{"broken", "GET", "/v1/asks/broken", "", "internal", "", 500},
		{"a field the operation refuses", "GET", "/v1/asks/wrong", "", "invalid", "path.kind", 422},
	} {
		t.Run(row.name, func(t *testing.T) {
			d.Refuses(d.Do(apitest.Admin, row.method, row.path, row.body), row.status, row.slug, row.field, secret)
		})
	}
	if a := d.Do(apitest.Admin, "POST", "/v1/greetings", "who=a", "Content-Type", "application/x-www-form-urlencoded"); a.Problem.Type != web.ProblemBase+"media-type" || a.Status != 415 {
		t.Errorf("a form: got %d %s", a.Status, a.Body)
	}
	if a := d.Do(apitest.Admin, "DELETE", "/v1/greetings", ""); !strings.Contains(a.Header.Get("Allow"), "POST") {
		t.Errorf("Allow is %q", a.Header.Get("Allow"))
	}
	if a := d.Get(apitest.Admin, "/v1/asks/broken"); strings.Contains(a.Body, "fire") || !strings.Contains(d.Log.String(), "disk 7 is on fire") {
		t.Errorf("a fault is for the log alone: %s\nlog: %s", a.Body, d.Log)
	}
	if a := d.Get(apitest.Admin, "/v1/asks/later"); a.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
}

func TestAnEndlessBodyIsCutOff(t *testing.T) {
	d := apitest.Open(t, toy)
	a := d.Do(apitest.Collect, "POST", "/v1/greetings", `{"who":"`+strings.Repeat("x", 2<<20)+`"}`)
	d.Refuses(a, http.StatusRequestEntityTooLarge, "too-large", "")
}

func TestAnOperationWithoutAScopeIsARefusalToStart(t *testing.T) {
	kit, err := web.New(web.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for _, scope := range []map[string]any{nil, {"scope": ""}, {"scope": "everything"}} {
		_, err := api.New(api.Config{Kit: kit, Operations: []func(huma.API){func(h huma.API) {
			huma.Register(h, huma.Operation{OperationID: "open", Method: "GET", Path: "/v1/open", Metadata: scope},
				func(context.Context, *struct{}) (*said, error) { return nil, nil })
		}}})
		if !errors.Is(err, thimble.ErrInvalid) {
			t.Errorf("scope %v: got %v, want a refusal", scope, err)
		}
	}
}

func TestWhoIsAroundLearnsThePatternAndNotThePath(t *testing.T) {
	kit, err := web.New(web.Config{})
	if err != nil {
		t.Fatal(err)
	}
	door, err := api.New(api.Config{Kit: kit, Operations: []func(huma.API){toy}})
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"/v1/asks/secret": "GET /v1/asks/{kind}", "/v1/secret": "", "/docs/api": "GET /docs/api"} {
		r := request(t, "GET", path, "")
		door.ServeHTTP(recorder(), r)
		if r.Pattern != want {
			t.Errorf("%s: pattern %q, want %q", path, r.Pattern, want)
		}
	}
}
