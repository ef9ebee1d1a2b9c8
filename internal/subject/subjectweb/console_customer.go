package subjectweb

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"thimble"
	"thimble/internal/subject"
	"thimble/internal/web"
)

// A Panel is what another capability shows on a customer's page.
type Panel struct {
	// Categories are what the gate is asked for on the panel's behalf.
	Categories []thimble.Category
	Show       func(ctx context.Context, g thimble.Grant) (Part, error)
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
	Parts   []Part
}

// show shows a customer. A problem is of the form by which an account is joined.
func (c *console) show(w http.ResponseWriter, r *http.Request, f *web.Frame, status int, problem *web.FieldProblem) {
	id, err := thimble.ParseSubjectID(r.PathValue("subject"))
	if err != nil {
		f.Fail(w, r, fmt.Errorf("subjectweb: the address names no customer: %w", thimble.ErrNotFound))
		return
	}
	reading, err := c.reader.Read(r.Context(), web.VisitorFrom(r.Context()).Staff, id, thimble.SupportOperations, c.categories()...)
	if err != nil {
		f.Fail(w, r, err)
		return
	}
	page := web.Page{
		Title:  "Customer " + web.ShortToken(id),
		Crumbs: []web.Crumb{{Label: "Customers", Href: consolePath}, {Label: web.ShortToken(id)}},
	}
	if reading.Grant == nil {
		page.Body = consoleBody{Denied: consoleDenied(reading)}
		f.Render(w, r, http.StatusForbidden, c.pages, "console_customer.html", page)
		return
	}
	body, err := c.body(r.Context(), reading.Grant)
	if err != nil {
		f.Fail(w, r, err)
		return
	}
	form := joinForm(reading.Grant.Subject())
	if problem != nil {
		form = form.Explain(*problem)
	}
	body.Join, body.Done = &form, consoleDone(r.URL.Query().Get("done"))
	page.Body = body
	page.Lead = "The customer sees this read in their privacy centre, with your name and the purpose."
	page.Notice = Notice(reading)
	f.Render(w, r, status, c.pages, "console_customer.html", page)
}

// Notice names a reading's purpose and its recorded use.
func Notice(reading Reading) *web.AccessNotice {
	return &web.AccessNotice{Purpose: fmt.Sprintf("helping a customer who asked (%s, %s)", reading.Grant.Purpose(), reading.Cite),
		LedgerEntry: web.ShortToken(reading.Use), Href: "/console/access"}
}

// consoleDenied says why nothing is shown.
func consoleDenied(reading Reading) *web.Callout {
	text := "Nothing was opened, because " + reading.Why + "."
	if reading.Cite != "" {
		text += " It was asked for under " + reading.Cite + "."
	}
	return &web.Callout{Tone: web.Bad, Title: "The gate said no", Text: text, Action: &web.Action{Label: "Back to the customers", Href: consolePath}}
}

// categories is what is asked for at once, so that one look is one recorded use.
func (c *console) categories() []thimble.Category {
	all := []thimble.Category{thimble.AccountIdentifier, thimble.Country, subject.RelationCategory}
	for _, p := range c.panels {
		for _, category := range p.Categories {
			if !slices.Contains(all, category) {
				all = append(all, category)
			}
		}
	}
	return all
}

func (c *console) body(ctx context.Context, g thimble.Grant) (consoleBody, error) {
	var body consoleBody
	var err error
	if body.Who, err = c.who(ctx, g); err != nil {
		return body, err
	}
	if body.Joined, err = c.joined(ctx, g); err != nil {
		return body, err
	}
	if body.Related, err = c.related(ctx, g); err != nil {
		return body, err
	}
	for _, p := range c.panels {
		part, err := p.Show(ctx, g)
		if err != nil {
			return body, fmt.Errorf("subjectweb: a panel of %s: %w", g.Subject(), err)
		}
		body.Parts = append(body.Parts, part)
	}
	return body, nil
}

func (c *console) who(ctx context.Context, g thimble.Grant) ([]web.KeyValue, error) {
	facts := []web.KeyValue{{Key: "Random id", Value: g.Subject().String(), Copy: true}}
	age := subject.Age{State: subject.AgeAdult}
	for _, id := range g.Members() {
		if id != g.Subject() {
			facts = append(facts, web.KeyValue{Key: "Joined account", Value: id.String(), Copy: true})
		}
		identifiers, err := c.identifiers(ctx, g, id)
		if err != nil {
			return nil, err
		}
		facts = append(facts, identifiers...)
		sealed, err := c.people.Residence(ctx, id)
		if err != nil {
			return nil, err
		}
		home, err := subject.OpenResidence(ctx, g, id, sealed)
		if err != nil {
			return nil, err
		}
		fact := web.KeyValue{Key: "Country of residence", Value: "unknown", Sub: "the strict baseline applies"}
		if home.Country != "" {
			fact.Value, fact.Sub = home.Country, fmt.Sprintf("evidence: %s of %s", home.Evidence, web.Date(home.At))
		}
		facts = append(facts, fact)
		if sealed, err = c.people.Age(ctx, id); err != nil {
			return nil, err
		}
		theirs, err := subject.OpenAge(ctx, g, id, sealed)
		if err != nil {
			return nil, err
		}
		age = subject.Younger(age, theirs)
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

func (c *console) identifiers(ctx context.Context, g thimble.Grant, id thimble.SubjectID) (facts []web.KeyValue, err error) {
	identifiers, err := c.people.Identifiers(ctx, id)
	if err != nil {
		return nil, err
	}
	for _, i := range identifiers {
		// Only what was asked for opens: another kind of identifier needs its own
		// category, and its absence is said.
		if !i.Kind.Category().Within(thimble.AccountIdentifier) {
			facts = append(facts, web.KeyValue{Key: consoleKind(i.Kind), Value: web.Badge{Text: "not opened"}, Sub: "was not asked for"})
			continue
		}
		plain, err := g.Open(ctx, i.Cell, i.Sealed)
		if err != nil {
			return nil, fmt.Errorf("subjectweb: an identifier of %s: %w", id, err)
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
