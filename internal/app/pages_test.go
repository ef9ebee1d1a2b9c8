package app_test

import (
	"context"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"thimble"
	"thimble/internal/app"
	"thimble/internal/collect"
	"thimble/internal/decision/decisiondb"
	"thimble/internal/recommend/lists"
	"thimble/internal/session"
	"thimble/internal/thimbletest"
	"thimble/internal/web/webtest"
)

func TestMain(m *testing.M) { os.Exit(webtest.Main(m)) }

// A house is a demo that serves, on a sample of the real orders, or on all of
// them with THIMBLE_WHOLE_SET=1.
type house struct {
	*thimbletest.Shop
	url       string
	customers []app.DemoCustomer
}

type silence struct{}

func (silence) Say(string, ...any) {}

func (silence) Begin(string, int64) (func(int64), func()) { return func(int64) {}, func() {} }

func open(t *testing.T) *house {
	t.Helper()
	h := &house{Shop: thimbletest.New(t)}
	orders := collect.File("../collect/testdata/online_retail_sample.csv.gz")
	if os.Getenv("THIMBLE_WHOLE_SET") != "" {
		orders = app.DemoOrders()
	}
	if err := h.SeedDemo(t.Context(), orders, silence{}); err != nil {
		t.Fatal(err)
	}
	var err error
	if h.customers, err = h.DemoCustomers(t.Context()); err != nil || len(h.customers) < 3 {
		t.Fatalf("customers %v, %v", h.customers, err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var work sync.WaitGroup
	for _, run := range []func(context.Context) error{h.Ledger.Run, h.Uses.Run, h.Jobs.Run} {
		work.Go(func() { _ = run(ctx) }) // what it could not do shows in the pages
	}
	t.Cleanup(func() { stop(); work.Wait() })
	h.serves(t)
	return h
}

// serves has the house answer at an address until the test ends.
func (h *house) serves(t *testing.T) {
	t.Helper()
	handler, err := h.Handler(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	h.url = strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
}

// A shown is a page and what stands on it.
type shown struct{ page, shows string }

// looks has the owner and a customer look at pages that show something.
func (h *house) looks(t *testing.T, browser *webtest.Browser, customer thimble.SubjectID, pages ...shown) {
	t.Helper()
	tab := browser.NewTab(webtest.Desk)
	cookies := []*http.Cookie{{Name: "thimble_customer", Value: h.cookie(t, session.Who{Audience: session.Customer, Subject: customer})}, {Name: "thimble_staff", Value: h.cookie(t, session.Who{Audience: session.Staff, Staff: "owner"})}}
	for _, c := range cookies {
		tab.Cookie(h.url, c.Name, c.Value)
	}
	for i, c := range pages {
		status, body := reader{base: h.url, cookies: cookies}.get(t, c.page)
		if status != http.StatusOK || !strings.Contains(body, c.shows) {
			t.Errorf("%s: %d, without %q", c.page, status, c.shows)
		}
		look(t, tab, h.url, c.page, i)
	}
}

func (h *house) cookie(t *testing.T, who session.Who) string {
	t.Helper()
	cookie, err := h.Sessions.Begin(t.Context(), who, session.UnknownDevice)
	if err != nil {
		t.Fatal(err)
	}
	return cookie
}

// A reader is a browser's view without a browser: it follows no redirects and
// carries the cookies of one customer and one member of staff.
type reader struct {
	base    string
	cookies []*http.Cookie
}

func (r reader) get(t *testing.T, path string) (status int, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.base+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "text/html")
	for _, c := range r.cookies {
		req.AddCookie(c)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") || res.Header.Get("Content-Disposition") != "" {
		return res.StatusCode, ""
	}
	return res.StatusCode, string(b)
}

var token = regexp.MustCompile(`/(?:(?:sub|dec|con|cst|req|imp|draft|prop|use|key|rcp|agr|msg)_[0-9a-z]+(?:-[0-9]+)?|[0-9]{5}[A-Za-z]*|DOT|POST|[0-9a-f]{64}|[a-z]{2}\.[a-z0-9.]+|baseline\.strict|house|[0-9]+)(/|$)`)

// shape is a path with its tokens left out: pages of one shape are one page.
func shape(path string) string { return token.ReplaceAllString(path, "/x$1") }

// crawl follows every link from the given pages and returns one address of each
// shape. A link that leads nowhere fails the test.
func crawl(t *testing.T, r reader, from ...string) []string {
	t.Helper()
	seen := map[string]bool{}
	shapes := map[string]int{}
	looked := map[string]string{}
	for queue := from; len(queue) > 0; queue = queue[1:] {
		path := queue[0]
		plain, query, _ := strings.Cut(path, "?")
		// Two of each shape are asked for, and a few of its queries.
		if seen[path] || shapes[shape(plain)] >= 2 && query == "" || shapes[shape(plain)+"?"] >= 6 {
			continue
		}
		seen[path] = true
		shapes[shape(plain)]++
		if query != "" {
			shapes[shape(plain)+"?"]++
		}
		status, body := r.get(t, path)
		if status >= 400 {
			t.Errorf("%s answers %d", path, status)
		}
		if body == "" {
			continue
		}
		// A page is looked at plain, or as it was met first when no link leads to it plain.
		if had, met := looked[shape(plain)]; !met || query == "" && strings.Contains(had, "?") {
			looked[shape(plain)] = path
		}
		for _, href := range webtest.SelectAttr(t, body, "a[href]", "href") {
			if u, err := url.Parse(href); err == nil && u.Host == "" && strings.HasPrefix(u.Path, "/") {
				u.Fragment = ""
				queue = append(queue, u.String())
			}
		}
	}
	return slices.Sorted(maps.Values(looked))
}

// TestPagesHaveNoBarriersAndNoDeadLinks walks every page that a link leads to, as a
// customer and as a member of staff, on the phone and the desk, in light and dark. Each
// page must fit both; the rules of accessibility are asked in one view of each page, by
// turns, and in all of them with THIMBLE_SOAK.
func TestPagesHaveNoBarriersAndNoDeadLinks(t *testing.T) {
	browser := webtest.Start(t)
	h := open(t)
	ada := h.customers[0].Subject
	h.contests(t, ada, h.Sees(ada)) // so that there is a decision to look at, and a review of it
	h.discloses(t, ada)
	suspects(t, h.Shop, ada)
	h.Browses(ada, "85123A", "71053", "22423")
	searches(t, h.Shop, ada, "a lamp for the hall")
	customer := h.cookie(t, session.Who{Audience: session.Customer, Subject: ada})
	staff := h.cookie(t, session.Who{Audience: session.Staff, Staff: "owner"})
	time.Sleep(1500 * time.Millisecond) // counted uses and checkpoints are written each second
	cookies := []*http.Cookie{{Name: "thimble_customer", Value: customer}, {Name: "thimble_staff", Value: staff}}
	pages := crawl(t, reader{base: h.url, cookies: cookies}, "/", "/privacy", "/console", "/console/customers/"+ada.String(), "/docs/api", "/ledger/verify.html")
	pages = append(pages, crawl(t, reader{base: h.url}, "/privacy/sign-in", "/console/sign-in")...)
	if len(pages) < 30 {
		t.Errorf("only %d pages were found: %v", len(pages), pages)
	}
	tab := browser.NewTab(webtest.Desk)
	for _, c := range cookies {
		tab.Cookie(h.url, c.Name, c.Value)
	}
	done := map[string]bool{}
	for i, page := range pages {
		if done[page] {
			continue
		}
		done[page] = true
		t.Run(strings.ReplaceAll(strings.Trim(shape(page), "/"), "/", " "), func(t *testing.T) {
			look(t, tab, h.url, page, i)
		})
	}
}

// contests has the person ask for a review of a list.
func (h *house) contests(t *testing.T, who thimble.SubjectID, list lists.List) {
	t.Helper()
	d, err := h.Decisions.Get(t.Context(), list.Decision)
	if err == nil {
		_, err = h.Decisions.Contest(t.Context(), d, decisiondb.Wish{Reason: "wrong data", Text: thimble.Hide("That was a gift for my sister.")})
	}
	if err != nil {
		t.Fatalf("contesting for %s: %v", who, err)
	}
}

func look(t *testing.T, tab *webtest.Tab, base, page string, turn int) {
	views, all := []string{"desk-light", "phone-dark"}, os.Getenv("THIMBLE_SOAK") != ""
	shots := os.Getenv("THIMBLE_SCREENSHOTS")
	if shots != "" || all {
		views = append(views, "desk-dark", "phone-light")
	}
	for i, name := range views {
		view := map[bool]webtest.Viewport{true: webtest.Phone, false: webtest.Desk}[strings.HasPrefix(name, "phone")]
		view.Dark = strings.HasSuffix(name, "dark")
		tab.Look(view)
		tab.Goto(base + page)
		tab.NoOverflow(t)
		if all || i == turn%2 {
			tab.Axe(t)
		}
		tab.Clean(t, base)
		if shots != "" {
			file := strings.Trim(strings.ReplaceAll(shape(page), "/", "-"), "-")
			if file == "" {
				file = "shop"
			}
			tab.Screenshot(t, filepath.Join(shots, file+"-"+name+".png"))
		}
	}
}

// TestTheMainJobInABrowser is the way of the first visitor: a personal list, its
// reason, its receipt checked in place, a refusal, the popular list, the proof.
func TestTheMainJobInABrowser(t *testing.T) {
	browser := webtest.Start(t)
	h := open(t)
	tab := browser.Open(h.url+"/shop/sign-in", webtest.Phone)
	tab.Follow("form button")
	if text := tab.Text("main"); !strings.Contains(text, "For you") {
		t.Fatalf("signed in, the shop shows:\n%s", text)
	}
	tab.Follow(".why a")
	checkReceipt(t, tab)
	tab.Goto(h.url + "/privacy/choices")
	tab.Follow(`button[name=all][value=refuse]`)
	checkReceipt(t, tab)
	tab.Goto(h.url + "/")
	text := tab.Text("main")
	if strings.Contains(text, "For you") || !strings.Contains(text, "Popular") || !strings.Contains(text, "you do not allow it") {
		t.Errorf("after the refusal the shop shows:\n%s", text)
	}
	tab.Clean(t, h.url)
}

// checkReceipt has the page check its first receipt, and waits for the answer.
func checkReceipt(t *testing.T, tab *webtest.Tab) {
	t.Helper()
	tab.Eval("document.querySelector('.receipt:not(.good):not(.busy) [data-check]')?.click(), true", new(bool))
	for range 80 {
		var good bool
		tab.Eval("!!document.querySelector('.receipt.good')", &good)
		if good {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Errorf("no receipt was found true; the page says:\n%s", tab.Text("main"))
}
