package api

import (
	"encoding/json"
	"strings"
	"testing"

	"thimble/internal/web"
	"thimble/internal/web/webtest"
)

func FuzzUnmarshal(f *testing.F) {
	for _, seed := range []string{`{"a":1,"a":2}`, `{"a":{"b":[{"c":1},{"c":2}]},"d":null}`, `[{"a":"a"},"a"]`, `"a"`, `1 2`, `{`, `]`, "{\"\xff\":1}", `{"a":"b","b":"a"}`, ``} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var v any
		err := unmarshal(data, &v)
		if err == nil && !json.Valid(data) {
			t.Errorf("%q is taken", data)
		}
		// What was written by encoding/json has each name once.
		if again, marshalErr := json.Marshal(v); err == nil && (marshalErr != nil || unmarshal(again, &v) != nil) {
			t.Errorf("%s is refused", again)
		}
	})
}

func TestNamesAreComparedAsTheyAreMeant(t *testing.T) {
	for text, want := range map[string]bool{
		`{"a":1,"b":{"a":1},"c":[{"a":1},{"a":1}]}`: true, `{"a":"a","b":"a"}`: true, `["a","a"]`: true,
		`{"a":1,"\u0061":2}`: false, `{"a":{"b":1,"c":[],"b":2}}`: false, `{"a":[],"a":[]}`: false, `{"a":1}{"a":1}`: false, strings.Repeat("[", 20_000): false,
	} {
		var v any
		if err := unmarshal([]byte(text), &v); (err == nil) != want {
			t.Errorf("%.40s: got %v, taken should be %v", text, err, want)
		}
	}
}

func TestTheManualRendersWithNothingAndWithEverything(t *testing.T) {
	kit, err := web.New(web.Config{})
	if err != nil {
		t.Fatal(err)
	}
	pages, err := kit.Pages(manualFiles)
	if err != nil {
		t.Fatal(err)
	}
	table := func(id string) web.Table {
		return web.Table{ID: id, Caption: id, Columns: []web.Column{{Label: "Name"}}, Rows: []web.Row{{Cells: web.Cells("x")}}}
	}
	parameters := table("parameters")
	webtest.RenderAll(t, pages, map[string]web.Page{"manual.html": {Title: "API manual", Body: manual{
		Version: "1", About: "about", Start: web.CodeBlock{ID: "start", Code: "curl"}, Overview: table("overview"), Problems: table("problem-types"),
		Schemas: []manualSchema{{ID: "schema-Item", Name: "Item", Fields: table("fields")}},
		Tags: []manualTag{{Name: "catalog", About: "about", Operations: []manualOperation{{
			ID: "getItem", Method: "GET", Path: "/v1/items/{id}", Summary: "Get", About: "about", Scope: web.Badge{Text: "read"}, Parameters: &parameters,
			Request: &manualBody{Schema: "Item", Fields: table("body")}, Answers: table("answers"), Example: &web.CodeBlock{ID: "answer", Code: "{}"}, Curl: web.CodeBlock{ID: "call", Code: "curl"},
		}}}},
	}}})
}
