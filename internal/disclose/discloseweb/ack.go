package discloseweb

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"thimble"
	"thimble/internal/disclose"
	"thimble/internal/web"
)

// Acknowledger takes confirmations; *disclosedb.Store does.
type Acknowledger interface {
	Acknowledge(ctx context.Context, recipient thimble.ID, head http.Header, body []byte) error
}

// AckPattern is the pattern of the address to which recipients post confirmations.
const AckPattern = "POST /disclose/ack/{recipient}"

// AckPath is a recipient's address for confirmations, below the installation's own.
func AckPath(id thimble.ID) string { return "/disclose/ack/" + id.Token(disclose.RecipientPrefix) }

const maxAck = 4096 // bytes

// Ack takes a confirmation: {"acknowledged":"msg_…"}, signed as Standard Webhooks with the
// recipient's key. Every refusal looks the same. A network that asks too often waits.
func Ack(a Acknowledger, limit *web.Limiter) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token := r.PathValue("recipient")
		if wait, ok := limit.Allow(web.Network(r.RemoteAddr)); !ok {
			w.Header().Set("Retry-After", strconv.Itoa(int(wait/time.Second)+1))
			web.WriteProblem(w, r, web.ProblemOf(thimble.ErrUnavailable))
			return
		}
		id, err := thimble.ParseID(disclose.RecipientPrefix, token)
		var body []byte
		if err == nil {
			body, err = io.ReadAll(http.MaxBytesReader(w, r.Body, maxAck))
		}
		if err == nil {
			err = a.Acknowledge(r.Context(), id, r.Header, body)
		}
		switch {
		case errors.Is(err, thimble.ErrUnavailable):
			web.WriteProblem(w, r, web.ProblemOf(thimble.ErrUnavailable))
		case err != nil:
			web.WriteProblem(w, r, web.ProblemOf(thimble.ErrDenied))
		default:
			w.WriteHeader(http.StatusNoContent)
		}
	})
}
