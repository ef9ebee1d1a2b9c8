package planweb

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"thimble/internal/web"
	"thimble/internal/web/webtest"
)

func TestMain(m *testing.M) { os.Exit(webtest.Main(m)) }

// TestThePagesFitPhoneAndDeskAndHaveNoBarriers looks at each page with something on it.
// THIMBLE_SCREENSHOTS names a folder for pictures.
func TestThePagesFitPhoneAndDeskAndHaveNoBarriers(t *testing.T) {
	browser := webtest.Start(t)
	d := open(t)
	d.comes(viewed, viewed, `{"type":"track","event":"Stock Alert Wanted","userId":"u","properties":{}}`, `{"type":"page","userId":"u","properties":{"title":"x"}}`)
	d.now = d.now.Add(time.Minute)
	d.comes(viewed)
	proposal := webtest.SelectAttr(t, d.get(proposalsPath), `a[href^="`+proposalsPath+`/prop_"]`, "href")[0]
	draft := d.follows(draftsPath, url.Values{"base": {"1"}, "note": {"for the winter campaign"}})
	d.follows(draft+"/property", url.Values{"where": {"event:Product Viewed"}, "path": {"lining"}, "type": {"string"}, "transform": {"keep"}, "revision": {"1"}})
	d.follows(draft+"/mode", url.Values{"event": {"Cart Viewed"}, "mode": {"block"}, "revision": {"2"}})

	mux := http.NewServeMux()
	mux.Handle("/assets/", d.kit.Assets())
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		d.mux.ServeHTTP(w, r.WithContext(web.WithVisitor(r.Context(), web.Visitor{Staff: "mara"})))
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	tab := browser.NewTab(webtest.Desk)
	for i, path := range []string{EventsPath, EventsPath + "/1", Path, eventHref("Order Completed"), draftsPath, draft, proposalsPath, proposal, historyPath, versionHref(1)} {
		for k, name := range []string{"desk-light", "phone-dark", "desk-dark", "phone-light"} {
			if k > 1 && os.Getenv("THIMBLE_SCREENSHOTS") == "" {
				break
			}
			view := map[bool]webtest.Viewport{true: webtest.Phone, false: webtest.Desk}[strings.HasPrefix(name, "phone")]
			view.Dark = strings.HasSuffix(name, "dark")
			tab.Look(view)
			tab.Goto(server.URL + path)
			tab.NoOverflow(t)
			if k == i%2 {
				tab.Axe(t)
			}
			if shots := os.Getenv("THIMBLE_SCREENSHOTS"); shots != "" {
				plain, _, _ := strings.Cut(path, "?")
				file := strings.ReplaceAll(strings.TrimPrefix(plain, "/console/"), "/", "-")
				tab.Screenshot(t, filepath.Join(shots, file+"-"+name+".png"))
			}
		}
	}
}
