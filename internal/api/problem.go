package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"thimble"
	"thimble/internal/web"
)

// A Problem is an error as the API answers it.
type Problem struct {
	Type     string         `json:"type" doc:"Names the kind of problem for good; decide by it." example:"urn:thimble:problem:invalid"`
	Title    string         `json:"title" doc:"The kind of problem in words." example:"Something in the request is not right"`
	Status   int            `json:"status" doc:"The HTTP status." example:"422"`
	Detail   string         `json:"detail,omitempty" doc:"What to do next." example:"Correct the fields that are named and send it again. Nothing was changed."`
	Instance string         `json:"instance,omitempty" doc:"Names the request; quote it when asking for help." example:"urn:thimble:request:C4JQ3T5XW2M7R6ZKN3VHB5YDLE"`
	Errors   []FieldProblem `json:"errors,omitempty" doc:"Which fields break which rules."`
}

// A FieldProblem says which field breaks which rule. It never has the value.
type FieldProblem struct {
	Field  string `json:"field" doc:"Where it is: path, query, header or body, then the name." example:"query.limit"`
	Detail string `json:"detail" doc:"The rule." example:"expected number <= 50"`
}

// Error implements error.
func (p *Problem) Error() string { return p.Title }

// GetStatus implements huma.StatusError.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType implements huma.ContentTypeFilter.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// kinds are all problems the API has, by the end of their type. Those of package
// web are taken from it, so that each has one status and one type at all doors.
var kinds = []web.Problem{
	web.ProblemOf(thimble.ErrInvalid),
	kind("malformed", http.StatusBadRequest, "The body is not what was expected", "Send one JSON document in UTF-8, each name once. Nothing was changed."),
	kind("key-missing", http.StatusUnauthorized, "A key is needed", "Send the header Authorization: Bearer tk_… with a key from the console."),
	kind("key-misspelt", http.StatusUnauthorized, "The key is misspelt", "A letter is wrong or missing. Copy the whole key, from tk_ to its end."),
	kind("key-unknown", http.StatusUnauthorized, "The key is not in force", "It was revoked, or never was. Make a new one in the console under API keys."),
	kind("scope-missing", http.StatusForbidden, "The key may not do this", "Make a key with the scope that is named."),
	web.ProblemOf(thimble.ErrDenied),
	web.ProblemOf(thimble.ErrNotFound),
	kind("method", http.StatusMethodNotAllowed, "This address has no such method", "The header Allow lists the methods it has."),
	kind("timeout", http.StatusRequestTimeout, "The body took too long", "Send it again. Nothing was changed."),
	web.ProblemOf(thimble.ErrConflict),
	web.ProblemOf(&http.MaxBytesError{}),
	kind("media-type", http.StatusUnsupportedMediaType, "The body has another form than this API takes", "Send JSON with the header Content-Type: application/json."),
	web.ProblemOf(errors.New("internal")),
	web.ProblemOf(thimble.ErrUnavailable),
}

func kind(slug string, status int, title, detail string) web.Problem {
	return web.Problem{Type: web.ProblemBase + slug, Title: title, Status: status, Detail: detail}
}

func problemOf(slug string) web.Problem {
	for _, p := range kinds {
		if p.Type == web.ProblemBase+slug {
			return p
		}
	}
	return web.ProblemOf(nil)
}

// adopt makes huma answer errors with our problems, and compare names letter by
// letter; a list is a list, never null. Huma keeps these in package variables; this package is its only user.
var adopt = sync.OnceFunc(func() {
	huma.NewError = func(status int, _ string, errs ...error) huma.StatusError { return asProblem(translate(status, errs)) }
	huma.NewErrorWithContext = answer
	huma.ValidateStrictCasing = true
	huma.DefaultArrayNullable = false
})

func answer(ctx huma.Context, status int, _ string, errs ...error) huma.StatusError {
	p := translate(status, errs)
	if id := web.RequestIDFrom(ctx.Context()); id != "" {
		p.Instance = "urn:thimble:request:" + id
	}
	if a, ok := ctx.Context().Value(contextKey{}).(*API); ok && p.Status >= http.StatusInternalServerError {
		a.failed(ctx.Context(), errors.Join(errs...))
	}
	ctx.SetHeader("Cache-Control", "no-store")
	if p.Status == http.StatusServiceUnavailable {
		ctx.SetHeader("Retry-After", "5")
	}
	return asProblem(p)
}

// failed logs what the answer does not show.
func (a *API) failed(ctx context.Context, err error) {
	cause := "none"
	if err != nil {
		cause = err.Error()
	}
	a.log.ErrorContext(ctx, "operation failed", slog.String("cause", cause), slog.String("request_id", web.RequestIDFrom(ctx)))
}

// translate finds the problem of an error: by its kind when an operation returned
// it, else by the status that huma gave it.
func translate(status int, errs []error) web.Problem {
	for _, err := range errs {
		if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
			return web.ProblemOf(err)
		}
	}
	var p web.Problem
	switch status {
	case http.StatusBadRequest:
		p = problemOf("malformed")
	case http.StatusRequestTimeout:
		p = problemOf("timeout")
	case http.StatusRequestEntityTooLarge:
		return problemOf("too-large")
	case http.StatusUnsupportedMediaType:
		return problemOf("media-type")
	case http.StatusUnprocessableEntity:
		p = problemOf("invalid")
	default:
		return web.ProblemOf(errors.Join(errs...))
	}
	p.Errors = fields(errs)
	return p
}

// fields keeps place and rule of each error, and drops the value.
func fields(errs []error) []web.FieldProblem {
	var all []web.FieldProblem
	for _, err := range errs {
		detail, ok := err.(huma.ErrorDetailer)
		if !ok {
			continue
		}
		d := detail.ErrorDetail()
		// Behind a colon huma quotes the parser's words, and they quote the value.
		rule, _, _ := strings.Cut(d.Message, ": ")
		all = append(all, web.FieldProblem{Field: place(d.Location), Detail: rule})
	}
	return all
}

var plainPlace = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.\[\]-]{0,99}$`)

// place returns a location, unless it is no name: what stands for a name in a
// wrong request can be anything, such as somebody's address.
func place(location string) string {
	if plainPlace.MatchString(location) {
		return location
	}
	part, _, _ := strings.Cut(location, ".")
	if !plainPlace.MatchString(part) {
		part = "request"
	}
	return part + ".(an unknown name)"
}

func asProblem(p web.Problem) *Problem {
	out := &Problem{Type: p.Type, Title: p.Title, Status: p.Status, Detail: p.Detail, Instance: p.Instance}
	for _, f := range p.Errors {
		out.Errors = append(out.Errors, FieldProblem(f))
	}
	return out
}
