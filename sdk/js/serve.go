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

// Rank is the path of the newest module that ranks in the browser.
const Rank = "/sdk/rank.js"

//go:embed dist/thimble.js
var module []byte

//go:embed dist/rank.js
var rank []byte

//go:embed dist/build.json
var stamp []byte

// Integrity is the hash of the module as the attribute "integrity" takes it (W3C,
// Subresource Integrity): "sha384-…".
func Integrity() string { return made().Integrity }

// Path is where this very module lies, and no other ever will: what a page names
// together with [Integrity].
func Path() string { return Prefix + version(made().Integrity) + "/thimble.js" }

// RankIntegrity and RankPath are those of the module that ranks.
func RankIntegrity() string { return made().Rank }

// RankPath is where this very module that ranks lies.
func RankPath() string { return Prefix + version(made().Rank) + "/rank.js" }

type build struct {
	Sources   string `json:"sources"`
	Integrity string `json:"integrity"`
	Rank      string `json:"rank"` // the integrity of the module that ranks
}

func made() (b build) {
	_ = json.Unmarshal(stamp, &b) // a test reads what was embedded
	return b
}

// version names a module by the beginning of its hash, in letters that need no
// escape in a path.
func version(integrity string) string {
	return strings.NewReplacer("+", "-", "/", "_").Replace(strings.TrimPrefix(integrity, "sha384-"))[:16]
}

// Handler serves the modules, at [Current], [Path], [Rank] and [RankPath]. Pages of every
// site may load them: they are public, and the same for everybody.
func Handler() (http.Handler, error) {
	mux := http.NewServeMux()
	for _, m := range []struct {
		module       []byte
		newest, this string
	}{{module, Current, Path()}, {rank, Rank, RankPath()}} {
		small, err := compressed(m.module)
		if err != nil {
			return nil, fmt.Errorf("sdk: compressing a module: %w", err)
		}
		mux.HandleFunc("GET "+m.newest, serve(m.module, small, "public, max-age=300"))
		mux.HandleFunc("GET "+m.this, serve(m.module, small, "public, max-age=31536000, immutable"))
	}
	return mux, nil
}

func compressed(module []byte) ([]byte, error) {
	var small bytes.Buffer
	w, err := gzip.NewWriterLevel(&small, gzip.BestCompression)
	if err == nil {
		_, err = w.Write(module)
	}
	if err == nil {
		err = w.Close()
	}
	return small.Bytes(), err
}

func serve(module, small []byte, cache string) http.HandlerFunc {
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
