package api

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"thimble"
	"thimble/internal/apikey"
	"thimble/internal/web"
)

// Where the document and the manual are. Everything else is below /v1/.
const (
	Prefix       = "/v1/"
	DocumentPath = "/v1/openapi"
	ManualPath   = "/docs/api"
)

// Keys checks the keys that requests come with; *apikeydb.Store is one.
type Keys interface {
	Check(ctx context.Context, text string, scope apikey.Scope) (apikey.Key, error)
}

// Config says what the API is made of.
type Config struct {
	Kit  *web.Kit
	Keys Keys
	// Operations are the capabilities' own functions, in the order of the manual.
	Operations []func(huma.API)
	Version    string       // of Thimble; "dev" when empty
	Log        *slog.Logger // nil means silence
	// Frame fills in what surrounds the manual, such as navigation and footer;
	// it may be nil.
	Frame func(r *http.Request, p web.Page) web.Page
}

// An API is the door.
type API struct {
	mux      *http.ServeMux
	keys     Keys
	log      *slog.Logger
	document *huma.OpenAPI
}

// New puts the API together. It answers below [Prefix] and at [ManualPath].
func New(cfg Config) (*API, error) {
	adopt()
	a := &API{mux: http.NewServeMux(), keys: cfg.Keys, log: cfg.Log}
	if a.log == nil {
		a.log = slog.New(slog.DiscardHandler)
	}
	h := humago.New(a.mux, settings(cfg.Version))
	h.UseMiddleware(a.authorize)
	for _, register := range cfg.Operations {
		register(h)
	}
	a.document = h.OpenAPI()
	if err := complete(a.document); err != nil {
		return nil, err
	}
	if err := a.serveDocument(); err != nil {
		return nil, err
	}
	return a, a.serveManual(cfg)
}

// ServeHTTP implements http.Handler.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	inner := r.WithContext(context.WithValue(r.Context(), contextKey{}, a))
	// Who is around, such as the access log, learns the operation's pattern.
	defer func() { r.Pattern = inner.Pattern }()
	web.Routed(http.HandlerFunc(a.route)).ServeHTTP(w, inner)
}

type contextKey struct{}

// route answers what no operation does with a problem instead of plain text.
func (a *API) route(w http.ResponseWriter, r *http.Request) {
	if _, pattern := a.mux.Handler(r); pattern != "" {
		a.mux.ServeHTTP(w, r)
		return
	}
	p := &probe{header: http.Header{}}
	a.mux.ServeHTTP(p, r)
	if p.status == http.StatusMethodNotAllowed {
		w.Header()["Allow"] = p.header["Allow"]
		web.WriteProblem(w, r, problemOf("method"))
		return
	}
	web.WriteProblem(w, r, problemOf("not-found"))
}

// A probe takes the mux's own answer, to learn why it has no other.
type probe struct {
	header http.Header
	status int
}

// Header implements http.ResponseWriter.
func (p *probe) Header() http.Header { return p.header }

// Write implements http.ResponseWriter.
func (p *probe) Write(b []byte) (int, error) { return len(b), nil }

// WriteHeader implements http.ResponseWriter.
func (p *probe) WriteHeader(status int) { p.status = status }

var errScope = fmt.Errorf("the metadata scope of an operation is collect, read, admin or public (%w)", thimble.ErrInvalid)
