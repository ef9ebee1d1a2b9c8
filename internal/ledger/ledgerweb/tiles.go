package ledgerweb

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"golang.org/x/mod/sumdb/tlog"

	"thimble"
	"thimble/internal/ledger"
)

// A Log is what the handler serves; *ledgerdb.Log is one.
type Log interface {
	VerifierKey() string
	// Published is the newest checkpoint that others may rely on, with cosignatures.
	Published(context.Context) (ledger.Checkpoint, error)
	Tile(context.Context, tlog.Tile) ([]byte, error)
	Leaves(context.Context, tlog.Tile) ([][]byte, error)
}

// Prefix is where the log is served: the log's URL without scheme and host.
const Prefix = "/ledger"

type handler struct {
	log     Log
	journal *slog.Logger
}

// Handler serves the paths below Prefix: checkpoint, tile/… and key of the log, and
// the verifier: verify.html, verify.js, verify-offline.html (one file to keep).
func Handler(log Log, journal *slog.Logger) http.Handler {
	if journal == nil {
		journal = slog.New(slog.DiscardHandler)
	}
	h := &handler{log: log, journal: journal}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+Prefix+"/checkpoint", h.checkpoint)
	mux.HandleFunc("GET "+Prefix+"/tile/{path...}", h.tile)
	h.pages(mux)
	return mux
}

func (h *handler) checkpoint(w http.ResponseWriter, r *http.Request) {
	head, err := h.log.Published(r.Context())
	if err != nil {
		h.fail(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "no-cache")
	send(w, "text/plain; charset=utf-8", head.Note)
}

// tile serves tile/<L>/<N>[.p/<W>] and tile/entries/<N>[.p/<W>].
func (h *handler) tile(w http.ResponseWriter, r *http.Request) {
	t, err := ledger.ParseTilePath("tile/" + r.PathValue("path"))
	if err != nil {
		h.fail(w, r, err)
		return
	}
	data, err := h.data(r.Context(), t)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	send(w, "application/octet-stream", data)
}

func (h *handler) data(ctx context.Context, t tlog.Tile) ([]byte, error) {
	if t.L != ledger.EntriesLevel {
		return h.log.Tile(ctx, t)
	}
	leaves, err := h.log.Leaves(ctx, t)
	return ledger.Bundle(leaves), err
}

func send(w http.ResponseWriter, kind string, data []byte) {
	w.Header().Set("Content-Type", kind)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(data) // a client that went away needs no answer
}

func (h *handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case errors.Is(err, thimble.ErrNotFound):
		http.Error(w, "The log has no such tile. Begin at "+Prefix+"/checkpoint, which says how many leaves there are.", http.StatusNotFound)
	case errors.Is(err, thimble.ErrUnavailable):
		w.Header().Set("Retry-After", "1")
		http.Error(w, "The log cannot answer now. Try again in a moment.", http.StatusServiceUnavailable)
	default:
		h.journal.ErrorContext(r.Context(), "ledger page failed", slog.String("cause", err.Error()))
		http.Error(w, "The log could not be read. The operator's journal says why.", http.StatusInternalServerError)
	}
}
