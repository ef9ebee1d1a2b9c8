package apikeyweb

import (
	"context"
	"embed"
	"errors"
	"net/http"
	"slices"
	"strconv"

	"thimble"
	"thimble/internal/apikey"
	"thimble/internal/web"
)

//go:embed pages/*.html
var pageFiles embed.FS

// Keys keeps the keys; *apikeydb.Store is one.
type Keys interface {
	List(ctx context.Context) ([]apikey.Key, error)
	Get(ctx context.Context, id thimble.ID) (apikey.Key, error)
	Create(ctx context.Context, name string, scopes []apikey.Scope) (text string, k apikey.Key, err error)
	Revoke(ctx context.Context, id thimble.ID) error
}

// Path is where the desk is.
const Path = "/console/keys"

type desk struct {
	keys  Keys
	pages *web.Pages
	*web.Frame
}

// Proofs are the patterns that need a proof of who it is that is fresh: a key opens more
// than a session does, and for longer, and without one the shop's programs stand still.
func Proofs() []string { return []string{"POST " + Path, "POST " + Path + "/{id}/revoke"} }

// Console returns the desk as a section of the console.
func Console(kit *web.Kit, keys Keys) (web.Section, error) {
	pages, err := kit.Pages(pageFiles)
	if err != nil {
		return web.Section{}, err
	}
	return web.Section{
		Nav: []web.NavItem{{Label: "API keys", Href: Path, Icon: "key", Group: "System"}},
		Mount: func(mux web.Routes, f *web.Frame) {
			d := &desk{keys: keys, pages: pages, Frame: f}
			mux.HandleFunc("GET "+Path, d.list)
			mux.HandleFunc("POST "+Path, d.create)
			mux.HandleFunc("GET "+Path+"/{id}/revoke", d.ask)
			mux.HandleFunc("POST "+Path+"/{id}/revoke", d.revoke)
		},
	}, nil
}

// listBody is what keys.html shows.
type listBody struct {
	Table web.Table
	Form  web.Form
}

func (d *desk) list(w http.ResponseWriter, r *http.Request) {
	d.show(w, r, http.StatusOK, newForm())
}

func (d *desk) show(w http.ResponseWriter, r *http.Request, status int, form web.Form) {
	all, err := d.keys.List(r.Context())
	if err != nil {
		d.Fail(w, r, err)
		return
	}
	d.Render(w, r, status, d.pages, "keys.html", web.Page{
		Title: "API keys", Lead: "Each system of the shop that calls the API has its own key.",
		Actions: []web.Action{{Label: "API manual", Href: "/docs/api", Kind: "quiet"}},
		Body:    listBody{Table: table(all), Form: form},
	})
}

func table(all []apikey.Key) web.Table {
	t := web.Table{
		Caption: "Keys", Note: "Keys themselves are not stored; the last four characters tell them apart.",
		Columns: []web.Column{
			{Label: "Name"}, {Label: "May"},
			{Label: "Ends in", Kind: web.TokenColumn}, {Label: "Made", Secondary: true}, {Label: "Last used"},
			{Label: "State"}, {Label: "Action", Kind: web.ActionColumn, HideHead: true},
		},
		Empty: &web.Empty{Icon: "key", Title: "No key yet", Text: "Make one below for the first system that calls the API."},
	}
	for _, k := range all {
		state, actions := web.Badge{Text: "in force", Tone: web.Good}, []web.Action{{Label: "Revoke", Href: revokePath(k), About: k.Name, Kind: "quiet"}}
		if !k.Revoked.IsZero() {
			state, actions = web.Badge{Text: "revoked"}, nil
		}
		var used any = "never"
		if !k.Used.IsZero() {
			used = k.Used
		}
		t.Rows = append(t.Rows, web.Row{Cells: web.Cells(k.Name, words(k.Scopes), "…"+k.Hint, k.Created, used, state, actions)})
	}
	return t
}

func revokePath(k apikey.Key) string { return Path + "/" + k.ID.Token(apikey.TokenPrefix) + "/revoke" }

func words(scopes []apikey.Scope) []web.Badge {
	badges := make([]web.Badge, len(scopes))
	for i, s := range scopes {
		badges[i] = web.Badge{Text: string(s)}
	}
	return badges
}

func newForm() web.Form {
	return web.Form{
		ID: "new-key", Action: Path, Legend: "New key", Submit: "Make the key",
		Intro: "The key is shown once, on the next page.",
		Fields: []web.Field{
			{Name: "name", Label: "Name", Hint: "The system that will use it, such as storefront. The use log names it.", Required: true, MaxLength: 80, Autocomplete: "off"},
			{Name: "scope", Label: "What it may do", Kind: web.ChecksField, Required: true, Options: []web.Option{
				{Value: string(apikey.Read), Label: "read", Hint: "Ask for items, lists, choices and decisions."},
				{Value: string(apikey.Collect), Label: "collect", Hint: "Record people's choices and events."},
				{Value: string(apikey.Admin), Label: "admin", Hint: "Everything."},
			}},
		},
	}
}

func (d *desk) create(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		d.Fail(w, r, errors.Join(err, thimble.ErrInvalid))
		return
	}
	var scopes []apikey.Scope
	for _, s := range r.PostForm["scope"] {
		scopes = append(scopes, apikey.Scope(s))
	}
	text, k, err := d.keys.Create(r.Context(), r.PostForm.Get("name"), scopes)
	if problems := problemsOf(err); len(problems) > 0 {
		status, _, _ := web.Kind(err)
		d.show(w, r, status, newForm().Fill(r.PostForm).Explain(problems...))
		return
	}
	if err != nil {
		d.Fail(w, r, err)
		return
	}
	d.reveal(w, r, k, text)
}

func problemsOf(err error) (all []web.FieldProblem) {
	if errors.Is(err, apikey.ErrName) {
		all = append(all, web.FieldProblem{Field: "name", Detail: "Write a name of 1 to 80 characters."})
	}
	if errors.Is(err, apikey.ErrTaken) {
		all = append(all, web.FieldProblem{Field: "name", Detail: "Another key, in force or revoked, has this name. Choose another, such as storefront-2."})
	}
	if errors.Is(err, apikey.ErrScopes) {
		all = append(all, web.FieldProblem{Field: "scope", Detail: "Choose at least one."})
	}
	return all
}

// keyBody is what key.html shows.
type keyBody struct {
	Callout web.Callout
	Key     web.CodeBlock
	Facts   []web.KeyValue
	Try     web.CodeBlock
}

// reveal shows the key, whatever the door thinks of caches: it is the one time.
func (d *desk) reveal(w http.ResponseWriter, r *http.Request, k apikey.Key, text string) {
	page, err := d.pages.HTML(r, "key.html", d.Wrap(r, web.Page{
		Title: "Your new key", Crumbs: []web.Crumb{{Label: "API keys", Href: Path}, {Label: k.Name}},
		Body: keyBody{
			Callout: web.Callout{Tone: web.Warn, Title: "Copy it now", Text: "It is not stored and cannot be shown again. Who has it can do what it may do."},
			Key:     web.CodeBlock{ID: "key", Title: "Key", Code: text},
			Facts:   []web.KeyValue{{Key: "Name", Value: k.Name}, {Key: "May", Value: words(k.Scopes)}, {Key: "Made", Value: k.Created}},
			Try:     web.CodeBlock{ID: "try", Title: "Try it", Lang: "sh", Code: "curl -H 'Authorization: Bearer " + text + "' '" + origin(r) + "/v1/items?limit=1'"},
		},
	}))
	if err != nil {
		d.Fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(page)))
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(page) // the key is made; a reader who went away revokes it
}

func origin(r *http.Request) string {
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// revokeBody is what revoke.html shows.
type revokeBody struct {
	Callout web.Callout
	Facts   []web.KeyValue
	Form    web.Form
}

func (d *desk) ask(w http.ResponseWriter, r *http.Request) {
	k, err := d.key(r)
	if err != nil {
		d.Fail(w, r, err)
		return
	}
	body := revokeBody{
		Callout: web.Callout{Tone: web.Warn, Title: "It stops working at once", Text: "What still uses this key is refused from then on. It cannot be undone; make a new key first."},
		Facts:   []web.KeyValue{{Key: "Name", Value: k.Name}, {Key: "Ends in", Value: "…" + k.Hint}, {Key: "Made", Value: k.Created}},
		Form: web.Form{
			ID: "revoke", Action: revokePath(k), Legend: "Revoke", Submit: "Revoke this key", Danger: true,
			Cancel: &web.Action{Label: "Keep it", Href: Path},
		},
	}
	if !k.Used.IsZero() {
		body.Facts = slices.Insert(body.Facts, 3, web.KeyValue{Key: "Last used", Value: k.Used})
	}
	d.Render(w, r, http.StatusOK, d.pages, "revoke.html", web.Page{
		Title: "Revoke " + k.Name + "?", Crumbs: []web.Crumb{{Label: "API keys", Href: Path}, {Label: "Revoke"}}, Body: body,
	})
}

func (d *desk) revoke(w http.ResponseWriter, r *http.Request) {
	k, err := d.key(r)
	if err == nil {
		err = d.keys.Revoke(r.Context(), k.ID)
	}
	if err != nil {
		d.Fail(w, r, err)
		return
	}
	http.Redirect(w, r, Path, http.StatusSeeOther)
}

func (d *desk) key(r *http.Request) (apikey.Key, error) {
	id, err := thimble.ParseID(apikey.TokenPrefix, r.PathValue("id"))
	if err != nil {
		return apikey.Key{}, thimble.ErrNotFound // a misspelt address leads nowhere
	}
	return d.keys.Get(r.Context(), id)
}
