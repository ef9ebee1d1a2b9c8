package consentweb

import (
	"strings"
	"testing"
	"time"

	"thimble/internal/consent"
	"thimble/internal/ledger/ledgerweb"
	"thimble/internal/web"
	"thimble/internal/web/webtest"
)

func TestWhatAnAnswerMakesOfAState(t *testing.T) {
	for _, tc := range []struct {
		now    consent.State
		answer string
		want   consent.State
	}{
		{"", yes, consent.Given}, {"", no, consent.Refused}, {"", "", ""}, {"", "maybe", ""},
		{consent.Given, yes, ""}, {consent.Given, no, consent.Withdrawn}, {consent.Given, "", ""},
		{consent.Refused, yes, consent.Given}, {consent.Refused, no, ""},
		{consent.Withdrawn, yes, consent.Given}, {consent.Withdrawn, no, ""},
		{consent.Expired, yes, consent.Given}, {consent.Expired, no, consent.Withdrawn},
	} {
		got, changes := next(tc.now, tc.answer)
		if got != tc.want || changes != (tc.want != "") {
			t.Errorf("%q after %q = %q, %t, want %q", tc.answer, tc.now, got, changes, tc.want)
		}
	}
}

func TestTheWholeNoticeIsOnThePage(t *testing.T) {
	kit, err := web.New(web.Config{})
	if err != nil {
		t.Fatal(err)
	}
	pages, err := kit.Pages(ledgerweb.WithCheck(portalFiles), "pages/portal_*.html", ledgerweb.CheckPartial)
	if err != nil {
		t.Fatal(err)
	}
	body := choicesBody{Notice: consent.Current().Ref().SHA256, Closes: closing(consent.Current()), Stale: true}
	for i, a := range consent.Asked {
		at := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
		body.Asks = append(body.Asks, askView{Ask: a, Name: "choice-" + string(rune('0'+i)), State: badge(consent.Given), Since: at, Expires: at.Add(consent.Lives), Yes: true,
			Receipt: &ledgerweb.Check{Title: "this answer", Href: "/f", Key: "k"}})
	}
	page := web.Page{Layout: web.Portal, Title: "My choices", Body: body}
	webtest.RenderAll(t, pages, map[string]web.Page{"portal_choices.html": page})

	// The stored proof is the text of the asks and the closing paragraph.
	shown := webtest.Select(t, webtest.Render(t, pages, "portal_choices.html", page), "form")[0]
	for _, part := range append([]string{closing(consent.Current())}, asked()...) {
		if !strings.Contains(shown, part) {
			t.Errorf("the page does not show %q", part)
		}
	}
}

func asked() (all []string) {
	for _, a := range consent.Asked {
		all = append(all, a.Title, a.What, a.With, a.Without)
	}
	return all
}
