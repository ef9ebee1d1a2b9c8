package consentweb

import (
	"context"
	"log/slog"
	"net/http"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/consent/consentdb"
	"thimble/internal/consent/signal"
	"thimble/internal/web"
)

// WellKnown is where a site says that it honours Global Privacy Control (W3C, GPC, 4).
const WellKnown = "/.well-known/gpc.json"

// The day on which what is said there changed last.
const wellKnown = `{"gpc": true, "lastUpdate": "2026-11-22"}` + "\n"

// ServeWellKnown answers at [WellKnown].
func ServeWellKnown(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "public, max-age=86400")
	_, _ = w.Write([]byte(wellKnown)) // who asked may have gone
}

// gpcNotice is what the page said when the signal was honoured: the proof shows it.
func gpcNotice() consent.Notice {
	return consent.Notice{Lang: "en", Version: "gpc-2026-11", Text: web.Honoured}
}

// An Objector records what a signal says no to; *consentdb.Store is one.
type Objector interface {
	Signal(ctx context.Context, who thimble.SubjectID, purposes []thimble.Purpose, how consentdb.How) (int, error)
}

// Signals returns what honours the signals of browsers, inside the sessions' door and
// [web.GPC]: of somebody who is signed in, Global Privacy Control becomes an objection
// to sale, sharing and advertising by profile, once. For others it acts on the
// request only, by web.GPCFrom; nothing is stored of them.
func Signals(s Objector, log *slog.Logger) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			who := web.VisitorFrom(r.Context()).Subject
			if !who.IsZero() && web.GPCFrom(r.Context()) {
				_, err := s.Signal(r.Context(), who, signal.OptedOut(), consentdb.How{
					Notice: gpcNotice(), By: consent.By{Actor: signal.FromGPC.Actor(), Auth: "session"}, UI: consent.UI{Component: "browser", Path: []string{"Sec-GPC"}},
				})
				if err != nil {
					// The request itself honours the signal, and the next one records it.
					log.ErrorContext(r.Context(), "signal not recorded", slog.String("cause", err.Error()), slog.String("request_id", web.RequestIDFrom(r.Context())))
				}
			}
			next.ServeHTTP(w, r)
		})
	}
}
