package policyweb

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"thimble"
	"thimble/internal/policy"
	"thimble/internal/policy/calendar"
	"thimble/internal/policy/policydb"
	"thimble/internal/web"
)

func fmtInvalid(err error) error {
	return fmt.Errorf("policy: reading the form: %w", errors.Join(err, thimble.ErrInvalid))
}

var errNotWaiting = fmt.Errorf("policy: this change does not wait, or not any more: %w", thimble.ErrNotFound)

type packsBody struct {
	Stats []web.Stat
	Packs web.Table
}

func (d *desk) packs(w http.ResponseWriter, r *http.Request) {
	reviews, err := d.Laws.Reviews(r.Context())
	if err != nil {
		d.Fail(w, r, err)
		return
	}
	q := r.URL.Query()
	status, from := q.Get("status"), q.Get("from")
	body := packsOf(d.library().List(), reviews, status, from)
	body.Packs.URL = r.URL
	d.show(w, r, http.StatusOK, "packs.html", web.Page{Title: "Packs", Lead: "The laws that are here: those that ship with this version, and those of the installation's own folder. " + disclaimer, Body: body})
}

func packsOf(all []policy.Listed, reviews []policydb.Review, status, from string) packsBody {
	t := web.Table{ID: "packs", Caption: "Packs", HideCaption: true,
		Columns: []web.Column{{Label: "Pack"}, {Label: "Status, since"}, {Label: "Values", Kind: web.NumberColumn}, {Label: "Not yet checked", Kind: web.NumberColumn}, {Label: "Reviewed by"}, {Label: "Taken on"}, {Label: "Hash", Kind: web.TokenColumn}},
		Filters: []web.Field{
			{Name: "status", Label: "Status", Kind: web.SelectField, Value: status, Short: true, Options: []web.Option{{Label: "All"}, {Value: "in_force", Label: "In force"}, {Value: "future", Label: "Future"}, {Value: "proposed", Label: "Proposed"}}},
			{Name: "from", Label: "From", Kind: web.SelectField, Value: from, Short: true, Options: []web.Option{{Label: "All"}, {Value: "shipped", Label: "This version"}, {Value: "own", Label: "The own folder"}}},
		},
		Empty: &web.Empty{Icon: "scale", Title: "No pack is all of this", Text: "Clear a filter. To add a law of your own, put its file into the folder that the setting packs names, and start the server again."}}
	values, open, own := 0, 0, 0
	for _, p := range all {
		values, open = values+p.Values, open+p.Unverified
		if p.Trust != "shipped" {
			own++
		}
		if status != "" && string(p.Status) != status || from == "shipped" && p.Trust != "shipped" || from == "own" && p.Trust == "shipped" {
			continue
		}
		t.Rows = append(t.Rows, packRow(p, reviews))
	}
	return packsBody{Packs: t, Stats: []web.Stat{{Label: "Packs", Value: len(all), Note: web.Plural(own, "of the own folder", "of the own folder")},
		{Label: "Values", Value: values}, {Label: "Not yet checked", Value: open, Note: "against the primary source"}}}
}

func packRow(p policy.Listed, reviews []policydb.Review) web.Row {
	state := web.Badge{Text: "In force", Tone: web.Good}
	switch p.Status {
	case policy.Future:
		state = web.Badge{Text: "Future", Tone: web.Info}
	case policy.Proposed:
		state = web.Badge{Text: "Proposed"}
	}
	since := p.From.String()
	if !p.To.IsZero() {
		since += " to " + p.To.String()
	}
	return web.Row{Href: packHref(p.Ref), Cells: []web.Cell{
		{Value: p.Ref, Sub: p.Title}, {Value: state, Sub: since}, {Value: p.Values}, {Value: p.Unverified},
		reviewCell(p, reviews), {Value: trustWords(p.Trust)}, {Value: web.Token(p.Hash)},
	}}
}

// trustWords is on whose word a pack is here.
func trustWords(trust string) string {
	switch trust {
	case "shipped":
		return "this version"
	case "accepted by hash":
		return "its hash, in the configuration"
	}
	return "a signature of " + trust
}

// reviewCell is the newest review of a pack as it is here, or of an earlier state.
func reviewCell(p policy.Listed, reviews []policydb.Review) web.Cell {
	i := slices.IndexFunc(reviews, func(r policydb.Review) bool { return r.Pack == packID(p.Ref) && r.Hash == p.Hash })
	if i >= 0 {
		return web.Cell{Value: reviews[i].Reviewer, Sub: reviews[i].On.String()}
	}
	if p.Reviewer != "" {
		return web.Cell{Value: p.Reviewer, Sub: "as the pack says"}
	}
	if slices.ContainsFunc(reviews, func(r policydb.Review) bool { return r.Pack == packID(p.Ref) }) {
		return web.Cell{Value: "nobody", Sub: "an earlier state was reviewed"}
	}
	return web.Cell{Value: "nobody yet"}
}

type packBody struct {
	Facts    []web.KeyValue
	Note     web.Callout
	Text     web.CodeBlock
	Reviews  web.Table
	Form     web.Form
	Sections []lawSection
}

func (d *desk) pack(w http.ResponseWriter, r *http.Request, status int, refused *web.Form) {
	id := r.PathValue("id")
	all := d.library().List()
	i := slices.IndexFunc(all, func(p policy.Listed) bool { return packID(p.Ref) == id })
	if i < 0 {
		d.Fail(w, r, fmt.Errorf("policy: there is no such pack: %w", thimble.ErrNotFound))
		return
	}
	p, err := d.library().Pack(id)
	var reviews []policydb.Review
	if err == nil {
		reviews, err = d.Laws.Reviews(r.Context())
	}
	var text []byte
	if err == nil {
		text, err = d.library().Text(id)
	}
	if err != nil {
		d.Fail(w, r, err)
		return
	}
	body := packBody{
		Facts: packFacts(all[i], p, reviews), Text: web.CodeBlock{Title: id + ".yaml", Lang: "yaml", Code: string(text)},
		Note:     web.Callout{Tone: web.Info, Title: disclaimer, Text: web.Plural(all[i].Unverified, "value awaits", "values await") + " the primary source."},
		Reviews:  reviewTable(id, all[i].Hash, reviews),
		Form:     reviewForm(id, d.Laws.Today()),
		Sections: sectionsOf(policy.LawOf(laterOf(d.Laws.Today(), p.Effective.From), p).Values()),
	}
	if refused != nil {
		body.Form = *refused
	}
	d.show(w, r, status, "pack.html", web.Page{Title: p.Title, Lead: p.Ref(), Crumbs: []web.Crumb{{Label: "Packs", Href: packsPath}, {Label: id}}, Body: body})
}

func laterOf(a, b calendar.Date) calendar.Date {
	if a.Before(b) {
		return b
	}
	return a
}

func packFacts(l policy.Listed, p *policy.Pack, reviews []policydb.Review) []web.KeyValue {
	applies := strings.Join(p.Applies.Residence, ", ")
	switch {
	case p.Applies.Everyone:
		applies = "everybody"
	case p.Amends != "":
		applies = "wherever " + p.Amends + " does, which it amends"
	case p.Applies.Unknown:
		applies = "people whose law is not known"
	}
	if seat := strings.Join(p.Applies.Establishment, ", "); seat != "" {
		applies += "; shops established in " + seat
	}
	facts := []web.KeyValue{
		{Key: "Status", Value: string(l.Status), Sub: p.Effective.Cite}, {Key: "In force since", Value: l.From.String()}, {Key: "Applies to", Value: applies},
		{Key: "Calendar", Value: string(p.Calendar.Rule) + ", " + p.Calendar.Zone, Sub: p.Calendar.Cite}, {Key: "Taken on", Value: trustWords(l.Trust)},
		{Key: "SHA-256", Value: l.Hash, Copy: true},
	}
	if c := reviewCell(l, reviews); c.Value != nil {
		facts = append(facts, web.KeyValue{Key: "Reviewed by", Value: c.Value, Sub: c.Sub})
	}
	for _, s := range p.Sources {
		facts = append(facts, web.KeyValue{Key: "Source", Value: s.Title, Href: s.URL})
	}
	return facts
}

func reviewTable(id, hash string, reviews []policydb.Review) web.Table {
	t := web.Table{ID: "reviews", Caption: "Reviews", Columns: []web.Column{{Label: "Reviewer"}, {Label: "Day"}, {Label: "Of"}, {Label: "Note"}, {Label: "Written down by"}},
		Empty: &web.Empty{Icon: "user", Title: "Nobody has reviewed this pack", Text: "Have somebody who knows the law hold the values against the source, and write it down below."}}
	for _, r := range reviews {
		if r.Pack != id {
			continue
		}
		of := web.Cell{Value: "version " + r.Version, Sub: "as it is here"}
		if r.Hash != hash {
			of.Sub = "another state of it"
		}
		t.Rows = append(t.Rows, web.Row{Cells: []web.Cell{{Value: r.Reviewer}, {Value: r.On.String()}, of, {Value: r.Note}, {Value: r.Staff, Sub: web.Date(r.At)}}})
	}
	return t
}

func reviewForm(id string, today calendar.Date) web.Form {
	return web.Form{ID: "review", Action: packsPath + "/" + id + "/review", Legend: "Write down a review", Submit: "Write it down",
		Intro: "It is a ledger entry, and says nothing about whether the law is met.",
		Fields: []web.Field{
			{Name: "reviewer", Label: "Who reviewed it", Required: true, MaxLength: 100, Autocomplete: "off"},
			{Name: "date", Label: "Day", Kind: web.DateField, Value: today.String(), Max: today.String(), Required: true, Short: true},
			{Name: "note", Label: "What was looked at", Kind: web.TextAreaField, Rows: 2, MaxLength: 500},
		}}
}

func (d *desk) review(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		d.Fail(w, r, fmtInvalid(err))
		return
	}
	id := r.PathValue("id")
	on, err := calendar.ParseDate(r.PostForm.Get("date"))
	if err == nil {
		err = d.Laws.Review(r.Context(), id, policydb.Review{Reviewer: r.PostForm.Get("reviewer"), On: on, Note: r.PostForm.Get("note"), Staff: web.VisitorFrom(r.Context()).Staff})
	}
	if errors.Is(err, thimble.ErrInvalid) {
		var problems []web.FieldProblem
		if strings.TrimSpace(r.PostForm.Get("reviewer")) == "" || strings.Contains(err.Error(), "reviewer:") {
			problems = append(problems, web.FieldProblem{Field: "reviewer", Detail: "Write a name of 2 to 100 characters."})
		}
		if on.IsZero() || strings.Contains(err.Error(), "date:") {
			problems = append(problems, web.FieldProblem{Field: "date", Detail: "Write a day up to today."})
		}
		if strings.Contains(err.Error(), "note:") {
			problems = append(problems, web.FieldProblem{Field: "note", Detail: "Write at most 500 characters."})
		}
		form := reviewForm(id, d.Laws.Today()).Fill(r.PostForm).Explain(problems...)
		d.pack(w, r, http.StatusUnprocessableEntity, &form)
		return
	}
	if err != nil {
		d.Fail(w, r, err)
		return
	}
	http.Redirect(w, r, packsPath+"/"+id, http.StatusSeeOther)
}
