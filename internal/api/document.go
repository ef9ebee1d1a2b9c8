package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"thimble/internal/apikey"
)

const securityScheme = "key"

// settings is huma's configuration without its pages, which load scripts from
// elsewhere, and without the links it would add to each answer.
func settings(version string) huma.Config {
	if version == "" {
		version = "dev"
	}
	format := huma.Format{Marshal: huma.DefaultJSONFormat.Marshal, Unmarshal: unmarshal}
	return huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info:    &huma.Info{Title: "Thimble API", Version: version, Description: about},
			Servers: []*huma.Server{{URL: "/", Description: "This installation"}},
			Components: &huma.Components{
				Schemas: huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer),
				SecuritySchemes: map[string]*huma.SecurityScheme{securityScheme: {
					Type: "http", Scheme: "bearer", BearerFormat: "tk_…",
					Description: "A key from the console, in the header Authorization. Its scopes are collect, read and admin; admin includes the others.",
				}},
			},
		},
		Formats:                      map[string]huma.Format{"application/json": format, "json": format},
		DefaultFormat:                "application/json",
		RejectUnknownQueryParameters: true,
	}
}

const about = "Ask for items and recommendations, record what people choose, and fetch the proof of it. " +
	"Times are UTC in RFC 3339, money is in minor units, people are named by tokens such as sub_…, never by address or name. " +
	"An error is a problem document (RFC 9457): decide by its type. " +
	"Events come by Segment's tracking API (POST /v1/batch, /v1/track and the others) with a source's write key; docs/events.md describes it, this document does not."

// complete adds to each operation what follows from its declaration: security and
// the problems it can answer with.
func complete(doc *huma.OpenAPI) error {
	problem := &huma.Schema{Ref: "#/components/schemas/Problem"}
	for op := range operations(doc) {
		scope, ok := scopeOf(op)
		if !ok {
			return fmt.Errorf("api: %s %s: %w", op.Method, op.Path, errScope)
		}
		op.Extensions = map[string]any{"x-thimble-scope": scope}
		codes := append([]int{http.StatusInternalServerError, http.StatusServiceUnavailable}, op.Errors...)
		if scope != public {
			op.Security = []map[string][]string{{securityScheme: {scope}}}
			codes = append(codes, http.StatusUnauthorized, http.StatusForbidden)
		}
		if len(op.Parameters) > 0 {
			codes = append(codes, http.StatusUnprocessableEntity)
		}
		if op.RequestBody != nil {
			codes = append(codes, http.StatusUnprocessableEntity, http.StatusBadRequest, http.StatusRequestTimeout,
				http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
		}
		delete(op.Responses, "default")
		for _, code := range codes {
			op.Responses[strconv.Itoa(code)] = &huma.Response{
				Description: meanings[code],
				Content:     map[string]*huma.MediaType{"application/problem+json": {Schema: problem}},
			}
		}
	}
	openAnswers(doc)
	return nil
}

// openAnswers lets answers grow: a client that met the schemas of today must not
// refuse a field of tomorrow. What is sent to us stays closed.
func openAnswers(doc *huma.OpenAPI) {
	schemas := doc.Components.Schemas.Map()
	closed := map[string]bool{}
	var mark func(s *huma.Schema)
	mark = func(s *huma.Schema) {
		s = innermost(s)
		if name := refName(s); s.Ref != "" && !closed[name] {
			closed[name] = true
			for _, field := range schemas[name].Properties {
				mark(field)
			}
		}
	}
	for op := range operations(doc) {
		if media := requestOf(op); media != nil {
			mark(media.Schema)
		}
	}
	for name, s := range schemas {
		if !closed[name] {
			s.AdditionalProperties = nil
		}
	}
}

var meanings = map[int]string{
	http.StatusBadRequest:            "The body is not one JSON document. Type: malformed.",
	http.StatusUnauthorized:          "No key, or none in force. Types: key-missing, key-misspelt, key-unknown.",
	http.StatusForbidden:             "The key lacks the scope, or nothing permits it. Types: scope-missing, denied.",
	http.StatusNotFound:              "It does not exist, or the caller may not learn that it does. Type: not-found.",
	http.StatusRequestTimeout:        "The body took too long. Type: timeout.",
	http.StatusConflict:              "It has changed in the meantime. Type: conflict.",
	http.StatusRequestEntityTooLarge: "The body is too long. Type: too-large.",
	http.StatusUnsupportedMediaType:  "The body is not JSON. Type: media-type.",
	http.StatusUnprocessableEntity:   "A field breaks a rule; errors names both. Type: invalid.",
	http.StatusInternalServerError:   "Something broke on our side. Type: internal.",
	http.StatusServiceUnavailable:    "Not available right now; Retry-After says when to ask again. Type: unavailable.",
}

// operations yields each operation, in order of paths and then methods.
func operations(doc *huma.OpenAPI) func(yield func(*huma.Operation) bool) {
	return func(yield func(*huma.Operation) bool) {
		for _, path := range sorted(doc.Paths) {
			item := doc.Paths[path]
			for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete, item.Head, item.Options, item.Trace} {
				if op != nil && !yield(op) {
					return
				}
			}
		}
	}
}

// Document returns the OpenAPI document in YAML.
func (a *API) Document() ([]byte, error) { return a.document.YAML() }

// serveDocument offers the document as the machines like it. It needs no key: it
// says what there is, and nothing about anybody.
func (a *API) serveDocument() error {
	asJSON, err := json.Marshal(a.document)
	if err != nil {
		return fmt.Errorf("api: writing the document: %w", err)
	}
	asYAML, err := a.Document()
	if err != nil {
		return fmt.Errorf("api: writing the document: %w", err)
	}
	for ending, body := range map[string][]byte{"json": asJSON, "yaml": asYAML} {
		a.mux.HandleFunc("GET "+DocumentPath+"."+ending, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/openapi+"+ending)
			w.Header().Set("Cache-Control", "public, max-age=60")
			_, _ = w.Write(body) // a reader who went away needs no answer
		})
	}
	return nil
}

// scopeNames are the scopes as the manual explains them.
var scopeNames = map[string]string{
	public:                 "No key needed",
	string(apikey.Read):    "Key with scope read",
	string(apikey.Collect): "Key with scope collect",
	string(apikey.Admin):   "Key with scope admin",
}
