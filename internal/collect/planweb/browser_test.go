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

// serves serves the pages and what they are made of.
func (d *door) serves() *httptest.Server {
	mux := http.NewServeMux()
	mux.Handle("/assets/", d.kit.Assets())
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		d.mux.ServeHTTP(w, r.WithContext(web.WithVisitor(r.Context(), web.Visitor{Staff: "mara"})))
	})
	server := httptest.NewServer(mux)
	d.t.Cleanup(server.Close)
	return server
}

// What comes in is seen on the page that is open, and without script behind a link.
func TestALiveSourceShowsWhatComesInAsShapes(t *testing.T) {
	browser := webtest.Start(t)
	d := open(t)
	server := d.serves()
	live := EventsPath + "/1?live=1"
	if page := d.get(live); !strings.Contains(page, `<noscript><a class="button quiet" href="`+live+`">`) {
		t.Error("without script there is no way to look again")
	}
	if page := d.get(EventsPath + "/1"); strings.Contains(page, "hx-trigger") {
		t.Error("a page that nobody wants to follow asks by itself")
	}
	tab := browser.NewTab(webtest.Desk)
	tab.Goto(server.URL + live)
	d.comes(`{"type":"track","event":"Cart Viewed","userId":"jo@example.com","properties":{"cart_id":"secret-5521"}}`)
	tab.Wait(`document.querySelector("#live").textContent.includes("Cart Viewed")`)
	text := tab.Text("#live")
	if !strings.Contains(text, "cart_id: string") || strings.Contains(text, "secret-5521") || strings.Contains(text, "jo@example.com") {
		t.Errorf("the page says:\n%s", text)
	}
	tab.Clean(t, server.URL)
}

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

	server := d.serves()
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
