package deviceweb

import (
	"bytes"
	"compress/gzip"
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"thimble/internal/recommend/devicedb"
	"thimble/internal/web"
)

// ModelPath is where browsers get the file.
const ModelPath = "/v1/device/model"

// Files has the file to serve; *devicedb.Desk does.
type Files interface {
	Current(ctx context.Context) (devicedb.Served, error)
}

// small keeps the newest file compressed, so that it is done once.
type small struct {
	mu   sync.Mutex
	name string
	body []byte
}

func (s *small) of(f devicedb.Served) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.name == f.Name {
		return s.body
	}
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(f.Body)
	if err == nil {
		err = w.Close()
	}
	if err != nil { // a buffer takes everything
		panic(err)
	}
	s.name, s.body = f.Name, b.Bytes()
	return s.body
}

// Serve answers GET /v1/device/model. Pages of every site may read it: it is the same for
// everybody, and signed. A browser may keep it for an hour, and asks by its hash after that.
func Serve(files Files) http.Handler {
	var zipped small
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("Cross-Origin-Resource-Policy", "cross-origin")
		f, err := files.Current(r.Context())
		if err != nil {
			h.Set("Cache-Control", "no-store")
			web.WriteProblem(w, r, web.ProblemOf(err))
			return
		}
		tag := `"` + f.Name + `"`
		h.Set("ETag", tag)
		h.Set("Cache-Control", "public, max-age=3600")
		h.Set("Vary", "Accept-Encoding")
		if match := r.Header.Get("If-None-Match"); strings.Contains(match, tag) {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		h.Set("Content-Type", "application/octet-stream")
		body := f.Body
		if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			h.Set("Content-Encoding", "gzip")
			body = zipped.of(f)
		}
		h.Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body) // who asked may have gone
	})
}
