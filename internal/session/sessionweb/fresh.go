package sessionweb

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"thimble/internal/session"
	"thimble/internal/web"
)

// Confirm is where people prove again who they are.
const Confirm = "/privacy/confirm"

// Fresh lets only those pass, on the patterns named, who have proved who they are within
// session.FreshFor, and sends the others to the page confirm, and back. Matched says which
// pattern a request is for.
func Fresh(next http.Handler, confirm string, patterns []string, matched func(*http.Request) string, now func() time.Time) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := web.VisitorFrom(r.Context())
		if slices.Contains(patterns, matched(r)) && !v.Nobody() && !session.Fresh(v.Raised, now()) {
			w.Header().Set("Cache-Control", "no-store")
			http.Redirect(w, r, confirm+"?next="+url.QueryEscape(r.URL.Path), http.StatusSeeOther)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// ReturnTo is where somebody is led after signing in: a page below root that the field
// "next" of a form or an address names, and no other; "" when it names none. Never are
// beginnings of paths that are no place to go.
func ReturnTo(r *http.Request, root string, never ...string) string {
	next := r.FormValue("next")
	u, err := url.Parse(next)
	// A path that begins with two slashes, or has a backslash, is another host to a browser.
	if err != nil || u.IsAbs() || u.Host != "" || u.RawQuery != "" || strings.ContainsAny(next, "\\\r\n\t") || strings.Contains(next, "//") ||
		next != root && !strings.HasPrefix(next, root+"/") {
		return ""
	}
	if slices.ContainsFunc(never, func(p string) bool { return strings.HasPrefix(next, p) }) {
		return ""
	}
	return next
}

func returnTo(r *http.Request) string {
	return ReturnTo(r, "/privacy", SignIn, Links, SignOut, Confirm, CodePage, Enter)
}

// home is where somebody who has just signed in goes.
func home(r *http.Request) string {
	if next := returnTo(r); next != "" {
		return next
	}
	return "/privacy?done=signed-in"
}
