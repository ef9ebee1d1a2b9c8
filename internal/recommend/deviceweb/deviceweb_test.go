package deviceweb

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/recommend/device"
	"thimble/internal/recommend/devicedb"
	"thimble/internal/web"
	"thimble/internal/web/webtest"
)

func TestMain(m *testing.M) { os.Exit(webtest.Main(m)) }

var at = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

// table is a desk that writes down what it was ordered.
type table struct {
	served   devicedb.Served
	err      error
	releases []devicedb.Release
	orders   []string
}

func (d *table) Current(context.Context) (devicedb.Served, error) { return d.served, d.err }
func (d *table) Key(context.Context) (string, error)              { return "MFkwEwYHKoZIzj0CAQY", nil }
func (d *table) Releases(context.Context) ([]devicedb.Release, error) {
	return d.releases, nil
}
func (d *table) Spent(context.Context) (s device.Spend, _ error) {
	for _, r := range d.releases {
		s = s.Plus(r.Spend)
	}
	return s, nil
}
func (d *table) do(what string, o devicedb.Order, err error) (devicedb.Release, error) {
	if err := o.Check(); err != nil {
		return devicedb.Release{}, err
	}
	d.orders = append(d.orders, what+" by "+o.By+": "+o.Reason)
	return devicedb.Release{}, err
}
func (d *table) Accept(_ context.Context, o devicedb.Order) (devicedb.Release, error) {
	return d.do("accept", o, nil)
}
func (d *table) Release(_ context.Context, o devicedb.Order) (devicedb.Release, error) {
	return d.do("release", o, device.Bound{Items: 8}.Refuse(4_000, device.TheBudget().Each()))
}
func (d *table) End(_ context.Context, n int64, by string) error {
	d.orders = append(d.orders, fmt.Sprintf("end %d by %s", n, by))
	return nil
}

func newTable() *table {
	body := bytes.Repeat([]byte("a file "), 1000)
	return &table{served: devicedb.Served{Head: device.Head{Kind: device.Content, Made: at, Until: at.Add(time.Hour), Statement: "No person is in it."}, Body: body, Name: device.Name(body), Items: 4000, Cells: 90_000}}
}

func ask(h http.Handler, header ...string) *http.Response {
	r := httptest.NewRequest(http.MethodGet, ModelPath, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func TestTheFileIsTheSameForEverybody(t *testing.T) {
	d := newTable()
	h := Serve(d)
	r := ask(h, "Cookie", "thimble_customer=ada", "Origin", "https://shop.example", "Accept-Language", "de")
	body, err := io.ReadAll(r.Body)
	if err != nil || !bytes.Equal(body, d.served.Body) {
		t.Errorf("%d bytes, %v; want the file", len(body), err)
	}
	for name, want := range map[string]string{
		"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin", "Cache-Control": "public, max-age=3600",
		"ETag": `"` + d.served.Name + `"`, "Set-Cookie": "", "Vary": "Accept-Encoding",
	} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	r = ask(h, "Accept-Encoding", "gzip, br")
	z, err := gzip.NewReader(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(z); err != nil || !bytes.Equal(body, d.served.Body) {
		t.Errorf("compressed, %d bytes came, %v", len(body), err)
	}
	if r := ask(h, "If-None-Match", `W/"x", "`+d.served.Name+`"`); r.StatusCode != http.StatusNotModified {
		t.Errorf("who has the file is answered %d, want 304", r.StatusCode)
	}
	if r := ask(h, "If-None-Match", `"another"`); r.StatusCode != http.StatusOK {
		t.Errorf("who has another is answered %d", r.StatusCode)
	}
	d.err = fmt.Errorf("the vault is closed: %w", thimble.ErrUnavailable)
	if r := ask(h); r.StatusCode != http.StatusServiceUnavailable || r.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("without a file: %d, %s", r.StatusCode, r.Header.Get("Cache-Control"))
	}
}

// room is the page over a desk.
func room(t *testing.T, d Desk) *http.ServeMux {
	t.Helper()
	kit, err := web.New(web.Config{Name: "Thimble"})
	if err != nil {
		t.Fatal(err)
	}
	s, err := Console(kit, d, "https://data.shop.example", func() time.Time { return at })
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	s.Mount(mux, &web.Frame{Kit: kit, Log: slog.New(slog.DiscardHandler), Wrap: func(_ *http.Request, p web.Page) web.Page {
		p.Layout, p.Nav = web.Console, s.Nav
		return p
	}})
	mux.Handle("/assets/", kit.Assets())
	return mux
}

func post(mux http.Handler, path string, form url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "text/html")
	r = r.WithContext(web.WithVisitor(r.Context(), web.Visitor{Staff: "owner"}))
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	return w
}

func TestNothingIsAcceptedWithoutANameAReasonAndTheBox(t *testing.T) {
	d := newTable()
	mux := room(t, d)
	for name, form := range map[string]url.Values{
		"no reason":     {"accepted": {"yes"}},
		"no box ticked": {"reason": {"better lists"}},
	} {
		if w := post(mux, Path+"/accept", form); w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), "Not done") {
			t.Errorf("%s: %d", name, w.Code)
		}
	}
	if len(d.orders) > 0 {
		t.Errorf("ordered: %q", d.orders)
	}
	if w := post(mux, Path+"/accept", url.Values{"accepted": {"yes"}, "reason": {"better lists"}}); w.Code != http.StatusSeeOther {
		t.Errorf("accepting: %d", w.Code)
	}
	if w := post(mux, Path+"/7/end", nil); w.Code != http.StatusSeeOther {
		t.Errorf("ending: %d", w.Code)
	}
	if got := fmt.Sprint(d.orders); got != "[accept by owner: better lists end 7 by owner]" {
		t.Errorf("ordered: %s", got)
	}
}

func TestAShopThatIsTooSmallIsToldSoOnThePage(t *testing.T) {
	w := post(room(t, newTable()), Path+"/release", url.Values{"reason": {"try it"}})
	if text := w.Body.String(); w.Code != http.StatusConflict || !strings.Contains(text, "4000 people permit that we learn from them, and a noised file needs about") || strings.Contains(text, "device:") {
		t.Errorf("%d: the page says nothing of why", w.Code)
	}
}

func TestThePageIsAccessibleAndFitsAPhone(t *testing.T) {
	browser := webtest.Start(t)
	d := newTable()
	each := device.TheBudget().Each()
	d.releases = []devicedb.Release{
		{Number: 3, Kind: device.Counted, Made: at, Until: at.Add(700 * time.Hour), Order: devicedb.Order{By: "owner", Reason: "lists for guests"}},
		{Number: 2, Kind: device.Noised, Made: at.Add(-time.Hour), Until: at.Add(2000 * time.Hour), Order: devicedb.Order{By: "owner", Reason: "the first"}, Spend: each},
		{Number: 1, Kind: device.Counted, Made: at.Add(-90 * time.Hour), Until: at.Add(600 * time.Hour), Order: devicedb.Order{By: "owner", Reason: "a try"}, Ended: at.Add(-80 * time.Hour), EndedBy: "owner"},
	}
	for state, desk := range map[string]*table{"default": newTable(), "released": d} {
		server := httptest.NewServer(room(t, desk))
		defer server.Close()
		for name, view := range map[string]webtest.Viewport{"desk-light": webtest.Desk, "phone-dark": {Width: webtest.Phone.Width, Height: webtest.Phone.Height, Dark: true}} {
			tab := browser.Open(server.URL+Path, view)
			tab.NoOverflow(t)
			tab.Axe(t)
			if shots := os.Getenv("THIMBLE_SCREENSHOTS"); shots != "" {
				tab.Screenshot(t, filepath.Join(shots, "console-device-"+state+"-"+name+".png"))
			}
		}
	}
}
