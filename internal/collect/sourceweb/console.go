package sourceweb

import (
	"cmp"
	"context"
	"embed"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"thimble"
	"thimble/internal/collect/intake"
	"thimble/internal/collect/source"
	"thimble/internal/collect/sourcedb"
	"thimble/internal/web"
)

//go:embed pages/*.html
var pageFiles embed.FS

// Store keeps sources; *sourcedb.Store does.
type Store interface {
	List(ctx context.Context) ([]source.Source, error)
	Get(ctx context.Context, n uint32) (source.Source, error)
	Add(ctx context.Context, draft source.Source, staff string) (text string, made source.Source, err error)
	Set(ctx context.Context, n uint32, consents bool, origins []string, staff string) error
	Rotate(ctx context.Context, n uint32, grace time.Duration, staff string) (text string, err error)
	End(ctx context.Context, n uint32, staff string) error
	Changes(ctx context.Context, n uint32) ([]sourcedb.Change, error)
}

// Path is where the desk is.
const Path = "/console/sources"

// Deps are what the pages are made of.
type Deps struct {
	Store Store
	// PublicURL is the address people reach the installation at; when empty, what the
	// request says.
	PublicURL string
	Now       func() time.Time // nil means time.Now
}

type desk struct {
	Deps
	pages *web.Pages
	*web.Frame
}

// Proofs are the patterns that need a fresh proof of who it is: whoever has a server's key
// may say who bought what.
func Proofs() []string {
	return []string{"POST " + Path, "POST " + Path + "/{source}", "POST " + Path + "/{source}/key", "POST " + Path + "/{source}/end"}
}

// Console returns the desk as a section of the console.
func Console(kit *web.Kit, deps Deps) (web.Section, error) {
	pages, err := kit.Pages(pageFiles)
	if err != nil {
		return web.Section{}, err
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	return web.Section{
		Nav: []web.NavItem{{Label: "Sources", Href: Path, Icon: "flow", Group: "Shop"}},
		Mount: func(mux web.Routes, f *web.Frame) {
			d := &desk{Deps: deps, pages: pages, Frame: f}
			mux.HandleFunc("GET "+Path, func(w http.ResponseWriter, r *http.Request) { d.list(w, r, http.StatusOK, newForm()) })
			mux.HandleFunc("POST "+Path, d.add)
			mux.HandleFunc("GET "+Path+"/{source}", func(w http.ResponseWriter, r *http.Request) { d.show(w, r, http.StatusOK, nil) })
			mux.HandleFunc("POST "+Path+"/{source}", d.set)
			mux.HandleFunc("POST "+Path+"/{source}/key", d.rotate)
			mux.HandleFunc("GET "+Path+"/{source}/end", d.ask)
			mux.HandleFunc("POST "+Path+"/{source}/end", d.end)
		},
	}, nil
}

func staffOf(r *http.Request) string { return web.VisitorFrom(r.Context()).Staff }

func href(n uint32) string { return Path + "/" + strconv.Itoa(int(n)) }

// named returns the source of the address.
func (d *desk) named(r *http.Request) (source.Source, error) {
	n, err := strconv.ParseUint(r.PathValue("source"), 10, 31)
	if err != nil || strconv.FormatUint(n, 10) != r.PathValue("source") {
		return source.Source{}, thimble.ErrNotFound // a misspelt address leads nowhere
	}
	return d.Store.Get(r.Context(), uint32(n))
}

// base is the address that programs send to.
func (d *desk) base(r *http.Request) string {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return strings.TrimSuffix(cmp.Or(d.PublicURL, scheme+"://"+r.Host), "/")
}

type listBody struct {
	Table web.Table
	Form  web.Form
}

func (d *desk) list(w http.ResponseWriter, r *http.Request, status int, form web.Form) {
	all, err := d.Store.List(r.Context())
	if err != nil {
		d.Fail(w, r, err)
		return
	}
	d.Render(w, r, status, d.pages, "sources.html", web.Page{
		Title: "Sources", Lead: "Where events come from: the shop's pages, its apps, the systems behind them. Each has a write key of its own.",
		Body: listBody{Table: table(all), Form: form},
	})
}

func table(all []source.Source) web.Table {
	t := web.Table{
		ID: "sources", Caption: "Sources", HideCaption: true,
		Columns: []web.Column{{Label: "Name"}, {Label: "Kind"}, {Label: "Origins"}, {Label: "Asks for consent"}, {Label: "Since", Secondary: true}, {Label: "State"}},
		Empty:   &web.Empty{Icon: "flow", Title: "No source yet", Text: "Add the first one below: a browser's for the shop's pages, or a server's to try it with curl. The next page shows its key and programs to copy."},
	}
	for _, s := range all {
		t.Rows = append(t.Rows, web.Row{Href: href(s.Number), Cells: web.Cells(s.Name, kindBadge(s.Kind), strings.Join(s.Origins, ", "), yes(s.Consents), s.Created, state(s))})
	}
	return t
}

func kindBadge(k intake.Kind) web.Badge { return web.Badge{Text: string(k)} }

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func state(s source.Source) web.Badge {
	if !s.Ended.IsZero() {
		return web.Badge{Text: "ended"}
	}
	return web.Badge{Text: "in force", Tone: web.Good}
}

func newForm() web.Form {
	return web.Form{
		ID: "new-source", Action: Path, Legend: "New source", Submit: "Add the source",
		Fields: []web.Field{
			{Name: "name", Label: "Name", Hint: "Such as web shop or warehouse. It is given once, and what is counted goes by it.", Required: true, MaxLength: 80, Autocomplete: "off"},
			{Name: "kind", Label: "Kind", Kind: web.RadioField, Required: true, Value: string(intake.Browser), Options: []web.Option{
				{Value: string(intake.Browser), Label: "Browser", Hint: "The shop's pages. Its key is public, so nothing a page says of who somebody is counts."},
				{Value: string(intake.Server), Label: "Server", Hint: "A system of the shop. Its key is secret: the ids and orders it sends are believed."},
				{Value: string(intake.App), Label: "App", Hint: "On people's devices. Its key is public, like a browser's."},
			}},
			originsField(nil),
			consentsField(false),
		},
	}
}

func originsField(origins []string) web.Field {
	return web.Field{Name: "origins", Label: "Addresses of the pages", Kind: web.TextAreaField, Rows: 3, Value: strings.Join(origins, "\n"), Autocomplete: "off",
		Hint: "Of a browser's source, one on a line, such as https://shop.example. Pages from elsewhere are refused."}
}

func consentsField(on bool) web.Field {
	return web.Field{Name: "consents", Label: "It asks people for their consent", Kind: web.CheckField, Value: "1", Checked: on,
		Hint: "What its events say of consent is taken down as the person's choice. Otherwise it can only narrow what they have chosen."}
}

// lines are the origins as they were typed.
func lines(form url.Values) []string {
	return strings.FieldsFunc(form.Get("origins"), func(r rune) bool { return r == '\n' || r == '\r' || r == ' ' || r == ',' })
}

func (d *desk) add(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		d.Fail(w, r, errors.Join(err, thimble.ErrInvalid))
		return
	}
	kind := intake.Kind(r.PostForm.Get("kind"))
	draft, err := source.New(r.PostForm.Get("name"), kind, r.PostForm.Get("consents") != "", lines(r.PostForm))
	var key string
	if err == nil {
		key, draft, err = d.Store.Add(r.Context(), draft, staffOf(r))
	}
	if problem, ok := problemOf(err); ok {
		status, _, _ := web.Kind(err)
		d.list(w, r, status, newForm().Fill(r.PostForm).Explain(problem))
		return
	}
	if err != nil {
		d.Fail(w, r, err)
		return
	}
	d.made(w, r, draft, key)
}

// problemOf is what an error says beside a field.
func problemOf(err error) (web.FieldProblem, bool) {
	if errors.Is(err, source.ErrTaken) {
		return web.FieldProblem{Field: "name", Detail: "Another source, in force or ended, has this name. Choose another."}, true
	}
	if e, ok := errors.AsType[*source.FieldError](err); ok {
		return web.FieldProblem{Field: e.Field, Detail: strings.ToUpper(e.Rule[:1]) + e.Rule[1:] + "."}, true
	}
	return web.FieldProblem{}, false
}

// made leads to the source, or shows its secret key: the one time.
func (d *desk) made(w http.ResponseWriter, r *http.Request, of source.Source, key string) {
	if source.Public(of.Kind) {
		http.Redirect(w, r, href(of.Number), http.StatusSeeOther)
		return
	}
	page, err := d.pages.HTML(r, "key.html", d.Wrap(r, web.Page{
		Title: "The key of " + of.Name, Crumbs: []web.Crumb{{Label: "Sources", Href: Path}, {Label: of.Name, Href: href(of.Number)}, {Label: "New key"}},
		Body: keyBody{
			Callout:  web.Callout{Tone: web.Warn, Title: "Copy it now", Text: "It is not stored and cannot be shown again. Whoever has it can send what counts as said by the shop."},
			Key:      web.CodeBlock{ID: "key", Title: "In the environment of the program", Lang: "sh", Code: "export WRITE_KEY=" + key},
			Programs: programs(of, d.base(r), ""),
			Go:       web.Action{Label: "I have copied it", Href: href(of.Number)},
		},
	}))
	if err != nil {
		d.Fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(page)))
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(page) // the key is made; a reader who went away makes another
}

// keyBody is what key.html shows.
type keyBody struct {
	Callout  web.Callout
	Key      web.CodeBlock
	Programs []web.CodeBlock
	Go       web.Action
}

func programs(of source.Source, base, key string) []web.CodeBlock {
	var all []web.CodeBlock
	for _, s := range source.Snippets(of.Source, base, key) {
		all = append(all, web.CodeBlock{ID: "program-" + s.Name, Title: s.Title, Lang: s.Lang, Code: s.Code})
	}
	return all
}
