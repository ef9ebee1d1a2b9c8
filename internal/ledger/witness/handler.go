package witness

import (
	"errors"
	"io"
	"net/http"
	"strconv"

	"thimble"
	"thimble/internal/ledger"
)

// maxRequest is more than 63 hashes and a checkpoint with many signatures have.
const maxRequest = 64 << 10

// sizeType is the type of an answer that says a size (c2sp.org/tlog-witness).
const sizeType = "text/x.tlog.size"

// Handler serves POST /add-checkpoint as c2sp.org/tlog-witness says. Of our own
// are GET /key, the verifier key, and GET /checkpoint?origin=…, the last checkpoint
// cosigned for a log: what a log's operator needs after a restore.
func (w *Witness) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /add-checkpoint", w.add)
	mux.HandleFunc("GET /key", func(rw http.ResponseWriter, _ *http.Request) {
		send(rw, http.StatusOK, "text/plain; charset=utf-8", []byte(w.Key().String()+"\n"))
	})
	mux.HandleFunc("GET /checkpoint", func(rw http.ResponseWriter, r *http.Request) {
		head, err := w.Head(r.URL.Query().Get("origin"))
		if err != nil {
			send(rw, http.StatusNotFound, "text/plain; charset=utf-8", []byte("Nothing was cosigned for a log of this origin.\n"))
			return
		}
		send(rw, http.StatusOK, "text/plain; charset=utf-8", head.Note)
	})
	return mux
}

func send(rw http.ResponseWriter, status int, kind string, body []byte) {
	rw.Header().Set("Content-Type", kind)
	rw.Header().Set("X-Content-Type-Options", "nosniff")
	rw.Header().Set("Cache-Control", "no-store")
	rw.WriteHeader(status)
	_, _ = rw.Write(body) // a log that went away asks again
}

func (w *Witness) add(rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, maxRequest))
	if err != nil {
		send(rw, http.StatusBadRequest, "text/plain; charset=utf-8", []byte("The request is too long or was cut off.\n"))
		return
	}
	line, err := w.Add(r.Context(), body)
	if err == nil {
		send(rw, http.StatusOK, "text/plain; charset=utf-8", line)
		return
	}
	if e, ok := errors.AsType[*ledger.SizeError](err); ok {
		send(rw, http.StatusConflict, sizeType, []byte(strconv.FormatInt(e.Size, 10)+"\n"))
		return
	}
	status, text := http.StatusServiceUnavailable, "The witness cannot answer now. Try again in a moment.\n"
	switch {
	case errors.Is(err, ledger.ErrStranger):
		status, text = http.StatusNotFound, "The witness does not know this log. Send its operator the log's verifier key.\n"
	case errors.Is(err, ledger.ErrSignature):
		status, text = http.StatusForbidden, "The checkpoint is not signed by a key that the witness knows for this log.\n"
	case errors.Is(err, ledger.ErrRefused):
		status, text = http.StatusUnprocessableEntity, "The proof does not show that the checkpoint extends the last one cosigned.\n"
	case errors.Is(err, thimble.ErrInvalid):
		status, text = http.StatusBadRequest, "The request is not one of c2sp.org/tlog-witness.\n"
	}
	send(rw, status, "text/plain; charset=utf-8", []byte(text))
}
