package casesweb

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"thimble"
	"thimble/internal/gate/gateweb"
	"thimble/internal/rights"
	"thimble/internal/rights/cases"
	"thimble/internal/rights/casesdb"
	"thimble/internal/web"
)

// CorrectPath is the page on which somebody says that a value is wrong, and what is right.
const CorrectPath = "/privacy/correct"

// CorrectHref is that page for one value of an archive.
func CorrectHref(d thimble.Datum) string {
	return CorrectPath + "?" + url.Values{"of": {d.Holder}, "name": {d.Name}, "ref": {d.Ref}}.Encode()
}

// Corrections find what can be corrected, and tell what came of it; *rights.Desk does the
// first two.
type Corrections struct {
	Held    func(ctx context.Context, who thimble.SubjectID, holder, name, ref string) (rights.Held, error)
	Accepts func(holder string, c thimble.Correction) error
	// Report is that of the request by which a correction was executed.
	Report func(ctx context.Context, ref string) (rights.Report, error)
	// Named are products as people read them, by name and number; of what is not known there is
	// none.
	Named func(ctx context.Context, items ...thimble.ItemID) (map[thimble.ItemID]string, error)
	// Limit puts the limit that goes with a case into force.
	Limit func(ctx context.Context, c cases.Case) error
	// Differs says in a sentence how a decision that was made anew differs.
	Differs func(ctx context.Context, g thimble.Grant, was, now string) (string, error)
}

const valueField, limitField = "value", "limit"

// correctForm asks what is right instead.
func correctForm(h rights.Held) web.Form {
	choice := web.Field{Name: "choice", Label: "What is right", Kind: web.RadioField, Required: true}
	f := web.Form{ID: "correct", Action: CorrectPath, Submit: "Have it corrected", Intro: "Being signed in shows that it is you. You need nothing else."}
	for _, n := range []struct{ name, value string }{{"of", h.Datum.Holder}, {"name", h.Datum.Name}, {"ref", h.Datum.Ref}} {
		f.Fields = append(f.Fields, web.Field{Name: n.name, Kind: web.HiddenField, Value: n.value})
	}
	var asks *web.Field
	for _, c := range h.Remedy.Choices {
		when := "Somebody from the shop looks at it first."
		if c.AtOnce {
			when = "This is done at once."
		}
		choice.Options = append(choice.Options, web.Option{Value: c.Key, Label: c.Words, Hint: when})
		if c.Asks != "" {
			asks = &web.Field{Name: valueField, Label: c.Asks, Hint: c.Hint, MaxLength: 254, Autocomplete: "off"}
		}
	}
	f.Fields = append(f.Fields, choice)
	if asks != nil {
		f.Fields = append(f.Fields, *asks)
	}
	if slices.ContainsFunc(h.Remedy.Choices, func(c thimble.RemedyChoice) bool { return !c.AtOnce }) {
		f.Fields = append(f.Fields, web.Field{Name: limitField, Label: "Do not use what you know of me while you look at it", Kind: web.CheckField, Value: "yes",
			Hint: "Everything is kept and nothing is used, until somebody has looked. It ends three days after you have our answer."})
	}
	f.Fields = append(f.Fields, textField("Anything else we should know", "You may leave this empty.", false))
	return f
}

type correctBody struct {
	Facts []web.KeyValue
	Parts []web.Action // where a part of it is put right by itself
	Form  web.Form
}

// partsOf lead to the parts of a value that can be put right.
func partsOf(h rights.Held, names map[thimble.ItemID]string) (all []web.Action) {
	for _, p := range h.Remedy.Parts {
		d := h.Datum
		d.Ref = p.Ref
		words := p.Words
		if name := names[p.Item]; name != "" {
			words = strings.Replace(words, string(p.Item), name, 1)
		}
		all = append(all, web.Action{Label: words, Href: CorrectHref(d)})
	}
	return all
}

// factsOf is a value as it is kept now; of one product with its name.
func factsOf(h rights.Held, names map[thimble.ItemID]string) []web.KeyValue {
	all := []web.KeyValue{{Key: h.Remedy.Title, Value: h.Remedy.Was, Sub: "as it is kept now"}}
	if len(h.Remedy.Items) == 1 && names[h.Remedy.Items[0]] != "" {
		all = append(all, web.KeyValue{Key: "What it is", Value: names[h.Remedy.Items[0]]})
	}
	return all
}

// names are those of the products in a value.
func (p *portal) names(ctx context.Context, h rights.Held) (map[thimble.ItemID]string, error) {
	if p.Corrections.Named == nil || len(h.Remedy.Items) == 0 {
		return nil, nil
	}
	return p.Corrections.Named(ctx, h.Remedy.Items...)
}

func (p *portal) held(r *http.Request, v url.Values) (rights.Held, error) {
	who := web.VisitorFrom(r.Context()).Subject
	if _, err := p.Own(r.Context(), who, thimble.PrivacyPreferences); err != nil {
		return rights.Held{}, err
	}
	return p.Corrections.Held(r.Context(), who, v.Get("of"), v.Get("name"), v.Get("ref"))
}

func (p *portal) correctPage(w http.ResponseWriter, r *http.Request) {
	h, err := p.held(r, r.URL.Query())
	if err != nil {
		p.frame.Fail(w, r, err)
		return
	}
	p.showCorrect(w, r, http.StatusOK, h, correctForm(h))
}

func (p *portal) showCorrect(w http.ResponseWriter, r *http.Request, status int, h rights.Held, f web.Form) {
	names, err := p.names(r.Context(), h)
	if err != nil {
		p.frame.Fail(w, r, err)
		return
	}
	p.frame.Render(w, r, status, p.pages, "portal_correct.html", web.Page{
		Title: "This is wrong", Lead: "Say what is right. You can see what becomes of it under My requests.",
		Crumbs: []web.Crumb{{Label: "My data", Href: "/privacy/data"}, {Label: h.Remedy.Title}},
		Notice: &web.AccessNotice{Purpose: gateweb.OwnData},
		Body:   correctBody{Facts: factsOf(h, names), Parts: partsOf(h, names), Form: f},
	})
}

// correct takes what somebody says is right, and does at once what can be.
func (p *portal) correct(w http.ResponseWriter, r *http.Request) {
	err := parse(w, r)
	var h rights.Held
	if err == nil {
		h, err = p.held(r, r.PostForm)
	}
	if err != nil {
		p.frame.Fail(w, r, err)
		return
	}
	choice, ok := h.Remedy.Choice(r.PostForm.Get("choice"))
	c := thimble.Correction{Subject: h.Subject, Name: h.Datum.Name, Ref: h.Datum.Ref, Choice: choice.Key, Value: thimble.Hide(strings.TrimSpace(r.PostForm.Get(valueField)))}
	if choice.Asks == "" {
		c.Value = thimble.Hide("")
	}
	if wrong := p.wrong(h, c, ok); wrong != nil {
		p.showCorrect(w, r, http.StatusUnprocessableEntity, h, correctForm(h).Fill(r.PostForm).Explain(*wrong))
		return
	}
	made, err := p.open(r.Context(), h, choice, c, written(r), r.PostForm.Get(limitField) != "" && !choice.AtOnce)
	if err != nil {
		p.frame.Fail(w, r, err)
		return
	}
	http.Redirect(w, r, PortalPath+"/"+token(made), http.StatusSeeOther)
}

// wrong is what is wrong with a form; nil for nothing.
func (p *portal) wrong(h rights.Held, c thimble.Correction, chosen bool) *web.FieldProblem {
	if !chosen {
		return &web.FieldProblem{Field: "choice", Detail: "choose one of these."}
	}
	if err := p.Corrections.Accepts(h.Datum.Holder, c); err != nil {
		return &web.FieldProblem{Field: valueField, Detail: "write it as the hint says."}
	}
	return nil
}

func (p *portal) open(ctx context.Context, h rights.Held, choice thimble.RemedyChoice, c thimble.Correction, text thimble.Personal[string], limit bool) (cases.Case, error) {
	right, value := choice.Words, c.Value.Reveal() // to seal it, and to show it to who decides
	if value != "" {
		right += ": " + value
	}
	fix := &cases.Fix{Subject: h.Subject.String(), Holder: h.Datum.Holder, Name: c.Name, Ref: c.Ref, Choice: c.Choice, Value: value,
		Title: h.Remedy.Title, Was: h.Remedy.Was, Right: right, Category: h.Datum.Category, Since: h.Datum.At.UTC()}
	made, err := p.Store.Open(ctx, casesdb.Asked{Subject: h.Subject, Kind: cases.Rectify, Via: cases.Centre, Proof: cases.Session, By: cases.ThePerson, Words: text, Fix: thimble.Hide(fix), Limit: limit})
	if err == nil && made.Limited == cases.LimitAsked {
		_ = p.Corrections.Limit(ctx, made) // the case is kept, and whoever does what is left does this within a minute
	}
	if err != nil || !choice.AtOnce || !made.May(cases.Accepted) {
		return made, err
	}
	done, err := p.Begin(ctx, made.ID, cases.ThePerson, "")
	if errors.Is(err, thimble.ErrConflict) {
		return made, nil // under way already, or it could not be done: the case says so
	}
	if err != nil {
		return made, fmt.Errorf("casesweb: correcting: %w", err)
	}
	return done, nil
}

// outcome is what came of a correction, for the person or for staff.
type outcome struct {
	Facts []web.KeyValue
	Anew  web.Table
}

func (c Corrections) outcome(ctx context.Context, of cases.Case, g thimble.Grant) (o outcome, err error) {
	if of.Fix == "" || c.Report == nil {
		return o, nil
	}
	for _, w := range of.Work {
		if w.What != string(rights.Rectify) || !w.Done {
			continue
		}
		report, err := c.Report(ctx, w.Ref)
		if err != nil {
			return o, err
		}
		o.Facts = reached(report)
		if report.Decisions != nil && len(report.Decisions.Anew) > 0 {
			o.Anew, err = c.anew(ctx, report, g)
		}
		return o, err
	}
	return o, nil
}

// reached says what a correction reached.
func reached(r rights.Report) (all []web.KeyValue) {
	for _, line := range r.Holders {
		for _, k := range line.Kept {
			all = append(all, web.KeyValue{Key: "Kept", Value: k.What, Sub: k.Law})
		}
	}
	if d := r.Decisions; d != nil {
		words := "None was made with the wrong value."
		if d.Fed > 0 {
			words = fmt.Sprintf("The wrong value went into %s, or may have. %d made anew, %d count no more.", web.Plural(d.Fed, "decision", "decisions"), len(d.Anew), d.Ended+len(d.Not))
		}
		all = append(all, web.KeyValue{Key: "Decisions", Value: words})
		for _, n := range d.Not {
			all = append(all, web.KeyValue{Key: "Not made anew", Value: web.Token(n.Was), Sub: n.Why, Href: "/privacy/decisions/" + n.Was})
		}
	}
	if m := r.Models; m != nil && m.Before != m.After {
		all = append(all, web.KeyValue{Key: "Learning", Value: "The model was made again with the right value.", Sub: "before " + short(m.Before) + ", after " + short(m.After)})
	}
	for _, t := range r.Told {
		all = append(all, web.KeyValue{Key: "Told", Value: t.Name, Sub: "that the value was corrected"})
	}
	return all
}

func short(hash string) string {
	if hash == "" {
		return "none"
	}
	return hash[:min(12, len(hash))]
}

// anew lists the decisions that were made anew, and how each differs.
func (c Corrections) anew(ctx context.Context, r rights.Report, g thimble.Grant) (web.Table, error) {
	t := web.Table{ID: "anew", Caption: "Decisions that were made anew", Columns: []web.Column{{Label: "Before"}, {Label: "Now"}, {Label: "What changed"}}}
	for _, d := range r.Decisions.Anew {
		words := "Nothing: it comes out the same."
		if d.Changed {
			words = "It comes out otherwise."
		}
		if d.Changed && g != nil && c.Differs != nil {
			var err error
			if words, err = c.Differs(ctx, g, d.Was, d.Now); errors.Is(err, thimble.ErrNotFound) {
				words = "It came out otherwise; it is not kept any more."
			} else if err != nil {
				return t, err
			}
		}
		link := func(token, about string) web.Action {
			return web.Action{Label: web.ShortToken(token), Href: "/privacy/decisions/" + token, About: about, Kind: "quiet"}
		}
		t.Rows = append(t.Rows, web.Row{Cells: web.Cells(link(d.Was, "the decision before"), link(d.Now, "the decision now"), words)})
	}
	return t, nil
}
