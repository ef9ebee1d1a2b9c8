package api_test

import (
	"encoding/json"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"thimble/internal/api"
	"thimble/internal/catalog/catalogweb"
	"thimble/internal/collect/planweb"
	"thimble/internal/consent/consentweb"
	"thimble/internal/decision/decisionweb"
	"thimble/internal/disclose/discloseweb"
	"thimble/internal/ledger/ledgerweb"
	"thimble/internal/policy/policyweb"
	"thimble/internal/recommend/deviceweb"
	"thimble/internal/recommend/recommendweb"
	"thimble/internal/recommend/tasteweb"
	"thimble/internal/recommend/trialweb"
	"thimble/internal/registry/registryweb"
	"thimble/internal/rights/casesweb"
	"thimble/internal/rights/systemsweb"
	"thimble/internal/subject/subjectweb"
	"thimble/internal/web"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const golden = "testdata/openapi.yaml"

func recorder() *httptest.ResponseRecorder { return httptest.NewRecorder() }

func request(t *testing.T, method, path, body string) *http.Request {
	return httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
}

// whole is the API with every operation, and nothing behind them.
func whole(t *testing.T) (*api.API, *huma.OpenAPI) {
	t.Helper()
	kit, err := web.New(web.Config{})
	if err != nil {
		t.Fatal(err)
	}
	var doc *huma.OpenAPI
	a, err := api.New(api.Config{Kit: kit, Version: "dev", Operations: []func(huma.API){
		catalogweb.Operations(nil), recommendweb.Operations(nil), trialweb.Operations(nil), tasteweb.Operations(tasteweb.OperationDeps{}), deviceweb.Operations(), subjectweb.Operations(nil, nil, nil), consentweb.Operations(consentweb.OperationDeps{}),
		decisionweb.Operations(nil, nil, nil), decisionweb.ContestOperations(nil, nil, nil), casesweb.Operations(casesweb.OperationDeps{}), systemsweb.Operations(nil, nil), ledgerweb.Operations(nil), policyweb.Operations(nil), planweb.Operations(planweb.Config{}, nil), registryweb.Operations(nil), discloseweb.Operations(nil, nil), func(h huma.API) { doc = h.OpenAPI() },
	}})
	if err != nil {
		t.Fatal(err)
	}
	return a, doc
}

func TestTheDocumentIsTheGoldenFile(t *testing.T) {
	a, _ := whole(t)
	got, err := a.Document()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("the API has changed; if that is meant, run with -update and read the diff (-was +is):\n%s", diff)
	}
}

func all(doc *huma.OpenAPI) (ops []*huma.Operation) {
	for _, item := range doc.Paths {
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete} {
			if op != nil {
				ops = append(ops, op)
			}
		}
	}
	return ops
}

func TestEveryOperationIsDocumented(t *testing.T) {
	_, doc := whole(t)
	var tags []string
	for _, tag := range doc.Tags {
		tags = append(tags, tag.Name)
	}
	ops := all(doc)
	if len(ops) < 13 {
		t.Errorf("only %d operations", len(ops))
	}
	for _, op := range ops {
		name := op.Method + " " + op.Path
		if len(op.Tags) != 1 || !slices.Contains(tags, op.Tags[0]) {
			t.Errorf("%s: tags %v, want one of %v", name, op.Tags, tags)
		}
		if op.Summary == "" || op.Description == "" || op.OperationID == "" {
			t.Errorf("%s has no summary, description or id", name)
		}
		scope := op.Extensions["x-thimble-scope"]
		if scope == nil || (scope == "public") != (len(op.Security) == 0) {
			t.Errorf("%s: scope %v, security %v", name, scope, op.Security)
		}
		for _, code := range []string{"500", "503"} {
			if op.Responses[code] == nil {
				t.Errorf("%s does not document %s", name, code)
			}
		}
		if scope != "public" && (op.Responses["401"] == nil || op.Responses["403"] == nil) {
			t.Errorf("%s does not document 401 and 403", name)
		}
		for code, res := range op.Responses {
			if res.Description == "" {
				t.Errorf("%s: %s has no description", name, code)
			}
		}
		for _, p := range op.Parameters {
			if p.Description == "" || p.Required && len(p.Schema.Examples) == 0 {
				t.Errorf("%s: parameter %s has no description, or is needed and has no example", name, p.Name)
			}
		}
		if got := strings.Count(op.Path, "{"); got != len(slices.DeleteFunc(slices.Clone(op.Parameters), func(p *huma.Param) bool { return p.In != "path" })) {
			t.Errorf("%s: %d parts of the path are not read", name, got)
		}
		checkExamples(t, doc, name, op)
	}
}

func checkExamples(t *testing.T, doc *huma.OpenAPI, name string, op *huma.Operation) {
	t.Helper()
	bodies := map[string]*huma.MediaType{}
	if op.RequestBody != nil {
		bodies["request"] = op.RequestBody.Content["application/json"]
	}
	for kind, media := range op.Responses["200"].Content {
		bodies[kind] = media
	}
	for what, media := range bodies {
		if media.Example == nil {
			t.Errorf("%s: %s has no example", name, what)
			continue
		}
		b, err := json.Marshal(media.Example)
		if err != nil {
			t.Fatal(err)
		}
		var v any
		if err := json.Unmarshal(b, &v); err != nil {
			t.Fatal(err)
		}
		res := &huma.ValidateResult{}
		huma.Validate(doc.Components.Schemas, media.Schema, huma.NewPathBuffer([]byte{}, 0), huma.ModeReadFromServer, v, res)
		if len(res.Errors) > 0 {
			t.Errorf("%s: the example of %s does not fit: %v", name, what, res.Errors)
		}
	}
}

func TestTheDocumentIsServed(t *testing.T) {
	a, _ := whole(t)
	for path, kind := range map[string]string{"/v1/openapi.json": "application/openapi+json", "/v1/openapi.yaml": "application/openapi+yaml"} {
		w := recorder()
		a.ServeHTTP(w, request(t, "GET", path, ""))
		if w.Code != 200 || w.Header().Get("Content-Type") != kind || !strings.Contains(w.Body.String(), "listRecommendations") {
			t.Errorf("%s: %d %s", path, w.Code, w.Header().Get("Content-Type"))
		}
	}
}

func TestTheManualShowsEverythingAndLoadsNothingFromElsewhere(t *testing.T) {
	a, doc := whole(t)
	w := recorder()
	a.ServeHTTP(w, request(t, "GET", "/docs/api", ""))
	page := w.Body.String()
	if w.Code != 200 {
		t.Fatalf("got %d %s", w.Code, page)
	}
	for _, op := range all(doc) {
		if !strings.Contains(page, op.Method+" "+op.Path) || !strings.Contains(page, `id="`+op.OperationID+`"`) {
			t.Errorf("%s %s is not there", op.Method, op.Path)
		}
	}
	for _, want := range []string{"urn:thimble:problem:key-unknown", "curl -X POST", "/v1/items/22423", "Key with scope collect", "schema-Recommendation", "$THIMBLE_KEY"} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is not there", want)
		}
	}
	tree, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	ids, links := map[string]bool{}, []string{}
	for n := range tree.Descendants() {
		for _, at := range n.Attr {
			switch at.Key {
			case "id":
				if ids[at.Val] {
					t.Errorf("the id %q is there twice", at.Val)
				}
				ids[at.Val] = true
			case "href", "src", "action":
				links = append(links, at.Val)
			}
		}
	}
	for _, link := range links {
		if fragment, ok := strings.CutPrefix(link, "#"); ok && !ids[fragment] || !ok && !strings.HasPrefix(link, "/") {
			t.Errorf("link to %q", link)
		}
	}
}
