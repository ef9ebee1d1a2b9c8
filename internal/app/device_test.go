package app_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"thimble"
	"thimble/internal/recommend"
	"thimble/internal/recommend/device"
	"thimble/internal/recommend/devicedb"
	"thimble/internal/thimbletest"
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

// Of who refused training, or takes it back while a file is made, nothing is in it.
func TestWhatLeavesForBrowsersIsMadeOfWhoPermitsTraining(t *testing.T) {
	s := thimbletest.New(t)
	crowd(s)
	s.Buys(s.Subject("refused", thimbletest.Allows(personalize)...), "shirt", "belt")
	leaver := s.Subject("leaver", thimbletest.Allows(personalize, train)...)
	s.Buys(leaver, "shirt", "belt")
	var made []int
	left := 0
	err := s.App.Shop.Publish(t.Context(), func(_ context.Context, d *recommend.Dataset) error {
		made = append(made, d.People())
		if len(made) == 1 {
			s.Chooses(leaver, thimbletest.Withdraws(train)...)
		}
		return nil
	}, func(context.Context) error { left = made[len(made)-1]; return nil })
	if err != nil || !slices.Equal(made, []int{13, 12}) || left != 12 {
		t.Errorf("made of %v people, and of %d left, %v; want 13, then 12", made, left, err)
	}
	_, err = s.Device.Release(t.Context(), devicedb.Order{By: "owner", Reason: "a try"})
	if !errors.Is(err, thimble.ErrConflict) || !strings.Contains(err.Error(), "12 people permit") {
		t.Errorf("a shop of 12 people: %v", err)
	}
	// Whoever has a file has it whoever they are; without an act it is the catalogue's.
	if f, err := s.Device.Current(t.Context()); err != nil || f.Kind != device.Content {
		t.Errorf("served: %v, %v", f.Kind, err)
	}
}

func dark(v webtest.Viewport) webtest.Viewport {
	v.Dark = true
	return v
}
