package app

import (
	"context"
	"net/http"
)

// Handler puts the doors together.
func (a *App) Handler(context.Context) (http.Handler, error) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	return mux, nil
}
