package recommendweb

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"slices"

	"thimble"
	"thimble/internal/decision/decisionweb"
	"thimble/internal/recommend/lists"
	"thimble/internal/recommend/taste"
	"thimble/internal/subject/subjectweb"
	"thimble/internal/web"
)

// ConsoleGlimpses makes the list that somebody would see; *lists.Shop does.
type ConsoleGlimpses interface {
	MadeFrom(ctx context.Context, who thimble.SubjectID) ([]thimble.Category, error)
	Glimpse(ctx context.Context, g thimble.Grant, opened []thimble.Category, placement string, n int) (lists.Glimpse, error)
}

const customersPath = "/console/customers"

func customerHref(who thimble.SubjectID) string { return customersPath + "/" + who.String() }

func glimpseHref(who thimble.SubjectID) string { return customerHref(who) + "/lists" }

// CustomerPanel leads from a customer's page to the list that they would see.
func CustomerPanel() subjectweb.Panel {
	return subjectweb.Panel{Show: func(_ context.Context, r subjectweb.Reading) (subjectweb.Part, error) {
		return subjectweb.Part{ID: "lists", Title: "Lists", Facts: []web.KeyValue{
			{Key: "For them", Value: "See what this customer would see", Href: glimpseHref(r.Grant.Subject()), Sub: "a read of its own, for a reason that they read"},
		}}, nil
	}}
}

// glimpsePurposes are what staff may say they look for. Whether their role and the law
// permit it is for the gate.
var glimpsePurposes = []web.Option{
	{Value: string(thimble.SupportOperations), Label: "Help a customer who asked"},
	{Value: string(thimble.LegalObligation), Label: "Answer a request that the law gives them"},
}

var placementWord = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)

const glimpseSize = 10

type glimpse struct {
	*web.Frame
	pages  *web.Pages
	shop   ConsoleGlimpses
	reader subjectweb.Reader
}

// A glance is what somebody asks to see.
type glance struct {
	purpose   thimble.Purpose
	reason    thimble.Personal[string]
	placement string
	problems  []web.FieldProblem
}

type glimpseBody struct {
	Denied  *web.Callout
	Ask     web.Form
	Says    *web.Callout
	Facts   []web.KeyValue
	Entries []glimpseEntry
	Popular *web.Table
}

type glimpseEntry struct {
	Summary string
	Because string
	Open    bool
	Table   web.Table
}

// ConsoleGlimpse returns the page on which staff see the list that a customer would see.
// Looking at it is a read of the customer's data like any other, and no list of theirs.
func ConsoleGlimpse(kit *web.Kit, shop ConsoleGlimpses, reader subjectweb.Reader) (web.Section, error) {
	pages, err := kit.Pages(consoleFiles, "pages/console_*.html")
	if err != nil {
		return web.Section{}, err
	}
	return web.Section{Mount: func(mux web.Routes, f *web.Frame) {
		c := &glimpse{Frame: f, pages: pages, shop: shop, reader: reader}
		mux.HandleFunc("GET "+customersPath+"/{subject}/lists", func(w http.ResponseWriter, r *http.Request) {
			c.ask(w, r, http.StatusOK, glance{purpose: thimble.SupportOperations, placement: "home"})
		})
		mux.HandleFunc("POST "+customersPath+"/{subject}/lists", c.show)
	}}, nil
}

func (c *glimpse) who(r *http.Request) (thimble.SubjectID, error) {
	who, err := thimble.ParseSubjectID(r.PathValue("subject"))
	if err != nil {
		err = fmt.Errorf("recommendweb: the address names no customer: %w", thimble.ErrNotFound)
	}
	return who, err
}

// ask shows the form. Nothing of the customer is opened for it.
func (c *glimpse) ask(w http.ResponseWriter, r *http.Request, status int, g glance) {
	who, err := c.who(r)
	if err != nil {
		c.Fail(w, r, err)
		return
	}
	page := glimpsePage(who)
	page.Body = glimpseBody{Ask: glimpseForm(who, g)}
	c.Render(w, r, status, c.pages, "console_glimpse.html", page)
}

func glimpsePage(who thimble.SubjectID) web.Page {
	return web.Page{Title: "What " + web.ShortToken(who) + " would see", Lead: "The list for them as it would be made now, with its exact reasons. The customer sees this read in their privacy centre, with your name, your role, the purpose and your reason.",
		Crumbs: []web.Crumb{{Label: "Customers", Href: customersPath}, {Label: web.ShortToken(who), Href: customerHref(who)}, {Label: "Lists"}}}
}

func glimpseForm(who thimble.SubjectID, g glance) web.Form {
	f := web.Form{ID: "glimpse", Action: glimpseHref(who), Legend: "See what this customer would see", Submit: "Show it",
		Intro: "It is shown once, on this page. The customer reads your reason. It counts as no list of theirs.",
		Fields: []web.Field{
			{Name: "purpose", Label: "What for", Kind: web.SelectField, Value: string(g.purpose), Options: glimpsePurposes, Required: true}, subjectweb.ReasonField(),
			{Name: "placement", Label: "Where it would be shown", Value: g.placement, Short: true, MaxLength: 32, Autocomplete: "off", Required: true, Hint: "The shop’s own word for the place, such as “home”."},
		}}
	if len(g.problems) > 0 {
		f = f.Explain(g.problems...)
	}
	return f
}

func (c *glimpse) show(w http.ResponseWriter, r *http.Request) {
	g := glance{purpose: thimble.Purpose(r.PostFormValue("purpose")), placement: r.PostFormValue("placement")}
	reason, problem := subjectweb.ReadReason(r)
	if g.reason = reason; problem != nil {
		g.problems = append(g.problems, *problem)
	}
	if !slices.ContainsFunc(glimpsePurposes, func(o web.Option) bool { return o.Value == string(g.purpose) }) {
		g.purpose, g.problems = thimble.SupportOperations, append(g.problems, web.FieldProblem{Field: "purpose", Detail: "Choose what the list is looked at for."})
	}
	if !placementWord.MatchString(g.placement) {
		g.problems = append(g.problems, web.FieldProblem{Field: "placement", Detail: "A lower-case word such as “home-page” was expected."})
	}
	if len(g.problems) > 0 {
		c.ask(w, r, http.StatusUnprocessableEntity, g)
		return
	}
	who, err := c.who(r)
	if err != nil {
		c.Fail(w, r, err)
		return
	}
	if err := c.open(w, r, who, g); err != nil {
		c.Fail(w, r, err)
	}
}

// open asks the gate for just what the list is made from, and the choices that decide it.
func (c *glimpse) open(w http.ResponseWriter, r *http.Request, who thimble.SubjectID, g glance) error {
	from, err := c.shop.MadeFrom(r.Context(), who)
	if err != nil {
		return err
	}
	ask := subjectweb.Ask{Purpose: g.purpose, Categories: append([]thimble.Category{thimble.PrivacyPreferences}, from...), Reason: g.reason}
	reading, err := c.reader.Sift(r.Context(), web.VisitorFrom(r.Context()).Staff, who, ask)
	if err != nil {
		return err
	}
	page := glimpsePage(who)
	w.Header().Set("Cache-Control", "no-store")
	if kept := closed(reading, ask.Categories); reading.Grant == nil || kept != "" {
		body := glimpseBody{Denied: subjectweb.Denied(reading, "Back to the customer", customerHref(who)), Ask: glimpseForm(who, g)}
		if kept != "" {
			body.Denied = &web.Callout{Tone: web.Bad, Title: "Not for your role", Text: "A list shows with its reasons what it is made from. Of that, your role does not see: " + kept + ". So nothing is shown."}
		}
		page.Body = body
		c.Render(w, r, http.StatusForbidden, c.pages, "console_glimpse.html", page)
		return nil
	}
	list, err := c.shop.Glimpse(r.Context(), reading.Grant, reading.Opened, g.placement, glimpseSize)
	if err != nil {
		return err
	}
	page.Body, page.Notice = glimpseOf(who, list, g), subjectweb.Notice(reading)
	c.Render(w, r, http.StatusOK, c.pages, "console_glimpse.html", page)
	return nil
}

// closed names the first category that a reading does not open in the clear.
func closed(r subjectweb.Reading, asked []thimble.Category) string {
	for _, c := range asked {
		if r.Grant != nil && !r.Opens(c) {
			return string(c)
		}
	}
	return ""
}

func glimpseOf(who thimble.SubjectID, l lists.Glimpse, g glance) glimpseBody {
	kind := web.Badge{Text: "Not personal"}
	if l.Personal {
		kind = web.Badge{Text: "Personal", Tone: web.Good}
	}
	b := glimpseBody{Ask: glimpseForm(who, glance{purpose: g.purpose, placement: g.placement}),
		Says: &web.Callout{Tone: web.Info, Title: "Not shown to the customer", Text: "It was made for this page: no decision about them is recorded, it counts in no experiment, and nothing counts as shown or likely to be."},
		Facts: []web.KeyValue{
			{Key: "List", Value: kind}, {Key: "They would be told", Value: l.Why}, {Key: "Placement", Value: g.placement},
		}}
	if l.Verdict != nil {
		b.Facts = append(b.Facts, web.KeyValue{Key: "The gate on their list", Value: l.Verdict.Why, Sub: l.Verdict.Cite})
	}
	if l.Personal {
		b.Facts = append(b.Facts, web.KeyValue{Key: "Model", Value: fmt.Sprintf("%s, version %d", lists.ModelName, l.Model)})
	}
	for _, did := range l.Applied {
		b.Facts = append(b.Facts, web.KeyValue{Key: "Rule", Value: did})
	}
	if l.Lots {
		b.Facts = append(b.Facts, web.KeyValue{Key: "Last place", Value: "drawn by lots each time", Sub: "they are in an experiment; here stands what stands there most often"})
	}
	if !l.Personal {
		b.Popular = glimpsePopular(l.Entries)
		return b
	}
	for i, e := range l.Entries {
		b.Entries = append(b.Entries, glimpseEntryOf(i, e))
	}
	return b
}

func glimpsePopular(all []lists.Entry) *web.Table {
	t := &web.Table{ID: "popular", Caption: "The list", Columns: []web.Column{{Label: "Product"}, {Label: "In orders", Kind: web.NumberColumn}},
		Empty: &web.Empty{Icon: "tag", Title: "Nothing would be shown", Text: "Nothing was sold lately that may be shown."}}
	for _, e := range all {
		t.Rows = append(t.Rows, web.Row{Href: productHref(e.Product.ID), Cells: web.Cells(web.Cell{Value: decisionweb.ItemName(e.Product.Name), Sub: string(e.Product.ID)}, e.Orders)})
	}
	return t
}

func glimpseEntryOf(i int, e lists.Entry) glimpseEntry {
	name := decisionweb.ItemName(e.Product.Name)
	t := web.Table{ID: fmt.Sprintf("entry-%d", i+1), Caption: "Terms of " + name, HideCaption: true,
		Columns: []web.Column{{Label: "Because they"}, {Label: "Share of the score"}, {Label: "Term", Kind: web.NumberColumn}}}
	reasons, sum := make([]taste.Reason, len(e.Terms)), int64(0)
	for _, term := range e.Terms {
		sum += term.Share
	}
	whole := float64(max(sum+e.Moved, 1))
	for k, term := range e.Terms {
		reasons[k] = taste.Reason{Name: decisionweb.ItemName(term.Because.Name), Did: term.Did, Share: term.Share, Unwanted: term.Unwanted}
		did := term.Did.Words() + " " + reasons[k].Name
		if term.Unwanted {
			did = "want less like " + reasons[k].Name
		}
		t.Rows = append(t.Rows, web.Row{Cells: web.Cells(web.Cell{Value: did, Sub: string(term.Because.ID)}, web.Meter{Share: float64(term.Share) / whole}, term.Share)})
	}
	for _, b := range e.Boosts {
		t.Rows = append(t.Rows, web.Row{Cells: web.Cells(web.Cell{Value: b.Words, Sub: "a rule of the shop"}, web.Meter{Share: float64(b.Share) / whole}, b.Share)})
	}
	t.Totals = web.Cells("Score", nil, sum+e.Moved)
	if e.Campaign != "" {
		return glimpseEntry{Summary: fmt.Sprintf("%d. %s · held by a campaign", i+1, name), Because: e.Campaign, Open: i == 0, Table: t}
	}
	return glimpseEntry{Summary: fmt.Sprintf("%d. %s · score %s · %s", i+1, name, web.Text(sum+e.Moved), web.Plural(len(e.Terms), "term", "terms")), Because: taste.Because(reasons), Open: i == 0, Table: t}
}
