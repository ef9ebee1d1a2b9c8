package opendsrweb

import (
	"context"
	"errors"
	"io"
	"net/http"

	"thimble"
	"thimble/internal/rights/opendsr"
	"thimble/internal/rights/systems"
	"thimble/internal/web"
)

// Tasks are what processors were asked for; *systemsdb.Store has them.
type Tasks interface {
	System(ctx context.Context, id thimble.ID) (systems.System, error)
	ByRemote(ctx context.Context, system thimble.ID, remote string) (systems.Task, error)
	Heard(ctx context.Context, system, id thimble.ID, e systems.Event, by string) error
}

// CallbackPattern is the pattern of callbacks.
const CallbackPattern = "POST " + CallbackPath + "{system}"

// ServeCallbacks takes callbacks: 202 for one that was taken, 401 for a domain or a
// certificate that is not the system's, 400 for what is signed and wrong, 503 when the
// certificate could not be looked at.
func ServeCallbacks(c *Controller, s Tasks, limit *web.Limiter) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if wait, ok := limit.Allow(web.Network(r.RemoteAddr)); !ok {
			w.Header().Set("Retry-After", web.RetryAfter(wait))
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		id, err := thimble.ParseID(systems.SystemPrefix, r.PathValue("system"))
		var body []byte
		if err == nil {
			body, err = io.ReadAll(io.LimitReader(r.Body, opendsr.MaxBody))
		}
		if err == nil {
			err = c.callback(r.Context(), s, id, r.Header, body)
		} else {
			err = thimble.ErrDenied
		}
		code, detail := answerOf(err)
		if code == http.StatusAccepted {
			w.WriteHeader(code)
			return
		}
		w.Header().Set("Content-Type", "application/json;charset=UTF-8")
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(code)
		_, _ = w.Write(opendsr.ProblemOf(code, detail)) // who asked may have gone
	})
}

func answerOf(err error) (int, opendsr.Detail) {
	fault, ok := errors.AsType[*opendsr.Fault](err)
	switch {
	case err == nil:
		return http.StatusAccepted, opendsr.Detail{}
	case ok:
		return http.StatusBadRequest, opendsr.DetailOf(fault)
	case errors.Is(err, thimble.ErrUnavailable):
		return http.StatusServiceUnavailable, opendsr.Detail{Domain: "Server", Reason: "Unavailable", Message: "Come again later."}
	case errors.Is(err, thimble.ErrConflict):
		return http.StatusBadRequest, opendsr.Detail{Domain: "Request", Reason: "StaleStatus", Message: "request_status: it does not go back"}
	}
	return http.StatusUnauthorized, opendsr.Detail{Domain: "Authentication", Reason: "NotSigned", Message: "A signature by the certificate of the processor's own domain, about a request that it was sent, was expected."}
}
