package web

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"regexp"
	"runtime/debug"
	"time"
)

type requestIDKey struct{}

const requestIDHeader = "X-Request-Id"

// requestIDForm is that of a UUID. Ids go to the log, where a caller's own text has no
// place: it may be about a person.
var requestIDForm = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

// RequestID gives each request an id: the caller's when it is a UUID in small letters,
// else a random one. The answer carries it, and so does the context.
func RequestID(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get(requestIDHeader)
		if !requestIDForm.MatchString(id) {
			id = rand.Text()
		}
		w.Header().Set(requestIDHeader, id)
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), requestIDKey{}, id)))
	})
}

// RequestIDFrom returns the request's id, or "".
func RequestIDFrom(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

// Limit refuses bodies longer than maxBody: at once when the length is announced,
// else while reading, by an error of type [http.MaxBytesError].
func Limit(next http.Handler, maxBody int64) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength > maxBody {
			WriteProblem(w, r, tooLarge)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next.ServeHTTP(w, r)
	})
}

// Recover turns a panic into a 500 without details, and logs it. It uses fail to
// answer, such as the kit's error page; a problem document when fail is nil.
func Recover(next http.Handler, log *slog.Logger, fail func(http.ResponseWriter, *http.Request, error)) http.Handler {
	if fail == nil {
		fail = func(w http.ResponseWriter, r *http.Request, err error) { WriteProblem(w, r, ProblemOf(err)) }
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m := &meter{ResponseWriter: w}
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(p) // the server's own way to drop a connection
			}
			// The stack names functions. The panic's value could quote a person's data.
			log.ErrorContext(r.Context(), "request panicked", slog.String("route", routeOf(r)),
				slog.String("request_id", RequestIDFrom(r.Context())), slog.String("stack", string(debug.Stack())))
			if m.status == 0 {
				fail(w, r, errPanic)
			}
		}()
		next.ServeHTTP(m, r)
	})
}

var errPanic = errors.New("web: a handler panicked")

// AccessLog writes one line per request: no address, no browser, no path and no
// query, because all of them can name a person.
func AccessLog(next http.Handler, log *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		m, seen := &meter{ResponseWriter: w}, &route{}
		r = r.WithContext(context.WithValue(r.Context(), routeKey{}, seen))
		defer func() {
			status := m.status
			if status == 0 {
				status = http.StatusOK
			}
			log.InfoContext(r.Context(), "request", slog.String("method", method(r.Method)),
				slog.String("route", seen.pattern(r)), slog.Int("status", status),
				slog.Duration("took", time.Since(start)), slog.Int64("bytes", m.bytes),
				slog.String("request_id", RequestIDFrom(r.Context())))
		}()
		next.ServeHTTP(m, r)
	})
}

type routeKey struct{}

// A route is where [Routed] leaves the pattern for the middleware around it.
type route struct{ matched string }

func (s *route) pattern(r *http.Request) string {
	if s != nil && s.matched != "" {
		return s.matched
	}
	return or(r.Pattern, "none")
}

func routeOf(r *http.Request) string {
	seen, _ := r.Context().Value(routeKey{}).(*route)
	return seen.pattern(r)
}

// Routed wraps a mux so that [AccessLog] learns the pattern it chose, also when
// middleware in between works on a copy of the request. Of nested muxes, the
// innermost has the word.
func Routed(mux http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if seen, _ := r.Context().Value(routeKey{}).(*route); seen != nil && seen.matched == "" {
				seen.matched = r.Pattern
			}
		}()
		mux.ServeHTTP(w, r)
	})
}

// method keeps a made-up method, which is free text, out of the log.
func method(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return m
	}
	return "other"
}

// meter counts what goes through it.
type meter struct {
	http.ResponseWriter
	status int
	bytes  int64
}

// WriteHeader implements http.ResponseWriter.
func (m *meter) WriteHeader(status int) {
	if m.status == 0 && status >= 200 {
		m.status = status
	}
	m.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (m *meter) Write(p []byte) (int, error) {
	if m.status == 0 {
		m.status = http.StatusOK
	}
	n, err := m.ResponseWriter.Write(p)
	m.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the real writer, for streams.
func (m *meter) Unwrap() http.ResponseWriter { return m.ResponseWriter }
