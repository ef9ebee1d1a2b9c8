package js_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"thimble"
	"thimble/internal/recommend/device"
	"thimble/internal/registry"
	"thimble/internal/web/webtest"
	js "thimble/sdk/js"
)

// A ranking is a shop's page with the module that ranks, on one origin, and a Thimble on
// another, both of which write down what they are sent.
type ranking struct {
	*testing.T
	shop, thimble *httptest.Server
	key           string

	mu   sync.Mutex
	file []byte
	got  []request
}

func deviceSigner(t testing.TB, seed byte) *device.Signer {
	t.Helper()
	s, err := device.NewSigner(bytes.Repeat([]byte{seed}, registry.SeedSize))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// deviceFile is a file of n items and about n·width cells, made at random from a seed.
func deviceFile(t testing.TB, seed uint64, k device.Kind, n, width int, made time.Time) *device.File {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 9))
	items := make([]device.Item, n)
	for i := range items {
		items[i] = device.Item{ID: thimble.ItemID(fmt.Sprintf("SKU-%05d-ä", i)), Name: fmt.Sprintf("Item no. %d", i), Category: []string{"", "mugs", "bags"}[i%3], Price: int64(i) * 7}
	}
	rows := device.Rows(items, width, func(thimble.ItemID) (all []device.Neighbour) {
		for range width {
			one := device.Neighbour{Item: items[r.IntN(n)].ID, Weight: r.Float64()}
			if k == device.Content {
				one.Fields = uint8(1 + r.IntN(7))
			} else {
				one.Weight -= 0.3
			}
			all = append(all, one)
		}
		return all
	})
	h := device.Head{Kind: k, Made: made, Until: made.Add(12 * time.Hour), Statement: "No person is in it.", Currency: "GBP"}
	if k == device.Content {
		h.Fields = []string{"category", "name", "price"}
	}
	f, err := device.New(h, items, rows)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func newRanking(t *testing.T, f *device.File) *ranking {
	t.Helper()
	s := &ranking{T: t, key: deviceSigner(t, 7).Key()}
	s.serves(f)
	s.thimble = httptest.NewServer(http.HandlerFunc(s.serveThimble))
	t.Cleanup(s.thimble.Close)
	s.shop = httptest.NewServer(http.HandlerFunc(s.serveShop))
	t.Cleanup(s.shop.Close)
	return s
}

func (s *ranking) serves(f *device.File) {
	b, err := deviceSigner(s.T, 7).Sign(f)
	if err != nil {
		s.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.file = b
}

func (s *ranking) note(r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got = append(s.got, request{r.Method, r.URL.RequestURI(), r.Header.Clone(), string(body)})
}

func (s *ranking) serveThimble(w http.ResponseWriter, r *http.Request) {
	s.note(r)
	if strings.HasPrefix(r.URL.Path, js.Prefix) {
		h, _ := js.Handler() // another test fails when it does
		h.ServeHTTP(w, r)
		return
	}
	w.Header().Set("Access-Control-Allow-Origin", "*")
	w.Header().Set("Cache-Control", "no-store") // each test sees each download
	s.mu.Lock()
	defer s.mu.Unlock()
	_, _ = w.Write(s.file)
}

func (s *ranking) serveShop(w http.ResponseWriter, r *http.Request) {
	s.note(r)
	h := w.Header()
	if r.URL.Path == "/shop.js" {
		h.Set("Content-Type", "text/javascript")
		_, _ = fmt.Fprintf(w, `import {device} from %q; window.mode = device({host: %q, key: %q}); window.device = device; window.started = true;`, s.thimble.URL+js.Rank, s.thimble.URL, s.key)
		return
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self' "+s.thimble.URL+"; connect-src "+s.thimble.URL+"; base-uri 'none'; form-action 'none'; "+
		"require-trusted-types-for 'script'; trusted-types 'none'")
	_, _ = io.WriteString(w, `<!doctype html><html lang="en"><head><title>Linen shirt</title><link rel="icon" href="data:,"><script type="module" src="/shop.js"></script></head><body><h1>Linen shirt</h1></body></html>`)
}

// since returns the requests that came after the first n, but for the page and its scripts.
func (s *ranking) requests() (all []request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.got {
		if r.Path != "/" && r.Path != "/shop.js" && r.Path != js.Rank && r.Path != "/favicon.ico" {
			all = append(all, r)
		}
	}
	return all
}

func (s *ranking) visit() *webtest.Tab {
	s.Helper()
	tab := webtest.Start(s.T).NewTab(webtest.Desk)
	tab.Goto(s.shop.URL + "/")
	tab.Wait("window.started")
	return tab
}

// said is what an expression comes to, or the message of its error.
func said(tab *webtest.Tab, expression string) (out string) {
	tab.Eval(`(async () => { try { return JSON.stringify(await (`+expression+`)) ?? "" } catch (e) { return e.message } })()`, &out)
	return out
}

// A deviceList is what the browser ranks.
type deviceList struct {
	Entries []struct {
		Item  thimble.ItemID
		Name  string
		Price int64
		Score int64
		Terms []struct {
			Item  thimble.ItemID
			Share int64
			Alike []string
		}
	}
	Model struct {
		Kind, Statement, Currency string
		Items                     int
	}
}

func ranked(t *testing.T, tab *webtest.Tab, expression string) (l deviceList) {
	t.Helper()
	out := said(tab, expression)
	if err := json.Unmarshal([]byte(out), &l); err != nil {
		t.Fatalf("%s: %s", expression, out)
	}
	return l
}

func TestTheBrowsersListIsTheServersNumberByNumber(t *testing.T) {
	for seed, k := range map[uint64]device.Kind{1: device.Content, 2: device.Noised, 3: device.Counted} {
		f := deviceFile(t, seed, k, 500, 25, time.Now().Truncate(time.Second))
		s := newRanking(t, f)
		tab := s.visit()
		said(tab, "mode.on()")
		r := rand.New(rand.NewPCG(seed, 10))
		for range 5 {
			history := []thimble.ItemID{"unknown"}
			for range 1 + r.IntN(60) {
				history = append(history, f.Items()[r.IntN(500)].ID)
			}
			from, _ := json.Marshal(history)
			got := ranked(t, tab, fmt.Sprintf("mode.rank({n: 30, from: %s})", from))
			var mine []device.Ranked
			for _, e := range got.Entries {
				one := device.Ranked{Item: e.Item, Score: e.Score}
				sum := int64(0)
				for _, term := range e.Terms {
					sum += term.Share
					one.Terms = append(one.Terms, device.Term{Item: term.Item, Share: term.Share, Fields: slices.Clip(term.Alike[:len(term.Alike):len(term.Alike)])})
				}
				if sum != e.Score {
					t.Errorf("seed %d: %s: the shares sum to %d, the score is %d", seed, e.Item, sum, e.Score)
				}
				mine = append(mine, one)
			}
			want := f.Rank(history, 30)
			for i := range want {
				for k := range want[i].Terms {
					if want[i].Terms[k].Fields == nil {
						want[i].Terms[k].Fields = []string{}
					}
				}
			}
			if diff := cmp.Diff(want, mine); diff != "" || len(want) == 0 {
				t.Fatalf("seed %d: the browser's list differs (-server +browser):\n%s", seed, diff)
			}
			if got.Model.Kind != k.String() || got.Model.Items != 500 || got.Model.Statement != f.Statement || got.Model.Currency != "GBP" {
				t.Errorf("seed %d: the model is shown as %+v", seed, got.Model)
			}
		}
	}
}

// The whole of the module's promise about the network: of a visitor who looks at a hundred
// items and is given lists, nothing leaves but one download that is the same for everybody.
func TestNothingLeavesButTheDownload(t *testing.T) {
	s := newRanking(t, deviceFile(t, 1, device.Content, 500, 25, time.Now().Truncate(time.Second)))
	tab := s.visit()
	if out := said(tab, `[mode.isOn(), mode.saw("SKU-00001-ä"), mode.history().length]`); out != `[false,false,0]` {
		t.Errorf("before it is turned on: %s", out)
	}
	if out := said(tab, `mode.rank()`); !strings.Contains(out, "it is off") {
		t.Errorf("a list before it is turned on: %s", out)
	}
	if r := s.requests(); len(r) > 0 {
		t.Errorf("before it is turned on, %d requests were made: %v", len(r), r)
	}
	nothingStored(t, tab)

	said(tab, `mode.on()`)
	said(tab, `(() => { for (let i = 0; i < 100; i++) mode.saw("SKU-" + String(i * 3).padStart(5, "0") + "-ä"); })()`)
	if r := s.requests(); len(r) > 0 {
		t.Errorf("for looking at items, %d requests were made: %v", len(r), r)
	}
	if l := ranked(t, tab, `mode.rank({n: 20})`); len(l.Entries) != 20 {
		t.Fatalf("%d entries, want 20", len(l.Entries))
	}
	ranked(t, tab, `mode.rank({n: 5})`)
	tab.Goto(s.shop.URL + "/")
	tab.Wait("window.started")
	ranked(t, tab, `mode.rank({n: 20})`)
	settles()

	all := s.requests()
	if len(all) != 2 { // one for each page
		t.Errorf("%d requests, want one download for each of two pages: %v", len(all), all)
	}
	first := s.mostlySame(all)
	if first.Method != http.MethodGet || first.Path != "/v1/device/model" || first.Body != "" {
		t.Errorf("%s %s with %q was sent", first.Method, first.Path, first.Body)
	}
	for _, name := range []string{"Cookie", "Referer", "Authorization", "If-None-Match"} {
		if v := first.Header.Get(name); v != "" {
			t.Errorf("the download carries %s: %q", name, v)
		}
	}
	for _, address := range tab.Requests() { // what the browser itself says that it asked for
		rest, mine := strings.CutPrefix(strings.TrimPrefix(address, s.shop.URL), s.thimble.URL)
		if !slices.Contains([]string{"/", "/shop.js", "/favicon.ico", js.Rank, "/v1/device/model"}, rest) && !strings.HasPrefix(address, "data:") {
			t.Errorf("the browser asked for %s (of Thimble: %v)", address, mine)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.got {
		if strings.Contains(r.Path+r.Body+fmt.Sprint(slices.Collect(maps.Values(r.Header))), "SKU-") {
			t.Errorf("%s %s names an item", r.Method, r.Path)
		}
	}
}

// mostlySame fails when requests differ in anything that could tell visitors apart, and
// returns the first.
func (s *ranking) mostlySame(all []request) request {
	s.Helper()
	for _, r := range all[1:] {
		if diff := cmp.Diff(all[0], r); diff != "" {
			s.Errorf("two downloads differ: %s", diff)
		}
	}
	return all[0]
}

func TestWhatIsKeptEndsWithOneCall(t *testing.T) {
	s := newRanking(t, deviceFile(t, 1, device.Content, 500, 25, time.Now().Truncate(time.Second)))
	tab := s.visit()
	said(tab, `mode.on()`)
	said(tab, `["SKU-00001-ä", "SKU-00002-ä", "SKU-00001-ä", "SKU-00003-ä"].forEach(mode.saw)`)
	if out := said(tab, `mode.history().map(x => x.item)`); out != `["SKU-00002-ä","SKU-00001-ä","SKU-00003-ä"]` {
		t.Errorf("the history: %s", out)
	}
	said(tab, `mode.forget("SKU-00002-ä")`)
	if out := said(tab, `mode.history().map(x => x.item)`); out != `["SKU-00001-ä","SKU-00003-ä"]` {
		t.Errorf("after one was forgotten: %s", out)
	}
	if all := stored(tab); len(all) != 1 || strings.Contains(all["local:thimble.device"], "SKU-00002") {
		t.Errorf("stored: %v, want the history alone, without what was forgotten", all)
	}
	said(tab, `mode.off()`)
	nothingStored(t, tab)
	if out := said(tab, `[mode.isOn(), mode.history().length]`); out != `[false,0]` {
		t.Errorf("after it was turned off: %s", out)
	}
}

func TestWhatIsKeptIsBoundedAndRunsOut(t *testing.T) {
	s := newRanking(t, deviceFile(t, 1, device.Content, 500, 25, time.Now().Truncate(time.Second)))
	tab := s.visit()
	said(tab, `mode.on()`)
	said(tab, `(() => { for (let i = 0; i < 250; i++) mode.saw("SKU-" + String(i).padStart(5, "0") + "-ä"); })()`)
	if out := said(tab, `[mode.history().length, mode.history()[0].item]`); out != `[200,"SKU-00050-ä"]` {
		t.Errorf("of 250 items: %s, want the last 200", out)
	}
	const later = `((days) => { const now = Date.now; Date.now = () => now() + days * 864e5; try { return [mode.isOn(), mode.history().length] } finally { Date.now = now } })`
	if out := said(tab, later+`(89)`); out != `[true,200]` {
		t.Errorf("after 89 days: %s", out)
	}
	if out := said(tab, later+`(91)`); out != `[true,0]` {
		t.Errorf("after 91 days: %s", out)
	}
	if out := said(tab, later+`(366)`); out != `[false,0]` {
		t.Errorf("after a year: %s", out)
	}
	nothingStored(t, tab)
	// What somebody else wrote under the name is no history, and no error.
	for _, junk := range []string{`[1`, `7`, `{"v":2}`, `{"v":1,"on":1e15}`, `{"v":1,"on":9e12,"seen":{"a":"b"}}`} {
		said(tab, fmt.Sprintf(`localStorage.setItem("thimble.device", %q)`, junk))
		if out := said(tab, `[mode.history().length]`); out != `[0]` {
			t.Errorf("with %s: %s", junk, out)
		}
	}
}

func TestAFileThatIsNotTheShopsIsNotRankedFrom(t *testing.T) {
	now := time.Now().Truncate(time.Second)
	good := deviceFile(t, 1, device.Content, 50, 5, now)
	s := newRanking(t, good)
	tab := s.visit()
	said(tab, `mode.on()`)
	load := fmt.Sprintf(`device({host: %q, key: %q}).rank({from: ["SKU-00001-ä"]})`, s.thimble.URL, s.key)
	change := func(f func(b []byte) []byte) {
		s.serves(good)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.file = f(s.file)
	}
	for name, f := range map[string]func(b []byte) []byte{
		"a changed byte": func(b []byte) []byte { b[len(b)/2] ^= 1; return b },
		"cut short":      func(b []byte) []byte { return b[:len(b)-1] },
		"empty":          func([]byte) []byte { return nil },
		"another shop's": func([]byte) []byte { b, _ := deviceSigner(t, 8).Sign(good); return b },
	} {
		change(f)
		if out := said(tab, load); !strings.Contains(out, "not signed by the shop") {
			t.Errorf("%s: %s", name, out)
		}
	}
	s.serves(deviceFile(t, 1, device.Content, 50, 5, now.Add(-13*time.Hour)))
	if out := said(tab, load); !strings.Contains(out, "has run out") {
		t.Errorf("one that has run out: %s", out)
	}
	s.serves(good)
	if l := ranked(t, tab, load); len(l.Entries) == 0 {
		t.Error("the shop's own file gives no list")
	}
}

// How long a list takes: printed, and nothing depends on it. The file is as large as one of
// Gowalla's 40,981 items.
func TestHowLongAListTakes(t *testing.T) {
	s := newRanking(t, deviceFile(t, 1, device.Counted, 41_000, 25, time.Now().Truncate(time.Second)))
	tab := s.visit()
	said(tab, `mode.on()`)
	said(tab, `(() => { for (let i = 0; i < 100; i++) mode.saw("SKU-" + String(i * 401).padStart(5, "0") + "-ä"); })()`)
	out := said(tab, `(async () => {
		const t0 = performance.now(); const m = await mode.load(); const t1 = performance.now();
		const times = [];
		for (let i = 0; i < 50; i++) { const t = performance.now(); const l = await mode.rank({n: 20}); times.push(performance.now() - t); if (l.entries.length != 20) throw Error("no list"); }
		times.sort((a, b) => a - b);
		return {items: m.items, bytes: m.bytes, load_ms: t1 - t0, rank_p50_ms: times[25], rank_p95_ms: times[47], rank_max_ms: times[49]};
	})()`)
	t.Logf("100 events: %s", out)
	if !strings.Contains(out, "rank_p50_ms") {
		t.Error("no list was ranked")
	}
}
