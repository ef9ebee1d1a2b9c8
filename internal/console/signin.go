package console

import (
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"thimble"
	"thimble/internal/session"
	"thimble/internal/web"
)

// cookieName is bound to the host under TLS (RFC 6265bis, "__Host-").
func (d *door) cookieName() string {
	if d.TLS {
		return "__Host-thimble_staff"
	}
	return "thimble_staff"
}

// setCookie sets the session's cookie, or with an empty value takes it away.
// Strict is enough: a link is redeemed by a post from our own page.
func (d *door) setCookie(w http.ResponseWriter, value string) {
	c := &http.Cookie{Name: d.cookieName(), Value: value, Path: "/", Secure: d.TLS, HttpOnly: true, SameSite: http.SameSiteStrictMode,
		MaxAge: int(session.Staff.Whole() / time.Second)}
	if value == "" {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}

type signInBody struct {
	Left    *web.Callout
	Command web.CodeBlock
}

func (d *door) plain(title string, body any) web.Page {
	return web.Page{Layout: web.Plain, Title: title, Site: d.Site, Home: "/", Banner: d.Banner, Body: body}
}

func (d *door) signIn(w http.ResponseWriter, r *http.Request) {
	body := signInBody{Command: web.CodeBlock{Title: "On the server", Lang: "shell", Code: d.SignInHint}}
	if r.URL.Query().Get("left") != "" {
		body.Left = &web.Callout{Tone: web.Good, Title: "You are signed out", Text: "Whoever has this browser now needs a new link."}
	}
	d.render(w, r, http.StatusOK, "sign_in.html", d.plain("Sign in to the console", body))
}

// render never lets a sign-in page be stored.
func (d *door) render(w http.ResponseWriter, r *http.Request, status int, name string, p web.Page) {
	body, err := d.pages.HTML(r, name, p)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // the reader may have gone away
	}
}

type linkBody struct {
	Used *web.Callout
	Form *web.Form
}

// link shows one button. Looking at a link does not use it up: mail filters and
// previews look at links too.
func (d *door) link(w http.ResponseWriter, r *http.Request) {
	form := web.Form{Action: Home + "/link/" + url.PathEscape(r.PathValue("token")), Submit: "Sign in",
		Intro: "The link works once and for 15 minutes. You stay signed in for 8 hours, or until you do nothing for 30 minutes."}
	d.render(w, r, http.StatusOK, "link.html", d.plain("Sign in to the console", linkBody{Form: &form}))
}

func (d *door) redeem(w http.ResponseWriter, r *http.Request) {
	cookie, _, err := d.Sessions.Redeem(r.Context(), r.PathValue("token"), session.Staff)
	if errors.Is(err, thimble.ErrDenied) {
		used := web.Callout{Tone: web.Warn, Title: "This link does not work any more", Text: "It was used already, or is older than 15 minutes. Make a new one.",
			Action: &web.Action{Label: "How to sign in", Href: Home + "/sign-in"}}
		d.render(w, r, http.StatusForbidden, "link.html", d.plain("Sign in to the console", linkBody{Used: &used}))
		return
	}
	if err != nil {
		d.fail(w, r, err)
		return
	}
	if old, err := r.Cookie(d.cookieName()); err == nil {
		if err := d.Sessions.End(r.Context(), old.Value); err != nil {
			d.fail(w, r, err)
			return
		}
	}
	d.Log.InfoContext(r.Context(), "staff signed in", slog.String("request_id", web.RequestIDFrom(r.Context())))
	d.setCookie(w, cookie)
	http.Redirect(w, r, Home, http.StatusSeeOther)
}

func (d *door) signOut(w http.ResponseWriter, r *http.Request) {
	if c, err := r.Cookie(d.cookieName()); err == nil {
		if err := d.Sessions.End(r.Context(), c.Value); err != nil {
			d.fail(w, r, err)
			return
		}
	}
	d.setCookie(w, "")
	http.Redirect(w, r, Home+"/sign-in?left=1", http.StatusSeeOther)
}

// fail answers an error outside of the frame.
func (d *door) fail(w http.ResponseWriter, r *http.Request, err error) {
	if status, _, _ := web.Kind(err); status >= http.StatusInternalServerError {
		d.Log.ErrorContext(r.Context(), "console failed", slog.String("cause", err.Error()), slog.String("request_id", web.RequestIDFrom(r.Context())))
	}
	d.Kit.ErrorPage(w, r, err, d.plain("", nil))
}
