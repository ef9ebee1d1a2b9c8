package opendsrweb

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"thimble"
	"thimble/internal/rights/opendsr"
	"thimble/internal/rights/opendsrdb"
	"thimble/internal/web"
)

//go:embed pages/console_*.html
var consoleFiles embed.FS

// ControllersPage is where staff register whom the shop works for.
const ControllersPage = "/console/controllers"

// Registry keeps controllers; *opendsrdb.Store does.
type Registry interface {
	Controllers(ctx context.Context) ([]opendsrdb.Controller, error)
	Register(ctx context.Context, as opendsrdb.Controller, staff string) (opendsrdb.Controller, string, error)
	EndController(ctx context.Context, id thimble.ID, staff string) error
}

type console struct {
	registry Registry
	base     string // "" when no certificate is set
	pages    *web.Pages
	*web.Frame
}

// Console returns the page of controllers. base is the address of this installation, or ""
// when no certificate is set: nobody is answered then.
func Console(kit *web.Kit, r Registry, base string) (web.Section, error) {
	pages, err := kit.Pages(consoleFiles, "pages/console_*.html")
	if err != nil {
		return web.Section{}, err
	}
	return web.Section{
		Nav: []web.NavItem{{Label: "Controllers", Href: ControllersPage, Icon: "truck", Group: "Customers"}},
		Mount: func(mux web.Routes, f *web.Frame) {
			c := &console{registry: r, base: base, pages: pages, Frame: f}
			mux.HandleFunc("GET "+ControllersPage, func(w http.ResponseWriter, r *http.Request) { c.list(w, r, http.StatusOK, nil, "") })
			mux.HandleFunc("POST "+ControllersPage, c.register)
			mux.HandleFunc("POST "+ControllersPage+"/{controller}/end", c.end)
		},
	}, nil
}

// Proofs are the patterns that need a fresh proof of who it is.
func Proofs() []string {
	return []string{"POST " + ControllersPage, "POST " + ControllersPage + "/{controller}/end"}
}

type listBody struct {
	Say   *web.Callout
	Token *web.CodeBlock
	Table web.Table
	Form  web.Form
}

func (c *console) list(w http.ResponseWriter, r *http.Request, status int, problem error, token string) {
	all, err := c.registry.Controllers(r.Context())
	if err != nil {
		c.Fail(w, r, err)
		return
	}
	body := listBody{Table: controllerTable(all), Form: web.Form{ID: "controller", Action: ControllersPage, Submit: "Register", Fields: []web.Field{
		{Name: "name", Label: "Name", Required: true, MaxLength: 80, Autocomplete: "off"},
		{Name: "hosts", Label: "Hosts of its callbacks", MaxLength: 500, Autocomplete: "off", Hint: "Names such as callbacks.example, with blanks between. To others nothing is sent."},
		{Name: "copies", Label: "It may ask for copies of everything that is held about somebody", Kind: web.CheckField, Hint: "Access and portability: all of it goes to the controller, also what came from others. Without this it can ask for erasures alone."},
	}}}
	switch {
	case c.base == "":
		body.Say = &web.Callout{Tone: web.Warn, Title: "Nobody is answered yet", Text: "OpenDSR needs a certificate to sign with: the settings opendsr-cert and opendsr-key."}
	default:
		body.Say = &web.Callout{Tone: web.Info, Title: "Where they ask", Text: c.base + DiscoveryPath}
	}
	if token != "" {
		w.Header().Set("Cache-Control", "no-store")
		body.Token = &web.CodeBlock{Title: "Its token, which is not shown again", Code: token}
	}
	if fault, ok := errors.AsType[*opendsr.Fault](problem); ok {
		body.Form = body.Form.Fill(r.PostForm).Explain(web.FieldProblem{Field: fault.Field, Detail: fault.Rule + "."})
	}
	c.Render(w, r, status, c.pages, "console_controllers.html", web.Page{Title: "Controllers", Lead: "Whom the shop works for (GDPR Art. 28), and who may pass on by OpenDSR 2.0 that somebody wants to be forgotten, or a copy. Their word counts as the proof of who asks.", Body: body})
}

func controllerTable(all []opendsrdb.Controller) web.Table {
	t := web.Table{ID: "controllers", Caption: "Controllers", HideCaption: true, Columns: []web.Column{{Label: "Name"}, {Label: "Id", Kind: web.TokenColumn}, {Label: "Callbacks"}, {Label: "May ask for"}, {Label: "Since"}, {Label: "", Kind: web.ActionColumn}},
		Empty: &web.Empty{Icon: "truck", Title: "Nobody may ask", Text: "Does the shop work for another firm? Register it below; it gets a token."}}
	for _, c := range all {
		last := any(web.Badge{Text: "ended"})
		if !c.Ended {
			last = web.Action{Label: "End", Href: ControllersPage + "/" + c.ID.Token(opendsrdb.ControllerPrefix) + "/end", Post: true, Kind: "danger"}
		}
		t.Rows = append(t.Rows, web.Row{Cells: web.Cells(c.Name, web.Token(c.ID.Token(opendsrdb.ControllerPrefix)), strings.Join(c.Hosts, " "), asks(c), c.CreatedAt, last)})
	}
	return t
}

func asks(c opendsrdb.Controller) string {
	if c.Copies {
		return "erasure, copies"
	}
	return "erasure"
}

func (c *console) register(w http.ResponseWriter, r *http.Request) {
	v := r.PostFormValue
	_, token, err := c.registry.Register(r.Context(), opendsrdb.Controller{Name: strings.TrimSpace(v("name")), Hosts: strings.Fields(strings.ToLower(v("hosts"))), Copies: v("copies") != ""}, web.VisitorFrom(r.Context()).Staff)
	switch {
	case errors.Is(err, thimble.ErrInvalid):
		c.list(w, r, http.StatusUnprocessableEntity, err, "")
	case err != nil:
		c.Fail(w, r, err)
	default:
		c.list(w, r, http.StatusOK, nil, token)
	}
}

func (c *console) end(w http.ResponseWriter, r *http.Request) {
	id, err := thimble.ParseID(opendsrdb.ControllerPrefix, r.PathValue("controller"))
	if err != nil {
		err = fmt.Errorf("opendsrweb: the address names no controller: %w", thimble.ErrNotFound)
	} else {
		err = c.registry.EndController(r.Context(), id, web.VisitorFrom(r.Context()).Staff)
	}
	if err != nil {
		c.Fail(w, r, err)
		return
	}
	http.Redirect(w, r, ControllersPage, http.StatusSeeOther)
}
