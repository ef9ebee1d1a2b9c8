package app_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"thimble/internal/web/webtest"
)

// A visitor who refuses everything, and tells nobody, has a list of their own all the same:
// in a real browser, on the demo, and on the wire nothing names what they looked at but the
// pages that they asked for themselves.
func TestWhoRefusedEverythingHasAListOnTheDevice(t *testing.T) {
	browser := webtest.Start(t)
	h := open(t)
	tab := browser.Open(h.url+"/", webtest.Desk)
	tab.Wait(`!document.querySelector("[data-device-switch]").disabled`)
	if text := tab.Text(".ondevice"); !strings.Contains(text, "Off") || !strings.Contains(text, "Nothing is sent") {
		t.Errorf("before it is turned on:\n%s", text)
	}
	tab.Goto(h.url + "/shop/items/85123A")
	tab.Wait(`document.querySelector("[data-device-item]").hidden && localStorage.length === 0`)
	tab.Goto(h.url + "/")
	tab.Wait(`!document.querySelector("[data-device-switch]").disabled`)
	for _, a := range tab.Requests() {
		if strings.Contains(a, "/v1/device/model") {
			t.Errorf("before it is turned on, %s was asked for", a)
		}
	}
	tab.Click("[data-device-switch]")
	tab.Wait(`document.querySelector("[data-device-say]").textContent.includes("Nothing is noted yet")`)
	for _, id := range []string{"85123A", "22423"} {
		tab.Goto(h.url + "/shop/items/" + id)
		tab.Wait(`!document.querySelector("[data-device-item]").hidden`)
	}
	before := len(tab.Requests())
	tab.Goto(h.url + "/")
	tab.Wait(`document.querySelectorAll("[data-device-list] article").length > 3`)
	if text := tab.Text("[data-device-list]"); !strings.Contains(text, "Because you looked at") || !strings.Contains(text, ": same ") {
		t.Errorf("the list:\n%s", text)
	}
	for _, a := range tab.Requests()[before:] {
		if strings.Contains(a, "85123A") || strings.Contains(a, "22423") {
			t.Errorf("the list has the browser ask for %s", a)
		}
	}
	shots := os.Getenv("THIMBLE_SCREENSHOTS")
	for name, view := range map[string]webtest.Viewport{"desk-light": webtest.Desk, "phone-dark": dark(webtest.Phone), "phone-light": webtest.Phone, "desk-dark": dark(webtest.Desk)} {
		if shots == "" && name != "phone-dark" && name != "desk-light" {
			continue
		}
		tab.Look(view)
		tab.Goto(h.url + "/")
		tab.Wait(`document.querySelectorAll("[data-device-list] article").length > 3`)
		tab.Eval(`(() => { for (const d of document.querySelectorAll(".ondevice details")) d.open = true; })()`, nil)
		tab.NoOverflow(t)
		tab.Axe(t)
		tab.Clean(t, h.url)
		if shots != "" {
			tab.Screenshot(t, filepath.Join(shots, "shop-device-"+name+".png"))
		}
	}
	tab.Eval(`document.querySelector("[data-device-history] button").click()`, nil)
	tab.Wait(`JSON.parse(localStorage.getItem("thimble.device")).seen["22423"] === undefined`)
	tab.Click("[data-device-switch]")
	tab.Wait(`localStorage.length === 0 && !document.querySelector("[data-device-list] article")`)
}

func dark(v webtest.Viewport) webtest.Viewport {
	v.Dark = true
	return v
}
