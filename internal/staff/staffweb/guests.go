package staffweb

import (
	"net/http"
	"time"

	"thimble/internal/session"
	"thimble/internal/staff/staffdb"
	"thimble/internal/web"
)

// How fast may be guessed; doc.go says what it comes to.
const (
	networkEvery, networkBurst = 15 * time.Second, 20
	strangerEvery              = 6 * time.Minute
	strangerBurst              = 10
	knownEvery, knownBurst     = time.Minute, 10
)

// guests slows down those who try to come in.
type guests struct {
	network, stranger, known *web.Limiter
}

func newGuests(now func() time.Time) guests {
	return guests{
		network:  web.NewLimiter(networkEvery, networkBurst, now),
		stranger: web.NewLimiter(strangerEvery, strangerBurst, now),
		known:    web.NewLimiter(knownEvery, knownBurst, now),
	}
}

// allow reports whether a try is to be looked at. The tries of a browser in which the
// account came in before are counted by themselves.
func (g guests) allow(r *http.Request, name string, known bool) (wait time.Duration, ok bool) {
	if known {
		return g.known.Allow(name)
	}
	if wait, ok = g.network.Allow(web.Network(r.RemoteAddr)); !ok {
		return wait, false
	}
	return g.stranger.Allow(name)
}

func browserCookie(secure bool) string {
	if secure {
		return "__Host-thimble_staff_known"
	}
	return "thimble_staff_known"
}

func browser(r *http.Request, secure bool) string {
	c, err := r.Cookie(browserCookie(secure))
	if err != nil {
		return ""
	}
	return c.Value
}

func setBrowser(w http.ResponseWriter, token string, secure bool) {
	http.SetCookie(w, &http.Cookie{Name: browserCookie(secure), Value: token, Path: "/", MaxAge: int(staffdb.BrowserLives / time.Second),
		HttpOnly: true, Secure: secure, SameSite: http.SameSiteStrictMode})
}

// staffSession is the owner of an account's sessions.
func staffSession(name string) session.Who {
	return session.Who{Audience: session.Staff, Staff: name}
}
