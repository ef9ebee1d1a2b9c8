package door

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"thimble"
	"thimble/internal/collect/source"
	"thimble/internal/web"
)

// The settings document of analytics.js, as far as it is needed: where to send, that no
// destination runs in the browser, and which categories of consent there are.
type document struct {
	Integrations         map[string]destination `json:"integrations"`
	Plan                 planned                `json:"plan"`
	EdgeFunction         struct{}               `json:"edgeFunction"`
	AnalyticsNextEnabled bool                   `json:"analyticsNextEnabled"`
	MiddlewareSettings   struct{}               `json:"middlewareSettings"`
	EnabledMiddleware    struct{}               `json:"enabledMiddleware"`
	Metrics              metrics                `json:"metrics"`
	LegacyVideoPlugins   bool                   `json:"legacyVideoPluginsEnabled"`
	RemotePlugins        []struct{}             `json:"remotePlugins"`
	Consent              consents               `json:"consentSettings"`
}

type destination struct {
	APIKey                string   `json:"apiKey"`
	APIHost               string   `json:"apiHost"`
	Protocol              string   `json:"protocol"`
	UnbundledIntegrations []string `json:"unbundledIntegrations"`
	AddBundledMetadata    bool     `json:"addBundledMetadata"`
}

type planned struct {
	Track    map[string]enabled `json:"track"`
	Identify map[string]enabled `json:"identify"`
	Group    map[string]enabled `json:"group"`
}

type enabled struct {
	Enabled      bool            `json:"enabled"`
	Integrations map[string]bool `json:"integrations"`
}

// metrics are the SDK's figures of itself; none are asked for.
type metrics struct {
	SampleRate int `json:"sampleRate"`
}

// With no destination unmapped, Segment's consent tools send nothing at all for somebody
// who permits no category.
type consents struct {
	AllCategories           []string `json:"allCategories"`
	HasUnmappedDestinations bool     `json:"hasUnmappedDestinations"`
}

// settings answers the settings document of a public key. That of a server is not one that
// belongs in an address, and is answered like one that never was.
func (d *Door) settings(w http.ResponseWriter, r *http.Request, key string) {
	origin, err := d.allowOrigin(w, r)
	if err != nil {
		d.refuse(w, r, err)
		return
	}
	from, err := d.Sources.Open(r.Context(), key)
	if err == nil && !source.Public(from.Kind) {
		err = thimble.ErrDenied
	}
	if err != nil {
		disallow(w)
		if status, _, _ := web.Kind(err); status == http.StatusForbidden {
			err = thimble.ErrNotFound
		}
		d.refuse(w, r, err)
		return
	}
	if origin != "" && !from.Allows(origin) {
		disallow(w)
	}
	body, err := json.Marshal(d.document(r, key))
	if err != nil { // strings and booleans cannot fail
		d.refuse(w, r, err)
		return
	}
	sum := sha256.Sum256(body)
	tag := `"` + hex.EncodeToString(sum[:12]) + `"`
	h := w.Header()
	h.Set("ETag", tag)
	h.Set("Cache-Control", "public, max-age=60")
	if strings.Contains(r.Header.Get("If-None-Match"), tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h["Content-Type"] = jsonType
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // who asked may have gone
	}
}

func (d *Door) document(r *http.Request, key string) document {
	protocol, host := d.address(r)
	everything := map[string]enabled{"__default": {Enabled: true, Integrations: map[string]bool{}}}
	doc := document{
		Integrations: map[string]destination{"Segment.io": {
			APIKey: key, APIHost: host + "/v1", Protocol: protocol, UnbundledIntegrations: []string{}, AddBundledMetadata: true,
		}},
		Plan:                 planned{Track: everything, Identify: everything, Group: everything},
		AnalyticsNextEnabled: true, RemotePlugins: []struct{}{},
		Consent: consents{AllCategories: d.Categories},
	}
	if doc.Consent.AllCategories == nil {
		doc.Consent.AllCategories = []string{}
	}
	return doc
}

// address is where pages reach this installation: what it was told, else where this
// request came to.
func (d *Door) address(r *http.Request) (protocol, host string) {
	if p, h, ok := strings.Cut(d.PublicURL, "://"); ok {
		return p, strings.TrimSuffix(h, "/")
	}
	if d.TLS || r.TLS != nil {
		return "https", r.Host
	}
	return "http", r.Host
}
