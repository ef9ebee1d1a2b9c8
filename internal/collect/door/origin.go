package door

import "net/http"

// The answer to a browser's question before it sends (Fetch, 3.3): its origin, if some
// source names it. No credentials: no cookie is looked at here.
var (
	maxAge       = []string{"86400"}
	allowHeaders = []string{"authorization, content-type, x-retry-count"}
	allowPost    = []string{"POST, OPTIONS"}
	allowGet     = []string{"GET, OPTIONS"}
	// A script of another origin may read no other header, and the SDK waits by this one.
	exposeHeaders = []string{"Retry-After"}
	varyOrigin    = []string{"Origin"}
)

// allowOrigin notes that a page of the origin may read the answer, and returns the origin,
// "" for what no page has sent.
func (d *Door) allowOrigin(w http.ResponseWriter, r *http.Request) (string, error) {
	sent := r.Header["Origin"]
	h := w.Header()
	h["Vary"] = varyOrigin
	if len(sent) == 0 {
		return "", nil
	}
	origin := sent[0]
	if len(sent) > 1 || origin == "" {
		origin = "null" // of nobody
	}
	known, err := d.Sources.Origin(r.Context(), origin)
	if known {
		h["Access-Control-Allow-Origin"] = sent[:1]
		h["Access-Control-Expose-Headers"] = exposeHeaders
	}
	return origin, err
}

func disallow(w http.ResponseWriter) {
	delete(w.Header(), "Access-Control-Allow-Origin")
	delete(w.Header(), "Access-Control-Expose-Headers")
}

func (d *Door) preflight(w http.ResponseWriter, r *http.Request, get bool) {
	if _, err := d.allowOrigin(w, r); err != nil {
		d.refuse(w, r, err)
		return
	}
	h := w.Header()
	delete(h, "Access-Control-Expose-Headers")
	if h["Access-Control-Allow-Origin"] != nil {
		h["Access-Control-Allow-Methods"], h["Access-Control-Allow-Headers"], h["Access-Control-Max-Age"] = allowPost, allowHeaders, maxAge
		if get {
			h["Access-Control-Allow-Methods"] = allowGet
		}
	}
	w.WriteHeader(http.StatusNoContent)
}
