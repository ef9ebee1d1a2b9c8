package ledgerweb

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"html"
	"io/fs"
	"net/http"
	"strings"
)

//go:embed assets
var assets embed.FS

// Assets returns the verifier's files: verify.js is the module that other pages
// import, verify.html with its script and style the page for people.
func Assets() fs.FS {
	sub, err := fs.Sub(assets, "assets")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return sub
}

func asset(name string) string {
	b, err := fs.ReadFile(Assets(), name)
	if err != nil {
		panic(err) // as above
	}
	return string(b)
}

// The page may load its own files and nothing else, and connect nowhere.
const (
	pagePolicy = `default-src 'none'; script-src 'self'; style-src 'self'; form-action 'none'; base-uri 'none'; require-trusted-types-for 'script'`
	noFrames   = `; frame-ancestors 'none'`
)

// Page returns verify.html with the log's key filled in.
func Page(vkey string) []byte {
	return []byte(strings.Replace(asset("verify.html"), "{{key}}", html.EscapeString(vkey), 1))
}

// OfflinePage returns the verifier as one file, to be kept and opened from a disk
// without a server. Its policy names the hashes of its script and style, so that
// the file runs these and no others.
func OfflinePage(vkey string) []byte {
	return Offline(asset("verify.html"), "verify-page.js", vkey, asset("verify-page.js"))
}

// Offline makes one file of a page that checks something with the verifier: its script of
// the given name becomes the verifier and the modules, in this order, without the lines
// that import one from another.
func Offline(page, name, vkey string, modules ...string) []byte {
	style, script := asset("verify.css"), ""
	for _, m := range append([]string{asset("verify.js")}, modules...) {
		for line := range strings.Lines(m) {
			if !strings.HasPrefix(line, "import ") {
				script += strings.TrimPrefix(line, "export ")
			}
		}
	}
	policy := strings.NewReplacer("script-src 'self'", "script-src "+source(script), "style-src 'self'", "style-src "+source(style)).Replace(pagePolicy)
	return []byte(strings.NewReplacer(
		pagePolicy, policy,
		`<link rel="stylesheet" href="verify.css">`, "<style>"+style+"</style>",
		`<script type="module" src="`+name+`"></script>`, `<script type="module">`+script+"</script>",
		"{{key}}", html.EscapeString(vkey),
	).Replace(page))
}

// source is a policy's word for one inline text (W3C CSP Level 3, section 2.3.1).
func source(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

func (h *handler) pages(mux *http.ServeMux) {
	vkey := h.log.VerifierKey()
	page := Page(vkey)
	mux.HandleFunc("GET "+Prefix+"/verify.html", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Security-Policy", pagePolicy+noFrames)
		serve(w, "text/html; charset=utf-8", page)
	})
	offline := OfflinePage(vkey)
	mux.HandleFunc("GET "+Prefix+"/verify-offline.html", func(w http.ResponseWriter, _ *http.Request) {
		// Opened from here it would be a second policy's business; it is a file to keep.
		w.Header().Set("Content-Disposition", `attachment; filename="check-receipt.html"`)
		serve(w, "text/html; charset=utf-8", offline)
	})
	for name, kind := range map[string]string{
		"verify.js": "text/javascript; charset=utf-8", "verify-page.js": "text/javascript; charset=utf-8", "verify.css": "text/css; charset=utf-8",
	} {
		data := []byte(asset(name))
		mux.HandleFunc("GET "+Prefix+"/"+name, func(w http.ResponseWriter, _ *http.Request) { serve(w, kind, data) })
	}
	mux.HandleFunc("GET "+Prefix+"/key", func(w http.ResponseWriter, _ *http.Request) {
		serve(w, "text/plain; charset=utf-8", append([]byte(vkey), '\n'))
	})
}

func serve(w http.ResponseWriter, kind string, data []byte) {
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("Referrer-Policy", "no-referrer")
	send(w, kind, data)
}
