package web

import (
	"context"
	"net/http"
	"slices"
)

type gpcKey struct{}

const gpcHeader = "Sec-GPC"

// Honoured is what a page tells a browser that sends the signal. California asks
// that a site shows it (11 CCR 7025(c)(6)).
const Honoured = "Your browser asks us not to sell or share your data (Global Privacy Control). We honour that."

// GPC tells the handlers behind it, by [GPCFrom], whether the browser sends Global
// Privacy Control: the header Sec-GPC with the value 1, any other value meaning
// nothing (W3C, Global Privacy Control, 3.2). Answers vary with it.
func GPC(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, known := r.Context().Value(gpcKey{}).(bool); !known {
			w.Header().Add("Vary", gpcHeader)
			r = r.WithContext(context.WithValue(r.Context(), gpcKey{}, slices.Contains(r.Header.Values(gpcHeader), "1")))
		}
		next.ServeHTTP(w, r)
	})
}

// GPCFrom reports whether the request carried the signal.
func GPCFrom(ctx context.Context) bool {
	on, _ := ctx.Value(gpcKey{}).(bool)
	return on
}

// honour has a page say that the signal was honoured.
func honour(r *http.Request, p Page) Page {
	if p.Signal == "" && GPCFrom(r.Context()) && (p.Layout == Portal || p.Layout == Shop) {
		p.Signal = Honoured
	}
	return p
}
