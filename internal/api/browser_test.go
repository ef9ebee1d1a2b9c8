package api_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"thimble/internal/api"
	"thimble/internal/web"
	"thimble/internal/web/webtest"
)

func TestMain(m *testing.M) { os.Exit(webtest.Main(m)) }

func TestTheManualIsReadableByEverybody(t *testing.T) {
	a, _ := whole(t)
	kit, err := web.New(web.Config{})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/", a)
	mux.Handle("/assets/", kit.Assets())
	door, err := web.Secure(mux, web.SecureOptions{})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(door)
	t.Cleanup(server.Close)
	browser := webtest.Start(t)
	for name, view := range map[string]webtest.Viewport{
		"desk": webtest.Desk, "phone": webtest.Phone, "dark": {Width: 1280, Height: 800, Dark: true}, "noscript": {NoScript: true},
	} {
		tab := browser.Open(server.URL+api.ManualPath, view)
		if view == webtest.Desk || view.Dark { // the manual is long, and the rules that depend on width are in NoOverflow
			tab.Axe(t)
		}
		tab.NoOverflow(t)
		tab.Clean(t, server.URL)
		if dir := os.Getenv("THIMBLE_SCREENSHOTS"); dir != "" {
			tab.Screenshot(t, filepath.Join(dir, "api-manual-"+name+".png"))
		}
	}
}
