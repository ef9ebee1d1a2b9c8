package storefront

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"strings"

	"thimble"
	"thimble/internal/catalog"
	"thimble/internal/gate"
	"thimble/internal/recommend/lists"
	"thimble/internal/session/sessionweb"
	"thimble/internal/web"
)

//go:embed pages/*.html
var pageFiles embed.FS

//go:embed assets
var assetFiles embed.FS

// Assets returns the shop's style; it goes to the kit ([web.Config]).
func Assets() fs.FS { return assetFiles }

const style = "shop.css"

// Lists makes the shop's lists; *lists.Shop does.
type Lists interface {
	ForYou(ctx context.Context, a gate.Actor, who thimble.SubjectID, placement string, n int) (lists.List, error)
	Popular(ctx context.Context, n int) (lists.List, error)
	Make(ctx context.Context, a lists.Ask) (lists.List, error)
}

// A Catalog knows the products; *catalogdb.Store does.
type Catalog interface {
	Get(ctx context.Context, ids ...thimble.ItemID) (map[thimble.ItemID]catalog.Product, error)
	Page(ctx context.Context, q catalog.Query) (catalog.Page, error)
	Demand(ctx context.Context, item thimble.ItemID) ([]catalog.Demand, error)
}

// A DemoCustomer can be picked at the demo's sign-in.
type DemoCustomer struct {
	Label   string // such as "Customer 17850"
	Note    string // such as "35 orders · allows everything"
	Subject thimble.SubjectID
}

// Config is what the shop is handed. Kit, Sessions, Lists and Catalog are needed.
type Config struct {
	Kit      *web.Kit
	Log      *slog.Logger
	Sessions *sessionweb.Door
	// Sections are the capabilities' pages inside the shop.
	Sections []web.Section
	Lists    Lists
	Catalog  Catalog
	// Categories are the catalogue's, in the order shown.
	Categories []string
	// Label says how the header names who is signed in; "You" when nil.
	Label  func(ctx context.Context, who thimble.SubjectID) string
	Name   string // the shop's; "Online Retail, the demo shop" when empty
	Footer []web.NavItem
	// DeviceKey is the public key of the files that browsers rank from; nil offers no list on
	// the device.
	DeviceKey func(ctx context.Context) (string, error)
	// Signals honours signals of the browser of whoever is signed in; may be nil.
	Signals func(http.Handler) http.Handler
	// Prompt asks whoever looks for their consent, or nothing; may be nil.
	Prompt func(r *http.Request) *web.Prompt
	// Demo switches the demo's sign-in on.
	Demo      bool
	Customers []DemoCustomer
	// Rule is how the demo assigned consents, in words.
	Rule string
}

const demoName = "Online Retail, the demo shop"

type shop struct {
	Config
	pages *web.Pages
	frame *web.Frame
}

// New returns the shop. It answers "/" and everything below "/shop/".
func New(cfg Config) (http.Handler, error) {
	if cfg.Kit == nil || cfg.Sessions == nil || cfg.Lists == nil || cfg.Catalog == nil {
		return nil, fmt.Errorf("storefront: kit, sessions, lists and catalogue are needed: %w", thimble.ErrInvalid)
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Name == "" {
		cfg.Name = demoName
	}
	pages, err := cfg.Kit.Pages(pageFiles)
	if err != nil {
		return nil, err
	}
	s := &shop{Config: cfg, pages: pages}
	s.frame = &web.Frame{Kit: cfg.Kit, Log: cfg.Log, Wrap: s.wrap}
	mux := http.NewServeMux()
	for _, section := range cfg.Sections {
		section.Mount(mux, s.frame)
	}
	mux.HandleFunc("GET /{$}", s.home)
	mux.HandleFunc("GET /shop/items", s.browse)
	mux.HandleFunc("GET /shop/items/{id}", s.item)
	mux.HandleFunc("GET /shop/about", s.about)
	mux.HandleFunc("POST /shop/sign-out", s.signOut)
	if cfg.Demo {
		mux.HandleFunc("GET /shop/sign-in", s.chooseCustomer)
		mux.HandleFunc("POST /shop/sign-in", s.signIn)
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.frame.Fail(w, r, fmt.Errorf("storefront: no page here: %w", thimble.ErrNotFound))
	})
	h := web.Routed(mux)
	if cfg.Signals != nil {
		h = cfg.Signals(h)
	}
	return web.GPC(cfg.Sessions.Visitors(h)), nil
}

// wrap puts the shop around a page.
func (s *shop) wrap(r *http.Request, p web.Page) web.Page {
	p.Layout, p.Site, p.Home = web.Shop, s.Name, "/"
	p.Nav = []web.NavItem{
		{Label: "Products", Href: "/shop/items", Current: strings.HasPrefix(r.URL.Path, "/shop/items")},
		{Label: "Privacy centre", Href: "/privacy"},
	}
	p.Footer = append([]web.NavItem{{Label: "Privacy centre", Href: "/privacy"}}, s.Footer...)
	if s.DeviceKey != nil {
		p.Footer = append(p.Footer, web.NavItem{Label: "A list only on this device", Href: "/#on-device"})
	}
	p.Styles = append([]string{style}, p.Styles...)
	p.Search = &web.Search{Action: "/shop/items", Name: "q", Value: r.URL.Query().Get("q"), Label: "Search products"}
	if s.Demo {
		p.Banner = "Demo on real orders of a real shop (UCI Online Retail, CC BY 4.0). Who allows what was assigned by a rule."
		p.Nav = append(p.Nav, web.NavItem{Label: "About", Href: "/shop/about", Current: r.URL.Path == "/shop/about"})
	}
	if p.Prompt == nil && s.Prompt != nil {
		p.Prompt = s.Prompt(r)
		if p.Prompt != nil && s.DeviceKey != nil {
			p.Prompt.Text += deviceWords
		}
	}
	if p.Flash == nil {
		p.Flash = flashes(r.URL.Query().Get("done"))
	}
	who := web.VisitorFrom(r.Context()).Subject
	if who.IsZero() {
		if s.Demo {
			p.Nav = append(p.Nav, web.NavItem{Label: "Sign in", Href: "/shop/sign-in", Icon: "user", Current: r.URL.Path == "/shop/sign-in"})
		}
		return p
	}
	label := "You"
	if s.Label != nil {
		label = s.Label(r.Context(), who)
	}
	p.Account = &web.Account{Label: label, Href: "/privacy", SignOutHref: "/shop/sign-out"}
	return p
}

// flashes are the answers to actions, by the code that a redirect carries.
func flashes(code string) *web.Flash {
	switch code {
	case "signed-in":
		return &web.Flash{Kind: web.Good, Text: "You are signed in. What the shop shows you now depends on what this customer allows."}
	case "choices-saved":
		return &web.Flash{Kind: web.Good, Text: "Your answer counts from now on. You find it, with its proof, in the privacy centre."}
	case "choices-same":
		return &web.Flash{Kind: web.Good, Text: "Nothing has changed: that was your answer already."}
	case "signed-out":
		return &web.Flash{Kind: web.Good, Text: "You are signed out."}
	}
	return nil
}
