package sessionweb

import (
	"embed"
	"errors"
	"net/http"

	"thimble"
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

// A signInBody is the page that explains how to come in.
type signInBody struct {
	SignedIn bool
	Demo     bool
}

// A linkBody is the page of a one-time link.
type linkBody struct {
	Token string
	Spent bool // used, too old, or never made
}

type portal struct {
	door  *Door
	pages *web.Pages
	frame *web.Frame
	demo  bool
}

// Portal returns the pages by which customers come in and go out. Demo says that
// the shop has a page on which a visitor picks a customer.
func Portal(kit *web.Kit, d *Door, demo bool) (web.Section, error) {
	pages, err := kit.Pages(portalFiles, "pages/portal_*.html")
	if err != nil {
		return web.Section{}, err
	}
	return web.Section{Mount: func(mux web.Routes, f *web.Frame) {
		p := &portal{door: d, pages: pages, frame: f, demo: demo}
		mux.HandleFunc("GET "+SignIn, p.signIn)
		mux.HandleFunc("GET "+Links+"{token}", p.link)
		mux.HandleFunc("POST "+Links+"{token}", p.redeem)
		mux.HandleFunc("POST "+SignOut, p.signOut)
	}}, nil
}

func (p *portal) signIn(w http.ResponseWriter, r *http.Request) {
	in := web.VisitorFrom(r.Context()) != (web.Visitor{})
	p.frame.Render(w, r, http.StatusOK, p.pages, "portal_sign-in.html", web.Page{
		Title: "Sign in to your privacy centre",
		Lead:  "You need no password here. A link proves that it is you.",
		Body:  signInBody{SignedIn: in, Demo: p.demo},
	})
}

func (p *portal) link(w http.ResponseWriter, r *http.Request) {
	p.showLink(w, r, http.StatusOK, linkBody{Token: r.PathValue("token")})
}

func (p *portal) showLink(w http.ResponseWriter, r *http.Request, status int, body linkBody) {
	w.Header().Set("Cache-Control", "no-store")
	page := web.Page{Title: "Come in", Lead: "This link signs you in to your privacy centre. It works once.", Body: body}
	if body.Spent {
		page.Title, page.Lead = "This link does not work any more", "A link works once, and for fifteen minutes."
	}
	p.frame.Render(w, r, status, p.pages, "portal_link.html", page)
}

func (p *portal) redeem(w http.ResponseWriter, r *http.Request) {
	err := p.door.Redeem(w, r, r.PathValue("token"))
	switch {
	case errors.Is(err, thimble.ErrDenied):
		p.showLink(w, r, http.StatusForbidden, linkBody{Spent: true})
	case err != nil:
		p.frame.Fail(w, r, err)
	default:
		http.Redirect(w, r, "/privacy?done=signed-in", http.StatusSeeOther)
	}
}

func (p *portal) signOut(w http.ResponseWriter, r *http.Request) {
	if err := p.door.End(w, r); err != nil {
		p.frame.Fail(w, r, err)
		return
	}
	http.Redirect(w, r, SignIn+"?done=signed-out", http.StatusSeeOther)
}
