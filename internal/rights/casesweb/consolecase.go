package casesweb

import (
	"errors"
	"fmt"
	"net/http"
	"slices"

	"thimble"
	"thimble/internal/rights/cases"
	"thimble/internal/rights/casesdb"
	"thimble/internal/subject/subjectweb"
	"thimble/internal/web"
)

type consoleCaseBody struct {
	Problem  *web.Callout
	Outside  *web.Table
	Letters  *web.Table
	Facts    []web.KeyValue
	Do       []web.Action
	Forms    []actForm
	Fix      *web.Table // what is wrong, and what is right
	Outcome  outcome
	Timeline web.Timeline
}

// An actForm is something that staff can do, folded away until it is wanted.
type actForm struct {
	Title string
	Form  web.Form
}

// show shows a case. What was written is opened through the gate, when there is something.
func (d *console) show(w http.ResponseWriter, r *http.Request, status int, problem string) {
	var say *web.Callout
	if problem != "" {
		say = &web.Callout{Tone: web.Bad, Title: "That was not possible", Text: problem}
	}
	d.page(w, r, status, say)
}

func (d *console) page(w http.ResponseWriter, r *http.Request, status int, say *web.Callout) {
	id, err := caseOf(r)
	var c cases.Case
	if err == nil {
		c, err = d.Store.Get(r.Context(), id)
	}
	var steps []casesdb.Kept
	if err == nil {
		steps, err = d.Store.Steps(r.Context(), id)
	}
	var reading subjectweb.Reading
	states := !c.Subject.IsZero() && slices.Contains(c.Stated, cases.Attorney)
	if err == nil && (states || slices.ContainsFunc(steps, casesdb.Kept.Wrote)) {
		reading, err = d.Reader.Read(r.Context(), web.VisitorFrom(r.Context()).Staff, c.Subject, thimble.LegalObligation, thimble.PrivacyPreferences)
	}
	body := consoleCaseBody{Problem: say, Facts: consoleFacts(c, d), Timeline: web.Timeline{Title: "What happened"}}
	var others outside
	if err == nil {
		others, err = outsideOf(r.Context(), d.Systems, c)
	}
	if err == nil {
		body.Timeline.Items, err = moments(r.Context(), steps, reading.Grant, others.names, func(k casesdb.Kept) string { return fmt.Sprintf("%s/%s/receipt/%d", casePath, token(c), k.N) })
	}
	if err == nil {
		body.Fix, err = fixTable(r, steps, reading)
	}
	if err == nil {
		body.Outcome, err = d.Corrections.outcome(r.Context(), c, nil)
	}
	if err == nil && states && reading.Grant != nil {
		var which thimble.Personal[string]
		which, err = d.Attorney(r.Context(), reading.Grant, c)
		// On the page of who may read it: the gate has recorded that.
		body.Facts = append(body.Facts, web.KeyValue{Key: "Power of attorney", Value: which.Reveal(), Sub: "as the agent names it"})
	}
	written, writtenErr := lettersOf(r.Context(), d.Letters, c)
	err = errors.Join(err, writtenErr)
	var colleagues []string
	if err == nil {
		colleagues, err = d.Colleagues(r.Context())
	}
	if err != nil {
		d.Fail(w, r, err)
		return
	}
	body.Do, body.Forms = offers(c, web.VisitorFrom(r.Context()).Staff, colleagues)
	do, forms := others.offers(c)
	body.Outside, body.Do, body.Forms = others.table(), append(body.Do, do...), append(forms, body.Forms...)
	body.Letters, body.Do = letterTable(written), append(body.Do, letterOffers(c, written)...)
	short := web.ShortToken(token(c))
	page := web.Page{Title: c.Kind.Words() + " " + short, Crumbs: []web.Crumb{{Label: "Requests", Href: consolePath}, {Label: short}}, Body: body,
		Lead: "The customer sees each step, and your name with it."}
	if reading.Grant != nil {
		page.Notice = subjectweb.Notice(reading)
	}
	d.Render(w, r, status, d.pages, "console_case.html", page)
}

// fixTable sets what is kept beside what the person says is right; nil for a case without.
func fixTable(r *http.Request, steps []casesdb.Kept, reading subjectweb.Reading) (*web.Table, error) {
	if len(steps) == 0 || !steps[0].Wrote() || reading.Grant == nil {
		return nil, nil
	}
	fix, err := casesdb.FixOf(r.Context(), reading.Grant, steps[0])
	f := fix.Reveal() // for who decides about it
	if err != nil || f == nil {
		return nil, err
	}
	return &web.Table{ID: "fix", Caption: "What is to be corrected", Columns: []web.Column{{Label: "What"}, {Label: "As it was kept"}, {Label: "As the person says it is"}},
		Rows: []web.Row{{Cells: web.Cells(f.Title, f.Was, f.Right)}}}, nil
}

func consoleFacts(c cases.Case, d *console) []web.KeyValue {
	all := facts(c, d.Now())
	if c.Subject.IsZero() {
		all = append(all, web.KeyValue{Key: "Customer", Value: "nobody", Sub: "nobody is known by what was said, or they were erased"})
	} else {
		all = append(all, web.KeyValue{Key: "Customer", Value: web.Token(c.Subject.String())})
	}
	if c.Proof != "" {
		all = append(all, web.KeyValue{Key: "Who asks", Value: "was shown", Sub: string(c.Proof)})
	}
	if c.Staff != "" {
		all = append(all, web.KeyValue{Key: "With", Value: c.Staff})
	}
	for _, work := range c.Work {
		kv := web.KeyValue{Key: "Done by", Value: web.Token(work.Ref), Sub: work.What}
		if c.Verb() == cases.Executed {
			kv.Href = consolePath + "/" + work.Ref
		}
		all = append(all, kv)
	}
	return all
}

// labels are the words on the forms, and what is asked in them.
var labels = map[cases.What][3]string{
	cases.Permitted:  {"The permission was shown", "What was shown", "Not the document itself: what it was, and from when."},
	cases.Questioned: {"Ask what is meant", "Your question", "The customer reads it. Where the law says so, the clock stands still until they answer, once."},
	cases.Prolonged:  {"Take more time", "Why", "The customer reads it. It counts only where every law that applies knows it, and before the date."},
	cases.Declined:   {"Refuse", "Why, in your own words", "The customer reads it, with the law, and can appeal."},
	cases.WasUpheld:  {"The refusal stands", "Why", "The customer reads it."},
	cases.Overturned: {"The refusal is taken back", "Why", "The customer reads it. What was asked for is open again."},
	cases.Completed:  {"It is done", "What was done", "The customer reads it."},
}

// offers are what can be done now.
func offers(c cases.Case, staff string, colleagues []string) (do []web.Action, forms []actForm) {
	path := casePath + "/" + token(c)
	press := func(what cases.What, label, kind string) {
		do = append(do, web.Action{Label: label, Href: path, Post: true, Kind: kind, Hidden: []web.Hidden{{Name: "what", Value: string(what)}}})
	}
	write := func(what cases.What, fields ...web.Field) {
		l := labels[what]
		hidden := web.Field{Name: "what", Kind: web.HiddenField, Value: string(what)}
		forms = append(forms, actForm{l[0], web.Form{ID: string(what), Action: path, Submit: l[0], Danger: what == cases.Declined,
			Fields: append(append([]web.Field{hidden}, fields...), textField(l[1], l[2], true))}})
	}
	if c.May(cases.Accepted) && !c.NeedsProof() && (!c.Via.InPlace() || c.Authorised) && !c.Subject.IsZero() {
		label := "Begin"
		if c.Fix != "" {
			label = "Correct it"
		}
		press(cases.Accepted, label, "primary")
	}
	if c.May(cases.Proved) && c.NeedsProof() && !c.Subject.IsZero() {
		press(cases.Proved, "What they said fits what is held: it is them", "")
	}
	if c.Via.InPlace() && !c.Authorised && c.May(cases.Permitted) {
		write(cases.Permitted)
	}
	switch {
	case !c.May(cases.Completed):
	case c.Verb() == cases.Answered:
		write(cases.Completed)
	case c.Verb() == cases.Reviewed || c.Verb() == cases.Explained:
		hidden := web.Field{Name: "what", Kind: web.HiddenField, Value: string(cases.Completed)}
		forms = append(forms, actForm{"It is done", web.Form{ID: "completed", Action: path, Submit: "It is done", Fields: []web.Field{hidden,
			{Name: "ref", Label: "By which", Required: true, MaxLength: 64, Autocomplete: "off", Hint: "The token of the answered review (con_…), or of the decision that its page explains (dec_…)."}}}})
	}
	for _, what := range []cases.What{cases.Questioned, cases.Prolonged} {
		if c.May(what) && !(what == cases.Prolonged && (c.Extended || !c.Ready.IsZero())) {
			write(what)
		}
	}
	if grounds := c.Grounds(); c.May(cases.Declined) && len(grounds) > 0 {
		field := web.Field{Name: "ground", Label: "On which ground", Kind: web.RadioField, Required: true}
		for _, g := range grounds {
			reason, _ := cases.ReasonOf(g)
			field.Options = append(field.Options, web.Option{Value: string(g), Label: reason.Words, Hint: reason.Law})
		}
		write(cases.Declined, field)
	}
	if c.State == cases.Appealed && staff != c.Refuser {
		write(cases.Overturned)
		write(cases.WasUpheld)
	}
	for _, t := range toldOffers(c) {
		press(t.what, t.label, "quiet")
	}
	if c.May(cases.Handed) {
		forms = append(forms, handing(path, c, colleagues))
	}
	return do, forms
}

type toldOffer struct {
	what  cases.What
	label string
}

// toldOffers are what staff can say that they told somebody, by phone or in a shop.
func toldOffers(c cases.Case) (all []toldOffer) {
	if c.May(cases.Told) && c.Receipt.At.IsZero() && !c.Receipt.By.IsZero() {
		all = append(all, toldOffer{cases.Told, "They were told that it came in"})
	}
	if c.May(cases.Offered) && c.Verb() == cases.Collected && c.Ready.IsZero() {
		all = append(all, toldOffer{cases.Offered, "They were told that it is ready"})
	}
	return all
}

func handing(path string, c cases.Case, colleagues []string) actForm {
	to := web.Field{Name: "to", Label: "To whom", Kind: web.SelectField, Required: true}
	for _, name := range colleagues {
		if name != c.Staff {
			to.Options = append(to.Options, web.Option{Value: name})
		}
	}
	return actForm{"Hand it over", web.Form{ID: "handed", Action: path, Submit: "Hand it over", Fields: []web.Field{{Name: "what", Kind: web.HiddenField, Value: string(cases.Handed)}, to}}}
}

// act does one of the offers.
func (d *console) act(w http.ResponseWriter, r *http.Request) {
	id, err := caseOf(r)
	if err == nil {
		err = parse(w, r)
	}
	staff := web.VisitorFrom(r.Context()).Staff
	if err == nil && d.Systems != nil && slices.Contains([]string{taskDone, taskAgain, taskWhom}, r.PostForm.Get("what")) {
		written, taskErr := d.task(w, r, staff)
		if written {
			return
		}
		err = taskErr
	} else if err == nil {
		err = d.do(r, id, staff)
	}
	say := ""
	switch {
	case err == nil:
		http.Redirect(w, r, casePath+"/"+r.PathValue("case"), http.StatusSeeOther)
		return
	case errors.Is(err, thimble.ErrDenied):
		say = "Who refused a request does not decide the appeal. Somebody else has to."
	case errors.Is(err, thimble.ErrInvalid):
		say = fmt.Sprintf("Something is missing: a choice, a token, or words, of which at most %d characters are kept.", cases.MaxText)
	case errors.Is(err, thimble.ErrConflict):
		say = "It has to wait, is not done yet, or something else happened to it meanwhile. Look at what is below."
	default:
		d.Fail(w, r, err)
		return
	}
	status, _, _ := web.Kind(err)
	d.show(w, r, status, say)
}

func (d *console) do(r *http.Request, id thimble.ID, staff string) error {
	ctx, form := r.Context(), r.PostForm
	e := cases.Event{What: cases.What(form.Get("what")), By: cases.TheStaff, Staff: staff}
	switch e.What {
	case cases.Accepted:
		_, err := d.Begin(ctx, id, e.By, staff)
		return err
	case cases.Completed:
		_, err := d.Store.Complete(ctx, id, e.By, staff, form.Get("ref"), written(r))
		return err
	case letterAgain:
		return d.writeAgain(r, id)
	case cases.InPart:
		_, err := d.Store.InPart(ctx, id, staff, cases.Part(form.Get("part")), written(r))
		return err
	case cases.Proved:
		e.Proof = cases.Compared
	case cases.Declined:
		e.Ground = cases.Ground(form.Get("ground"))
	case cases.Handed:
		all, err := d.Colleagues(ctx)
		if err != nil || !slices.Contains(all, form.Get("to")) {
			return errors.Join(err, fmt.Errorf("casesweb: to: a colleague was expected: %w", thimble.ErrInvalid))
		}
		e.To = form.Get("to")
	case cases.Told, cases.Offered, cases.Permitted, cases.Questioned, cases.Prolonged, cases.WasUpheld, cases.Overturned:
	default:
		return fmt.Errorf("casesweb: what: one of the offers was expected: %w", thimble.ErrInvalid)
	}
	_, err := d.Store.Do(ctx, id, e, written(r))
	return err
}
