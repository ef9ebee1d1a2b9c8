package web

import (
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"time"
)

//go:embed templates/*.html templates/pages/*.html
var templateFiles embed.FS

//go:embed assets
var assetFiles embed.FS

// Config holds what a Kit can do without. Its zero value works.
type Config struct {
	// Name is the product's name in titles and headers; "Thimble" when empty.
	Name string
	// Extra holds further assets, by the base names of their files. A name
	// that is taken is an error.
	Extra []fs.FS
	// Funcs adds functions for the door's own templates.
	Funcs template.FuncMap
	// Now is the clock behind relative ages; time.Now when nil.
	Now func() time.Time
	// Log hears of pages that cannot be rendered; slog.Default() when nil.
	Log *slog.Logger
}

// A Kit owns the shared templates and the assets. It is safe for concurrent use.
type Kit struct {
	name   string
	assets *assetSet
	base   *template.Template // parsed, never executed: pages are clones of it
	now    func() time.Time
	log    *slog.Logger
	errors *Pages
}

// New builds a Kit.
func New(cfg Config) (*Kit, error) {
	k := &Kit{name: cfg.Name, now: cfg.Now, log: cfg.Log}
	if k.name == "" {
		k.name = "Thimble"
	}
	if k.now == nil {
		k.now = time.Now
	}
	if k.log == nil {
		k.log = slog.Default()
	}
	own, err := fs.Sub(assetFiles, "assets")
	if err != nil {
		return nil, fmt.Errorf("web: opening the assets: %w", err)
	}
	if k.assets, err = newAssetSet(append([]fs.FS{own}, cfg.Extra...)...); err != nil {
		return nil, err
	}
	k.base = template.New("").Option("missingkey=error").Funcs(k.funcs()).Funcs(cfg.Funcs)
	if _, err = k.base.ParseFS(templateFiles, "templates/*.html"); err != nil {
		return nil, fmt.Errorf("web: parsing the shared templates: %w", err)
	}
	if k.errors, err = k.Pages(templateFiles, "templates/pages/"+errorPageName); err != nil {
		return nil, err
	}
	return k, nil
}

// Assets serves the assets below /assets/ under names that carry their hash.
func (k *Kit) Assets() http.Handler { return k.assets }

// Asset returns the path of an asset, such as "/assets/base.1f2e3d4c5b6a.css". It
// is also the template function "asset".
func (k *Kit) Asset(name string) (string, error) { return k.assets.path(name) }
