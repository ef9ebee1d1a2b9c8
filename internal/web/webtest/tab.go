package webtest

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// A Tab is an open page with cookies and storage of its own.
type Tab struct {
	t    testing.TB
	ctx  context.Context
	view Viewport
	url  string

	mu       sync.Mutex
	requests []string
	trouble  []string
}

const patience = 20 * time.Second

// Open opens a page and waits until it has loaded.
func (b *Browser) Open(url string, v Viewport) *Tab {
	b.t.Helper()
	tab := b.NewTab(v)
	tab.Goto(url)
	return tab
}

// NewTab opens an empty tab, such as to set a cookie before the first page.
func (b *Browser) NewTab(v Viewport) *Tab {
	b.t.Helper()
	if v.Width == 0 {
		v.Width, v.Height = Desk.Width, Desk.Height
	}
	return newTab(b.t, b.ctx, v, chromedp.WithNewBrowserContext())
}

// Beside opens an empty tab beside this one, with the same cookies and storage.
func (tab *Tab) Beside() *Tab {
	tab.t.Helper()
	return newTab(tab.t, tab.ctx, tab.view)
}

func newTab(t testing.TB, parent context.Context, v Viewport, options ...chromedp.ContextOption) *Tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(parent, options...)
	t.Cleanup(cancel)
	tab := &Tab{t: t, ctx: ctx, view: v}
	if err := chromedp.Listen(ctx, tab.hear); err != nil {
		t.Fatalf("opening a tab: %v", err)
	}
	_, err := chromedp.Call(ctx, network.Enable, network.EnableParams{})
	tab.must("listening to the network", err)
	_, err = chromedp.Call(ctx, log.Enable, cdp.Empty{})
	tab.must("listening to the log", err)
	_, err = chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: v.NoScript})
	tab.must("switching scripts", err)
	tab.Look(v)
	return tab
}

// Offline takes the tab off the network, or puts it back.
func (tab *Tab) Offline(off bool) {
	tab.t.Helper()
	rule := []*network.Conditions{{Offline: off, DownloadThroughput: -1, UploadThroughput: -1}}
	_, err := chromedp.Call(tab.ctx, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{MatchedNetworkConditions: rule})
	tab.must("switching the network", err)
	// What the page is told of it is another switch.
	_, err = chromedp.Call(tab.ctx, network.OverrideNetworkState, network.OverrideNetworkStateParams{Offline: off, DownloadThroughput: -1, UploadThroughput: -1})
	tab.must("telling the page", err)
}

// Sends has each request of the tab carry a header, as the network stack of a browser that
// has a setting for it would send it: no page sees it, and none is asked before.
func (tab *Tab) Sends(name, value string) {
	tab.t.Helper()
	_, err := chromedp.Call(tab.ctx, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: network.Headers{name: value}})
	tab.must("setting a header", err)
}

// Look shows the same page in another size or colour.
func (tab *Tab) Look(v Viewport) {
	tab.t.Helper()
	tab.view = v
	scheme := "light"
	if v.Dark {
		scheme = "dark"
	}
	_, err := chromedp.Call(tab.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}})
	tab.must("choosing the colours", err)
	tab.do("setting the viewport", chromedp.EmulateViewport(int64(v.Width), int64(v.Height)))
}

// hear runs inside the protocol's reader: it notes and returns.
func (tab *Tab) hear(event any) {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		tab.requests = append(tab.requests, e.Request.URL)
	case *runtime.EventExceptionThrown:
		tab.trouble = append(tab.trouble, "exception: "+exceptionText(e.ExceptionDetails))
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning {
			tab.trouble = append(tab.trouble, "console: "+consoleText(e.Args))
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError || e.Entry.Source == log.EntrySourceSecurity {
			tab.trouble = append(tab.trouble, "browser: "+e.Entry.Text+" "+e.Entry.URL)
		}
	}
}

func exceptionText(e *runtime.ExceptionDetails) string {
	if e.Exception != nil {
		return e.Text + " " + e.Exception.Description
	}
	return e.Text
}

func consoleText(args []*runtime.RemoteObject) string {
	var parts []string
	for _, a := range args {
		parts = append(parts, strings.TrimSpace(string(a.Value)+" "+a.Description))
	}
	return strings.Join(parts, " ")
}

func (tab *Tab) must(what string, err error) {
	tab.t.Helper()
	if err != nil {
		tab.t.Fatalf("%s on %s: %v", what, tab.url, err)
	}
}

func (tab *Tab) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, patience)
	defer cancel()
	tab.must(what, chromedp.Do(ctx, steps...))
}

// Goto opens another page in the same tab.
func (tab *Tab) Goto(url string) {
	tab.t.Helper()
	tab.url = url
	tab.do("opening the page", chromedp.Navigate(url))
}

// Click clicks what the selector finds first.
func (tab *Tab) Click(sel string) {
	tab.t.Helper()
	tab.do("clicking "+sel, chromedp.Click(chromedp.CSS(sel)))
}

// Follow clicks and waits for the page that it leads to.
func (tab *Tab) Follow(sel string) {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, patience)
	defer cancel()
	_, err := chromedp.RunResponse(ctx, chromedp.Click(chromedp.CSS(sel)))
	tab.must("following "+sel, err)
}

// Press types one key, such as "\t" or "/".
func (tab *Tab) Press(keys string) {
	tab.t.Helper()
	tab.do("pressing a key", chromedp.KeyEvent(keys))
}

// Fill types v into a field that it empties first.
func (tab *Tab) Fill(sel, v string) {
	tab.t.Helper()
	tab.do("filling "+sel, chromedp.Clear(chromedp.CSS(sel)), chromedp.SendKeys(chromedp.CSS(sel), v))
}

// Text returns the text of what the selector finds first.
func (tab *Tab) Text(sel string) string {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, patience)
	defer cancel()
	s, err := chromedp.Run(ctx, chromedp.Text(chromedp.CSS(sel)))
	tab.must("reading "+sel, err)
	return strings.TrimSpace(s)
}

// Eval runs a script in the page, waits for its promise and decodes its value
// into out, which may be nil.
func (tab *Tab) Eval(js string, out any) {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, patience)
	defer cancel()
	raw, err := chromedp.Run(ctx, chromedp.Evaluate[[]byte](js, chromedp.EvalAwaitPromise))
	tab.must("running a script", err)
	if out != nil && len(raw) > 0 {
		tab.must("reading a script's value", json.Unmarshal(raw, out))
	}
}

// Wait waits until a script's value is true.
func (tab *Tab) Wait(js string) {
	tab.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		var ok bool
		tab.Eval("Boolean("+js+")", &ok)
		if ok {
			return
		}
		if time.Now().After(deadline) {
			tab.t.Fatalf("waited in vain on %s for %s", tab.url, js)
		}
	}
}

// Cookie sets a cookie for the site at url.
func (tab *Tab) Cookie(url, name, value string) {
	tab.t.Helper()
	_, err := chromedp.Call(tab.ctx, network.SetCookie, network.SetCookieParams{Name: name, Value: value, URL: url})
	tab.must("setting a cookie", err)
}

// Requests lists every address the tab has asked for, "data:" ones included.
func (tab *Tab) Requests() []string {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	return slices.Clone(tab.requests)
}

// Clean fails when the page logged an error, broke its policy, or asked a host
// other than that of base.
func (tab *Tab) Clean(t testing.TB, base string) {
	t.Helper()
	for _, url := range tab.Requests() {
		if !strings.HasPrefix(url, strings.TrimSuffix(base, "/")+"/") && url != base && !strings.HasPrefix(url, "data:") {
			t.Errorf("%s asks for %s, outside %s", tab.url, url, base)
		}
	}
	tab.Quiet(t)
}

// Quiet fails when the page logged an error or broke its policy.
func (tab *Tab) Quiet(t testing.TB) {
	t.Helper()
	tab.mu.Lock()
	defer tab.mu.Unlock()
	for _, trouble := range tab.trouble {
		t.Errorf("%s: %s", tab.url, trouble)
	}
}

// NoOverflow fails when the page is wider than its window.
func (tab *Tab) NoOverflow(t testing.TB) {
	t.Helper()
	var wide []string
	tab.Eval(`[...(document.documentElement.scrollWidth > innerWidth ? document.querySelectorAll("body *") : [])]
		.filter(e => e.getBoundingClientRect().right > innerWidth + 1).slice(0, 5).map(e => e.outerHTML.slice(0, 160))`, &wide)
	for _, element := range wide {
		t.Errorf("%s is wider than %d pixels: %s", tab.url, tab.view.Width, element)
	}
}

// Screenshot saves the full page as PNG.
func (tab *Tab) Screenshot(t testing.TB, path string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, patience)
	defer cancel()
	var height float64
	tab.Eval("document.documentElement.scrollHeight", &height)
	// Captured beyond the viewport: what is fixed to the window's height, such
	// as a side bar, keeps its size.
	shot, err := chromedp.Call(ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{
		CaptureBeyondViewport: ptr(true),
		Clip:                  &page.Viewport{Width: float64(tab.view.Width), Height: height, Scale: 1},
	})
	if err != nil {
		t.Fatalf("screenshot of %s: %v", tab.url, err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, shot.Data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func ptr[T any](v T) *T { return &v }
