package decisionweb

import (
	"fmt"

	"thimble"
	"thimble/internal/catalog"
	"thimble/internal/decision"
	"thimble/internal/decision/decisiondb"
	"thimble/internal/web"
)

func consoleItems(r decision.Record) (ids []thimble.ItemID) {
	seen := map[thimble.ItemID]bool{}
	add := func(id thimble.ItemID) {
		if !seen[id] {
			seen[id], ids = true, append(ids, id)
		}
	}
	for _, res := range r.Results {
		add(res.Item)
		for _, t := range res.Terms {
			add(t.Because)
		}
	}
	return ids
}

func consoleName(names map[thimble.ItemID]catalog.Product, id thimble.ItemID) string {
	if p, ok := names[id]; ok {
		return p.Name
	}
	return string(id)
}

// consoleSum adds the terms up again, so that the page does not ask to be believed.
func consoleSum(r decision.Record) *web.Callout {
	terms := 0
	for _, res := range r.Results {
		terms += len(res.Terms)
	}
	if err := r.Check(); err != nil {
		return &web.Callout{Tone: web.Bad, Title: "The record does not add up", Text: "Done again from the record, something comes out otherwise. The receipt proves what was recorded; treat the decision as wrong and report it."}
	}
	if r.V == decision.Form2 {
		return &web.Callout{Tone: web.Good, Title: "It replays", Text: fmt.Sprintf("Just now the decision was done again from the record alone: %s of %s, each weight times its value, %s and the counterfactual. The same comes out.",
			web.Plural(terms, "term", "terms"), web.Plural(len(r.Results), "result", "results"), web.Plural(len(r.Rails), "rule", "rules"))}
	}
	return &web.Callout{Tone: web.Good, Title: "It adds up", Text: fmt.Sprintf("Just now, %s of %s were summed: each is exactly the score it explains.",
		web.Plural(terms, "term", "terms"), web.Plural(len(r.Results), "result", "results"))}
}

func consoleFacts(d decisiondb.Sealed, r decision.Record) []web.KeyValue {
	all := []web.KeyValue{
		{Key: "Decision", Value: d.ID.Token(decision.TokenPrefix), Copy: true},
		{Key: "Customer", Value: web.Token(r.Subject.String()), Href: "/console/customers/" + r.Subject.String()},
		{Key: "Capability", Value: r.Capability, Sub: "shown at: " + r.Placement},
		{Key: "When", Value: r.At},
		{Key: "Model", Value: fmt.Sprintf("%s, version %d", r.Model.Name, r.Model.Version), Sub: "SHA-256 " + r.Model.SHA256},
	}
	if d.Standing != "" && d.Standing != decision.Stands {
		all = append(all, web.KeyValue{Key: "Standing", Value: string(d.Standing), Sub: "a person reviewed it"})
	}
	for _, g := range r.Rules() {
		all = append(all, web.KeyValue{Key: "Guardrail", Value: g})
	}
	for _, p := range r.Packs {
		all = append(all, web.KeyValue{Key: "Law", Value: p})
	}
	return all
}

func consoleInputs(r decision.Record) web.Table {
	t := web.Table{ID: "inputs", Caption: "What went in",
		Columns: []web.Column{{Label: "Data"}, {Label: "Values", Kind: web.NumberColumn}, {Label: "What for"}, {Label: "Legal basis"}}}
	for _, in := range r.Inputs {
		t.Rows = append(t.Rows, web.Row{Cells: web.Cells(string(in.Category), in.Count, string(in.Purpose), web.Cell{Value: in.Basis, Sub: in.Cite})})
	}
	return t
}

// consoleShare draws what part of a score something is.
func consoleShare(share int64, res decision.Result) web.Meter {
	score := res.Score + res.Moved
	if score == 0 {
		return web.Meter{}
	}
	return web.Meter{Share: float64(share) / float64(score)}
}

func consoleResults(r decision.Record, names map[thimble.ItemID]catalog.Product) []consoleResult {
	views := make([]consoleResult, len(r.Results))
	for i, res := range r.Results {
		t := web.Table{ID: fmt.Sprintf("result-%d", i+1), Caption: "Terms of " + consoleName(names, res.Item), HideCaption: true,
			Columns: []web.Column{{Label: "Because they bought"}, {Label: "Share of the score"}, {Label: "Term", Kind: web.NumberColumn}},
			Totals:  web.Cells("Score", nil, res.Score+res.Moved)}
		for _, term := range res.Terms {
			t.Rows = append(t.Rows, web.Row{Cells: web.Cells(web.Cell{Value: consoleName(names, term.Because), Sub: string(term.Because)}, consoleShare(term.Share, res), term.Share)})
		}
		for _, b := range res.Boosts {
			t.Rows = append(t.Rows, web.Row{Cells: web.Cells(web.Cell{Value: r.WordsOf(b.Boost), Sub: "a rule of the shop"}, consoleShare(b.Share, res), b.Share)})
		}
		summary := fmt.Sprintf("%d. %s · score %s · %s", i+1, consoleName(names, res.Item), web.Text(res.Score+res.Moved), web.Plural(len(t.Rows), "term", "terms"))
		if res.Held != "" {
			summary = fmt.Sprintf("%d. %s · held by a campaign: %s", i+1, consoleName(names, res.Item), res.Held)
		}
		views[i] = consoleResult{Summary: summary, Open: i == 0, Table: t}
	}
	return views
}
