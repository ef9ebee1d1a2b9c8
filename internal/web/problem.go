package web

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"thimble"
)

// ProblemBase begins the type of each problem. It is a name, not an address.
const ProblemBase = "urn:thimble:problem:"

// A Problem is an error as RFC 9457 writes it.
type Problem struct {
	Type     string         `json:"type"`
	Title    string         `json:"title"`
	Status   int            `json:"status"`
	Detail   string         `json:"detail,omitempty"`
	Instance string         `json:"instance,omitempty"`
	Errors   []FieldProblem `json:"errors,omitempty"`
}

// A FieldProblem says which field breaks which rule, without its value.
type FieldProblem struct {
	Field  string `json:"field"`
	Detail string `json:"detail"`
}

// FieldProblems is an error of kind thimble.ErrInvalid that a door can show
// beside the fields.
type FieldProblems []FieldProblem

// Error implements error.
func (f FieldProblems) Error() string {
	parts := make([]string, len(f))
	for i, p := range f {
		parts[i] = p.Field + " " + p.Detail
	}
	return strings.Join(parts, "; ")
}

// Unwrap makes it an error of kind thimble.ErrInvalid.
func (FieldProblems) Unwrap() error { return thimble.ErrInvalid }

// A problemKind is one line of the table below.
type problemKind struct {
	err    error
	status int
	slug   string
	title  string
	advice string
}

var internalKind = problemKind{
	status: http.StatusInternalServerError, slug: "internal", title: "Something broke on our side",
	advice: "Nothing you sent was at fault. Try again; if it stays, pass on the request id.",
}

// problemKinds is the one place where a kind of error gets its status and type.
func problemKinds() [5]problemKind {
	return [...]problemKind{
		{thimble.ErrNotFound, http.StatusNotFound, "not-found", "There is nothing here",
			"It does not exist, or you may not see it. Check the address, or go back to where the link was."},
		{thimble.ErrInvalid, http.StatusUnprocessableEntity, "invalid", "Something in the request is not right",
			"Correct the fields that are named and send it again. Nothing was changed."},
		{thimble.ErrConflict, http.StatusConflict, "conflict", "It has changed in the meantime",
			"Load it again, look at what changed, and repeat your change. Nothing was overwritten."},
		// Before ErrDenied: who is denied only for now is told to come again.
		{thimble.ErrUnavailable, http.StatusServiceUnavailable, "unavailable", "Not available right now",
			"Nothing was lost. Try again in a moment."},
		{thimble.ErrDenied, http.StatusForbidden, "denied", "This is not allowed",
			"No purpose, consent or role permits it. If it should, ask whoever looks after access."},
	}
}

func kindOfError(err error) problemKind {
	for _, k := range problemKinds() {
		if errors.Is(err, k.err) {
			return k
		}
	}
	return internalKind
}

// Kind returns the status, the end of the problem type and the title of an error.
// Anything without a kind of package thimble is internal.
func Kind(err error) (status int, typeSlug, title string) {
	k := kindOfError(err)
	return k.status, k.slug, k.title
}

var tooLarge = Problem{
	Type: ProblemBase + "too-large", Title: "Too much at once", Status: http.StatusRequestEntityTooLarge,
	Detail: "The request is longer than this address takes. Send it in parts.",
}

// ProblemOf translates an error. Its text is not shown: it is for the log, and
// may name what the reader may not know. The detail says what to do next.
func ProblemOf(err error) Problem {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return tooLarge
	}
	k := kindOfError(err)
	p := Problem{Type: ProblemBase + k.slug, Title: k.title, Status: k.status, Detail: k.advice}
	if fields, ok := errors.AsType[FieldProblems](err); ok {
		p.Errors = fields
	}
	return p
}

// WriteProblem sends a problem document. It names the request by its id, so that
// a reader can quote it and a log line can be found.
func WriteProblem(w http.ResponseWriter, r *http.Request, p Problem) {
	if p.Instance == "" {
		if id := RequestIDFrom(r.Context()); id != "" {
			p.Instance = "urn:thimble:request:" + id
		}
	}
	if p.Status == 0 {
		p.Status = http.StatusInternalServerError
	}
	body, err := json.Marshal(p)
	if err != nil { // strings and numbers cannot fail
		body = []byte(`{"status":500}`)
	}
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if p.Status == http.StatusServiceUnavailable {
		h.Set("Retry-After", "5")
	}
	w.WriteHeader(p.Status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body)
	}
}

// Error answers an error: a page for a browser, a problem document for a program.
// The error's own text is not shown; the caller logs it when it is internal.
func (k *Kit) Error(w http.ResponseWriter, r *http.Request, err error) {
	k.ShowProblem(w, r, ProblemOf(err), Page{})
}

// ErrorPage is [Kit.Error] inside a door: frame gives the page its surroundings,
// such as layout, navigation and account.
func (k *Kit) ErrorPage(w http.ResponseWriter, r *http.Request, err error, frame Page) {
	k.ShowProblem(w, r, ProblemOf(err), frame)
}

// ShowProblem is [Kit.ErrorPage] for a problem that is no error of a kind.
func (k *Kit) ShowProblem(w http.ResponseWriter, r *http.Request, p Problem, frame Page) {
	if !wantsHTML(r) {
		WriteProblem(w, r, p)
		return
	}
	frame.Title, frame.Lead, frame.Body = p.Title, "", p
	frame.Actions, frame.Tabs, frame.Crumbs, frame.APICall, frame.Notice = nil, nil, nil, "", nil
	body, err := k.errors.HTML(r, errorPageName, frame)
	if err != nil { // the frame is at fault; the problem is still told
		WriteProblem(w, r, p)
		return
	}
	if p.Status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "5")
	}
	send(w, r, p.Status, "no-store", body)
}

// fail answers a fault in a page's own template.
func (k *Kit) fail(w http.ResponseWriter, r *http.Request, err error) {
	k.log.ErrorContext(r.Context(), "page not rendered",
		slog.String("request_id", RequestIDFrom(r.Context())), slog.Any("error", err))
	k.Error(w, r, err)
}

// wantsHTML reports whether the reader is a browser that navigates.
func wantsHTML(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "text/html")
}

const errorPageName = "error.html"

// RetryAfter is the value of the header of that name (RFC 9110, 10.2.3): whole seconds,
// at least one.
func RetryAfter(wait time.Duration) string {
	return strconv.Itoa(max(1, int((wait+time.Second-1)/time.Second)))
}
