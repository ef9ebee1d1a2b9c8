package rightsweb

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"thimble"
	"thimble/internal/ledger"
	"thimble/internal/ledger/ledgerweb"
	"thimble/internal/rights"
	"thimble/internal/web"
)

// confirmation is what has to be typed.
const confirmation = "FORGET"

const maxForm = 1 << 12

type forgetBody struct{ Form web.Form }

func forgetForm() web.Form {
	return web.Form{
		ID: "forget", Action: "/privacy/forget", Submit: "Forget me now", Danger: true,
		Cancel: &web.Action{Label: "No, keep my data", Href: "/privacy"},
		Fields: []web.Field{{
			Name: "word", Label: "Type " + confirmation + " to say that you mean it", Required: true, Short: true,
			Hint: "In capital letters. This cannot be undone, not even by the shop.", Autocomplete: "off", MaxLength: 20,
		}},
	}
}

func (p *portal) askToForget(w http.ResponseWriter, r *http.Request, status int, form web.Form) {
	p.frame.Render(w, r, status, p.pages, "portal_forget.html", web.Page{
		Title: "Be forgotten", Lead: "The shop and its programs forget you, and prove that they did.",
		Crumbs: []web.Crumb{{Label: "My data", Href: "/privacy/data"}, {Label: "Be forgotten"}}, Body: forgetBody{form},
	})
}

func (p *portal) forget(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		p.frame.Fail(w, r, fmt.Errorf("rights: reading the form: %w", thimble.ErrInvalid))
		return
	}
	if strings.TrimSpace(r.PostForm.Get("word")) != confirmation {
		p.askToForget(w, r, http.StatusUnprocessableEntity, forgetForm().Explain(web.FieldProblem{
			Field: "word", Detail: "Type exactly " + confirmation + ". Nothing was deleted."}))
		return
	}
	report, err := p.Desk.Erase(r.Context(), web.VisitorFrom(r.Context()).Subject)
	if errors.Is(err, rights.ErrWaits) {
		form := forgetForm()
		form.Problem = "An e-mail address was added to your account lately. So that nobody who did that by stealth can have you forgotten, it waits for three days. Your request is kept: My requests says from when on it can be done."
		p.askToForget(w, r, http.StatusConflict, form)
		return
	}
	if err != nil {
		p.frame.Fail(w, r, err)
		return
	}
	// The session went with everything else.
	p.Exit.Drop(w)
	http.Redirect(w, r, Forgotten+report.Request, http.StatusSeeOther)
}

// A forgottenBody is the report of an erasure.
type forgottenBody struct {
	Facts  []web.KeyValue
	Table  web.Table
	Kept   []thimble.Kept
	Check  ledgerweb.Check
	Models *rights.Models
	// Certificate checks the certificate where it stands; nil for an erasure of before there
	// were any, or one of which something is held.
	Certificate *ledgerweb.Check
}

// report finds a finished erasure. Any other request is not found: this page needs
// nobody signed in.
func (p *portal) report(r *http.Request) (rights.Report, ledger.Opening, error) {
	token := r.PathValue("id")
	id, err := thimble.ParseID(rights.TokenPrefix, token)
	if err != nil {
		return rights.Report{}, ledger.Opening{}, fmt.Errorf("rights: the address: %w", thimble.ErrNotFound)
	}
	o, err := p.Requests.Opening(r.Context(), id)
	if err != nil {
		return rights.Report{}, o, err
	}
	var report rights.Report
	if err := json.Unmarshal(o.Record, &report); err != nil {
		return report, o, fmt.Errorf("rights: the report of %s: %w", token, err)
	}
	if report.Kind != rights.Erase {
		return report, o, fmt.Errorf("rights: %s is no erasure: %w", token, thimble.ErrNotFound)
	}
	return report, o, nil
}

func (p *portal) forgotten(w http.ResponseWriter, r *http.Request) {
	report, _, err := p.report(r)
	if err != nil {
		p.frame.Fail(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	title, lead := "You are forgotten", "This is the proof. Keep the receipt: it says what was done, and holds nothing about you."
	if report.Held {
		title, lead = "You are forgotten, but for what a law keeps", "What the law has the shop keep is below. It is used for that law alone, and goes by itself when the law ends; then there is a certificate too."
	}
	p.frame.Render(w, r, http.StatusOK, p.pages, "portal_forgotten.html", web.Page{
		Title: title, Lead: lead,
		Body:    p.forgottenBody(r, report),
		Scripts: []string{ledgerweb.CheckScript}, Styles: []string{ledgerweb.CheckStyle},
	})
}

func (p *portal) forgottenBody(r *http.Request, report rights.Report) forgottenBody {
	body := forgottenBody{
		Facts: []web.KeyValue{
			{Key: "Request", Value: web.Token(report.Request), Copy: true},
			{Key: "When", Value: report.At},
		},
		Table: web.Table{ID: "places", Caption: "What was deleted, place by place", Columns: []web.Column{{Label: "Place"}, {Label: "Deleted", Kind: web.NumberColumn}}},
		Check: ledgerweb.Check{Title: "this erasure", Href: Forgotten + report.Request + "/file", Key: p.Receipts.VerifierKey(), Auto: true},
	}
	for _, h := range report.Holders {
		words := holderWords(h.Holder)
		body.Table.Rows = append(body.Table.Rows, web.Row{Cells: web.Cells(web.Cell{Value: words.title, Sub: words.gone}, h.Count)})
		body.Kept = append(body.Kept, h.Kept...)
	}
	if report.KeyHash != "" {
		body.Facts = append(body.Facts, web.KeyValue{Key: "Fingerprint of the destroyed key", Value: web.Token(report.KeyHash), Copy: true, Sub: "what was sealed with it can never be read again"})
	}
	if report.Backups != nil && !report.Held {
		check := certificateCheck(p.Receipts, report.Request, "this erasure")
		check.Auto, body.Certificate = true, &check
		body.Facts = append(body.Facts, web.KeyValue{Key: "Gone from backups too", Value: "after " + report.Backups.UnreadableAfter.Format("2 January 2006"), Sub: "the keys that backups need die by then"})
	}
	if m := report.Models; m != nil && m.Before != "" {
		body.Models = m
		body.Facts = append(body.Facts, web.KeyValue{Key: "Model before", Value: web.Token(m.Before), Copy: true}, modelAfter(m))
	}
	return body
}

func modelAfter(m *rights.Models) web.KeyValue {
	switch m.After {
	case "":
		return web.KeyValue{Key: "Model after", Value: "none", Sub: "it was destroyed; one without you is made as soon as that is possible"}
	case m.Before:
		return web.KeyValue{Key: "Model after", Value: web.Token(m.After), Copy: true, Sub: "unchanged: none of your orders was in it"}
	}
	return web.KeyValue{Key: "Model after", Value: web.Token(m.After), Copy: true, Sub: "changed: it is now the model that never saw you"}
}

func (p *portal) forgottenFile(w http.ResponseWriter, r *http.Request) {
	report, o, err := p.report(r)
	if err == nil {
		err = ledgerweb.WriteReceipt(w, r, p.Receipts, o, "erasure-"+report.Request)
	}
	if err != nil {
		p.frame.Fail(w, r, err)
	}
}
