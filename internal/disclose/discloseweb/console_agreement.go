package discloseweb

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"thimble"
	"thimble/internal/disclose"
	"thimble/internal/disclose/disclosedb"
	"thimble/internal/web"
)

type draftBody struct {
	Problem *web.Callout
	Preview *previewBody
	Form    web.Form
	Example web.CodeBlock
}

// previewBody is what an agreement permits, in words.
type previewBody struct {
	Change web.Callout
	Facts  []web.KeyValue
	Fields web.Table
	Others web.Table
}

// Example is an agreement to begin with.
const Example = `agreement: 1
title: Fulfilment of orders
contract: "Contract 12 of 2026, annex 2, clause 4"
act: process              # process, share or sale
effective: 2026-01-01
until: 2027-01-01
purposes:
  - essential.service
fields:
  - {name: order, category: user.behavior.purchase_history}
  - {name: placed, category: user.behavior.purchase_history, coarsen: day}
  - {name: lines, category: user.behavior.purchase_history}
sub-processors:
  - {name: Night Vans, country: PL, for: transport by night}
transfer: {basis: none}
assessment: {by: data protection officer, on: 2026-01-01, expires: 2027-01-01}
retention: 30d            # at the recipient
acknowledge: 24h          # leave it out where nothing is to be confirmed
`

func draftForm(path, text string) web.Form {
	return web.Form{
		ID: "agreement", Action: path + "/agree", Legend: "Agreement", Submit: "Show what it permits",
		Fields: []web.Field{
			{Name: "text", Label: "Text", Hint: "YAML or JSON, as below. Nothing is kept before you have seen what it permits.", Kind: web.TextAreaField, Rows: 22, Required: true, MaxLength: disclose.MaxAgreement, Value: text},
			{Name: "do", Kind: web.HiddenField, Value: "preview"},
		},
	}
}

func (d *desk) draft(w http.ResponseWriter, r *http.Request) {
	rec, err := d.of(r)
	text := Example
	if err == nil {
		var old *disclose.Signed
		if old, err = d.InForce(r.Context(), rec.ID); err == nil && old != nil {
			text = old.Text
		}
	}
	if err != nil {
		d.Fail(w, r, err)
		return
	}
	d.drafted(w, r, http.StatusOK, rec, draftBody{Form: draftForm(recipientPath(rec.ID), text)})
}

func (d *desk) drafted(w http.ResponseWriter, r *http.Request, status int, rec disclose.Recipient, body draftBody) {
	body.Example = web.CodeBlock{ID: "example", Title: "A whole agreement", Lang: "yaml", Code: Example}
	d.Render(w, r, status, d.pages, "console_agree.html", web.Page{
		Title: "New agreement with " + rec.Name, Lead: "What permits more than today waits for a second member of staff. What only tightens is in force at once.",
		Crumbs: []web.Crumb{{Label: "Recipients", Href: RecipientsPath}, {Label: rec.Name, Href: recipientPath(rec.ID)}, {Label: "New agreement"}}, Body: body,
	})
}

// submit shows what a text permits, and with "keep" keeps it.
func (d *desk) submit(w http.ResponseWriter, r *http.Request) {
	rec, err := d.of(r)
	if err != nil {
		d.Fail(w, r, err)
		return
	}
	text := strings.ReplaceAll(r.PostFormValue("text"), "\r\n", "\n")
	a, err := disclose.ParseAgreement([]byte(text))
	form := draftForm(recipientPath(rec.ID), text)
	if e, ok := errors.AsType[*disclose.LineError](err); ok {
		form = form.Explain(web.FieldProblem{Field: "text", Detail: fmt.Sprintf("Line %d: %s.", e.Line, e.Rule)})
		d.drafted(w, r, http.StatusUnprocessableEntity, rec, draftBody{Form: form,
			Problem: &web.Callout{Tone: web.Bad, Title: fmt.Sprintf("Line %d does not fit", e.Line), Text: capital(e.Rule) + "."}})
		return
	}
	if r.PostFormValue("do") == "keep" {
		signed, err := d.Submit(r.Context(), rec.ID, text, web.VisitorFrom(r.Context()).Staff)
		if err != nil {
			d.Fail(w, r, err)
			return
		}
		http.Redirect(w, r, "/console/agreements/"+signed.ID.Token(disclose.AgreementPrefix), http.StatusSeeOther)
		return
	}
	old, err := d.InForce(r.Context(), rec.ID)
	if err != nil {
		d.Fail(w, r, err)
		return
	}
	preview := previewOf(a, loosensFrom(old, a))
	form.Submit, form.Fields[1].Value = "Submit the agreement", "keep"
	d.drafted(w, r, http.StatusOK, rec, draftBody{Form: form, Preview: &preview})
}

func loosensFrom(old *disclose.Signed, a disclose.Agreement) []string {
	if old == nil {
		return disclose.Loosens(nil, a)
	}
	return disclose.Loosens(&old.Agreement, a)
}

var acts = map[disclose.Act]string{
	disclose.Process: "handed over for the purposes below", disclose.Share: "shared for the recipient's own purposes: people are asked for that as well", disclose.Sale: "sold: people are asked for that as well",
}

func previewOf(a disclose.Agreement, loosens []string) previewBody {
	b := previewBody{Change: web.Callout{Tone: web.Good, Title: "It only tightens", Text: "It is in force as soon as it is submitted."}}
	if len(loosens) > 0 {
		b.Change = web.Callout{Tone: web.Warn, Title: "It permits more", Text: "A second member of staff has to accept it: " + strings.Join(loosens, "; ") + "."}
	}
	list := func(of []string) string {
		if len(of) == 0 {
			return "all"
		}
		return strings.Join(of, ", ")
	}
	purposes := make([]string, len(a.Purposes))
	for i, p := range a.Purposes {
		purposes[i] = string(p)
	}
	ack := "none is expected"
	if a.Acknowledge > 0 {
		ack = "within " + web.Plural(int(a.Acknowledge/time.Hour), "hour", "hours")
	}
	transfer := "to no other country"
	if a.Transfer.Basis != "none" {
		transfer = strings.Join(a.Transfer.Countries, ", ") + " (" + a.Transfer.Basis + ")"
	}
	b.Facts = []web.KeyValue{
		{Key: "Title", Value: a.Title}, {Key: "Contract", Value: a.Contract}, {Key: "Data is", Value: acts[a.Act]},
		{Key: "In force", Value: "from " + web.Date(a.From) + " until the day before " + web.Date(a.Until)}, {Key: "Purposes", Value: strings.Join(purposes, ", ")},
		{Key: "Brands", Value: list(a.Brands)}, {Key: "Transfer", Value: transfer},
		{Key: "Assessed", Value: "by " + a.Assessment.By + " on " + web.Date(a.Assessment.On) + ", until " + web.Date(a.Assessment.Expires)},
		{Key: "Kept there", Value: web.Plural(int(a.Retention/(24*time.Hour)), "day", "days") + " at most"}, {Key: "Confirmation", Value: ack},
	}
	b.Fields = web.Table{ID: "fields", Caption: "Fields that may leave", Columns: []web.Column{{Label: "Field"}, {Label: "Category"}, {Label: "Times to the"}}}
	for _, f := range a.Fields {
		category, times := string(f.Category), string(f.Coarsen)
		if category == "" {
			category = "about nobody"
		}
		if times == "" {
			times = "day"
		}
		b.Fields.Rows = append(b.Fields.Rows, web.Row{Cells: web.Cells(f.Name, category, times)})
	}
	b.Others = web.Table{ID: "others", Caption: "Who works for the recipient", Columns: []web.Column{{Label: "Name"}, {Label: "Country"}, {Label: "For"}},
		Empty: &web.Empty{Icon: "people", Title: "Nobody", Text: "The agreement names no sub-processor."}}
	for _, s := range a.Processors {
		b.Others.Rows = append(b.Others.Rows, web.Row{Cells: web.Cells(s.Name, s.Country, s.For)})
	}
	return b
}

type agreementBody struct {
	State   web.Callout
	Preview previewBody
	Text    web.CodeBlock
	Forms   []web.Form
}

func (d *desk) agreement(w http.ResponseWriter, r *http.Request) {
	a, err := d.agreementOf(r)
	if err != nil {
		d.Fail(w, r, err)
		return
	}
	d.agreed(w, r, http.StatusOK, a, nil)
}

func (d *desk) agreementOf(r *http.Request) (disclose.Signed, error) {
	id, err := thimble.ParseID(disclose.AgreementPrefix, r.PathValue("id"))
	if err != nil {
		return disclose.Signed{}, fmt.Errorf("discloseweb: the address: %w", thimble.ErrNotFound)
	}
	return d.Agreement(r.Context(), id)
}

func (d *desk) agreed(w http.ResponseWriter, r *http.Request, status int, a disclose.Signed, problem *web.FieldProblem) {
	rec, err := d.Recipient(r.Context(), a.Recipient)
	if err != nil {
		d.Fail(w, r, err)
		return
	}
	body := agreementBodyOf(a, web.VisitorFrom(r.Context()).Staff)
	for i, f := range body.Forms {
		if problem != nil && f.Action == r.URL.Path {
			body.Forms[i] = f.Fill(r.PostForm).Explain(*problem)
		}
	}
	d.Render(w, r, status, d.pages, "console_agreement.html", web.Page{
		Title: a.Agreement.Title, Lead: fmt.Sprintf("Version %d with %s, submitted by %s.", a.Version, rec.Name, a.SubmittedBy),
		Crumbs: []web.Crumb{{Label: "Recipients", Href: RecipientsPath}, {Label: rec.Name, Href: recipientPath(rec.ID)}, {Label: fmt.Sprintf("Agreement %d", a.Version)}}, Body: body,
	})
}

func agreementBodyOf(a disclose.Signed, staff string) agreementBody {
	path := "/console/agreements/" + a.ID.Token(disclose.AgreementPrefix)
	b := agreementBody{Preview: previewOf(a.Agreement, a.Loosens), Text: web.CodeBlock{ID: "text", Title: "Text", Lang: "yaml", Code: a.Text}}
	b.State = web.Callout{Tone: agreementTones[a.State], Title: capital(agreementState(a)), Text: map[disclose.AgreementState]string{
		disclose.InForce: "What it permits is sent.", disclose.Waiting: "It permits more than is in force: " + strings.Join(a.Loosens, "; ") + ".",
		disclose.Superseded: "Another has taken its place.", disclose.Rejected: "It was never in force.", disclose.Ended: "It was ended by hand.",
	}[a.State]}
	switch {
	case a.State == disclose.Waiting:
		if a.SubmittedBy == staff {
			b.State.Text += " You have submitted it; somebody else has to accept it."
		} else {
			b.Forms = append(b.Forms, web.Form{ID: "accept", Action: path + "/accept", Legend: "Accept", Submit: "Accept and put in force", Fields: []web.Field{reasonField("What you have compared it with.")}})
		}
		b.Forms = append(b.Forms, web.Form{ID: "reject", Action: path + "/reject", Legend: "Reject", Submit: "Reject", Danger: true, Fields: []web.Field{reasonField("What is wrong with it.")}})
	case a.State == disclose.InForce && a.SubmittedBy == disclosedb.Configuration:
		b.State.Text += " It comes with the configuration; suspend the recipient to stop it."
	case a.State == disclose.InForce:
		b.Forms = append(b.Forms, web.Form{ID: "end", Action: path + "/end", Legend: "End", Submit: "End it now", Danger: true,
			Intro: "Nothing more is sent under it; what is queued is cancelled.", Fields: []web.Field{reasonField("Why it ends before its time.")}})
	}
	return b
}

func (d *desk) settle(do func(Desk, context.Context, thimble.ID, string, string) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		a, err := d.agreementOf(r)
		if err == nil {
			err = do(d.Desk, r.Context(), a.ID, web.VisitorFrom(r.Context()).Staff, r.PostFormValue("reason"))
		}
		if problem := problemOf(err); problem != nil {
			d.agreed(w, r, http.StatusUnprocessableEntity, a, problem)
			return
		}
		if err != nil {
			d.Fail(w, r, err)
			return
		}
		http.Redirect(w, r, recipientPath(a.Recipient), http.StatusSeeOther)
	}
}
