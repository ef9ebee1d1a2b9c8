package portal

import (
	"net/http"

	"thimble/internal/session/sessionweb"
	"thimble/internal/web"
)

// flashes are the answers to actions, by the code that a redirect carries.
func flashes(code string) *web.Flash {
	switch code {
	case "saved":
		return &web.Flash{Kind: web.Good, Text: "Saved. It counts from now on, also on the next page of the shop. Your new receipts are below."}
	case "lists-saved":
		return &web.Flash{Kind: web.Good, Text: "Done. It counts from your next list on, and has a receipt."}
	case "same":
		return &web.Flash{Kind: web.Info, Text: "Nothing has changed: these were your choices already."}
	case "signed-in":
		return &web.Flash{Kind: web.Good, Text: "You are signed in."}
	case "session-ended":
		return &web.Flash{Kind: web.Good, Text: "Done. Whoever is in that browser has to sign in again."}
	case "signed-out":
		return &web.Flash{Kind: web.Good, Text: "You are signed out."}
	}
	return nil
}

// wrap puts the door around a page.
func (d *door) wrap(r *http.Request, p web.Page) web.Page {
	p.Layout, p.Site, p.Home = web.Portal, "Privacy centre", Root
	p.Banner = d.Banner
	p.Footer = append([]web.NavItem{{Label: "Back to the shop", Href: "/"}}, d.Footer...)
	p.Styles = append([]string{style}, p.Styles...)
	if p.Flash == nil {
		p.Flash = flashes(r.URL.Query().Get("done"))
	}
	who := web.VisitorFrom(r.Context()).Subject
	if who.IsZero() {
		return p
	}
	var tabs []web.Tab
	if p.Nav, tabs = menu(d.nav, r.URL.Path); len(p.Tabs) == 0 {
		p.Tabs = tabs
	}
	label := "You"
	if d.Label != nil {
		label = d.Label(r.Context(), who)
	}
	p.Account = &web.Account{Label: label, SignOutHref: sessionweb.SignOut}
	return p
}
