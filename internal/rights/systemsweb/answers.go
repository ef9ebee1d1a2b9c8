package systemsweb

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"thimble"
	"thimble/internal/rights/systems"
	"thimble/internal/rights/systemsdb"
	"thimble/internal/web"
)

// AnswerPattern is where systems answer.
const AnswerPattern = "POST " + systemsdb.AnswerPath + "{system}/answers"

// How many answers may come from one network.
const (
	AnswersEvery = time.Second
	AnswersBurst = 60
)

// An Answerer takes what systems say; *systemsdb.Store does.
type Answerer interface {
	Answer(ctx context.Context, system thimble.ID, head http.Header, body []byte) error
}

// ServeAnswers takes signed answers. 403 is the answer to whatever is not signed by the
// system about a task of its own; 422 says what is wrong with one that is, 409 that it
// cannot follow, and 503 that it was not looked at.
func ServeAnswers(s Answerer, limit *web.Limiter) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if wait, ok := limit.Allow(web.Network(r.RemoteAddr)); !ok {
			w.Header().Set("Retry-After", web.RetryAfter(wait))
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		id, err := thimble.ParseID(systems.SystemPrefix, r.PathValue("system"))
		var body []byte
		if err == nil {
			body, err = io.ReadAll(io.LimitReader(r.Body, systems.MaxAnswer))
		}
		if err != nil {
			web.WriteProblem(w, r, web.ProblemOf(thimble.ErrDenied))
			return
		}
		switch err = s.Answer(r.Context(), id, r.Header, body); {
		case err == nil:
			w.WriteHeader(http.StatusNoContent)
		case errors.Is(err, thimble.ErrInvalid), errors.Is(err, thimble.ErrConflict), errors.Is(err, thimble.ErrUnavailable):
			web.WriteProblem(w, r, web.ProblemOf(err))
		default:
			web.WriteProblem(w, r, web.ProblemOf(thimble.ErrDenied))
		}
	})
}
