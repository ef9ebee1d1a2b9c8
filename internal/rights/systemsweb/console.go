package systemsweb

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"thimble"
	"thimble/internal/disclose"
	"thimble/internal/rights/cases"
	"thimble/internal/rights/systems"
	"thimble/internal/rights/systemsdb"
	"thimble/internal/web"
)

//go:embed pages/console_*.html
var consoleFiles embed.FS

// The places of the console.
const (
	SystemsPage = "/console/systems"
	casePath    = "/console/cases"
	listed      = 200
)

// Store keeps systems and tasks; *systemsdb.Store does.
type Store interface {
	Systems(ctx context.Context) ([]systems.System, error)
	System(ctx context.Context, id thimble.ID) (systems.System, error)
	Add(ctx context.Context, y systems.System, credential thimble.Personal[string], staff string) (systems.System, string, error)
	Change(ctx context.Context, y systems.System, credential thimble.Personal[string], staff string) error
	NewSecret(ctx context.Context, id thimble.ID, staff string) (string, error)
	End(ctx context.Context, id thimble.ID, staff string) error
	Acts(ctx context.Context, id thimble.ID, limit int) ([]systemsdb.Act, error)
	Open(ctx context.Context, system thimble.ID, limit int) ([]systems.Task, error)
}

// Deps are what the console's pages are made of.
type Deps struct {
	Store      Store
	Recipients func(ctx context.Context) ([]disclose.Recipient, error)
	Base       string // the address of this installation
	Now        func() time.Time
}

type console struct {
	Deps
	pages *web.Pages
	*web.Frame
}

// Console returns the pages on which systems are stated, and what is open with them.
func Console(kit *web.Kit, d Deps) (web.Section, error) {
	pages, err := kit.Pages(consoleFiles, "pages/console_*.html")
	if err != nil {
		return web.Section{}, err
	}
	return web.Section{
		Nav: []web.NavItem{{Label: "Systems", Href: SystemsPage, Icon: "truck", Group: "Customers"}},
		Mount: func(mux web.Routes, f *web.Frame) {
			c := &console{Deps: d, pages: pages, Frame: f}
			mux.HandleFunc("GET "+SystemsPage, func(w http.ResponseWriter, r *http.Request) { c.list(w, r, http.StatusOK, nil) })
			mux.HandleFunc("POST "+SystemsPage, c.add)
			mux.HandleFunc("GET "+SystemsPage+"/{system}", func(w http.ResponseWriter, r *http.Request) { c.show(w, r, http.StatusOK, nil) })
			mux.HandleFunc("POST "+SystemsPage+"/{system}/{what}", c.change)
		},
	}, nil
}

// Proofs are the patterns that need a fresh proof of who it is: what lets data leave.
func Proofs() []string {
	return []string{"POST " + SystemsPage, "POST " + SystemsPage + "/{system}/{what}"}
}

// ConsoleTiles count what needs somebody, for the overview.
func ConsoleTiles(s Store) func(context.Context) ([]web.Stat, error) {
	return func(ctx context.Context) ([]web.Stat, error) {
		all, err := s.Open(ctx, thimble.ID{}, listed)
		n := 0
		for _, t := range all {
			if t.State.Late() || t.Means == systems.Person {
				n++
			}
		}
		if err != nil || n == 0 {
			return nil, err
		}
		return []web.Stat{{Label: "Systems that need somebody", Value: n, Note: "to be done by hand, late, refused or not reached", Href: SystemsPage}}, nil
	}
}

type listBody struct {
	Table web.Table
	Tasks web.Table
	Add   web.Form
}

func (c *console) list(w http.ResponseWriter, r *http.Request, status int, problem error) {
	all, err := c.Store.Systems(r.Context())
	var open []systems.Task
	if err == nil {
		open, err = c.Store.Open(r.Context(), thimble.ID{}, listed)
	}
	form, formErr := c.form(r, systems.System{Days: 7}, SystemsPage, "Add a system")
	if err = errors.Join(err, formErr); err != nil {
		c.Fail(w, r, err)
		return
	}
	if problem != nil {
		form = explain(form.Fill(r.PostForm), problem)
	}
	c.Render(w, r, status, c.pages, "console_systems.html", web.Page{
		Title: "Systems", Lead: "What holds data about your customers outside of Thimble. Each takes part in the requests that you say, and no certificate covers it further than it answers.",
		Body: listBody{systemTable(all), TaskTable(open, names(all), c.Now()), form},
	})
}

func names(all []systems.System) map[thimble.ID]string {
	names := map[thimble.ID]string{}
	for _, y := range all {
		names[y.ID] = y.Name
	}
	return names
}

func systemTable(all []systems.System) web.Table {
	t := web.Table{ID: "systems", Caption: "Systems", HideCaption: true, Columns: []web.Column{{Label: "Name"}, {Label: "Takes part in"}, {Label: "Is told by"}, {Label: "Knows people by", Secondary: true}, {Label: "Has", Secondary: true}, {Label: "State"}},
		Empty: &web.Empty{Icon: "truck", Title: "No system is stated", Text: "Does a shop, a newsletter or an ERP hold data about your customers? Add it below: until then nobody who asks to be forgotten is forgotten there."}}
	for _, y := range all {
		state := web.Badge{Text: "takes part", Tone: web.Good}
		if y.Ended {
			state = web.Badge{Text: "ended"}
		}
		t.Rows = append(t.Rows, web.Row{Href: SystemsPage + "/" + y.ID.Token(systems.SystemPrefix), Cells: web.Cells(y.Name, kindWords(y.Kinds), meansWords[y.Means], namesWords[y.Names], web.Plural(y.Days, "day", "days"), state)})
	}
	return t
}

func kindWords(all []cases.Kind) string {
	words := make([]string, len(all))
	for i, k := range all {
		words[i] = k.Words()
	}
	return strings.Join(words, "; ")
}

var meansWords = map[systems.Means]string{systems.Webhook: "a signed post", systems.Processor: "OpenDSR 2.0", systems.Framework: "the IAB's deletion framework", systems.Person: "a person, by hand"}

var namesWords = map[systems.Names]string{systems.Account: "the customer number", systems.Pseudonym: "its pseudonym as a recipient", systems.Email: "the e-mail address"}

// form is what is stated about a system.
func (c *console) form(r *http.Request, y systems.System, action, submit string) (web.Form, error) {
	kinds := web.Field{Name: "kinds", Label: "Takes part in", Kind: web.ChecksField, Required: true}
	for _, k := range systems.Takes() {
		kinds.Options = append(kinds.Options, web.Option{Value: string(k), Label: k.Words()})
		if slices.Contains(y.Kinds, k) {
			kinds.Values = append(kinds.Values, string(k))
		}
	}
	means := web.Field{Name: "means", Label: "How it is told", Kind: web.SelectField, Value: string(y.Means), Disabled: !y.ID.IsZero()}
	for _, m := range systems.AllMeans() {
		means.Options = append(means.Options, web.Option{Value: string(m), Label: meansWords[m]})
	}
	known := web.Field{Name: "names", Label: "What it knows people by", Kind: web.RadioField, Required: true, Value: string(y.Names)}
	for _, n := range systems.AllNames() {
		known.Options = append(known.Options, web.Option{Value: string(n), Label: namesWords[n]})
	}
	recipient := web.Field{Name: "recipient", Label: "As which recipient", Kind: web.SelectField, Hint: "For a pseudonym only.", Options: []web.Option{{Label: "None"}}}
	if !y.Recipient.IsZero() {
		recipient.Value = y.Recipient.Token(disclose.RecipientPrefix)
	}
	all, err := c.Recipients(r.Context())
	for _, rcp := range all {
		recipient.Options = append(recipient.Options, web.Option{Value: rcp.ID.Token(disclose.RecipientPrefix), Label: rcp.Name})
	}
	return web.Form{ID: "system", Action: action, Submit: submit, Fields: []web.Field{
		{Name: "name", Label: "Name, as customers read it", Required: true, MaxLength: 80, Autocomplete: "off", Value: y.Name}, kinds, means,
		{Name: "endpoint", Label: "Address", Kind: web.URLField, MaxLength: 500, Autocomplete: "off", Value: y.Endpoint, Hint: "https. Of OpenDSR, what stands before /v2. Of the IAB's framework, its domain. Leave it empty for a person."},
		{Name: "credential", Label: "What OpenDSR lets us in with", MaxLength: 4000, Autocomplete: "off", Hint: "The bearer token that the processor gave. It is sealed and not shown again."},
		known, recipient,
		{Name: "necessity", Label: "Why it needs the e-mail address", MaxLength: 200, Autocomplete: "off", Value: y.Necessity, Hint: "For an e-mail address only: why nothing that says less will do."},
		{Name: "days", Label: "Days that it has to answer", Kind: web.NumberField, Required: true, Short: true, Min: "1", Max: "45", Value: strconv.Itoa(y.Days), Hint: "It is never given longer than the person has to wait."},
		{Name: "instructions", Label: "What a person does there", Kind: web.TextAreaField, Rows: 4, MaxLength: systems.MaxInstructions, Value: y.Instructions, Hint: "Read by who does it by hand."},
	}}, err
}

func explain(f web.Form, problem error) web.Form {
	if wrong, ok := errors.AsType[*systems.FieldError](problem); ok {
		return f.Explain(web.FieldProblem{Field: wrong.Field, Detail: "expected " + wrong.Rule + "."})
	}
	return f
}

// sent reads the form.
func sent(r *http.Request) (y systems.System, credential thimble.Personal[string], err error) {
	r.Body = http.MaxBytesReader(nil, r.Body, 1<<15)
	if err := r.ParseForm(); err != nil {
		return y, credential, fmt.Errorf("systemsweb: reading the form: %w", thimble.ErrInvalid)
	}
	v := func(name string) string { return strings.TrimSpace(r.PostForm.Get(name)) }
	y = systems.System{Name: v("name"), Means: systems.Means(v("means")), Endpoint: strings.TrimSuffix(v("endpoint"), "/"), Names: systems.Names(v("names")), Necessity: v("necessity"),
		Instructions: strings.ReplaceAll(v("instructions"), "\r\n", "\n")}
	y.Days, _ = strconv.Atoi(v("days")) // 0 is refused
	for _, k := range r.PostForm["kinds"] {
		y.Kinds = append(y.Kinds, cases.Kind(k))
	}
	if name := v("recipient"); name != "" {
		if y.Recipient, err = thimble.ParseID(disclose.RecipientPrefix, name); err != nil {
			err = &systems.FieldError{Field: "recipient", Rule: "one of those listed"}
		}
	}
	return y, thimble.Hide(v("credential")), err
}

func (c *console) add(w http.ResponseWriter, r *http.Request) {
	y, credential, err := sent(r)
	var key string
	if err == nil {
		y, key, err = c.Store.Add(r.Context(), y, credential, web.VisitorFrom(r.Context()).Staff)
	}
	if errors.Is(err, thimble.ErrInvalid) {
		c.list(w, r, http.StatusUnprocessableEntity, err)
		return
	}
	c.showKey(w, r, y, key, err)
}

type keyBody struct {
	Key  web.CodeBlock
	Ack  web.CodeBlock
	Back string
}

// showKey shows the key of a system's webhooks, this once.
func (c *console) showKey(w http.ResponseWriter, r *http.Request, y systems.System, key string, err error) {
	back := SystemsPage + "/" + y.ID.Token(systems.SystemPrefix)
	switch {
	case err != nil:
		c.Fail(w, r, err)
	case y.Means != systems.Webhook:
		http.Redirect(w, r, back, http.StatusSeeOther)
	default:
		w.Header().Set("Cache-Control", "no-store")
		c.Render(w, r, http.StatusOK, c.pages, "console_systemkey.html", web.Page{
			Title: "A key for " + y.Name, Lead: "With it the system checks that a message is from here, and signs what it answers. It is not shown again.",
			Body: keyBody{Key: web.CodeBlock{Title: "Signing key (Standard Webhooks)", Code: key}, Ack: web.CodeBlock{Title: "Where it answers", Code: c.Base + systemsdb.AnswerPath + y.ID.Token(systems.SystemPrefix) + "/answers"}, Back: back},
		})
	}
}

type showBody struct {
	Facts []web.KeyValue
	Tasks web.Table
	Do    []web.Action
	Form  *web.Form
	Past  web.Timeline
}

const shownActs = 50

func (c *console) show(w http.ResponseWriter, r *http.Request, status int, problem error) {
	y, err := c.found(r)
	var open []systems.Task
	if err == nil {
		open, err = c.Store.Open(r.Context(), y.ID, listed)
	}
	var acts []systemsdb.Act
	if err == nil {
		acts, err = c.Store.Acts(r.Context(), y.ID, shownActs)
	}
	path := SystemsPage + "/" + y.ID.Token(systems.SystemPrefix)
	var form web.Form
	if err == nil {
		form, err = c.form(r, y, path+"/change", "Keep it")
	}
	if err != nil {
		c.Fail(w, r, err)
		return
	}
	if problem != nil {
		form = explain(form.Fill(r.PostForm), problem)
	}
	body := showBody{Facts: systemFacts(y), Tasks: TaskTable(open, map[thimble.ID]string{y.ID: y.Name}, c.Now()), Past: web.Timeline{Title: "What staff did"}}
	for _, a := range acts {
		body.Past.Items = append(body.Past.Items, web.Moment{At: a.At, Title: "It was " + a.Act, Who: a.Staff})
	}
	if !y.Ended {
		body.Form = &form
		if y.Means == systems.Webhook {
			body.Do = append(body.Do, web.Action{Label: "Make another key", Href: path + "/key", Post: true})
		}
		body.Do = append(body.Do, web.Action{Label: "It holds nothing any more", Href: path + "/end", Post: true, Kind: "danger"})
	}
	c.Render(w, r, status, c.pages, "console_system.html", web.Page{Title: y.Name, Crumbs: []web.Crumb{{Label: "Systems", Href: SystemsPage}, {Label: y.Name}}, Body: body})
}

func systemFacts(y systems.System) []web.KeyValue {
	state := web.Badge{Text: "takes part", Tone: web.Good}
	if y.Ended {
		state = web.Badge{Text: "ended"}
	}
	return []web.KeyValue{{Key: "State", Value: state}, {Key: "Takes part in", Value: kindWords(y.Kinds)}, {Key: "Is told by", Value: meansWords[y.Means], Sub: y.Endpoint},
		{Key: "Knows people by", Value: namesWords[y.Names], Sub: y.Necessity}, {Key: "Has", Value: web.Plural(y.Days, "day", "days")}, {Key: "Since", Value: y.CreatedAt}}
}

func (c *console) found(r *http.Request) (systems.System, error) {
	id, err := thimble.ParseID(systems.SystemPrefix, r.PathValue("system"))
	if err != nil {
		return systems.System{}, fmt.Errorf("systemsweb: the address names no system: %w", thimble.ErrNotFound)
	}
	return c.Store.System(r.Context(), id)
}

func (c *console) change(w http.ResponseWriter, r *http.Request) {
	old, err := c.found(r)
	staff := web.VisitorFrom(r.Context()).Staff
	switch what := r.PathValue("what"); {
	case err != nil:
	case what == "change":
		y, credential, formErr := sent(r)
		if y.ID, y.Means, err = old.ID, old.Means, formErr; err == nil {
			err = c.Store.Change(r.Context(), y, credential, staff)
		}
	case what == "end":
		err = c.Store.End(r.Context(), old.ID, staff)
	case what == "key":
		key, err := c.Store.NewSecret(r.Context(), old.ID, staff)
		c.showKey(w, r, old, key, err)
		return
	default:
		err = fmt.Errorf("systemsweb: what: change, end or key was expected: %w", thimble.ErrNotFound)
	}
	switch {
	case errors.Is(err, thimble.ErrInvalid):
		c.show(w, r, http.StatusUnprocessableEntity, err)
	case err != nil:
		c.Fail(w, r, err)
	default:
		http.Redirect(w, r, SystemsPage+"/"+r.PathValue("system"), http.StatusSeeOther)
	}
}
