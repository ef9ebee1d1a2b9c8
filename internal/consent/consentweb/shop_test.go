package consentweb

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/web/webtest"
)

func TestTheBannerAsksOnceAndRecordsWhatWasPressed(t *testing.T) {
	for pressed, want := range map[string][]string{
		no: {lists + " refused", learn + " refused"}, yes: {lists + " given", learn + " given"}, later: {lists + " deferred", learn + " deferred"},
		"maybe": nil, "": nil,
	} {
		p := somebody(t)
		page := p.page(p.shop, "/")
		webtest.Check(t, page)
		if got := webtest.Select(t, page, ".promptbuttons > *"); !slices.Equal(got, []string{"Refuse all", "Choose", "Allow all"}) {
			t.Fatalf("the banner offers %q", got)
		}
		for _, a := range consent.Asked {
			if !slices.Contains(webtest.Select(t, page, ".promptpoints dd"), a.What) {
				t.Errorf("the banner does not say %q", a.What)
			}
		}
		if got := webtest.Select(t, page, ".promptmore"); len(got) != 1 || !strings.Contains(strings.Join(strings.Fields(got[0]), " "), strings.Join(strings.Fields(consent.Current().Text), " ")) {
			t.Errorf("the banner's whole text is not the notice: %q", got)
		}
		if code := p.post(p.shop, webtest.SelectAttr(t, page, ".prompt form", "action")[0], url.Values{"all": {pressed}}); code != http.StatusSeeOther {
			t.Fatalf("%q = %d", pressed, code)
		}
		if !slices.Equal(p.said(), want) {
			t.Errorf("%q recorded %q, want %q", pressed, p.said(), want)
		}
		asks := len(webtest.Select(t, p.page(p.shop, "/"), ".prompt")) > 0
		if asks != (want == nil) {
			t.Errorf("after %q the banner asks: %t", pressed, asks)
		}
		if want == nil {
			continue
		}
		if e := p.events[0]; e.UI.Component != bannerUI || e.Notice != consent.Current().Ref() || e.By.Actor != "subject" {
			t.Errorf("recorded %+v", e)
		}
		// Pressed again, nothing is added.
		if p.post(p.shop, shopBanner, url.Values{"all": {pressed}}); len(p.events) != len(want) {
			t.Errorf("pressed twice, %q recorded %q", pressed, p.said())
		}
	}
}

func TestNobodyIsAskedAgainWithinTheRest(t *testing.T) {
	p := somebody(t)
	p.post(p.shop, shopBanner, url.Values{"all": {no}})
	p.at = p.at.AddDate(0, 5, 29)
	if got := webtest.Select(t, p.page(p.shop, "/"), ".prompt"); len(got) != 0 {
		t.Errorf("asked again within six months: %q", got)
	}
	// Nor by a form that somebody kept: the banner's yes counts only for what it may ask.
	if p.post(p.shop, shopBanner, url.Values{"all": {yes}}); len(p.events) != 2 {
		t.Errorf("an old banner recorded %q", p.said())
	}
	p.at = p.at.AddDate(0, 0, 4)
	if got := webtest.Select(t, p.page(p.shop, "/"), ".prompt"); len(got) != 1 {
		t.Error("not asked after six months")
	}
}

func TestOnlyWhatMayBeAskedIsInTheBanner(t *testing.T) {
	p := somebody(t)
	p.post(p.portal, choicesPath, url.Values{"choice-0": {no}})
	if got := webtest.Select(t, p.page(p.shop, "/"), ".promptpoints dt"); !slices.Equal(got, []string{consent.Asked[1].Title}) {
		t.Errorf("the banner asks %q", got)
	}
	p.post(p.shop, shopBanner, url.Values{"all": {yes}})
	if want := []string{lists + " refused", learn + " given"}; !slices.Equal(p.said(), want) {
		t.Errorf("recorded %q, want %q", p.said(), want)
	}
}

func TestTheFormOfPreferencesSaysWhereItWas(t *testing.T) {
	p := somebody(t)
	webtest.Check(t, p.page(p.shop, ShopChoices))
	p.post(p.shop, ShopChoices, url.Values{"choice-0": {yes}, "choice-0-part-0": {no}, "choice-1": {no}})
	want := []string{lists + " given", lists + " feature=recommendations refused", learn + " refused"}
	if !slices.Equal(p.said(), want) || p.events[0].UI.Component != preferencesUI {
		t.Errorf("recorded %q at %s, want %q", p.said(), p.events[0].UI.Component, want)
	}
}

func TestAVisitorWhoIsNobodyIsToldThatNothingIsCollectedAndNothingIs(t *testing.T) {
	p := somebody(t)
	nobody := thimble.SubjectID{}
	w := p.visit(p.shop, nobody, http.MethodGet, "/", nil)
	text := strings.Join(webtest.Select(t, w.Body.String(), ".prompt"), "")
	if !strings.Contains(text, "nothing about you is kept") || len(webtest.Select(t, w.Body.String(), ".prompt form")) != 0 {
		t.Errorf("nobody is shown %q", text)
	}
	for _, path := range []string{ShopChoices, shopBanner} {
		w := p.visit(p.shop, nobody, http.MethodPost, path, url.Values{"notice": {consent.Current().Ref().SHA256}, "all": {yes}})
		if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/" {
			t.Errorf("%s of nobody = %d", path, w.Code)
		}
	}
	if len(p.events) != 0 || len(w.Result().Cookies()) != 0 {
		t.Errorf("of nobody there is %q, cookies %v", p.said(), w.Result().Cookies())
	}
}
