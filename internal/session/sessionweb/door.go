package sessionweb

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"thimble"
	"thimble/internal/session"
	"thimble/internal/web"
)

// A Store keeps sessions and links; *sessiondb.Store is one.
type Store interface {
	Session(ctx context.Context, cookie string, audience session.Audience) (session.Session, error)
	Redeem(ctx context.Context, token string, audience session.Audience, device string) (cookie string, who session.Who, err error)
	Begin(ctx context.Context, who session.Who, device string) (cookie string, err error)
	Raise(ctx context.Context, cookie string) error
	End(ctx context.Context, cookie string) error
}

// A Door lets one audience in.
type Door struct {
	store    Store
	audience session.Audience
	cookie   string
	secure   bool
	log      *slog.Logger
}

// New returns the door of an audience. Secure says that browsers come by TLS, also
// where a proxy ends it.
func New(s Store, a session.Audience, secure bool, log *slog.Logger) *Door {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	d := &Door{store: s, audience: a, cookie: "thimble_" + string(a), secure: secure, log: log}
	if secure {
		// RFC 6265bis: no other host, path or plain connection can set it.
		d.cookie = "__Host-" + d.cookie
	}
	return d
}

// Cookie returns the name of the cookie.
func (d *Door) Cookie() string { return d.cookie }

// Visitors tells the handlers behind it who is signed in, by [web.VisitorFrom].
func (d *Door) Visitors(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Vary", "Cookie")
		if v, err := d.Visitor(r); err == nil {
			r = r.WithContext(web.WithVisitor(r.Context(), v))
		} else if !errors.Is(err, thimble.ErrDenied) {
			d.log.ErrorContext(r.Context(), "session not readable", slog.String("cause", err.Error()), slog.String("request_id", web.RequestIDFrom(r.Context())))
		}
		next.ServeHTTP(w, r)
	})
}

// Visitor returns who is signed in by the request's cookie. The error is of kind
// thimble.ErrDenied when nobody is.
func (d *Door) Visitor(r *http.Request) (web.Visitor, error) {
	c, err := r.Cookie(d.cookie)
	if err != nil || c.Value == "" {
		return web.Visitor{}, errNobody
	}
	s, err := d.store.Session(r.Context(), c.Value, d.audience)
	if err != nil {
		return web.Visitor{}, err
	}
	return web.Visitor{Subject: s.Subject, Staff: s.Staff, Session: s.ID, Raised: s.Raised}, nil
}

var errNobody = fmt.Errorf("sessionweb: nobody is signed in: %w", thimble.ErrDenied)

// Raise remembers that whoever is signed in has just proved again who they are.
func (d *Door) Raise(r *http.Request) error {
	c, err := r.Cookie(d.cookie)
	if err != nil {
		return errNobody
	}
	return d.store.Raise(r.Context(), c.Value)
}

// Require sends whoever is not signed in to the page that explains how to.
func Require(signIn string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if web.VisitorFrom(r.Context()).Nobody() {
			http.Redirect(w, r, signIn, http.StatusSeeOther)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// Begin signs somebody in; the caller has checked who it is.
func (d *Door) Begin(w http.ResponseWriter, r *http.Request, who session.Who) error {
	who.Audience = d.audience
	cookie, err := d.store.Begin(r.Context(), who, device(r))
	if err != nil {
		return err
	}
	return d.replace(w, r, cookie)
}

// Redeem signs in whoever the one-time link was made for. A link that was used,
// is too old or never was is of kind thimble.ErrDenied.
func (d *Door) Redeem(w http.ResponseWriter, r *http.Request, token string) error {
	cookie, _, err := d.store.Redeem(r.Context(), token, d.audience, device(r))
	if err != nil {
		return err
	}
	return d.replace(w, r, cookie)
}

func device(r *http.Request) string { return session.Device(r.UserAgent()) }

// replace ends the browser's old session before it gets the new one, so that
// nobody can plant a session that survives signing in.
func (d *Door) replace(w http.ResponseWriter, r *http.Request, cookie string) error {
	if old, err := r.Cookie(d.cookie); err == nil && old.Value != "" {
		if err := d.store.End(r.Context(), old.Value); err != nil {
			return err
		}
	}
	d.set(w, cookie, int(d.audience.Whole()/time.Second))
	return nil
}

// End signs out.
func (d *Door) End(w http.ResponseWriter, r *http.Request) error {
	c, err := r.Cookie(d.cookie)
	if err == nil && c.Value != "" {
		if err := d.store.End(r.Context(), c.Value); err != nil {
			return err
		}
	}
	d.Drop(w)
	return nil
}

// sameSite is strict at the staff's door: nothing leads there from another site that
// needs a session at once. Customers come from the shop.
func (d *Door) sameSite() http.SameSite {
	if d.audience == session.Staff {
		return http.SameSiteStrictMode
	}
	return http.SameSiteLaxMode
}

// Drop takes the cookie away from a browser whose session is gone already.
func (d *Door) Drop(w http.ResponseWriter) { d.set(w, "", -1) }

func (d *Door) set(w http.ResponseWriter, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{
		Name: d.cookie, Value: value, Path: "/", MaxAge: maxAge,
		HttpOnly: true, Secure: d.secure, SameSite: d.sameSite(),
	})
}
