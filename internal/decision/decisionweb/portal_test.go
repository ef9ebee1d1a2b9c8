package decisionweb

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"thimble"
	"thimble/internal/catalog"
	"thimble/internal/decision"
	"thimble/internal/ledger/ledgerweb"
	"thimble/internal/web"
	"thimble/internal/web/webtest"
)

func TestTheLinesShownAddUpToTheScore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var res decision.Result
		for range rapid.IntRange(0, 40).Draw(t, "terms") {
			share := rapid.Int64Range(-1<<40, 1<<40).Draw(t, "share")
			res.Terms = append(res.Terms, decision.Term{Because: "i", Share: share})
			res.Score += share
		}
		var sum int64
		lines := terms(res, nil)
		for _, l := range lines {
			sum += l.Share
			if l.Meter.Share < 0 || l.Meter.Share > 1 {
				t.Fatalf("a bar of %v", l.Meter.Share)
			}
		}
		if sum != res.Score || len(lines) > shownTerms+1 {
			t.Fatalf("%d lines sum to %d, the score is %d", len(lines), sum, res.Score)
		}
	})
}

func TestNamesThatShoutAreWrittenForReading(t *testing.T) {
	for name, want := range map[string]string{
		"WHITE HANGING HEART T-LIGHT HOLDER": "White hanging heart t-light holder",
		"SET/6 RED  SPOTTY PAPER CUPS":       "Set/6 red spotty paper cups",
		"3 TIER CAKE TIN":                    "3 tier cake tin", "Dotcom Postage": "Dotcom Postage", "": "",
	} {
		if got := ItemName(name); got != want {
			t.Errorf("ItemName(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestEveryPortalPageRenders(t *testing.T) {
	kit, err := web.New(web.Config{})
	if err != nil {
		t.Fatal(err)
	}
	base, err := newPortal(kit, PortalDeps{})
	if err != nil {
		t.Fatal(err)
	}
	r := decision.Record{
		V: 1, Capability: "recommend", Placement: "home", At: time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC), Model: decision.Model{Name: "items", Version: 3, SHA256: "00112233"},
		Inputs: []decision.Input{{Category: thimble.PurchaseHistory, Purpose: thimble.PersonalizeContent, Basis: "consent", Cite: "GDPR Art. 6(1)(a)", Count: 3}},
		Guards: []string{"what you already bought is left out"}, Packs: []string{"baseline.strict@2026.11.0"},
		Results: []decision.Result{{Item: "85123A", Score: 5, Terms: []decision.Term{{Because: "71053", Share: 7}, {Because: "gone", Share: -2}}}},
	}
	names := map[thimble.ItemID]catalog.Product{"85123A": {Name: "WHITE HANGING HEART"}, "71053": {Name: "LANTERN"}}
	body := explained(r, names, ledgerweb.Check{Title: "this decision", Href: "/f", Key: "k"})
	body.Text, body.Standing = "A program chose these.", &web.Callout{Title: "No longer counts"}
	body.Contest = &contestBody{Title: "Is it wrong?", Text: "A person looks.", Form: contestForm(thimble.ID{1}, true),
		Reviews: []review{{Title: "Review", Badge: web.Badge{Text: "Waits"}, Facts: []web.KeyValue{{Key: "Due", Value: "soon"}}, Steps: web.Table{ID: "steps", Caption: "Steps", Columns: []web.Column{{Label: "What"}}, Rows: []web.Row{{Cells: web.Cells("x")}}}}}}
	table := web.Table{Caption: "Decisions", Columns: []web.Column{{Label: "What"}}, Rows: []web.Row{{Cells: web.Cells(what(r))}}}
	webtest.RenderAll(t, base.pages, map[string]web.Page{
		"portal_decision.html":  {Layout: web.Shop, Title: "Why", Body: body},
		"portal_decisions.html": {Layout: web.Portal, Title: "Decisions", Body: listBody{table}},
	})
	page := webtest.Render(t, base.pages, "portal_decision.html", web.Page{Layout: web.Shop, Body: body})
	if got := webtest.Select(t, page, ".sum td.num"); len(got) != 3 || got[0] != "7" || got[1] != "−2" || got[2] != "5" {
		t.Errorf("the sum reads %q", got)
	}
	// What the shop's rules did is in the sum, and what a campaign holds has none.
	r.V, r.Guards, r.Scale = decision.Form2, nil, decision.Scale{Link: decision.Identity, Unit: 1, Value: 1}
	r.Boosting = &decision.Boosting{Most: 20, Boosts: []decision.Boost{{Name: "boost-1", Words: "our own brand", Percent: 20}}}
	r.Results = []decision.Result{{Item: "ad", Held: "Advertisement: spring"}, {Item: "85123A", Score: 5, Moved: 1, Boosts: []decision.Boosted{{Boost: "boost-1", Share: 1}},
		Terms: []decision.Term{{Because: "71053", Share: 5, Weight: 5, Value: 1}}}}
	r.Subject = thimble.SubjectID{1}
	if err := r.Check(); err != nil {
		t.Fatal(err)
	}
	page = webtest.Render(t, base.pages, "portal_decision.html", web.Page{Layout: web.Shop, Body: explained(r, names, ledgerweb.Check{})})
	if got := webtest.Select(t, page, ".sum td.num"); len(got) != 3 || got[0] != "5" || got[1] != "1" || got[2] != "6" || !strings.Contains(page, "Rule of the shop: our own brand") {
		t.Errorf("the sum reads %q", got)
	}
	if got := webtest.Select(t, page, ".whyname small"); len(got) != 2 || !strings.Contains(got[0], "Advertisement: spring") {
		t.Errorf("the place of a campaign reads %q", got)
	}
}
