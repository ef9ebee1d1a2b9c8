package sessionweb

import (
	"embed"
	"errors"
	"net/http"
	"time"

	"thimble"
	"thimble/internal/session"
	"thimble/internal/web"
)

//go:embed pages/portal_*.html
var portalFiles embed.FS

// The places of signing in and out in the privacy centre.
const (
	SignIn  = "/privacy/sign-in"
	Links   = "/privacy/link/" // a token follows
	SignOut = "/privacy/sign-out"
)

// Open reports whether a path of the privacy centre needs nobody signed in.
func Open(path string) bool {
	switch path {
	case SignIn, SignOut, CodePage, Enter:
		return true
	}
	return len(path) > len(Links) && path[:len(Links)] == Links
}

// PortalDeps are what the pages of signing in are made of. Without a Post there are no
// codes by mail; without keys no shop is believed.
type PortalDeps struct {
	Sessions Sessions
	Codes    Codes
	Tokens   Tokens
	People   People
	Index    Index
	Post     *Post
	Shop     session.ShopKeys
	Demo     bool // the shop has a page on which a visitor picks a customer
	Now      func() time.Time
}

// A signInBody is the page that explains how to come in, or to prove it again.
type signInBody struct {
	SignedIn bool
	Again    bool // a proof is asked for, of somebody who is signed in
	Mail     *web.Form
	Shop     bool
	Demo     bool
}

// A linkBody is the page of a one-time link.
type linkBody struct {
	Token string
	Next  string
	Spent bool // used, too old, or never made
}

type portal struct {
	PortalDeps
	door      *Door
	pages     *web.Pages
	frame     *web.Frame
	byNetwork *web.Limiter
}

// From one network a code may be asked for, or tried, twenty times at once and then
// every fifteen seconds.
const (
	networkEvery = 15 * time.Second
	networkBurst = 20
)

// Portal returns the pages by which customers come in and go out.
func Portal(kit *web.Kit, d *Door, deps PortalDeps) (web.Section, error) {
	pages, err := kit.Pages(portalFiles, "pages/portal_*.html")
	if err != nil {
		return web.Section{}, err
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	nav := []web.NavItem{{Label: "Signed-in devices", Href: Devices}}
	return web.Section{Nav: nav, Mount: func(mux web.Routes, f *web.Frame) {
		p := &portal{PortalDeps: deps, door: d, pages: pages, frame: f, byNetwork: web.NewLimiter(networkEvery, networkBurst, deps.Now)}
		mux.HandleFunc("GET "+SignIn, func(w http.ResponseWriter, r *http.Request) { p.showSignIn(w, r, http.StatusOK, "") })
		mux.HandleFunc("POST "+SignIn, p.ask)
		mux.HandleFunc("GET "+CodePage, p.code)
		mux.HandleFunc("POST "+CodePage, p.enter)
		mux.HandleFunc("POST "+Enter, p.fromShop)
		mux.HandleFunc("GET "+Confirm, func(w http.ResponseWriter, r *http.Request) { p.showSignIn(w, r, http.StatusOK, "") })
		mux.HandleFunc("GET "+Links+"{token}", p.link)
		mux.HandleFunc("POST "+Links+"{token}", p.redeem)
		mux.HandleFunc("POST "+SignOut, p.signOut)
		mux.HandleFunc("GET "+Devices, p.devices)
		mux.HandleFunc("POST "+Devices, p.endDevice)
	}}, nil
}

// showSignIn shows how to come in; to somebody who is in already and was sent here, how
// to prove again who they are, which is to come in once more.
func (p *portal) showSignIn(w http.ResponseWriter, r *http.Request, status int, problem string) {
	body := signInBody{SignedIn: !web.VisitorFrom(r.Context()).Nobody(), Shop: !p.Shop.None(), Demo: p.Demo}
	if p.Post != nil {
		form := emailField(problem)
		if next := returnTo(r); next != "" {
			form.Fields = append(form.Fields, web.Field{Name: "next", Kind: web.HiddenField, Value: next})
		}
		body.Mail = &form
	}
	page := web.Page{Title: "Sign in to your privacy centre", Lead: "You need no password here. Something only you can have proves that it is you."}
	if body.SignedIn && r.URL.Path == Confirm {
		body.Again = true
		page = web.Page{Title: "Is it still you?", Lead: "What you are about to do cannot be undone, or shows everything about you. So we ask once more, as we do when the last proof is older than ten minutes."}
	}
	page.Body = body
	p.frame.Render(w, r, status, p.pages, "portal_sign-in.html", page)
}

func (p *portal) link(w http.ResponseWriter, r *http.Request) {
	p.showLink(w, r, http.StatusOK, linkBody{Token: r.PathValue("token"), Next: returnTo(r)})
}

func (p *portal) showLink(w http.ResponseWriter, r *http.Request, status int, body linkBody) {
	w.Header().Set("Cache-Control", "no-store")
	page := web.Page{Title: "Come in", Lead: "This link signs you in to your privacy centre. It works once.", Body: body}
	if body.Spent {
		page.Title, page.Lead = "This link does not work any more", "A link works once, and for a few minutes."
	}
	p.frame.Render(w, r, status, p.pages, "portal_link.html", page)
}

func (p *portal) redeem(w http.ResponseWriter, r *http.Request) {
	err := p.door.Redeem(w, r, r.PathValue("token"))
	switch {
	case errors.Is(err, thimble.ErrDenied), errors.Is(err, thimble.ErrNotFound): // also of who was forgotten meanwhile
		p.showLink(w, r, http.StatusForbidden, linkBody{Spent: true})
	case err != nil:
		p.frame.Fail(w, r, err)
	default:
		http.Redirect(w, r, home(r), http.StatusSeeOther)
	}
}

func (p *portal) signOut(w http.ResponseWriter, r *http.Request) {
	if err := p.door.End(w, r); err != nil {
		p.frame.Fail(w, r, err)
		return
	}
	http.Redirect(w, r, SignIn+"?done=signed-out", http.StatusSeeOther)
}
