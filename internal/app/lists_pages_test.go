package app_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"thimble/internal/recommend"
	"thimble/internal/session"
	"thimble/internal/web/webtest"
)

// The pages about lists fit phone and desk, in light and dark, with all that they can show:
// what a customer would see, which lists a product drives, tuning, and the buttons of a list.
func TestThePagesAboutListsHaveNoBarriers(t *testing.T) {
	browser := webtest.Start(t)
	h := open(t)
	ada := h.customers[0].Subject
	better := recommend.DefaultRecipe()
	better.Name, better.Steps = "default-tuned", 4
	id, err := h.Tunings.Start(t.Context(), "owner")
	if err != nil {
		t.Fatal(err)
	}
	report := recommend.TuneReport{Recipe: better, Start: .1012, Best: .1077, Judged: 812, Tried: 2, Errors: 3.4, Split: recommend.Split{From: "2010-12", Cut: "2011-10-20", Until: "2011-12"}}
	for _, r := range []recommend.Recipe{recommend.DefaultRecipe(), better} {
		report.Points = append(report.Points, recommend.TunePoint{Recipe: r, NDCG: .1012, Recall: .2031, Coverage: .61, Weights: 51_234})
	}
	if err := h.Tunings.Finish(t.Context(), id, report); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Tunings.Choose(t.Context(), id, better, "owner", "four steps did better here"); err != nil {
		t.Fatal(err)
	}
	tab := browser.NewTab(webtest.Desk)
	tab.Cookie(h.url, "thimble_customer", h.cookie(t, session.Who{Audience: session.Customer, Subject: ada}))
	tab.Cookie(h.url, "thimble_staff", h.cookie(t, session.Who{Audience: session.Staff, Staff: "owner"}))
	time.Sleep(1500 * time.Millisecond) // what was counted is written each second
	looks := map[string]webtest.Viewport{"desk-light": webtest.Desk, "phone-dark": dark(webtest.Phone), "phone-light": webtest.Phone, "desk-dark": dark(webtest.Desk)}
	see := func(name string) {
		t.Helper()
		for look, view := range looks {
			tab.Look(view)
			tab.NoOverflow(t)
			if look == "desk-light" || look == "phone-dark" {
				tab.Axe(t)
			}
			if dir := os.Getenv("THIMBLE_SCREENSHOTS"); dir != "" {
				tab.Screenshot(t, filepath.Join(dir, "lists-"+name+"-"+look+".png"))
			}
		}
		tab.Look(webtest.Desk)
		tab.Clean(t, h.url)
	}

	tab.Goto(h.url + "/console/customers/" + ada.String() + "/lists")
	see("glimpse-asks")
	tab.Fill("input[name=reason]", "you asked why we show you lamps")
	tab.Follow("#glimpse button.primary")
	if text := tab.Text("main"); !strings.Contains(text, "Not shown to the customer") || !strings.Contains(text, "Score") {
		t.Errorf("what she would see:\n%s", text)
	}
	tab.Eval(`(() => { for (const d of [...document.querySelectorAll("main details")].slice(0, 2)) d.open = true; })()`, nil)
	see("glimpse")

	tab.Goto(h.url + "/console/catalogue/85123A")
	if text := tab.Text("main"); !strings.Contains(text, "Which lists it drives") || !strings.Contains(text, "People who had it") {
		t.Errorf("the product's page:\n%s", text)
	}
	see("drives")

	tab.Goto(h.url + "/console/recommendations/tuning")
	see("tuning")
	tab.Follow("form[action='/console/recommendations/tuning'] button")
	tab.Wait(`document.querySelector("main").textContent.includes("Recipes tried") || document.querySelectorAll("#tunings tbody tr").length === 2`)
	see("tuning-asked")

	tab.Goto(h.url + "/")
	tab.Eval(`(() => { for (const d of document.querySelectorAll("#for-you ~ * details, [aria-labelledby=for-you] details")) d.open = true; })()`, nil)
	if text := tab.Text("[aria-labelledby=for-you]"); !strings.Contains(text, "Less of ") {
		t.Errorf("the list of somebody who allows it:\n%s", text)
	}
	see("home")
}
