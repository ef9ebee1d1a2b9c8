package js_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"thimble/internal/web/webtest"
	js "thimble/sdk/js"
)

func TestMain(m *testing.M) { os.Exit(webtest.Main(m)) }

// object is a JSON object.
type object = map[string]any

// A request is what came over the wire.
type request struct {
	Method, Path string
	Header       http.Header
	Body         string
}

func (r request) json(t *testing.T) (o object) {
	t.Helper()
	if err := json.Unmarshal([]byte(r.Body), &o); err != nil {
		t.Fatalf("%s %s: %v", r.Method, r.Path, err)
	}
	return o
}

// A site is a shop's page on one origin, and beside it, on another, a Thimble that writes
// down every byte it is sent.
type site struct {
	*testing.T
	shop, thimble *httptest.Server
	options       object // of load
	before        string // a script that runs before it
	lang          string // of the page

	mu      sync.Mutex
	notice  object
	got     []request
	reports []string // of the content policy
	// answer says how a request is answered; nil means 200.
	answer func(r request) (status int, header http.Header, body string)
}

const key = "web_0123456789abcdef"

const (
	personalize = "personalize.content.profiled"
	train       = "train_ai_system"
)

// theNotice is a notice as Thimble answers it.
func theNotice() object {
	ask := func(purpose, category, title string) object {
		return object{"purpose": purpose, "category": category, "title": title, "what": "What is done about " + title + ".", "with": "With it.", "without": "Without it."}
	}
	return object{
		"lang": "en", "dir": "ltr", "version": "1", "sha256": strings.Repeat("a", 64), "text": "…", "covers": "c1", "lives_days": 365, "rest_months": 12,
		"asks": []object{ask(personalize, "Personalization", "Products chosen for you"), ask(train, "Training", "Learning for everybody")},
		"words": object{
			"title": "May we use what you do here?", "lead": "As long as you do not say yes, we do not.", "refuse": "Refuse all", "choose": "Choose", "allow": "Allow all",
			"later": "Decide later", "save": "Save my choices", "settings": "My choices", "yes": "Allow", "no": "Do not allow", "with": "If you allow it:", "without": "If not:", "more": "Privacy centre",
			"stored": "We keep a number in this browser.", "receipt": "Receipt", "close": "Close",
		},
	}
}

// page has no script and no style of its own: the policy would forbid them.
const page = `<!doctype html><html lang="%s"><head><meta charset="utf-8"><title>Linen shirt</title><meta name="viewport" content="width=device-width">
<script type="module" src="/shop.js"></script></head><body><main><h1>Linen shirt</h1><p><button id="buy">Add to basket</button></p>
<p><a id="choices" data-thimble-choices href="%s/privacy/choices">Privacy choices</a></p></main></body></html>`

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{T: t, options: object{}, notice: theNotice(), lang: "en"}
	s.thimble = httptest.NewServer(http.HandlerFunc(s.serveThimble))
	t.Cleanup(s.thimble.Close)
	s.shop = httptest.NewServer(http.HandlerFunc(s.serveShop))
	t.Cleanup(s.shop.Close)
	return s
}

func (s *site) serveShop(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/csp":
		b, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		s.reports = append(s.reports, string(b))
		s.mu.Unlock()
	case "/shop.js":
		options := object{"writeKey": key, "host": s.thimble.URL, "flushInterval": 30}
		maps.Copy(options, s.options)
		o, _ := json.Marshal(options)
		w.Header().Set("Content-Type", "text/javascript")
		_, _ = fmt.Fprintf(w, "%s\nimport {load} from %q;\nwindow.heard = [];\nconst t = window.thimble = load(%s);\n"+
			`for (const e of ["drop", "error", "consent"]) t.on(e, (...a) => heard.push([e, ...a.map(x => x instanceof Error ? x.message : x)]));`+
			"\nt.ready().then(() => { window.started = true; });", s.before, s.thimble.URL+js.Current, o)
	default:
		h := w.Header()
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self' "+s.thimble.URL+"; connect-src "+s.thimble.URL+"; base-uri 'none'; form-action 'none'; "+
			"require-trusted-types-for 'script'; trusted-types 'none'; report-uri /csp")
		_, _ = fmt.Fprintf(w, page, s.lang, s.thimble.URL)
	}
}

func (s *site) serveThimble(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, js.Prefix) {
		h, _ := js.Handler() // another test fails when it does
		h.ServeHTTP(w, r)
		return
	}
	body, _ := io.ReadAll(r.Body)
	one := request{r.Method, r.URL.RequestURI(), r.Header.Clone(), string(body)}
	s.mu.Lock()
	s.got = append(s.got, one)
	notice, answer := s.notice, s.answer
	s.mu.Unlock()
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", s.shop.URL)
	h.Set("Access-Control-Expose-Headers", "Retry-After")
	h.Set("Content-Type", "application/json")
	status, text := http.StatusOK, `{"success":true}`
	if r.URL.Path == "/v1/notice" {
		h.Set("Access-Control-Allow-Origin", "*")
		b, _ := json.Marshal(notice)
		text = string(b)
	}
	if r.URL.Path == "/v1/consent/browser" {
		text = `{"receipts":["c2sp.org/tlog-proof@v1 the proof"]}`
	}
	if answer != nil {
		if code, header, say := answer(one); code != 0 {
			maps.Copy(h, header)
			status, text = code, say
		}
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text)
}

// answers sets how requests are answered from now on. A status of 0 leaves it to the site.
func (s *site) answers(f func(r request) (int, http.Header, string)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = f
}

// requests lists what came at paths that begin so.
func (s *site) requests(prefix string) (all []request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.got {
		if strings.HasPrefix(r.Path, prefix) {
			all = append(all, r)
		}
	}
	return all
}

// events lists the events that came, in order.
func (s *site) events() (all []object) {
	s.Helper()
	for _, r := range s.requests("/v1/b") {
		for _, e := range r.json(s.T)["batch"].([]any) {
			all = append(all, e.(object))
		}
	}
	return all
}

// until waits until it is so.
func (s *site) until(what string, is func() bool) {
	s.Helper()
	for deadline := time.Now().Add(15 * time.Second); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.Fatalf("waited in vain until %s; the wire has %+v", what, s.requests("/"))
		}
	}
}

// settles gives what should not happen the time to happen.
func settles() { time.Sleep(400 * time.Millisecond) }

// visit opens the shop's page and waits until the module has started.
func (s *site) visit(v webtest.Viewport, path string) *webtest.Tab {
	s.Helper()
	tab := webtest.Start(s.T).NewTab(v)
	s.goTo(tab, path)
	return tab
}

func (s *site) goTo(tab *webtest.Tab, path string) {
	s.Helper()
	tab.Goto(s.shop.URL + path)
	tab.Wait("window.started")
}

// press presses a button in the banner or the preferences by its text.
func (s *site) press(tab *webtest.Tab, text string) {
	s.Helper()
	var ok bool
	tab.Eval(fmt.Sprintf(`(() => { const b = [...document.querySelector("thimble-choices")?.shadowRoot.querySelectorAll("button") ?? []].find(b => b.textContent === %q); b?.click(); return !!b; })()`, text), &ok)
	if !ok {
		s.Fatalf("there is no button %q", text)
	}
}

// allowed is a visit by somebody who has just allowed everything.
func (s *site) allowed() *webtest.Tab {
	s.Helper()
	tab := s.visit(webtest.Desk, "/")
	s.press(tab, "Allow all")
	s.until("the choice is recorded", func() bool { return len(s.requests("/v1/consent/browser")) == 1 })
	tab.Wait(`thimble.consent().receipts.length === 1`)
	return tab
}

// stored is all that the browser keeps of the page's origin.
func stored(tab *webtest.Tab) (all map[string]string) {
	tab.Eval(`(async () => { const all = {};
		for (const [name, s] of [["local", localStorage], ["session", sessionStorage]]) for (const k of Object.keys(s)) all[name + ":" + k] = s.getItem(k);
		for (const d of await indexedDB.databases()) all["indexedDB:" + d.name] = "";
		for (const k of await caches.keys()) all["cache:" + k] = "";
		for (const r of await navigator.serviceWorker.getRegistrations()) all["worker:" + r.scope] = "";
		if (document.cookie) all.cookie = document.cookie;
		return all; })()`, &all)
	return all
}

// nothingStored fails when the browser keeps anything.
func nothingStored(t *testing.T, tab *webtest.Tab) {
	t.Helper()
	if all := stored(tab); len(all) > 0 {
		t.Errorf("stored: %q, want nothing", all)
	}
}

// asked fails when anything else than the question's text was asked for.
func (s *site) askedOnlyForTheText() {
	s.Helper()
	for _, r := range s.requests("/") {
		if r.Method != http.MethodGet || !strings.HasPrefix(r.Path, "/v1/notice?lang=") || r.Body != "" {
			s.Errorf("%s %s with %q was sent", r.Method, r.Path, r.Body)
		}
		for _, name := range []string{"Cookie", "Referer", "Authorization", "If-None-Match"} {
			if v := r.Header.Get(name); v != "" {
				s.Errorf("%s carries %s: %q", r.Path, name, v)
			}
		}
	}
}

// policyKept fails when the content policy was broken.
func (s *site) policyKept() {
	s.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.reports {
		s.Errorf("the content policy was broken: %s", r)
	}
}

// sample is the first few of all, or with THIMBLE_SOAK=1 all of them.
func sample[T any](all []T, few int) []T {
	if os.Getenv("THIMBLE_SOAK") == "1" {
		return all
	}
	return all[:few]
}

// heard lists what the page was told of one kind.
func heard(tab *webtest.Tab, kind string) (all [][]any) {
	tab.Eval("heard", &all)
	return slices.DeleteFunc(all, func(e []any) bool { return e[0] != kind })
}
