package portal_test

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"thimble"
	"thimble/internal/gate"
	"thimble/internal/rights/cases"
	"thimble/internal/rights/casesdb"
	"thimble/internal/web/webtest"
)

// cookie is the session of a guest, for a browser's tab.
func (g *guest) cookie() *http.Cookie {
	g.Helper()
	all := g.client.Jar.Cookies(must(url.Parse(g.url))(g))
	if len(all) != 1 {
		g.Fatalf("%d cookies, want the session's", len(all))
	}
	return all[0]
}

// tab is a browser in which the guest is signed in.
func (g *guest) tab(v webtest.Viewport) *webtest.Tab {
	g.Helper()
	tab := webtest.Start(g.T).NewTab(v)
	c := g.cookie()
	tab.Cookie(g.url, c.Name, c.Value)
	return tab
}

const settled = `![...document.querySelectorAll(".plot")].some(p => !p.querySelector("canvas")) && !document.querySelector(".receipt.busy")`

func TestEveryPageIsAccessibleAndSilent(t *testing.T) {
	h := open(t)
	read := gate.Request{Actor: gate.Actor{Kind: gate.Staff, Name: "mara"}, Subject: h.customers[0].Subject, Purpose: thimble.SupportOperations, Categories: []thimble.Category{thimble.PurchaseHistory}}
	must(h.gate.Open(t.Context(), read))(t)
	ada := h.signedIn(0)
	home := ada.page("/")
	why := webtest.SelectAttr(t, home, ".shelfwhy a", "href")[0]
	item := webtest.SelectAttr(t, home, ".product h3 a", "href")[0]
	c := must(h.cases.Open(t.Context(), casesdb.Asked{Subject: h.customers[0].Subject, Kind: cases.Erase, Via: cases.Store, By: cases.TheStaff, Staff: "mara", Words: thimble.Hide("please forget me")}))(t)
	asked := "/privacy/requests/" + c.ID.Token(cases.TokenPrefix)
	pages := map[string]string{
		"shop-home": "/", "shop-items": "/shop/items?category=bags", "shop-item": item, "shop-why": why, "shop-about": "/shop/about", "shop-sign-in": "/shop/sign-in",
		"shop-none": "/shop/items?q=zeppelin", "privacy": "/privacy", "privacy-choices": "/privacy/choices?done=saved", "privacy-receipts": "/privacy/receipts",
		"privacy-receipt": "/privacy/receipts/choice/1", "privacy-decisions": "/privacy/decisions", "privacy-decision": strings.Replace(why, "/shop/why/", "/privacy/decisions/", 1),
		"privacy-access": "/privacy/access", "privacy-data": "/privacy/data", "privacy-data-one": "/privacy/data?of=order", "privacy-forget": "/privacy/forget", "privacy-requests": "/privacy/requests", "privacy-request": asked, "privacy-limit": "/privacy/limit",
		"privacy-sign-in": "/privacy/sign-in", "privacy-link": "/privacy/link/x", "privacy-missing": "/privacy/nothing",
	}
	tab := ada.tab(webtest.Desk)
	for name, path := range pages {
		t.Run(name, func(t *testing.T) { look(t, tab, name, h.url+path) })
	}
	other := h.signedIn(1).tab(webtest.Desk)
	t.Run("shop-refused", func(t *testing.T) { look(t, other, "shop-refused", h.url+"/") })
	stranger := webtest.Start(t).NewTab(webtest.Desk)
	t.Run("shop-stranger", func(t *testing.T) { look(t, stranger, "shop-stranger", h.url+"/") })
}

func look(t *testing.T, tab *webtest.Tab, name, address string) {
	tab.Look(webtest.Desk)
	tab.Goto(address)
	for i, v := range []struct {
		name string
		view webtest.Viewport
	}{
		{"desk-light", webtest.Desk}, {"phone-light", webtest.Phone},
		{"desk-dark", webtest.Viewport{Width: 1280, Height: 800, Dark: true}}, {"phone-dark", webtest.Viewport{Width: 390, Height: 844, Dark: true}},
	} {
		dir := os.Getenv("THIMBLE_SCREENSHOTS")
		each := i == 0 || i == 3 // each colour and each width once
		if dir == "" && !each {
			continue
		}
		tab.Look(v.view)
		tab.Wait(settled)
		if dir != "" {
			tab.Screenshot(t, filepath.Join(dir, name+"-"+v.name+".png"))
		}
		tab.NoOverflow(t)
		if each {
			tab.Axe(t)
		}
	}
}

func TestReceiptsAreCheckedInTheBrowser(t *testing.T) {
	h := open(t)
	ada := h.signedIn(0)
	why := webtest.SelectAttr(t, ada.page("/"), ".shelfwhy a", "href")[0]
	tab := ada.tab(webtest.Desk)

	// Each in place: the decision in the shop, the choice just made, the erasure.
	tab.Goto(h.url + why)
	tab.Click("[data-check]")
	tab.Wait(`document.querySelector(".receipt.good .receiptsaid dl")`)

	tab.Goto(h.url + "/privacy/choices")
	tab.Click(`input[name=choice-0][value=refuse]`)
	tab.Follow(`.choicebuttons .primary`)
	tab.Wait(`document.querySelectorAll(".receipt.good").length === 2`)
	tab.Click(".receipt.good .receiptsaid summary")
	if got := tab.Text(".receipt.good .receiptsaid"); !strings.Contains(got, "stopped") {
		t.Errorf("the receipt says %q", got)
	}
	shoot(t, tab, "privacy-saved")

	tab.Goto(h.url + "/privacy/forget")
	tab.Fill("#forget-word", "FORGET")
	tab.Follow("#forget .danger")
	tab.Wait(`document.querySelector(".receipt.good")`)
	shoot(t, tab, "privacy-forgotten")
	tab.NoOverflow(t)
	tab.Axe(t)
	tab.Clean(t, h.url)
}

func shoot(t *testing.T, tab *webtest.Tab, name string) {
	t.Helper()
	if dir := os.Getenv("THIMBLE_SCREENSHOTS"); dir != "" {
		tab.Screenshot(t, filepath.Join(dir, name+".png"))
	}
}
