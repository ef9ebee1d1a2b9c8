package decisionweb

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"thimble"
	"thimble/internal/catalog"
	"thimble/internal/decision"
	"thimble/internal/gate/gateweb"
	"thimble/internal/ledger/ledgerweb"
	"thimble/internal/web"
)

// A whyBody explains one decision.
type whyBody struct {
	Text     string // the decision in plain words
	Standing *web.Callout
	Contest  *contestBody
	Facts    []web.KeyValue
	Results  []whyResult
	Inputs   web.Table
	Guards   []string
	Check    ledgerweb.Check
}

// A whyResult is one thing that was chosen, with the sum that chose it.
type whyResult struct {
	Anchor string
	Rank   int
	Name   string
	Href   string
	Top    string // the largest reason
	Held   string // what holds the place, when no score won it
	Score  int64
	Terms  []whyTerm
	Sum    int64 // of the lines, added up here
	Open   bool
}

// A whyTerm is one line of the sum.
type whyTerm struct {
	Name  string
	Href  string // empty for the many small reasons taken together
	Share int64
	Meter web.Meter
}

// shownTerms bounds the lines of a sum; the others are added up in one line, so
// that what is shown still sums exactly to the score.
const shownTerms = 8

func explained(r decision.Record, names map[thimble.ItemID]catalog.Product, check ledgerweb.Check) whyBody {
	body := whyBody{Facts: facts(r), Inputs: inputs(r.Inputs), Guards: r.Rules(), Check: check}
	for i, res := range r.Results {
		v := whyResult{
			Anchor: Anchor(i), Rank: i + 1, Name: nameOf(names, res.Item), Href: itemHref(res.Item),
			Score: res.Score + res.Moved, Terms: terms(res, names), Open: i == 0, Held: res.Held,
		}
		for _, b := range res.Boosts {
			v.Terms = append(v.Terms, whyTerm{Name: "Rule of the shop: " + r.WordsOf(b.Boost), Share: b.Share, Meter: meter(b.Share, v.Score)})
		}
		for _, t := range v.Terms {
			v.Sum += t.Share
		}
		if len(res.Terms) > 0 {
			v.Top = nameOf(names, res.Terms[0].Because)
		}
		body.Results = append(body.Results, v)
	}
	return body
}

// Anchor is the place of a result on the page, counted from zero.
func Anchor(i int) string { return fmt.Sprintf("result-%d", i+1) }

func terms(res decision.Result, names map[thimble.ItemID]catalog.Product) []whyTerm {
	sorted := slices.Clone(res.Terms)
	slices.SortStableFunc(sorted, func(a, b decision.Term) int {
		return int(max(-1, min(1, abs(b.Share)-abs(a.Share))))
	})
	var lines []whyTerm
	var rest int64
	for i, t := range sorted {
		if i >= shownTerms && len(sorted) > shownTerms+1 {
			rest += t.Share
			continue
		}
		lines = append(lines, whyTerm{Name: nameOf(names, t.Because), Href: itemHref(t.Because), Share: t.Share, Meter: meter(t.Share, res.Score)})
	}
	if n := len(sorted) - len(lines); n > 0 {
		lines = append(lines, whyTerm{Name: fmt.Sprintf("%d smaller reasons together", n), Share: rest, Meter: meter(rest, res.Score)})
	}
	return lines
}

func abs(n int64) int64 { return max(n, -n) }

// meter draws a share of the score; a share that pulls down has no bar, but its
// number says so.
func meter(share, score int64) web.Meter {
	if score == 0 {
		return web.Meter{Label: "–"}
	}
	f := float64(share) / float64(score)
	return web.Meter{Share: max(0, min(1, f)), Label: web.Percent(f)}
}

func facts(r decision.Record) []web.KeyValue {
	return []web.KeyValue{
		{Key: "What", Value: what(r)},
		{Key: "Where", Value: place(r)},
		{Key: "When", Value: r.At},
		{Key: "Made by", Value: modelName(r.Model), Sub: "a sum of whole numbers that anybody can add up"},
		{Key: "The model’s fingerprint", Value: web.Token(r.Model.SHA256), Copy: true},
		{Key: "Rules of law applied", Value: strings.Join(r.Packs, ", ")},
	}
}

func inputs(all []decision.Input) web.Table {
	t := web.Table{
		ID: "inputs", Caption: "What went in", Note: "Nothing else about you was used.",
		Columns: []web.Column{{Label: "Data"}, {Label: "How much", Kind: web.NumberColumn}, {Label: "What for"}, {Label: "Why that is allowed"}},
		Empty:   &web.Empty{Title: "Nothing about you went in"},
	}
	for _, in := range all {
		t.Rows = append(t.Rows, web.Row{Cells: web.Cells(
			sentence(gateweb.CategoryWords(in.Category)), in.Count, gateweb.PurposeWords(in.Purpose), web.Cell{Value: gateweb.BasisWords(in.Basis), Sub: in.Cite})})
	}
	return t
}

// items are all that a record names.
func items(r decision.Record) (ids []thimble.ItemID) {
	for _, res := range r.Results {
		ids = append(ids, res.Item)
		for _, t := range res.Terms {
			ids = append(ids, t.Because)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

func nameOf(names map[thimble.ItemID]catalog.Product, id thimble.ItemID) string {
	if p, ok := names[id]; ok && p.Name != "" {
		return ItemName(p.Name)
	}
	return string(id)
}

// ItemName writes a product's name for reading: books that shout everything get
// one capital letter.
func ItemName(name string) string {
	name = strings.Join(strings.Fields(name), " ")
	if strings.ContainsFunc(name, unicode.IsLower) {
		return name
	}
	return sentence(strings.ToLower(name))
}

// ItemCalled is a product's name with its number behind it, where it has a name.
func ItemCalled(id thimble.ItemID, name string) string {
	if name == "" || name == string(id) {
		return string(id)
	}
	return ItemName(name) + " (" + string(id) + ")"
}

func sentence(s string) string {
	for i, r := range s {
		return s[:i] + string(unicode.ToUpper(r)) + s[i+len(string(r)):]
	}
	return s
}

func itemHref(id thimble.ItemID) string { return "/shop/items/" + url.PathEscape(string(id)) }

func what(r decision.Record) string {
	switch r.Capability {
	case "recommend":
		return "A list of products for you"
	case "":
		return ""
	}
	return sentence(r.Capability)
}

func place(r decision.Record) string {
	switch r.Placement {
	case "home":
		return "on the first page of the shop"
	case "":
		return "in the shop"
	}
	return "at “" + r.Placement + "”"
}

func products(n int) string { return web.Plural(n, "product", "products") }

func modelName(m decision.Model) string {
	if m.Name == "" {
		return ""
	}
	return fmt.Sprintf("the model “%s”, version %d", m.Name, m.Version)
}
