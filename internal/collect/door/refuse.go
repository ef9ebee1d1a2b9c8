package door

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"thimble"
	"thimble/internal/web"
)

// refuse answers an error.
func (d *Door) refuse(w http.ResponseWriter, r *http.Request, err error) {
	p := d.problem(w, err)
	if p.Status == http.StatusTooManyRequests || p.Status >= http.StatusInternalServerError {
		d.warn(r, err, p.Status)
	}
	web.WriteProblem(w, r, p)
}

// leftOver is how much of a body that nobody wants may be read so that its connection can
// be used again.
const leftOver = 16 << 10

// refuseUnread answers an error before the body was read to its end. A long rest is not
// waited for.
func (d *Door) refuseUnread(w http.ResponseWriter, r *http.Request, err error) {
	if r.ContentLength < 0 || r.ContentLength > leftOver {
		w.Header().Set("Connection", "close")
	}
	d.refuse(w, r, err)
}

func (d *Door) problem(w http.ResponseWriter, err error) web.Problem {
	named := func(slug, title string, status int, detail string) web.Problem {
		return web.Problem{Type: web.ProblemBase + slug, Title: title, Status: status, Detail: detail}
	}
	rate, tooMuch := errors.AsType[errRate](err)
	switch {
	case tooMuch:
		w.Header().Set("Retry-After", rate.after)
		return named("rate", "Too many requests", http.StatusTooManyRequests, "The source sends more than it may. Wait for Retry-After, and send events in batches.")
	case errors.Is(err, errFull):
		return named("unavailable", "Not available right now", http.StatusServiceUnavailable, "Too many bodies are on their way. Nothing was lost: send it again after Retry-After.")
	case errors.Is(err, errShare):
		w.Header().Set("Retry-After", "1")
		return named("rate", "Too many bodies at once", http.StatusTooManyRequests, "Your network has as many bodies under way as one may have. Nothing was lost: send it again after Retry-After.")
	case errors.Is(err, errSlow):
		return named("slow", "The body came too slowly", http.StatusRequestTimeout, "Send it again.")
	case errors.Is(err, errOrigin):
		return named("origin", "Not from this page", http.StatusForbidden, "The source does not name the origin of the page that sent this. Add it in the console under Sources.")
	case errors.Is(err, errNoPage):
		return named("origin", "Not from a page", http.StatusForbidden, "The key is one of browsers, and no page's origin came with it. A program takes the key of a server, an app that of an app.")
	case errors.Is(err, errServer):
		return named("server-key", "The key of a server", http.StatusForbidden, "A page has sent the key of a server, which whoever reads the page can read. Take another key for the server, and one of a browser's source for the page.")
	case errors.Is(err, errNoKey):
		return d.unauthorized(w, "The write key is missing: send it as the user of Basic authorization, or as writeKey in the body.")
	case errors.Is(err, thimble.ErrInvalid), errors.Is(err, errTooLarge), errors.Is(err, errPacked), errors.Is(err, errUnpacked), errors.Is(err, errCut), errors.Is(err, errNoJSON):
		return named("body", "The body is refused", http.StatusBadRequest, rule(err))
	case errors.Is(err, thimble.ErrUnavailable):
		return named("unavailable", "Not available right now", http.StatusServiceUnavailable, "Nothing was lost: send it again after Retry-After.")
	case errors.Is(err, thimble.ErrDenied):
		return d.unauthorized(w, "There is no such write key. The console shows those that are in force under Sources.")
	}
	return web.ProblemOf(err)
}

// unauthorized names no scheme that a browser would ask its user a password for.
func (d *Door) unauthorized(w http.ResponseWriter, detail string) web.Problem {
	w.Header().Set("WWW-Authenticate", `WriteKey realm="thimble"`)
	return web.Problem{Type: web.ProblemBase + "write-key", Title: "A write key is needed", Status: http.StatusUnauthorized, Detail: detail}
}

// rule is the text of an error that says which rule a body breaks, without the package and
// the kind. Errors of this kind name no value.
func rule(err error) string {
	text := strings.TrimSuffix(err.Error(), ": "+thimble.ErrInvalid.Error())
	for _, pkg := range []string{"door: ", "intake: ", "segment: "} {
		text = strings.TrimPrefix(text, pkg)
	}
	return text
}

// warn logs what an operator should know, once a second at most: a flood of refusals is
// not to become a flood of lines.
func (d *Door) warn(r *http.Request, err error, status int) {
	now := d.Now().Unix()
	if last := d.warned.Load(); last == now || !d.warned.CompareAndSwap(last, now) {
		return
	}
	d.Log.WarnContext(r.Context(), "events are refused", slog.String("route", Serves(r.URL.Path)), slog.Int("status", status), slog.String("cause", err.Error()))
}
