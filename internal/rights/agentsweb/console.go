package agentsweb

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"thimble"
	"thimble/internal/rights/agents"
	"thimble/internal/rights/agentsdb"
	"thimble/internal/web"
)

//go:embed pages/*.html
var pageFiles embed.FS

// Path is where the desk is.
const Path = "/console/agents"

// Store keeps agents; *agentsdb.Store does.
type Store interface {
	List(ctx context.Context) ([]agents.Agent, error)
	Get(ctx context.Context, id string) (agents.Agent, error)
	Add(ctx context.Context, all []agents.Agent, staff string) (added int, err error)
	Do(ctx context.Context, id string, what agents.Act, staff string) error
	Acts(ctx context.Context, id string) ([]agentsdb.Past, error)
	Calls(ctx context.Context, agent string, limit int) ([]agentsdb.Call, error)
}

// Deps are what the pages are made of.
type Deps struct {
	Store Store
	// Business is this shop's id in the network's directory; "" when no agent can ask.
	Business string
	Base     string   // the address of the protocol
	Actions  []string // that are taken
	// Public is the key that verifies what agents are told by themselves.
	Public func(ctx context.Context) (string, error)
}

// Proofs are the patterns that need a fresh proof of who it is.
func Proofs() []string { return []string{"POST " + Path, "POST " + Path + "/{agent}"} }

type desk struct {
	Deps
	pages *web.Pages
	*web.Frame
}

// Console returns the desk as a section of the console.
func Console(kit *web.Kit, deps Deps) (web.Section, error) {
	pages, err := kit.Pages(pageFiles)
	if err != nil {
		return web.Section{}, err
	}
	return web.Section{
		Nav: []web.NavItem{{Label: "Agents", Href: Path, Icon: "people", Group: "Customers"}},
		Mount: func(mux web.Routes, f *web.Frame) {
			d := &desk{Deps: deps, pages: pages, Frame: f}
			mux.HandleFunc("GET "+Path, func(w http.ResponseWriter, r *http.Request) {
				d.list(w, r, http.StatusOK, handForm(), directoryForm())
			})
			mux.HandleFunc("POST "+Path, d.add)
			mux.HandleFunc("GET "+Path+"/{agent}", func(w http.ResponseWriter, r *http.Request) { d.show(w, r, http.StatusOK, "") })
			mux.HandleFunc("POST "+Path+"/{agent}", d.act)
		},
	}, nil
}

type listBody struct {
	Say   *web.Callout
	Table web.Table
	Facts []web.KeyValue
	Forms []web.Form
}

func (d *desk) list(w http.ResponseWriter, r *http.Request, status int, forms ...web.Form) {
	all, err := d.Store.List(r.Context())
	public := ""
	if err == nil && d.Business != "" {
		public, err = d.Public(r.Context())
	}
	if err != nil {
		d.Fail(w, r, err)
		return
	}
	body := listBody{Table: table(all), Forms: forms}
	if d.Business == "" {
		body.Say = &web.Callout{Tone: web.Info, Title: "No agent can ask yet", Text: "Set drp-business to the id that the shop has in the network’s directory. Agents can be entered before."}
	} else {
		body.Facts = []web.KeyValue{{Key: "The shop’s id", Value: d.Business}, {Key: "api_base", Value: d.Base, Copy: true}, {Key: "supported_actions", Value: strings.Join(d.Actions, ", ")},
			{Key: "supported_verifications", Value: "email, phone_number"}, {Key: "Status callbacks are signed by", Value: public, Copy: true, Sub: "Standard Webhooks"}}
	}
	d.Render(w, r, status, d.pages, "console_agents.html", web.Page{
		Title: "Agents", Lead: "Who may ask in customers’ place by a signed request (Data Rights Protocol). The customer sees each request, and confirms it where the law lets you ask them.", Body: body,
	})
}

var badges = map[agents.State]web.Badge{agents.Active: {Text: "May ask", Tone: web.Good}, agents.Suspended: {Text: "Suspended", Tone: web.Warn}, agents.Ended: {Text: "Ended"}}

func table(all []agents.Agent) web.Table {
	t := web.Table{ID: "agents", Caption: "Agents", HideCaption: true,
		Columns: []web.Column{{Label: "Name"}, {Label: "State"}, {Label: "Is told at"}, {Label: "Since", Secondary: true}, {Label: "Id", Kind: web.TokenColumn, Secondary: true}},
		Empty:   &web.Empty{Icon: "people", Title: "No agent yet", Text: "Enter those of a network’s service directory, or one by hand, below. Nothing is fetched from anywhere."}}
	for _, a := range all {
		t.Rows = append(t.Rows, web.Row{Href: Path + "/" + url.PathEscape(a.ID), Cells: web.Cells(a.Name, badges[a.State], host(a.Callback), a.Added, a.ID)})
	}
	return t
}

func host(link string) string {
	u, err := url.Parse(link)
	if err != nil || link == "" {
		return "nowhere: it asks"
	}
	return u.Hostname()
}

func handForm() web.Form {
	return web.Form{ID: "by-hand", Action: Path, Legend: "Enter an agent by hand", Submit: "Enter the agent", Fields: []web.Field{
		{Name: "id", Label: "Id", Hint: "As the network’s directory has it, such as PERMISSION_SLIP.", Required: true, MaxLength: 64, Autocomplete: "off"},
		{Name: "name", Label: "Name", Hint: "Customers read it.", Required: true, MaxLength: 80, Autocomplete: "off"},
		{Name: "key", Label: "Key", Hint: "verify_key: Ed25519, in base64. It is not replaced later: a new key is a new agent.", Required: true, MaxLength: 100, Autocomplete: "off"},
		{Name: "callback", Label: "Where it is told what became of a request", Hint: "Its status_callback, an https address, or empty. Only this address is ever called.", MaxLength: 500, Autocomplete: "off"},
		{Name: "web", Label: "Its page", Hint: "An https address, or empty.", MaxLength: 500, Autocomplete: "off"},
		{Name: "assurance", Label: "How it looks at who asks", Hint: "identity_assurance_url: an https address, or empty.", MaxLength: 500, Autocomplete: "off"},
	}}
}

func directoryForm() web.Form {
	return web.Form{ID: "directory", Action: Path, Legend: "Enter agents from a service directory", Submit: "Enter them", Fields: []web.Field{
		{Name: "directory", Label: "The directory’s list of agents", Kind: web.TextAreaField, Rows: 8, Required: true, MaxLength: agents.MaxDirectory,
			Hint: "JSON. People to write to are left out. An agent that is here with the same key stays as it is. None of them is called; enter one by hand to have it called."},
	}}
}

func (d *desk) add(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		d.Fail(w, r, errors.Join(err, thimble.ErrInvalid))
		return
	}
	var all []agents.Agent
	var err error
	listed := r.PostForm.Has("directory")
	if listed {
		all, err = agents.ParseDirectory([]byte(r.PostForm.Get("directory")))
	} else {
		field := func(name string) string { return strings.TrimSpace(r.PostForm.Get(name)) }
		a := agents.Agent{ID: field("id"), Name: field("name"), Web: field("web"), Assurance: field("assurance"), Callback: field("callback"), State: agents.Active}
		a.Key, err = agents.ParseKey(field("key"))
		all = []agents.Agent{a}
	}
	if err == nil {
		_, err = d.Store.Add(r.Context(), all, web.VisitorFrom(r.Context()).Staff)
	}
	wrong, ok := errors.AsType[*agents.FieldError](err)
	switch {
	case ok && listed:
		form := directoryForm().Fill(r.PostForm).Explain(web.FieldProblem{Field: "directory", Detail: said(err, wrong)})
		d.list(w, r, http.StatusUnprocessableEntity, handForm(), form)
	case ok:
		form := handForm().Fill(r.PostForm).Explain(web.FieldProblem{Field: wrong.Field, Detail: "expected " + strings.TrimSuffix(wrong.Rule, ",") + "."})
		d.list(w, r, http.StatusUnprocessableEntity, form, directoryForm())
	case err != nil:
		d.Fail(w, r, err)
	default:
		http.Redirect(w, r, Path, http.StatusSeeOther)
	}
}

// said names the entry of a directory that is wrong, and its rule.
func said(err error, wrong *agents.FieldError) string {
	var n int
	if _, scanErr := fmt.Sscanf(err.Error(), "agents: entry %d", &n); scanErr == nil {
		return fmt.Sprintf("entry %d, %s: expected %s.", n, wrong.Field, strings.TrimSuffix(wrong.Rule, ","))
	}
	return "expected " + strings.TrimSuffix(wrong.Rule, ",") + "."
}

type showBody struct {
	Problem *web.Callout
	Facts   []web.KeyValue
	Do      []web.Action
	Calls   web.Table
	Past    web.Timeline
}

// callsShown bounds the list of an agent's calls.
const callsShown = 50

func (d *desk) show(w http.ResponseWriter, r *http.Request, status int, problem string) {
	a, err := d.Store.Get(r.Context(), r.PathValue("agent"))
	var acts []agentsdb.Past
	if err == nil {
		acts, err = d.Store.Acts(r.Context(), a.ID)
	}
	var calls []agentsdb.Call
	if err == nil {
		calls, err = d.Store.Calls(r.Context(), a.ID, callsShown)
	}
	if err != nil {
		d.Fail(w, r, err)
		return
	}
	body := showBody{Calls: callTable(calls), Past: web.Timeline{Title: "What staff did"}, Facts: []web.KeyValue{
		{Key: "Id", Value: a.ID, Copy: true}, {Key: "State", Value: badges[a.State]}, {Key: "Key", Value: agents.KeyText(a.Key), Copy: true},
		{Key: "Is told at", Value: host(a.Callback), Sub: a.Callback}, {Key: "Its page", Value: host(a.Web), Sub: a.Web}, {Key: "How it looks at who asks", Value: host(a.Assurance), Sub: a.Assurance}, {Key: "Since", Value: a.Added},
	}}
	for _, p := range acts {
		body.Past.Items = append(body.Past.Items, web.Moment{At: p.At, Title: pastWords[p.Act], Who: p.Staff})
	}
	for _, o := range []struct {
		act   agents.Act
		label string
	}{{agents.Suspend, "Suspend"}, {agents.Resume, "Let it ask again"}, {agents.End, "End it for good"}} {
		if _, err := a.State.After(o.act); err == nil {
			body.Do = append(body.Do, web.Action{Label: o.label, About: a.Name, Href: Path + "/" + url.PathEscape(a.ID), Post: true, Hidden: []web.Hidden{{Name: "act", Value: string(o.act)}}})
		}
	}
	if problem != "" {
		body.Problem = &web.Callout{Tone: web.Bad, Title: "That was not possible", Text: problem}
	}
	d.Render(w, r, status, d.pages, "console_agent.html", web.Page{Title: a.Name, Crumbs: []web.Crumb{{Label: "Agents", Href: Path}, {Label: a.Name}}, Body: body})
}

var pastWords = map[agents.Act]string{agents.Entered: "Entered", agents.Suspend: "Suspended", agents.Resume: "May ask again", agents.End: "Ended"}

func callTable(all []agentsdb.Call) web.Table {
	t := web.Table{ID: "calls", Caption: "What it was told", Columns: []web.Column{{Label: "Status"}, {Label: "State"}, {Label: "Tries", Kind: web.NumberColumn}, {Label: "Since"}, {Label: "Request", Kind: web.TokenColumn}},
		Empty: &web.Empty{Icon: "inbox", Title: "Nothing yet", Text: "When the status of a request changes, and the agent has an address, it is told here."}}
	words := map[string]web.Badge{agentsdb.Queued: {Text: "On its way", Tone: web.Info}, agentsdb.Sent: {Text: "Told", Tone: web.Good}, agentsdb.Overtaken: {Text: "Overtaken"}, agentsdb.GivenUp: {Text: "Given up", Tone: web.Bad}}
	for _, c := range all {
		t.Rows = append(t.Rows, web.Row{Href: "/console/cases/" + c.Case.Token("case"), Cells: web.Cells(c.Status, web.Cell{Value: words[c.State], Sub: c.Why}, c.Tries, c.At, web.Token(c.Case.Token("case")))})
	}
	return t
}

func (d *desk) act(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		d.Fail(w, r, errors.Join(err, thimble.ErrInvalid))
		return
	}
	err := d.Store.Do(r.Context(), r.PathValue("agent"), agents.Act(r.PostForm.Get("act")), web.VisitorFrom(r.Context()).Staff)
	switch {
	case err == nil:
		http.Redirect(w, r, Path+"/"+url.PathEscape(r.PathValue("agent")), http.StatusSeeOther)
	case errors.Is(err, thimble.ErrConflict):
		d.show(w, r, http.StatusConflict, "It is in that state already, or was ended for good.")
	default:
		d.Fail(w, r, err)
	}
}
