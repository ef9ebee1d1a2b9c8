// Package apitest opens the API door in tests, around the operations of one
// capability.
package apitest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"

	"thimble/internal/api"
	"thimble/internal/apikey"
	"thimble/internal/web"
)

// The keys of a [Door]. Each has the scope of its name; None is no key.
const (
	Read    = "tk_read"
	Collect = "tk_collect"
	Admin   = "tk_admin"
	None    = ""
)

type keys struct{}

// Check implements api.Keys. The key's name is its scope with "-system".
func (keys) Check(_ context.Context, text string, scope apikey.Scope) (apikey.Key, error) {
	has := apikey.Scope(strings.TrimPrefix(text, "tk_"))
	k := apikey.Key{Name: string(has) + "-system", Scopes: []apikey.Scope{has}}
	switch {
	case !strings.HasPrefix(text, "tk_"):
		return apikey.Key{}, apikey.ErrMisspelt
	case !has.Known():
		return apikey.Key{}, apikey.ErrUnknown
	case !k.Allows(scope):
		return apikey.Key{}, fmt.Errorf("%w: %s", apikey.ErrScope, scope)
	}
	return k, nil
}

// A Door is the API with a few operations.
type Door struct {
	t       testing.TB
	handler http.Handler
	Log     *bytes.Buffer // what was logged
}

// Open returns the API with these operations.
func Open(t testing.TB, operations ...func(huma.API)) *Door {
	t.Helper()
	kit, err := web.New(web.Config{})
	if err != nil {
		t.Fatal(err)
	}
	d := &Door{t: t, Log: &bytes.Buffer{}}
	handler, err := api.New(api.Config{Kit: kit, Keys: keys{}, Operations: operations, Version: "test", Log: slog.New(slog.NewTextHandler(d.Log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	d.handler = web.RequestID(web.Limit(handler, 1<<20))
	return d
}

// An Answer is what came back. Problem is filled in when it is one.
type Answer struct {
	Status  int
	Header  http.Header
	Body    string
	Problem web.Problem
}

// Do sends a request. Headers are pairs of name and value.
func (d *Door) Do(key, method, path, body string, headers ...string) Answer {
	d.t.Helper()
	r := httptest.NewRequestWithContext(d.t.Context(), method, path, strings.NewReader(body))
	if key != None {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	d.handler.ServeHTTP(w, r)
	a := Answer{Status: w.Code, Header: w.Result().Header, Body: w.Body.String()}
	if a.Header.Get("Content-Type") == "application/problem+json" {
		if err := json.Unmarshal(w.Body.Bytes(), &a.Problem); err != nil {
			d.t.Fatalf("%s %s: %v in %s", method, path, err, a.Body)
		}
	} else if a.Status >= 400 {
		d.t.Errorf("%s %s: %d is no problem document: %s", method, path, a.Status, a.Body)
	}
	return a
}

// Get sends a GET.
func (d *Door) Get(key, path string, headers ...string) Answer {
	d.t.Helper()
	return d.Do(key, http.MethodGet, path, "", headers...)
}

// Into reads an answer that went well into v.
func (d *Door) Into(v any, a Answer) {
	d.t.Helper()
	if a.Status != http.StatusOK {
		d.t.Fatalf("got %d %s, want 200", a.Status, a.Body)
	}
	if err := json.Unmarshal([]byte(a.Body), v); err != nil {
		d.t.Fatalf("%v in %s", err, a.Body)
	}
}

// Refuses fails unless the answer is the problem with this status and type, names
// the field (when one is given), and repeats none of the secrets.
func (d *Door) Refuses(a Answer, status int, slug, field string, secrets ...string) {
	d.t.Helper()
	if a.Status != status || a.Problem.Type != web.ProblemBase+slug || a.Problem.Status != status {
		d.t.Errorf("got %d %s, want %d %s", a.Status, a.Body, status, slug)
	}
	if a.Problem.Instance == "" || a.Header.Get("Cache-Control") != "no-store" {
		d.t.Errorf("instance %q, cache %q, want a request and no-store", a.Problem.Instance, a.Header.Get("Cache-Control"))
	}
	named := field == ""
	for _, f := range a.Problem.Errors {
		named = named || f.Field == field && f.Detail != ""
	}
	if !named {
		d.t.Errorf("the field %s is not named: %s", field, a.Body)
	}
	for _, secret := range secrets {
		if strings.Contains(a.Body, secret) || strings.Contains(d.Log.String(), secret) {
			d.t.Errorf("%q is repeated: %s\nlog: %s", secret, a.Body, d.Log)
		}
	}
}
