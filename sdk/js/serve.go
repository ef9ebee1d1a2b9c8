package js

import (
	"bytes"
	"compress/gzip"
	_ "embed" // the module
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// Prefix is the path below which a door mounts the handler.
const Prefix = "/sdk/"

// Current is the path of the newest module. Its content changes with the version of
// Thimble, so that no page can name its hash.
const Current = "/sdk/thimble.js"

//go:embed dist/thimble.js
var module []byte

//go:embed dist/build.json
var stamp []byte

// Integrity is the hash of the module as the attribute "integrity" takes it (W3C,
// Subresource Integrity): "sha384-…".
func Integrity() string { return made().Integrity }

// Path is where this very module lies, and no other ever will: what a page names
// together with [Integrity].
func Path() string { return Prefix + version() + "/thimble.js" }

type build struct {
	Sources   string `json:"sources"`
	Integrity string `json:"integrity"`
}

func made() (b build) {
	_ = json.Unmarshal(stamp, &b) // a test reads what was embedded
	return b
}

// version names the module by the beginning of its hash, in letters that need no
// escape in a path.
func version() string {
	return strings.NewReplacer("+", "-", "/", "_").Replace(strings.TrimPrefix(made().Integrity, "sha384-"))[:16]
}

// Handler serves the module, at [Current] and at [Path]. Pages of every site may load
// it: it is public, and the same for everybody.
func Handler() (http.Handler, error) {
	var small bytes.Buffer
	w, err := gzip.NewWriterLevel(&small, gzip.BestCompression)
	if err == nil {
		_, err = w.Write(module)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("sdk: compressing the module: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+Current, serve(small.Bytes(), "public, max-age=300"))
	mux.HandleFunc("GET "+Path(), serve(small.Bytes(), "public, max-age=31536000, immutable"))
	return mux, nil
}

func serve(small []byte, cache string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Type", "text/javascript; charset=utf-8")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Access-Control-Allow-Origin", "*") // a module is always asked for by CORS
		h.Set("Cross-Origin-Resource-Policy", "cross-origin")
		h.Set("Cache-Control", cache)
		h.Set("Vary", "Accept-Encoding")
		body := module
		if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			h.Set("Content-Encoding", "gzip")
			body = small
		}
		h.Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body) // who asked may have gone
	}
}
