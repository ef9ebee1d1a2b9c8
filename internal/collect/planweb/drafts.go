package planweb

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"thimble"
	"thimble/internal/collect/plan"
	"thimble/internal/collect/plandb"
	"thimble/internal/web"
)

type draftsBody struct {
	Drafts web.Table
	Upload web.Form
}

func draftHref(id thimble.ID) string { return draftsPath + "/" + id.Token(plandb.DraftPrefix) }

// drafts lists the drafts, and takes a whole file.
func (d *desk) drafts(w http.ResponseWriter, r *http.Request, status int, refused *web.Form) {
	all, err := d.Plans.Drafts(r.Context(), 100)
	if err != nil {
		d.Fail(w, r, err)
		return
	}
	t := web.Table{ID: "drafts", Caption: "Drafts", HideCaption: true, Columns: []web.Column{{Label: "Draft"}, {Label: "State"}, {Label: "By"}, {Label: "On version", Kind: web.NumberColumn}, {Label: "Changed"}},
		Empty: &web.Empty{Icon: "layers", Title: "Nothing is being changed", Text: "Start a draft from the plan in force, from a proposal, or with a file below.", Action: &web.Action{Label: "The plan in force", Href: Path}}}
	for _, one := range all {
		by := web.Cell{Value: one.Author}
		if one.Decider != "" {
			by.Sub = "decided by " + one.Decider
		}
		t.Rows = append(t.Rows, web.Row{Href: draftHref(one.ID), Cells: web.Cells(cmp.Or(one.Note, "without a note"), stateBadge(one), by, one.Base, one.Changed)})
	}
	form := uploadForm(d.Plans.InForce().Version)
	if refused != nil {
		form = *refused
	}
	d.show(w, r, status, "plan_drafts.html", web.Page{Title: "Drafts of the plan", Lead: "Changes that are not in force. Whoever plans may propose one; what keeps more than before is for whoever answers for privacy.",
		APICall: "PUT /v1/collect/plan", Body: draftsBody{t, form}})
}

func stateBadge(d plandb.Draft) web.Badge {
	switch d.State {
	case plandb.Waiting:
		return web.Badge{Text: "open", Tone: web.Info}
	case plandb.Decided:
		return web.Badge{Text: "version " + strconv.Itoa(d.Version), Tone: web.Good}
	}
	return web.Badge{Text: "discarded"}
}

func uploadForm(base int) web.Form {
	return web.Form{ID: "upload", Action: draftsPath, Legend: "Start with a file", Submit: "Start a draft with it", Intro: "A plan in YAML, such as the one in force after an edit elsewhere. Its version says which one was edited.",
		Fields: []web.Field{
			{Name: "base", Kind: web.HiddenField, Value: strconv.Itoa(base)},
			{Name: "file", Label: "File", Kind: web.FileField},
			{Name: "text", Label: "Or the text", Kind: web.TextAreaField, Rows: 6},
			{Name: "note", Label: "What for", MaxLength: plandb.MaxReason, Autocomplete: "off"},
		}}
}

// readForm reads a form that may bring a file.
func readForm(r *http.Request) error {
	err := r.ParseMultipartForm(plan.MaxFile)
	if errors.Is(err, http.ErrNotMultipart) {
		err = r.ParseForm()
	}
	if err != nil {
		return fmt.Errorf("planweb: the form could not be read: %w", thimble.ErrInvalid)
	}
	return nil
}

// sentText is the text of the file, or what was pasted; empty without either.
func sentText(r *http.Request) ([]byte, error) {
	if f, _, err := r.FormFile("file"); err == nil {
		defer f.Close() //nolint:errcheck // it was only read
		text, err := io.ReadAll(io.LimitReader(f, plan.MaxFile+1))
		if err != nil || len(text) > 0 {
			return text, err
		}
	}
	return []byte(strings.ReplaceAll(r.PostFormValue("text"), "\r\n", "\n")), nil
}

// start begins a draft: of the plan in force, of an older version, or of a text.
func (d *desk) start(w http.ResponseWriter, r *http.Request) {
	if err := readForm(r); err != nil {
		d.Fail(w, r, err)
		return
	}
	base, err := strconv.Atoi(r.PostForm.Get("base"))
	if err != nil {
		base = d.Plans.InForce().Version
	}
	text, err := d.startText(r, base)
	var id thimble.ID
	if err == nil {
		id, err = d.Plans.Start(r.Context(), base, text, staffOf(r), r.PostForm.Get("note"))
	}
	if kindOfForm(err) {
		status, _, _ := web.Kind(err)
		form := uploadForm(base).Fill(r.PostForm)
		if problem := reason(err); strings.HasPrefix(problem, "note:") {
			form = form.Explain(web.FieldProblem{Field: "note", Detail: problem})
		} else {
			form = form.Explain(web.FieldProblem{Field: "text", Detail: problem})
		}
		d.drafts(w, r, status, &form)
		return
	}
	if err != nil {
		d.Fail(w, r, err)
		return
	}
	http.Redirect(w, r, draftHref(id), http.StatusSeeOther)
}

// kindOfForm reports whether an error is one that a form explains.
func kindOfForm(err error) bool {
	return errors.Is(err, thimble.ErrInvalid) || errors.Is(err, thimble.ErrConflict) || errors.Is(err, thimble.ErrDenied) || errors.Is(err, thimble.ErrNotFound)
}

func (d *desk) startText(r *http.Request, base int) ([]byte, error) {
	if from, err := strconv.Atoi(r.PostForm.Get("from")); err == nil {
		f, err := d.Plans.Version(r.Context(), from)
		if err != nil {
			return nil, err
		}
		t, err := plan.EditText(f.Text)
		if err != nil {
			return nil, err
		}
		t.Number(base + 1)
		text, _, err := t.Done()
		return text, err
	}
	_, uploads := r.PostForm["text"]
	text, err := sentText(r)
	if err != nil || len(strings.TrimSpace(string(text))) > 0 {
		return text, err
	}
	if uploads {
		return nil, fmt.Errorf("plan: choose a file, or paste its text: %w", thimble.ErrInvalid)
	}
	f, err := d.Plans.Version(r.Context(), base)
	if err != nil {
		return nil, err
	}
	return f.Text, nil
}

// named returns the draft of the address.
func (d *desk) named(r *http.Request) (plandb.Draft, error) {
	id, err := thimble.ParseID(plandb.DraftPrefix, r.PathValue("draft"))
	if err != nil {
		return plandb.Draft{}, thimble.ErrNotFound // a misspelt address leads nowhere
	}
	return d.Plans.Draft(r.Context(), id)
}

type draftBody struct {
	Says    web.Callout
	Facts   []web.KeyValue
	Diff    web.Table
	Since   *web.Table // what somebody else changed meanwhile
	Decide  *web.Form
	Edits   []web.Form
	Discard *web.Form
	Text    web.CodeBlock
}

// draft shows a draft: what it would change, who may put it in force, and how to edit it.
// A problem, or a form that was refused, is shown with it.
func (d *desk) draft(w http.ResponseWriter, r *http.Request, status int, problem string, refused *web.Form) {
	one, err := d.named(r)
	var body draftBody
	if err == nil {
		body, err = d.draftBody(r, one, refused)
	}
	if err != nil {
		d.Fail(w, r, err)
		return
	}
	if problem != "" {
		body.Says = web.Callout{Tone: web.Bad, Title: "Not done", Text: problem}
	}
	d.show(w, r, status, "plan_draft.html", web.Page{
		Title: "Draft on version " + strconv.Itoa(one.Base), Crumbs: []web.Crumb{{Label: "Drafts", Href: draftsPath}, {Label: web.ShortToken(one.ID.Token(plandb.DraftPrefix))}},
		Actions: []web.Action{{Label: "Download YAML", Href: draftHref(one.ID) + "/plan.yaml", Icon: "download", Kind: "quiet"}}, APICall: "PUT /v1/collect/plan", Body: body,
	})
}

func (d *desk) draftBody(r *http.Request, one plandb.Draft, refused *web.Form) (body draftBody, err error) {
	base, err := d.Plans.Version(r.Context(), one.Base)
	if err != nil {
		return body, err
	}
	p, err := plan.Read(one.Text)
	if err != nil {
		return body, err
	}
	diff := plan.Diff(base.Plan, p)
	loosens := plandb.Loosening(diff)
	body = draftBody{Diff: diffTable("What it would change", diff), Text: web.CodeBlock{ID: "whole", Title: "The whole text", Lang: "yaml", Code: string(one.Text)},
		Facts: []web.KeyValue{{Key: "State", Value: stateBadge(one)}, {Key: "By", Value: one.Author}, {Key: "What for", Value: cmp.Or(one.Note, "–")}, {Key: "Changed", Value: one.Changed}}}
	if one.Decider != "" {
		body.Facts = append(body.Facts, web.KeyValue{Key: "Decided by", Value: one.Decider})
	}
	if one.State != plandb.Waiting {
		body.Says = web.Callout{Tone: web.Info, Title: "Decided", Text: "This draft is " + string(one.State) + ". It is kept to be looked at."}
		return body, nil
	}
	newest := d.Plans.InForce()
	if newest.Version != one.Base {
		since := diffTable(fmt.Sprintf("What changed from version %d to %d", one.Base, newest.Version), plan.Diff(base.Plan, newest.Plan))
		since.ID, body.Since = "since", &since
	}
	body.Says = says(one, newest.Version, len(diff), loosens)
	if d.May(r.Context(), "POST "+draftsPath) {
		body.Edits, body.Discard = editForms(one, p), discardForm(one)
	}
	body.Decide = d.decideForm(r, one, newest.Version, len(diff), loosens)
	for i := range body.Edits {
		if refused != nil && body.Edits[i].ID == refused.ID {
			body.Edits[i] = *refused
		}
	}
	if refused != nil && body.Decide != nil && body.Decide.ID == refused.ID {
		body.Decide = refused
	}
	return body, nil
}

// says tells in a sentence where a draft stands.
func says(one plandb.Draft, newest, changes, loosens int) web.Callout {
	switch {
	case newest != one.Base:
		return web.Callout{Tone: web.Warn, Title: "The plan has changed meanwhile", Text: fmt.Sprintf("Version %d is in force, and this draft is on version %d. Look at both differences below, start a draft on version %d, and make the changes there.", newest, one.Base, newest)}
	case changes == 0:
		return web.Callout{Tone: web.Info, Title: "Nothing is changed yet", Text: "Make a change below. It is seen here before it is in force."}
	case loosens > 0:
		return web.Callout{Tone: web.Warn, Title: "More would be kept than before", Text: fmt.Sprintf("It does so in %d of %s. Somebody who answers for privacy has to accept that, with a reason.", loosens, web.Plural(changes, "change", "changes"))}
	}
	return web.Callout{Tone: web.Good, Title: "No more would be kept than before", Text: web.Plural(changes, "change", "changes") + "; they can be put in force."}
}

// decideForm is the form of who may put a draft in force; nil for whoever may not.
func (d *desk) decideForm(r *http.Request, one plandb.Draft, newest, changes, loosens int) *web.Form {
	action := ForcePath
	if loosens > 0 {
		action = LooseningPath
	}
	if newest != one.Base || changes == 0 || !d.May(r.Context(), "POST "+action+"/{draft}") {
		return nil
	}
	f := web.Form{ID: "decide", Action: action + "/" + one.ID.Token(plandb.DraftPrefix), Legend: "Put in force", Submit: fmt.Sprintf("Put version %d in force", one.Base+1), Fields: []web.Field{
		revisionField(one), {Name: "reason", Label: "Why", Hint: "It is in the ledger, with your name. No customer's name or address.", Kind: web.TextAreaField, Rows: 2, MaxLength: plandb.MaxReason, Required: loosens > 0},
	}}
	if loosens > 0 {
		f.Legend, f.Submit = "Accept that more is kept", fmt.Sprintf("Accept it and put version %d in force", one.Base+1)
	}
	return &f
}

func revisionField(one plandb.Draft) web.Field {
	return web.Field{Name: "revision", Kind: web.HiddenField, Value: strconv.Itoa(one.Revision)}
}

// decide puts a draft in force.
func (d *desk) decide(w http.ResponseWriter, r *http.Request, accepts bool) {
	one, err := d.named(r)
	if err == nil {
		err = readForm(r)
	}
	if err != nil {
		d.Fail(w, r, err)
		return
	}
	revision, err := strconv.Atoi(r.PostForm.Get("revision"))
	if err != nil || revision < 1 {
		d.draft(w, r, http.StatusUnprocessableEntity, "The form does not say which state of the draft was seen. Look at it again.", nil)
		return
	}
	why := strings.TrimSpace(r.PostForm.Get("reason"))
	if accepts && why == "" {
		if form := d.decideForm(r, one, d.Plans.InForce().Version, 1, 1); form != nil {
			refused := form.Explain(web.FieldProblem{Field: "reason", Detail: "Write why more may be kept than before."})
			d.draft(w, r, http.StatusUnprocessableEntity, "", &refused)
			return
		}
	}
	n, err := d.Plans.Decide(r.Context(), one.ID, revision, plandb.Author{Name: staffOf(r), Reason: why, Accepts: accepts})
	if kindOfForm(err) {
		status, _, _ := web.Kind(err)
		d.draft(w, r, status, sentence(err), nil)
		return
	}
	if err != nil {
		d.Fail(w, r, err)
		return
	}
	http.Redirect(w, r, versionHref(n), http.StatusSeeOther)
}

// sentence is an error as a sentence of a page.
func sentence(err error) string {
	text := reason(err)
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

func (d *desk) downloadDraft(w http.ResponseWriter, r *http.Request) {
	one, err := d.named(r)
	if err != nil {
		d.Fail(w, r, err)
		return
	}
	yamlFile(w, fmt.Sprintf("tracking-plan-%d-draft.yaml", one.Base+1), one.Text)
}
