package registryweb

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"thimble/internal/registry"
	"thimble/internal/registry/registrydb"
	"thimble/internal/web"
)

type versionBody struct {
	Badges   []web.Badge
	Callouts []web.Callout
	Card     []web.KeyValue
	Uses     []string
	Limits   []string
	Metrics  *web.Table
	Lineage  []web.KeyValue
	Recipe   *web.CodeBlock
	Files    []web.KeyValue
	Checks   web.Table
	Forms    []web.Form
}

func (d *desk) version(w http.ResponseWriter, r *http.Request, status int, no *refused) {
	n, err := number(r)
	if err != nil {
		d.Fail(w, r, err)
		return
	}
	v, err := d.models.Version(r.Context(), r.PathValue("model"), n)
	if err != nil {
		d.Fail(w, r, err)
		return
	}
	s, err := stateOf(r.Context(), d.models, registrydb.Line{Model: v.Model})
	if err != nil {
		d.Fail(w, r, err)
		return
	}
	title := v.Card.Title
	if title == "" {
		title = v.Model
	}
	page := web.Page{Title: fmt.Sprintf("%s, version %d", title, v.Number), Lead: v.Card.About, Crumbs: []web.Crumb{{Label: "Models", Href: Path}, {Label: fmt.Sprintf("v%d", v.Number)}}, Body: versionOf(s, v, no)}
	if v.Stage.Kept() && v.Signer != "" {
		page.Actions = []web.Action{{Label: "Download the package", Href: at(v) + "/package", Icon: "download"}}
	}
	if no != nil && !slices.ContainsFunc(page.Body.(versionBody).Forms, func(f web.Form) bool { return f.ID == no.form }) {
		page.Flash = &web.Flash{Kind: web.Bad, Text: no.problem} // the form is gone: the version has moved on meanwhile
	}
	d.Render(w, r, status, d.pages, "model.html", page)
}

func versionOf(s state, v registrydb.Version, no *refused) versionBody {
	b := versionBody{Badges: []web.Badge{stageBadge(v.Stage), signature(s, v), audit(v.Card)}, Card: cardFacts(v), Uses: v.Card.Uses, Limits: v.Card.Limits, Lineage: lineageFacts(v), Files: fileFacts(v), Forms: forms(v, no)}
	var own []registrydb.Check
	for _, c := range s.checks {
		if c.Version == v.Number {
			own = append(own, c)
		}
	}
	b.Checks = checksTable(v.Model, own)
	if c, ok := s.last[v.Number]; ok && c.Rule != "" {
		b.Callouts = append(b.Callouts, web.Callout{Tone: web.Bad, Title: "Its file was refused", Text: sentence(string(c.Rule)) + "."})
	}
	if v.Signer == "" {
		b.Callouts = append(b.Callouts, web.Callout{Tone: web.Info, Title: "From before packages were signed", Text: "It has no card of its own; what is shown was recorded when it was released."})
	}
	if len(v.Card.Metrics) > 0 {
		t := web.Table{ID: "metrics", Caption: "What was measured", Columns: []web.Column{{Label: "Measure"}, {Label: "Value", Kind: web.NumberColumn}, {Label: "On"}}}
		for _, m := range v.Card.Metrics {
			t.Rows = append(t.Rows, web.Row{Cells: web.Cells(m.Name, fmt.Sprintf("%.4f", m.Value), m.On)})
		}
		b.Metrics = &t
	}
	var recipe bytes.Buffer
	if json.Indent(&recipe, v.Lineage.Recipe, "", "  ") == nil && recipe.Len() > 0 {
		b.Recipe = &web.CodeBlock{Title: "Recipe, frozen with the version", Lang: "json", Code: recipe.String()}
	}
	return b
}

func cardFacts(v registrydb.Version) []web.KeyValue {
	c := v.Card
	all := []web.KeyValue{{Key: "People", Value: c.Data.People, Sub: "who permitted it"}, {Key: "Products", Value: c.Data.Items}, {Key: "Purchases", Value: c.Data.Interactions}, {Key: "Weights", Value: c.Data.Weights}}
	if c.Data.From != "" {
		all = append(all, web.KeyValue{Key: "Purchases from", Value: c.Data.From + " to " + c.Data.To})
	}
	if c.Explains != "" {
		all = append(all, web.KeyValue{Key: "How an answer is explained", Value: c.Explains})
	}
	if c.Unmeasured != "" {
		all = append(all, web.KeyValue{Key: "Not measured", Value: c.Unmeasured})
	}
	if c.Audited() {
		return append(all, web.KeyValue{Key: "Audit of fairness", Value: c.Audit.Result, Sub: c.Audit.By + ", " + web.Date(c.Audit.At)})
	}
	return append(all, web.KeyValue{Key: "Audit of fairness", Value: "none: unaudited", Sub: c.Unaudited})
}

func lineageFacts(v registrydb.Version) []web.KeyValue {
	l := v.Lineage
	all := []web.KeyValue{{Key: "Why it was made", Value: v.Reason}, {Key: "Made", Value: v.MadeAt, Sub: "took " + v.Took.String()}}
	if v.Signer == "" {
		return all
	}
	if l.DerivedFrom > 0 {
		all = append(all, web.KeyValue{Key: "Derived from", Value: fmt.Sprintf("version %d, without those who left", l.DerivedFrom)})
	}
	for _, u := range l.Uses {
		all = append(all, web.KeyValue{Key: "Purpose", Value: string(u.Purpose), Sub: "of " + string(u.Category)})
	}
	return append(all, web.KeyValue{Key: "Whose data", Value: l.Consent}, web.KeyValue{Key: "Data until", Value: l.Until, Sub: fmt.Sprintf("record %d", l.Through)},
		web.KeyValue{Key: "Made by Thimble", Value: l.Code}, web.KeyValue{Key: "How it forgets", Value: string(l.Forgets.Kind), Sub: l.Forgets.Latency})
}

func fileFacts(v registrydb.Version) []web.KeyValue {
	all := []web.KeyValue{{Key: "SHA-256 of the weights", Value: web.Token(fmt.Sprintf("%x", v.Hash)), Copy: true, Sub: "anyone with the same orders and recipe gets the same bytes"}}
	if v.Signer == "" {
		return all
	}
	return append(all, web.KeyValue{Key: "SHA-256 of the package", Value: web.Token(fmt.Sprintf("%x", v.Package)), Copy: true, Sub: web.Number(float64(v.Bytes)/1e6) + " MB"},
		web.KeyValue{Key: "Signed by", Value: web.Token(v.Signer), Sub: "OpenSSF Model Signing 1.0, key method"})
}

// forms are what staff can do with a version in its stage.
func forms(v registrydb.Version, no *refused) (all []web.Form) {
	if !v.Stage.Kept() {
		return nil
	}
	var to []web.Option
	for _, s := range []registry.Stage{registry.Shadow, registry.Challenger, registry.Champion} {
		if registry.Move(v.Stage, s) == nil {
			to = append(to, web.Option{Value: string(s), Label: map[registry.Stage]string{
				registry.Shadow: "Shadow: kept, shown to nobody", registry.Challenger: "Challenger: next in line", registry.Champion: "Champion: it serves from now on",
			}[s]})
		}
	}
	if len(to) > 0 {
		f := form{web.Form{ID: "stage", Action: at(v) + "/stage", Legend: "Move it to another stage", Submit: "Move",
			Fields: []web.Field{{Name: "stage", Label: "Stage", Kind: web.RadioField, Options: to, Value: to[0].Value, Required: true}, reason()}}, "stage"}
		all = append(all, f.explain(no))
	}
	f := form{web.Form{ID: "revoke", Action: at(v) + "/revoke", Legend: "Revoke it", Submit: "Revoke", Danger: true,
		Intro:  "Its file is destroyed, and it is never loaded again, from wherever it may come back. When it serves, the version before does from then on, or the popular list.",
		Fields: []web.Field{reason()}}, "revoke"}
	return append(all, f.explain(no))
}
