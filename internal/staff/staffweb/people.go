package staffweb

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"thimble"
	"thimble/internal/datamap"
	"thimble/internal/session"
	"thimble/internal/staff"
	"thimble/internal/staff/rules"
	"thimble/internal/staff/staffdb"
	"thimble/internal/web"
)

// PeoplePage is the page of all accounts.
const PeoplePage = Home + "/people"

// Keeper keeps accounts; *staffdb.Store does.
type Keeper interface {
	Account(ctx context.Context, name string) (staff.Account, error)
	Accounts(ctx context.Context) ([]staff.Account, error)
	Changes(ctx context.Context, id thimble.ID, limit int) ([]staff.Change, error)
	Add(ctx context.Context, name string, roles []staff.Role, by string) (staff.Account, error)
	SetRoles(ctx context.Context, name string, roles []staff.Role, by, note string) error
	SetTraining(ctx context.Context, name string, until time.Time, by, note string) error
	Lock(ctx context.Context, name string, on bool, by, note string) error
	Reset(ctx context.Context, name, by, note string) error
	Leave(ctx context.Context, name, by, note string) error
	Confirm(ctx context.Context, name, by, note string) error
	Reviewed(ctx context.Context) (map[thimble.ID]staffdb.Review, error)
}

// Used is what an account has opened of people's data, added up.
type Used struct {
	Purpose    thimble.Purpose
	Categories []string
	Uses       int64
	Last       time.Time
}

// PeopleDeps are what the pages are made of.
type PeopleDeps struct {
	Accounts Keeper
	Rules    *rules.Set
	// Links makes a one-time link for an account that has no password, on behalf of by.
	Links func(ctx context.Context, name, by string) (token string, err error)
	Base  string // the address of this installation
	// Used says what an account has opened since an instant.
	Used func(ctx context.Context, name string, since time.Time) ([]Used, error)
	Now  func() time.Time
}

type people struct {
	PeopleDeps
	pages *web.Pages
	frame *web.Frame
}

// People returns the pages of accounts and roles: who there is, what they can see, and
// whether they still need it.
func People(kit *web.Kit, deps PeopleDeps) (web.Section, error) {
	pages, err := kit.Pages(files, "pages/*.html")
	if err != nil {
		return web.Section{}, err
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	return web.Section{
		Nav: []web.NavItem{
			{Label: "People and roles", Href: PeoplePage, Icon: "people", Group: "Access"},
			{Label: "Access review", Href: PeoplePage + "/review", Icon: "check", Group: "Access"},
		},
		Mount: func(mux web.Routes, f *web.Frame) {
			p := &people{PeopleDeps: deps, pages: pages, frame: f}
			mux.HandleFunc("GET "+PeoplePage, func(w http.ResponseWriter, r *http.Request) { p.list(w, r, http.StatusOK, nil) })
			mux.HandleFunc("POST "+PeoplePage, p.add)
			mux.HandleFunc("GET "+PeoplePage+"/role/{role}", p.role)
			mux.HandleFunc("GET "+PeoplePage+"/review", p.review)
			mux.HandleFunc("POST "+PeoplePage+"/review", p.confirm)
			mux.HandleFunc("GET "+PeoplePage+"/{name}", func(w http.ResponseWriter, r *http.Request) { p.show(w, r, http.StatusOK, nil) })
			mux.HandleFunc("POST "+PeoplePage+"/{name}/{what}", p.change)
		},
	}, nil
}

// PeopleProofs are the patterns of these pages that need a fresh proof of who it is.
func PeopleProofs() []string {
	return []string{"POST " + PeoplePage, "POST " + PeoplePage + "/review", "POST " + PeoplePage + "/{name}/{what}"}
}

func me(r *http.Request) string { return web.VisitorFrom(r.Context()).Staff }

type peopleBody struct {
	Table web.Table
	Roles web.Table
	Add   web.Form
}

func (p *people) list(w http.ResponseWriter, r *http.Request, status int, problem error) {
	all, err := p.Accounts.Accounts(r.Context())
	if err != nil {
		p.frame.Fail(w, r, err)
		return
	}
	t := web.Table{
		ID: "accounts", Caption: "Accounts",
		Columns: []web.Column{{Label: "Name"}, {Label: "Roles"}, {Label: "State"}, {Label: "Training", Secondary: true}, {Label: "Last sign-in"}},
		Empty:   &web.Empty{Icon: "people", Title: "No account yet", Text: "Make one below, or run “thimble staff add NAME --roles support”."},
	}
	for _, a := range all {
		var seen any = "never"
		if !a.SeenAt.IsZero() {
			seen = web.Ago(a.SeenAt)
		}
		t.Rows = append(t.Rows, web.Row{Href: PeoplePage + "/" + a.Name, Cells: web.Cells(a.Name, RoleBadges(a.Roles), StatusBadge(a.Status), trainingBadge(a, p.Now()), seen)})
	}
	add := web.Form{ID: "add", Action: PeoplePage, Legend: "Add an account", Submit: "Add", Intro: "It comes in by a one-time link first, and sets a password and a second factor with it.", Fields: []web.Field{
		{Name: "name", Label: "Name", Required: true, MaxLength: 32, Short: true, Autocomplete: "off", Value: r.PostFormValue("name"), Hint: "A handle, such as mara. Customers see it beside each look at their data; it is never given again."},
		roleField(r.PostForm["roles"]),
	}}
	explain(&add, problem)
	p.frame.Render(w, r, status, p.pages, "people.html", web.Page{
		Title: "People and roles", Lead: "Who works here, and what each of them may open. Roles go by purpose: whoever administers accounts sees nobody's data.",
		Body: peopleBody{Table: t, Roles: p.roleTable(), Add: add},
	})
}

func roleField(chosen []string) web.Field {
	f := web.Field{Name: "roles", Label: "Roles", Kind: web.ChecksField, Values: chosen}
	for _, role := range staff.Roles() {
		f.Options = append(f.Options, web.Option{Value: string(role), Hint: roleWords[role]})
	}
	return f
}

var roleWords = map[staff.Role]string{
	staff.Admin: "accounts, keys and settings; nobody's data", staff.Privacy: "the data protection officer: answers people's requests, watches over recipients and models",
	staff.Security: "watches the log, the keys and the alarms", staff.Support: "helps customers who ask", staff.Stylist: "advises customers in the shop",
	staff.Marketing: "plans what is offered; nobody's data", staff.Finance: "bills, refunds, taxes", staff.Warehouse: "packs and sends what was ordered",
	staff.Designer: "products; nobody's data", staff.Partners: "agreements with recipients and suppliers; nobody's data",
}

func (p *people) roleTable() web.Table {
	t := web.Table{ID: "roles", Caption: "Roles", Columns: []web.Column{{Label: "Role"}, {Label: "Whose work it is"}}}
	for _, role := range staff.Roles() {
		t.Rows = append(t.Rows, web.Row{Href: PeoplePage + "/role/" + string(role), Cells: web.Cells(string(role), roleWords[role])})
	}
	return t
}

func (p *people) add(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		p.frame.Fail(w, r, thimble.ErrInvalid)
		return
	}
	roles, err := staff.ParseRoles(r.PostForm["roles"]...)
	if err == nil && len(roles) == 0 {
		err = fmt.Errorf("staff: roles: choose at least one: %w", thimble.ErrInvalid)
	}
	name := r.PostFormValue("name")
	if err == nil {
		_, err = p.Accounts.Add(r.Context(), name, roles, me(r))
	}
	if errors.Is(err, thimble.ErrInvalid) || errors.Is(err, thimble.ErrConflict) {
		p.list(w, r, http.StatusUnprocessableEntity, err)
		return
	}
	p.showLink(w, r, name, err)
}

type oneTimeBody struct {
	Link web.CodeBlock
	Back string
}

// showLink shows a one-time link, this once.
func (p *people) showLink(w http.ResponseWriter, r *http.Request, name string, err error) {
	var token string
	if err == nil {
		token, err = p.Links(r.Context(), name, me(r))
	}
	if err != nil {
		p.frame.Fail(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	p.frame.Render(w, r, http.StatusOK, p.pages, "onetime.html", web.Page{
		Title: "A link for " + name, Lead: fmt.Sprintf("Give it to %s yourself. It works once, within %d minutes, and is not shown again.", name, int(session.LinkLives.Minutes())),
		Body: oneTimeBody{Link: web.CodeBlock{Title: "One-time link", Code: p.Base + Links + token}, Back: PeoplePage + "/" + name},
	})
}

type sightBody struct {
	Facts  []web.KeyValue
	Sight  web.Table
	Pages  []web.KeyValue
	Used   *web.Table
	Past   *web.Timeline
	Forms  []web.Form
	Others *web.Callout // why there are no forms
}

// role shows what a role may, whoever has it.
func (p *people) role(w http.ResponseWriter, r *http.Request) {
	roles, err := staff.ParseRoles(r.PathValue("role"))
	if err != nil {
		p.frame.Fail(w, r, fmt.Errorf("staffweb: no such role: %w", thimble.ErrNotFound))
		return
	}
	p.frame.Render(w, r, http.StatusOK, p.pages, "person.html", web.Page{
		Title: "What " + string(roles[0]) + " can see", Lead: roleWords[roles[0]] + ".",
		Crumbs: []web.Crumb{{Label: "People and roles", Href: PeoplePage}, {Label: string(roles[0])}},
		Body:   sightBody{Sight: p.sight("", roles), Pages: p.opens("", roles)},
	})
}

// purposes are those for which people's data is opened by staff.
var purposes = []thimble.Purpose{thimble.SupportOperations, thimble.EssentialService, thimble.LegalObligation}

var purposeWords = map[thimble.Purpose]string{
	thimble.SupportOperations: "for who asked for help", thimble.EssentialService: "to fulfil an order", thimble.LegalObligation: "for a legal duty",
}

// kept are the categories of what is kept about customers, each once.
func kept() (all []thimble.Category) {
	for _, t := range datamap.All() {
		if t.Employees() {
			continue
		}
		for _, f := range t.Fields {
			if !slices.Contains(all, f.Category) {
				all = append(all, f.Category)
			}
		}
	}
	slices.Sort(all)
	return all
}

// sight is what somebody sees of each category for each purpose, with the rule that says so.
func (p *people) sight(name string, roles []staff.Role) web.Table {
	t := web.Table{
		ID: "sight", Caption: "What they can see of customers", Note: "While their training counts; and of 200 people an hour at most. What is masked is shown in part.",
		Columns: []web.Column{{Label: "Data"}}, Scroll: true,
	}
	for _, purpose := range purposes {
		t.Columns = append(t.Columns, web.Column{Label: purposeWords[purpose]})
	}
	for _, c := range kept() {
		term, _ := datamap.CategoryOf(c)
		cells := []any{web.Cell{Value: term.Name, Sub: string(c)}}
		for _, v := range p.Rules.Matrix(name, roles, purposes, []thimble.Category{c}) {
			cell := web.Cell{Value: web.Badge{Text: string(v.Sight), Tone: map[rules.Sight]web.Tone{rules.Clear: web.Warn, rules.Masked: web.Info}[v.Sight]}}
			if len(v.Policies) > 0 {
				cell.Sub = v.Policies[0]
			}
			cells = append(cells, cell)
		}
		t.Rows = append(t.Rows, web.Row{Cells: web.Cells(cells...)})
	}
	return t
}

func (p *people) opens(name string, roles []staff.Role) []web.KeyValue {
	look, do := p.Rules.Opens(name, roles)
	badges := func(pages []rules.Page) []web.Badge {
		var all []web.Badge
		for _, page := range pages {
			all = append(all, web.Badge{Text: string(page)})
		}
		return all
	}
	return []web.KeyValue{{Key: "Pages they may open", Value: badges(look)}, {Key: "Pages on which they may do something", Value: badges(do)}}
}

func (p *people) show(w http.ResponseWriter, r *http.Request, status int, problem error) {
	a, err := p.Accounts.Account(r.Context(), r.PathValue("name"))
	if err != nil {
		p.frame.Fail(w, r, err)
		return
	}
	body := sightBody{Facts: Facts(a, p.Now()), Sight: p.sight(a.Name, a.Roles), Pages: p.opens(a.Name, a.Roles)}
	changes, err := p.Accounts.Changes(r.Context(), a.ID, 50)
	var used []Used
	if err == nil {
		used, err = p.Used(r.Context(), a.Name, p.Now().Add(-staffdb.ReviewEvery))
	}
	if err != nil {
		p.frame.Fail(w, r, err)
		return
	}
	body.Used, body.Past = usedTable(used), past(changes)
	switch {
	case a.Name == me(r):
		body.Others = &web.Callout{Tone: web.Info, Title: "This is you", Text: "Your roles and your training are for somebody else to change.", Action: &web.Action{Label: "My account", Href: AccountPage}}
	case a.Status != staff.Left && p.may(r):
		body.Forms = forms(a, problem)
	}
	p.frame.Render(w, r, status, p.pages, "person.html", web.Page{
		Title: a.Name, Crumbs: []web.Crumb{{Label: "People and roles", Href: PeoplePage}, {Label: a.Name}}, Body: body,
	})
}

// may reports whether whoever looks may change accounts: the rules that guard the page say.
func (p *people) may(r *http.Request) bool {
	by := staff.From(r.Context())
	return p.Rules.Decide(rules.Request{Account: by.Name, Roles: by.Roles, Action: rules.ChangePage, Page: "people", Trained: by.Trained(p.Now()), Fresh: true}).Allowed
}

func usedTable(used []Used) *web.Table {
	t := web.Table{
		ID: "used", Caption: "What they opened in the last ninety days", Columns: []web.Column{{Label: "For"}, {Label: "Data"}, {Label: "Times", Kind: web.NumberColumn}, {Label: "Last"}},
		Empty: &web.Empty{Icon: "eye", Title: "Nothing", Text: "They opened nobody's data."},
	}
	for _, u := range used {
		var names []web.Badge
		for _, c := range u.Categories {
			names = append(names, web.Badge{Text: c})
		}
		t.Rows = append(t.Rows, web.Row{Cells: web.Cells(string(u.Purpose), names, u.Uses, web.Ago(u.Last))})
	}
	return &t
}

func past(changes []staff.Change) *web.Timeline {
	t := &web.Timeline{Title: "What was changed"}
	for _, c := range changes {
		m := web.Moment{At: c.At, Title: string(c.What), Who: c.By, Text: c.Note, Icon: "people"}
		switch {
		case c.What == staff.RolesChanged || c.What == staff.Added:
			m.Title = string(c.What) + ": " + strings.Join(staff.RoleNames(c.Roles), ", ")
		case c.What == staff.TrainingSet:
			m.Title = "training counts until " + c.Until.Format(time.DateOnly)
		}
		t.Items = append(t.Items, m)
	}
	return t
}
