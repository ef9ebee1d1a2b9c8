package timelineweb

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"thimble"
	"thimble/internal/collect/plan"
	"thimble/internal/collect/source"
	"thimble/internal/collect/timeline"
	"thimble/internal/subject/subjectweb"
	"thimble/internal/web"
)

//go:embed pages/console_*.html
var consoleFiles embed.FS

// Sources knows the names of sources; *sourcedb.Store does.
type Sources interface {
	List(ctx context.Context) ([]source.Source, error)
}

// ConsoleDeps are what the pages of staff are made of.
type ConsoleDeps struct {
	Events  Events
	Names   Names
	Sources Sources
	Reader  subjectweb.Reader
	// Uses are what the tracking plan in force writes something of, and what for.
	Uses func() []plan.Use
	// Permits says whether something of a person may be kept for a purpose now, and why;
	// it records nothing. The gate does.
	Permits func(ctx context.Context, who thimble.SubjectID, p thimble.Purpose, c thimble.Category) (allowed bool, why string, err error)
}

const customersPath = "/console/customers"

func customerHref(who thimble.SubjectID) string { return customersPath + "/" + who.String() }

// ConsoleHref is where staff look at one person's events.
func ConsoleHref(who thimble.SubjectID) string { return customerHref(who) + "/events" }

// purposes are what staff may say they look for. Whether their role and the law permit it
// is for the gate.
var purposes = []web.Option{
	{Value: string(thimble.SupportOperations), Label: "Help a customer who asked"},
	{Value: string(thimble.EssentialService), Label: "Fulfil an order"},
	{Value: string(thimble.LegalObligation), Label: "Answer a request that the law gives them"},
}

type console struct {
	ConsoleDeps
	pages *web.Pages
	*web.Frame
}

// Console returns the pages on which staff look at one person's events. They are reached
// from the customer's page.
func Console(kit *web.Kit, d ConsoleDeps) (web.Section, error) {
	pages, err := kit.Pages(consoleFiles, "pages/console_*.html")
	if err != nil {
		return web.Section{}, err
	}
	return web.Section{Mount: func(mux web.Routes, f *web.Frame) {
		c := &console{ConsoleDeps: d, pages: pages, Frame: f}
		mux.HandleFunc("GET "+customersPath+"/{subject}/events", func(w http.ResponseWriter, r *http.Request) {
			c.show(w, r, http.StatusOK, look{after: r.URL.Query().Get("after"), purpose: thimble.SupportOperations})
		})
		mux.HandleFunc("POST "+customersPath+"/{subject}/events", c.open)
	}}, nil
}

// A look is how a person's events are looked at.
type look struct {
	purpose thimble.Purpose
	reason  thimble.Personal[string]
	values  bool // as far as the gate opens them; otherwise shapes
	after   string
	problem *web.FieldProblem // of the form that asks for values
}

// open shows values, for a purpose and a reason. Without a reason the page shows shapes.
func (c *console) open(w http.ResponseWriter, r *http.Request) {
	l := look{purpose: thimble.Purpose(r.PostFormValue("purpose")), after: r.PostFormValue("after"), values: true}
	l.reason, l.problem = subjectweb.ReadReason(r)
	if !slices.ContainsFunc(purposes, func(o web.Option) bool { return o.Value == string(l.purpose) }) {
		l.problem = &web.FieldProblem{Field: "purpose", Detail: "Choose what the events are opened for."}
	}
	if l.problem != nil {
		l.purpose, l.values = thimble.SupportOperations, false
		c.show(w, r, http.StatusUnprocessableEntity, l)
		return
	}
	c.show(w, r, http.StatusOK, l)
}

type eventsBody struct {
	Denied   *web.Callout
	Says     *web.Callout
	Ask      *web.Form
	AskOpen  bool
	Events   []eventView
	Empty    *web.Empty
	Again    *web.Action
	Older    *web.Action
	OlderAsk *web.Form // the same with values
	Kept     *web.Table
	Withheld []web.KeyValue
}

// asked are the categories of what the plan keeps, and the person's choices beside them,
// which say what would be kept now.
func (c *console) asked() (all []thimble.Category) {
	for _, u := range c.Uses() {
		if !slices.Contains(all, u.Category) {
			all = append(all, u.Category)
		}
	}
	slices.Sort(all)
	return all
}

func (c *console) show(w http.ResponseWriter, r *http.Request, status int, l look) {
	who, err := thimble.ParseSubjectID(r.PathValue("subject"))
	if err != nil {
		c.Fail(w, r, fmt.Errorf("timelineweb: the address names no customer: %w", thimble.ErrNotFound))
		return
	}
	before, err := timeline.ParsePlace(l.after)
	if err != nil {
		c.Fail(w, r, err)
		return
	}
	categories := c.asked()
	ask := subjectweb.Ask{Purpose: l.purpose, Categories: append(slices.Clone(categories), thimble.PrivacyPreferences), Reason: l.reason}
	if !l.values {
		ask.Masked = categories
	}
	reading, err := c.Reader.Sift(r.Context(), web.VisitorFrom(r.Context()).Staff, who, ask)
	if err != nil {
		c.Fail(w, r, err)
		return
	}
	page := web.Page{Title: "Events of " + web.ShortToken(who), Crumbs: []web.Crumb{{Label: "Customers", Href: customersPath}, {Label: web.ShortToken(who), Href: customerHref(who)}, {Label: "Events"}}}
	form := askForm(who, l)
	if reading.Grant == nil {
		page.Body = eventsBody{Denied: subjectweb.Denied(reading, "Back to the customer", customerHref(who)), Ask: &form, AskOpen: true}
		c.Render(w, r, http.StatusForbidden, c.pages, "console_events.html", page)
		return
	}
	body, err := c.body(r.Context(), reading, l, before)
	if err != nil {
		c.Fail(w, r, err)
		return
	}
	body.Ask, body.AskOpen = &form, l.problem != nil
	page.Body, page.Notice = body, subjectweb.Notice(reading)
	page.Lead = "Their newest events, as they are kept. The customer sees this read in their privacy centre, with your name, your role and the purpose."
	w.Header().Set("Cache-Control", "no-store")
	c.Render(w, r, status, c.pages, "console_events.html", page)
}

func askForm(who thimble.SubjectID, l look) web.Form {
	reason := subjectweb.ReasonField()
	f := web.Form{ID: "values", Action: ConsoleHref(who), Legend: "Show what the events say", Submit: "Show it",
		Intro: "What your role may see of it is shown once, on this page. The customer reads your reason.",
		Fields: []web.Field{{Name: "purpose", Label: "What for", Kind: web.SelectField, Value: string(l.purpose), Options: purposes, Required: true}, reason,
			{Name: "after", Kind: web.HiddenField, Value: l.after}},
	}
	if l.problem != nil {
		f = f.Explain(*l.problem)
	}
	return f
}

// shownToStaff is how many events a page of the console has.
const shownToStaff = 25

func (c *console) body(ctx context.Context, reading subjectweb.Reading, l look, before timeline.Place) (body eventsBody, err error) {
	g := reading.Grant
	events, next, err := c.Events.Of(ctx, g, opened(reading, c.asked()), before, shownToStaff)
	if err != nil {
		return body, err
	}
	sources, err := c.Sources.List(ctx)
	if err != nil {
		return body, err
	}
	body.Says = says(reading, l)
	for i := range events {
		body.Events = append(body.Events, viewOf(&events[i], i, reading, l.values, sourceName(sources, events[i].Source)))
	}
	switch {
	case len(events) == 0 && before.IsZero():
		body.Empty = &web.Empty{Icon: "eye", Title: "No event of this customer is kept, or none that is open to you", Text: "What they permit decides what is kept: see below."}
	case len(events) == 0:
		body.Empty = &web.Empty{Icon: "eye", Title: "There are no older events"}
	}
	body.page(g.Subject(), l, before, next)
	for _, category := range slices.Sorted(maps.Keys(reading.Withheld)) {
		body.Withheld = append(body.Withheld, web.KeyValue{Key: categoryWords(category), Value: web.Badge{Text: "withheld"}, Sub: reading.Withheld[category]})
	}
	if reading.Opens(thimble.PrivacyPreferences) {
		kept, err := c.kept(ctx, g.Subject())
		if err != nil {
			return body, err
		}
		body.Kept = &kept
	}
	return body, nil
}

// opened are those of some categories that a reading opens, be it in part.
func opened(r subjectweb.Reading, of []thimble.Category) (all []thimble.Category) {
	for _, c := range of {
		if slices.Contains(r.Opened, c) {
			all = append(all, c)
		}
	}
	return all
}

func sourceName(all []source.Source, number uint32) string {
	for _, s := range all {
		if s.Number == number {
			return s.Name
		}
	}
	return fmt.Sprintf("source %d", number)
}

// page says how to look again, and how to go on. Each is a look of its own.
func (b *eventsBody) page(who thimble.SubjectID, l look, before, next timeline.Place) {
	b.Again = &web.Action{Label: "Look again", Href: ConsoleHref(who), Kind: "quiet", Icon: "eye"}
	if !before.IsZero() {
		b.Again.Label = "The newest"
	}
	switch {
	case next.IsZero():
	case !l.values:
		b.Older = &web.Action{Label: "Older events", Href: ConsoleHref(who) + "?after=" + next.String()}
	default:
		b.OlderAsk = &web.Form{ID: "older", Action: ConsoleHref(who), Submit: "Older events", Fields: []web.Field{
			{Name: "purpose", Kind: web.HiddenField, Value: string(l.purpose)},
			// Whoever looks has written it just now, and reads it back.
			{Name: "reason", Kind: web.HiddenField, Value: l.reason.Reveal()}, {Name: "after", Kind: web.HiddenField, Value: next.String()},
		}}
	}
}

func says(r subjectweb.Reading, l look) *web.Callout {
	if !l.values {
		return &web.Callout{Tone: web.Info, Title: "Shapes only", Text: "Which events are kept, which properties they have and of what type. To see what they say, say what for."}
	}
	text := "Once, on this page."
	if slices.ContainsFunc(r.Masked, func(c thimble.Category) bool { return c != thimble.PrivacyPreferences }) {
		text += " What your role may see in part only is shown by its type."
	}
	return &web.Callout{Tone: web.Warn, Title: "What the events say is open", Text: text}
}

// kept says what would be kept of a person who sent something now, and what would be
// dropped for want of a permission.
func (c *console) kept(ctx context.Context, who thimble.SubjectID) (web.Table, error) {
	t := web.Table{ID: "kept", Caption: "What is kept of this customer now", Note: "By the tracking plan, and what the customer permits. What no permitted purpose needs is dropped when it comes, and no trace of it is left. Names, addresses and the like are never kept.",
		Columns: []web.Column{{Label: "Data"}, {Label: "Now"}, {Label: "May be used for", Secondary: true}, {Label: "Not for"}},
		Empty:   &web.Empty{Icon: "ruler", Title: "The tracking plan keeps nothing"}}
	for _, category := range c.asked() {
		var open, not []string
		why := ""
		for _, p := range purposesOf(c.Uses(), category) {
			allowed, reason, err := c.Permits(ctx, who, p, category)
			if err != nil && !errors.Is(err, thimble.ErrDenied) {
				return t, err
			}
			if allowed {
				open = append(open, string(p))
				continue
			}
			not = append(not, string(p))
			if why == "" {
				why = reason
			}
		}
		state := web.Cell{Value: web.Badge{Text: "kept", Tone: web.Good}}
		if len(open) == 0 {
			state = web.Cell{Value: web.Badge{Text: "dropped", Tone: web.Warn}, Sub: why}
		}
		t.Rows = append(t.Rows, web.Row{Cells: []web.Cell{{Value: categoryWords(category), Sub: string(category)}, state, {Value: listed(open)}, {Value: listed(not)}}})
	}
	return t, nil
}

func purposesOf(uses []plan.Use, c thimble.Category) (all []thimble.Purpose) {
	for _, u := range uses {
		for _, p := range u.Purposes {
			if u.Category == c && !slices.Contains(all, p) {
				all = append(all, p)
			}
		}
	}
	return all
}
