package web

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"thimble"
)

// A Section is one capability's part of a door: its pages, and its places in the
// navigation. A door is handed its sections and knows nothing else of them.
type Section struct {
	Nav   []NavItem
	Mount func(mux Routes, f *Frame)
}

// Routes is where a section mounts its pages, by the patterns of http.ServeMux, which
// is one. A door that must know every pattern has one of its own.
type Routes interface {
	Handle(pattern string, handler http.Handler)
	HandleFunc(pattern string, handler func(http.ResponseWriter, *http.Request))
}

// A Visitor is who is signed in at a door: a customer by Subject, or a member of
// staff by name.
type Visitor struct {
	Subject thimble.SubjectID
	Staff   string
	Session thimble.ID // the session of this browser
	Raised  time.Time  // when they last proved who they are
}

// Nobody reports whether no one is signed in.
func (v Visitor) Nobody() bool { return v.Subject.IsZero() && v.Staff == "" }

type visitorKey struct{}

// WithVisitor returns a context that says who is signed in.
func WithVisitor(ctx context.Context, v Visitor) context.Context {
	return context.WithValue(ctx, visitorKey{}, v)
}

// VisitorFrom returns who is signed in; the zero Visitor is nobody.
func VisitorFrom(ctx context.Context) Visitor {
	v, _ := ctx.Value(visitorKey{}).(Visitor)
	return v
}

// A Frame is what a section needs of its door: the kit, and everything around a
// page.
type Frame struct {
	Kit *Kit
	Log *slog.Logger
	// Wrap fills in the door's layout, navigation, account, footer and banner.
	Wrap func(r *http.Request, p Page) Page
}

// Render renders a page of the section inside the door.
func (f *Frame) Render(w http.ResponseWriter, r *http.Request, status int, pages *Pages, name string, p Page) {
	pages.Render(w, r, status, name, honour(r, f.Wrap(r, p)))
}

// Fail answers an error inside the door: its kind in words, what to do next, no
// details. What is internal is logged, since the page does not show it.
func (f *Frame) Fail(w http.ResponseWriter, r *http.Request, err error) {
	if status, _, _ := Kind(err); status >= http.StatusInternalServerError {
		f.Log.ErrorContext(r.Context(), "page failed", slog.String("cause", err.Error()), slog.String("request_id", RequestIDFrom(r.Context())))
	}
	f.Kit.ErrorPage(w, r, err, honour(r, f.Wrap(r, Page{})))
}
