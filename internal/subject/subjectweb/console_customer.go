package subjectweb

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"thimble"
	"thimble/internal/subject"
	"thimble/internal/web"
)

// A Panel is what another capability shows on a customer's page.
type Panel struct {
	// Categories are what the gate is asked for on the panel's behalf.
	Categories []thimble.Category
	// Masked are categories beside them, of which the panel shows a part only until
	// somebody says why they need the whole. Without one of them it is left out as well.
	Masked []thimble.Category
	Show   func(ctx context.Context, r Reading) (Part, error)
}

// opens reports whether a reading has what the panel asked for.
func (p Panel) opens(r Reading) bool {
	return !slices.ContainsFunc(p.Categories, func(c thimble.Category) bool { return !r.Opens(c) }) &&
		!slices.ContainsFunc(p.Masked, func(c thimble.Category) bool { return !r.opens(c) })
}

// A Part is a panel filled in.
type Part struct {
	ID     string
	Title  string
	Note   string
	Facts  []web.KeyValue
	Folds  []Fold
	Tables []web.Table
	Empty  *web.Empty // shown when there is nothing else
}

// Bare reports whether the part has nothing to show.
func (p Part) Bare() bool { return len(p.Facts)+len(p.Folds)+len(p.Tables) == 0 }

// A Fold is a line that opens to a table.
type Fold struct {
	Summary string
	Detail  string
	Badge   *web.Badge
	Open    bool
	Table   web.Table
}

type consoleBody struct {
	Who    []web.KeyValue
	Denied *web.Callout
	Done   *web.Callout
	// Joined are the links that make several accounts one person; Related are people
	// who have to do with this one.
	Joined  []joinedView
	Related []web.KeyValue
	Join    *web.Form
	Unmask  *web.Form
	Glass   string // where the glass is broken, when something is withheld
	Parts   []Part
	// Withheld is what the reader's role does not show.
	Withheld []web.KeyValue
}

// A view is how a customer's page is shown.
type view struct {
	problem *web.FieldProblem        // of the form by which an account is joined
	reason  thimble.Personal[string] // why everything that may be seen is shown unmasked
	unmask  *web.FieldProblem        // of the form that asks for that reason
	clear   bool
}

// show shows a customer: who it is in part only, unless the view says why not.
func (c *console) show(w http.ResponseWriter, r *http.Request, f *web.Frame, status int, v view) {
	id, err := thimble.ParseSubjectID(r.PathValue("subject"))
	if err != nil {
		f.Fail(w, r, fmt.Errorf("subjectweb: the address names no customer: %w", thimble.ErrNotFound))
		return
	}
	ask, err := c.ask(r.Context(), id, v)
	if err != nil {
		f.Fail(w, r, err)
		return
	}
	reading, err := c.reader.Sift(r.Context(), web.VisitorFrom(r.Context()).Staff, id, ask)
	if err != nil {
		f.Fail(w, r, err)
		return
	}
	page := web.Page{
		Title:  "Customer " + web.ShortToken(id),
		Crumbs: []web.Crumb{{Label: "Customers", Href: consolePath}, {Label: web.ShortToken(id)}},
	}
	if reading.Grant == nil {
		page.Body = consoleBody{Denied: Denied(reading, "Back to the customers", consolePath), Glass: glassHref(id)}
		f.Render(w, r, http.StatusForbidden, c.pages, "console_customer.html", page)
		return
	}
	body, err := c.body(r.Context(), reading)
	if err != nil {
		f.Fail(w, r, err)
		return
	}
	form := joinForm(reading.Grant.Subject())
	if v.problem != nil {
		form = form.Explain(*v.problem)
	}
	body.Join, body.Done = &form, consoleDone(r.URL.Query().Get("done"))
	if len(reading.Masked) > 0 {
		unmask := unmaskForm(id)
		if v.unmask != nil {
			unmask = unmask.Explain(*v.unmask)
		}
		body.Unmask = &unmask
	}
	if len(reading.Withheld) > 0 {
		body.Glass = glassHref(id)
	}
	w.Header().Set("Cache-Control", "no-store")
	page.Body = body
	page.Lead = "The customer sees this read in their privacy centre, with your name, your role and the purpose."
	page.Notice = Notice(reading)
	f.Render(w, r, status, c.pages, "console_customer.html", page)
}

// glassHref is where the glass is broken for somebody; package staffweb has the page.
func glassHref(id thimble.SubjectID) string { return "/console/glass?subject=" + id.String() }

const leastReason, mostReason = 10, 500 // characters

// ReasonField asks for the reason of whoever looks, under the name "reason".
func ReasonField() web.Field {
	return web.Field{Name: "reason", Label: "What you need it for", Required: true, Autocomplete: "off", MaxLength: mostReason,
		Hint: "In words that the customer understands, such as “to call you back about the late parcel”."}
}

// ReadReason reads what was written in a [ReasonField]; a problem says what is wrong with it.
func ReadReason(r *http.Request) (reason thimble.Personal[string], problem *web.FieldProblem) {
	text := strings.TrimSpace(r.PostFormValue("reason"))
	if n := utf8.RuneCountInString(text); n < leastReason || n > mostReason {
		return reason, &web.FieldProblem{Field: "reason", Detail: fmt.Sprintf("Say in %d to %d characters what you need it for: the customer reads it.", leastReason, mostReason)}
	}
	return thimble.Hide(text), nil
}

func unmaskForm(id thimble.SubjectID) web.Form {
	return web.Form{
		ID: "unmask", Action: consolePath + "/" + id.String() + "/unmask", Legend: "Show it in full", Submit: "Show it",
		Intro:  "Who it is, and what is shown in part below. It is shown once, on this page. The customer reads your reason.",
		Fields: []web.Field{ReasonField()},
	}
}

// unmask shows the page once with everything that may be seen, for a reason.
func (c *console) unmask(w http.ResponseWriter, r *http.Request, f *web.Frame) {
	reason, problem := ReadReason(r)
	if problem != nil {
		c.show(w, r, f, http.StatusUnprocessableEntity, view{unmask: problem})
		return
	}
	c.show(w, r, f, http.StatusOK, view{clear: true, reason: reason})
}

// Notice names a reading's purpose and its recorded use.
func Notice(reading Reading) *web.AccessNotice {
	what := "orders and their delivery"
	switch p := reading.Grant.Purpose(); {
	case p.Within(thimble.SupportOperations):
		what = "helping a customer who asked"
	case p.Within(thimble.LegalObligation):
		what = "what the law tells the shop to do"
	}
	return &web.AccessNotice{Purpose: fmt.Sprintf("%s (%s, %s)", what, reading.Grant.Purpose(), reading.Cite),
		LedgerEntry: web.ShortToken(reading.Use), Href: "/console/access"}
}

// Denied says why nothing is shown, with a way back.
func Denied(reading Reading, back, href string) *web.Callout {
	text := "Nothing was opened, because " + reading.Why + "."
	if reading.Cite != "" {
		text += " It was asked for under " + reading.Cite + "."
	}
	return &web.Callout{Tone: web.Bad, Title: "The gate said no", Text: text, Action: &web.Action{Label: back, Href: href}}
}

// ask is what is asked for at once, so that one look is one recorded use: who it is, of
// which there is to know, and what the panels show.
func (c *console) ask(ctx context.Context, id thimble.SubjectID, v view) (Ask, error) {
	a := Ask{Purpose: thimble.SupportOperations, Categories: []thimble.Category{thimble.AccountIdentifier}, Reason: v.reason}
	add := func(category thimble.Category) {
		if !slices.Contains(a.Categories, category) {
			a.Categories = append(a.Categories, category)
		}
	}
	identifiers, err := c.people.Identifiers(ctx, id)
	if err != nil && !errors.Is(err, thimble.ErrNotFound) { // the gate says that there is nobody
		return a, err
	}
	for _, i := range identifiers {
		add(i.Kind.Category())
	}
	for _, p := range c.panels {
		for _, category := range p.Masked {
			add(category)
		}
	}
	if !v.clear { // in part, until somebody says why they need the whole
		a.Masked = slices.Clone(a.Categories)
	}
	add(thimble.Country)
	add(subject.RelationCategory)
	for _, p := range c.panels {
		for _, category := range p.Categories {
			add(category)
		}
		a.Masked = slices.DeleteFunc(a.Masked, func(c thimble.Category) bool { return slices.Contains(p.Categories, c) })
	}
	return a, nil
}

func (c *console) body(ctx context.Context, r Reading) (consoleBody, error) {
	var body consoleBody
	var err error
	g := r.Grant
	if body.Who, err = c.who(ctx, r); err != nil {
		return body, err
	}
	if r.Opens(thimble.AccountIdentifier) {
		if body.Joined, err = c.joined(ctx, g); err != nil {
			return body, err
		}
	}
	if r.Opens(subject.RelationCategory) {
		if body.Related, err = c.related(ctx, g); err != nil {
			return body, err
		}
	}
	for _, p := range c.panels {
		if !p.opens(r) {
			continue
		}
		part, err := p.Show(ctx, r)
		if err != nil {
			return body, fmt.Errorf("subjectweb: a panel of a person: %w", err)
		}
		body.Parts = append(body.Parts, part)
	}
	for _, c := range slices.Sorted(maps.Keys(r.Withheld)) {
		body.Withheld = append(body.Withheld, web.KeyValue{Key: string(c), Value: web.Badge{Text: "withheld"}, Sub: r.Withheld[c]})
	}
	return body, nil
}

func (c *console) who(ctx context.Context, r Reading) ([]web.KeyValue, error) {
	g := r.Grant
	facts := []web.KeyValue{{Key: "Random id", Value: g.Subject().String(), Copy: true}}
	age := subject.Age{State: subject.AgeAdult}
	for _, id := range g.Members() {
		if id != g.Subject() {
			facts = append(facts, web.KeyValue{Key: "Joined account", Value: id.String(), Copy: true})
		}
		identifiers, err := c.identifiers(ctx, r, id)
		if err != nil {
			return nil, err
		}
		facts = append(facts, identifiers...)
		if r.Opens(thimble.Country) {
			fact, err := c.home(ctx, g, id)
			if err != nil {
				return nil, err
			}
			facts = append(facts, fact)
		}
		if r.Opens(subject.RelationCategory) { // an age is a part of it
			theirs, err := c.age(ctx, g, id)
			if err != nil {
				return nil, err
			}
			age = subject.Younger(age, theirs)
		}
	}
	if !r.Opens(subject.RelationCategory) {
		return facts, nil
	}
	fact := web.KeyValue{Key: "Age", Value: string(age.State)}
	switch {
	case age.Evidence != "":
		fact.Sub = fmt.Sprintf("evidence: %s of %s", age.Evidence, web.Date(age.At))
	case !age.Adult():
		fact.Sub = "not taken for an adult"
	}
	return append(facts, fact), nil
}

// home opens where one of a person's accounts lives.
func (c *console) home(ctx context.Context, g thimble.Grant, id thimble.SubjectID) (web.KeyValue, error) {
	fact := web.KeyValue{Key: "Country of residence", Value: "unknown", Sub: "the strict baseline applies"}
	sealed, err := c.people.Residence(ctx, id)
	if err != nil {
		return fact, err
	}
	home, err := subject.OpenResidence(ctx, g, id, sealed)
	if home.Country != "" {
		fact.Value, fact.Sub = home.Country, fmt.Sprintf("evidence: %s of %s", home.Evidence, web.Date(home.At))
	}
	return fact, err
}

func (c *console) age(ctx context.Context, g thimble.Grant, id thimble.SubjectID) (subject.Age, error) {
	sealed, err := c.people.Age(ctx, id)
	if err != nil {
		return subject.Age{}, err
	}
	return subject.OpenAge(ctx, g, id, sealed)
}

func (c *console) identifiers(ctx context.Context, r Reading, id thimble.SubjectID) (facts []web.KeyValue, err error) {
	identifiers, err := c.people.Identifiers(ctx, id)
	if err != nil {
		return nil, err
	}
	for _, i := range identifiers {
		category := i.Kind.Category()
		if !r.opens(category) {
			facts = append(facts, web.KeyValue{Key: consoleKind(i.Kind), Value: web.Badge{Text: "not opened"}, Sub: cmp.Or(r.Withheld[category], "was not asked for")})
			continue
		}
		plain, err := r.Grant.Open(ctx, i.Cell, i.Sealed)
		if err != nil {
			return nil, fmt.Errorf("subjectweb: an identifier of a person: %w", err)
		}
		// Masked before it reaches a page: a template cannot show what it is not given.
		if r.masks(category) {
			facts = append(facts, web.KeyValue{Key: consoleKind(i.Kind), Value: subject.Mask(i.Kind, string(plain)), Sub: "shown in part"})
			continue
		}
		facts = append(facts, web.KeyValue{Key: consoleKind(i.Kind), Value: string(plain), Copy: true})
	}
	return facts, nil
}

func consoleKind(k subject.Kind) string {
	switch k {
	case subject.Account:
		return "Account number"
	case subject.Email:
		return "E-mail"
	case subject.Phone:
		return "Phone"
	case subject.Device:
		return "Device"
	}
	return "Identifier"
}
