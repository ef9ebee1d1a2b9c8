package gateweb

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"strconv"
	"time"

	"thimble/internal/gate"
)

// Sink is where answers leave the process. An answer on whose way a grant was given
// is held back until it is complete, and leaves while every such grant holds: a
// change of the person's choices is not told to be in force before the answer has
// left or was stopped. An answer that is not permitted any more is replaced by
// fail's, with an error of kind thimble.ErrDenied.
func Sink(next http.Handler, fail func(http.ResponseWriter, *http.Request, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, sink := gate.WithSink(r.Context())
		r = r.WithContext(ctx)
		held, before := &held{ResponseWriter: w, sink: sink}, w.Header().Clone()
		next.ServeHTTP(held, r)
		if !held.holding {
			return // nothing about anybody, or nothing at all
		}
		err := sink.Output(context.WithoutCancel(ctx), func(ctx context.Context) error { return held.leave(ctx) })
		if err == nil || held.left {
			return // a reader that went away, or was cut off, needs no answer
		}
		// What the answer said of itself, such as its tag, is not said of the refusal.
		clear(w.Header())
		maps.Copy(w.Header(), before)
		fail(w, r, err)
	})
}

// held holds an answer back from the moment a grant was given on its way.
type held struct {
	http.ResponseWriter
	sink    *gate.Sink
	holding bool
	passed  bool // its head went out before any grant was given
	left    bool
	status  int
	body    []byte
}

// Unwrap lets http.ResponseController find the connection.
func (h *held) Unwrap() http.ResponseWriter { return h.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (h *held) WriteHeader(status int) {
	switch {
	case h.passed || h.holding || status < 200:
		if !h.holding {
			h.ResponseWriter.WriteHeader(status)
		}
	case h.sink.Any() && !empty(status):
		h.holding, h.status = true, status
	default:
		h.passed = true
		h.ResponseWriter.WriteHeader(status)
	}
}

// empty reports whether an answer of that status says nothing about anybody: it
// sends elsewhere, or has no content.
func empty(status int) bool {
	return status == http.StatusNoContent || status == http.StatusNotModified || status >= 300 && status < 400
}

// Write implements http.ResponseWriter. What is written after a grant was given is
// held back, also when the head went out before.
func (h *held) Write(b []byte) (int, error) {
	if !h.passed && !h.holding {
		h.WriteHeader(http.StatusOK)
	}
	if h.passed && !h.sink.Any() {
		return h.ResponseWriter.Write(b)
	}
	if h.passed {
		h.holding = true
	}
	h.body = append(h.body, b...)
	return len(b), nil
}

// leave writes the answer to the connection and has it leave. When it is told to
// stop, the connection is cut.
func (h *held) leave(ctx context.Context) error {
	c := http.NewResponseController(h.ResponseWriter)
	stop := context.AfterFunc(ctx, func() { _ = c.SetWriteDeadline(time.Unix(1, 0)) })
	defer stop()
	h.left = true
	if !h.passed {
		if h.Header().Get("Content-Length") == "" && h.Header().Get("Content-Encoding") == "" {
			h.Header().Set("Content-Length", strconv.Itoa(len(h.body)))
		}
		h.ResponseWriter.WriteHeader(h.status)
	}
	if _, err := h.ResponseWriter.Write(h.body); err != nil {
		return err
	}
	// The server would flush later, when nobody counts the output as under way.
	if err := c.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return nil
}
