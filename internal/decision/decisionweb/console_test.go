package decisionweb

import (
	"testing"
	"thimble"
	"thimble/internal/decision"
	"thimble/internal/decision/decisiondb"
	"thimble/internal/web"
	"thimble/internal/web/webtest"
	"time"
)

func TestEveryConsolePageRendersWithNothingAndWithEverything(t *testing.T) {
	kit, err := web.New(web.Config{})
	if err != nil {
		t.Fatal(err)
	}
	pages, err := kit.Pages(consoleFiles, "pages/console_*.html")
	if err != nil {
		t.Fatal(err)
	}
	r := decision.Record{V: 1, Capability: "recommend", Subject: thimble.SubjectID{1}, Guards: []string{"left out"}, Packs: []string{"p@1"},
		Inputs:  []decision.Input{{Category: thimble.PurchaseHistory, Count: 2}},
		Results: []decision.Result{{Item: "a", Score: 3, Terms: []decision.Term{{Because: "b", Share: 1}, {Because: "c", Share: 2}}}, {Item: "d", Score: 0}}}
	full := consoleBody{Sum: consoleSum(r), Facts: consoleFacts(decisiondb.Sealed{}, r), Inputs: consoleInputs(r), Results: consoleResults(r, nil), Pending: &web.Callout{Text: "soon"}, Denied: &web.Callout{Text: "no"}, Receipt: web.CodeBlock{ID: "receipt", Code: "x"}}
	if full.Sum.Tone != web.Good {
		t.Errorf("a record that adds up is shown as %q", full.Sum.Tone)
	}
	r.Results[0].Score = 4
	if got := consoleSum(r).Tone; got != web.Bad {
		t.Errorf("a record that does not add up is shown as %q", got)
	}
	list := web.Table{ID: "decisions", Caption: "Decisions", Columns: consoleColumns(true), Rows: []web.Row{consoleRow(decisiondb.Sealed{Capability: "recommend"}, true)}}
	webtest.RenderAll(t, pages, map[string]web.Page{
		"console_decisions.html": {Layout: web.Console, Title: "Decisions", Body: consoleListBody{list}},
		"console_reviews.html": {Layout: web.Console, Title: "Reviews", Body: reviewsOfQueue([]decision.Contest{{State: decision.Claimed, Reviewer: "ada", Rule: "eu.gdpr"}, {State: decision.Open, Appeal: true}},
			[]decision.Contest{{State: decision.Answered, Outcome: decision.Overturned, Appeal: true}}, time.Now())},
		"console_review.html": {Layout: web.Console, Title: "Review", Body: reviewBody{Denied: &web.Callout{Text: "no"}, Problem: &web.Callout{Text: "no"}, Replay: &web.Callout{Text: "yes"}, Facts: full.Facts, Inputs: full.Inputs,
			Reviews: []review{{Title: "Review", Badge: web.Badge{Text: "Waits"}, Facts: full.Facts, Steps: web.Table{ID: "steps", Caption: "Steps", Columns: []web.Column{{Label: "What"}}, Rows: []web.Row{{Cells: web.Cells("x")}}}}},
			Texts:   []textView{{"a", "b"}, {"c", "d"}, {"e", "f"}}, Take: []web.Action{{Label: "Take", Href: "/x", Post: true}}, Answer: answerForm("/console/reviews/x")}},
		"console_decision.html": {Layout: web.Console, Title: "Decision", Body: full},
	})
}
