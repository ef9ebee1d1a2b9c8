package web_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"thimble/internal/web"
	"thimble/internal/web/webtest"
)

func TestMain(m *testing.M) { os.Exit(webtest.Main(m)) }

func newPages(t testing.TB) *web.Pages {
	t.Helper()
	kit, err := web.New(web.Config{Now: func() time.Time { return noon }, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	pages, err := kit.Pages(os.DirFS("testdata"))
	if err != nil {
		t.Fatal(err)
	}
	return pages
}

// serve is a door with the gallery's pages behind the whole chain of middleware.
func serve(t testing.TB) string {
	t.Helper()
	pages := newPages(t)
	mux := http.NewServeMux()
	mux.Handle("GET "+web.AssetPrefix, pages.Kit().Assets())
	show := func(pattern, name string, page func(r *http.Request) web.Page) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			pages.Render(w, r, http.StatusOK, name, page(r))
		})
	}
	show("GET /overview", "overview.html", func(r *http.Request) web.Page {
		p := overviewPage(or(r.URL.Query().Get("layout"), web.Console))
		body := p.Body.(overviewBody)
		body.Orders.URL = r.URL
		p.Body = body
		return p
	})
	show("GET /record", "record.html", func(*http.Request) web.Page { return recordPage(web.Console) })
	show("GET /portal", "record.html", func(*http.Request) web.Page { return portalPage() })
	show("GET /shop", "shop.html", func(*http.Request) web.Page { return shopPage() })
	mux.HandleFunc("GET /plain", func(w http.ResponseWriter, r *http.Request) {
		pages.Kit().ShowProblem(w, r, web.Problem{Title: "There is nothing here", Status: http.StatusOK, Detail: "Check the address, or go back to where the link was."}, web.Page{})
	})
	handler, err := web.Secure(mux, web.SecureOptions{})
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	server := httptest.NewServer(web.RequestID(web.AccessLog(web.Recover(handler, log, nil), log)))
	t.Cleanup(server.Close)
	return server.URL
}

func or(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}

func TestEveryComponentInEveryLayoutIsAccessibleAndSilent(t *testing.T) {
	base := serve(t)
	for _, page := range []string{"overview", "record", "portal", "shop", "plain"} {
		t.Run(page, func(t *testing.T) {
			t.Parallel()
			tab := webtest.Start(t).Open(base+"/"+page, webtest.Desk)
			for _, look := range looks() {
				tab.Look(look.view)
				tab.Wait(`![...document.querySelectorAll(".plot")].some(p => !p.querySelector("canvas"))`)
				if dir := os.Getenv("THIMBLE_SCREENSHOTS"); dir != "" {
					tab.Screenshot(t, filepath.Join(dir, page+"-"+look.name+".png"))
				}
				tab.NoOverflow(t)
				tab.Axe(t)
			}
			tab.Clean(t, base)
		})
	}
}

type look struct {
	name string
	view webtest.Viewport
}

func looks() []look {
	dark := func(v webtest.Viewport) webtest.Viewport { v.Dark = true; return v }
	return []look{{"desk-light", webtest.Desk}, {"phone-light", webtest.Phone}, {"desk-dark", dark(webtest.Desk)}, {"phone-dark", dark(webtest.Phone)}}
}

func TestSortingSwapsTheTableAndKeepsTheURLTheFocusAndThePage(t *testing.T) {
	base := serve(t)
	tab := webtest.Start(t).Open(base+"/overview", webtest.Desk)
	tab.Eval(`window.sameDocument = true; document.getElementById("orders-by-total").focus()`, nil)

	tab.Press("\r")
	tab.Wait(`location.search === "?sort=total"`)
	tab.Wait(`document.querySelector("#orders th[aria-sort=ascending]")`)

	tab.Wait(`window.sameDocument`)
	tab.Wait(`document.activeElement.id === "orders-by-total"`)
	tab.Wait(`document.getElementById("status").textContent === "5 rows shown."`)
	tab.Clean(t, base)
}

func TestFilteringAndPagingSwapButOtherLinksLeadAway(t *testing.T) {
	base := serve(t)
	tab := webtest.Start(t).Open(base+"/overview", webtest.Desk)
	tab.Eval(`window.sameDocument = true`, nil)

	tab.Fill("#orders-q", "scarf")
	tab.Click("#orders .filters button")
	tab.Wait(`new URLSearchParams(location.search).get("q") === "scarf"`)
	tab.Wait(`window.sameDocument`)
	tab.Click("#orders-next")
	tab.Wait(`new URLSearchParams(location.search).get("page") === "4"`)
	tab.Wait(`window.sameDocument && document.querySelector(".pagehead")`)
	tab.Follow("#orders tbody .button")

	tab.Wait(`location.pathname === "/orders/1" && !window.sameDocument`)
}

func TestWithoutScriptTheSameThingsWork(t *testing.T) {
	base := serve(t)
	tab := webtest.Start(t).Open(base+"/overview", webtest.Viewport{Width: 390, Height: 844, NoScript: true})

	tab.Click(".menu summary")
	if got := tab.Text(".menubody .navlink"); got != "Overview" {
		t.Errorf("first link of the menu = %q, want Overview", got)
	}
	if got := tab.Text("#forecast tbody th"); got != "13 Oct 2026" {
		t.Errorf("first row of the chart's table = %q, want it shown", got)
	}
	tab.Look(webtest.Desk)
	tab.Follow("#orders-by-total")
	if got := tab.Text("#orders th[aria-sort=ascending] a"); got != "Total" {
		t.Errorf("sorted column = %q, want Total", got)
	}
}

func TestAFormWithErrorsTakesTheFocusToItsSummary(t *testing.T) {
	tab := webtest.Start(t).Open(serve(t)+"/record", webtest.Desk)

	tab.Wait(`document.activeElement.className === "errorsummary"`)
	tab.Click(".errorsummary a")

	tab.Wait(`document.activeElement.id === "answer-months"`)
}

func TestAThemeChoiceRedrawsAndStays(t *testing.T) {
	base := serve(t)
	tab := webtest.Start(t).Open(base+"/overview", webtest.Desk)

	tab.Click(".railtop [data-theme-toggle]")
	tab.Wait(`getComputedStyle(document.documentElement).colorScheme === "dark"`)
	tab.Goto(base + "/shop")

	tab.Wait(`document.documentElement.dataset.theme === "dark"`)
	tab.Clean(t, base)
}

func TestThePolicyBlocksCodeInAReply(t *testing.T) {
	base := serve(t)
	tab := webtest.Start(t).Open(base+"/shop", webtest.Desk)

	var outcome string
	tab.Eval(`(() => { try { document.body.innerHTML = "<b>x</b>"; return "allowed" } catch (e) { return e.name } })()`, &outcome)

	if outcome != "TypeError" {
		t.Errorf("setting innerHTML from a string = %q, want a TypeError", outcome)
	}
}
