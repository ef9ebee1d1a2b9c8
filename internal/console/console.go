package console

import (
	"cmp"
	"context"
	"embed"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"thimble"
	"thimble/internal/session"
	"thimble/internal/web"
)

//go:embed pages/*.html
var files embed.FS

// Home is where the console begins.
const Home = "/console"

// Sessions says who is at the door: sessiondb does.
type Sessions interface {
	Redeem(ctx context.Context, token string, audience session.Audience) (cookie string, who session.Who, err error)
	Who(ctx context.Context, cookie string, audience session.Audience) (session.Who, error)
	End(ctx context.Context, cookie string) error
}

// Config is what a console is made of. Kit, Sessions and Sections are needed.
type Config struct {
	Kit      *web.Kit
	Log      *slog.Logger // nil means slog.Default()
	Sessions Sessions
	Sections []web.Section
	// SignInHint is the command that prints a link; "thimble sign-in" when empty.
	SignInHint string
	Site       string // whose console it is; the Kit's name when empty
	Banner     string // one line above everything, such as a demo's
	Footer     []web.NavItem
	// TLS says that visitors come by https: then the cookie is bound to the host
	// and never travels in the clear.
	TLS bool
}

type door struct {
	Config
	pages *web.Pages
	nav   []web.NavItem
}

// New returns the handler of everything below /console.
func New(cfg Config) (http.Handler, error) {
	if cfg.Kit == nil || cfg.Sessions == nil {
		return nil, fmt.Errorf("console: a kit and sessions are needed: %w", thimble.ErrInvalid)
	}
	pages, err := cfg.Kit.Pages(files, "pages/sign_in.html", "pages/link.html")
	if err != nil {
		return nil, err
	}
	cfg.SignInHint = cmp.Or(cfg.SignInHint, "thimble sign-in")
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	d := &door{Config: cfg, pages: pages, nav: navigation(cfg.Sections)}
	return web.Routed(d.routes()), nil
}

func (d *door) routes() http.Handler {
	inside := http.NewServeMux()
	frame := &web.Frame{Kit: d.Kit, Log: d.Log, Wrap: d.wrap}
	for _, s := range d.Sections {
		s.Mount(inside, frame)
	}
	inside.HandleFunc("POST "+Home+"/sign-out", d.signOut)
	inside.HandleFunc("GET "+Home+"/{$}", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, Home, http.StatusMovedPermanently)
	})
	inside.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		frame.Fail(w, r, fmt.Errorf("console: no such page: %w", thimble.ErrNotFound))
	})
	mux := http.NewServeMux()
	guarded := d.guard(web.Routed(inside))
	mux.Handle(Home, guarded)
	mux.Handle(Home+"/", guarded)
	mux.HandleFunc("GET "+Home+"/sign-in", d.signIn)
	mux.HandleFunc("GET "+Home+"/link/{token}", d.link)
	mux.HandleFunc("POST "+Home+"/link/{token}", d.redeem)
	return mux
}

// groups is the order of the navigation; other groups follow.
func groups() []string { return []string{"", "Customers", "Shop", "Proof", "Access"} }

// navigation brings the sections' places together, group by group.
func navigation(sections []web.Section) []web.NavItem {
	var nav []web.NavItem
	for _, s := range sections {
		nav = append(nav, s.Nav...)
	}
	rank := func(group string) int {
		if i := slices.Index(groups(), group); i >= 0 {
			return i
		}
		return len(groups())
	}
	slices.SortStableFunc(nav, func(a, b web.NavItem) int { return cmp.Compare(rank(a.Group), rank(b.Group)) })
	return nav
}

// wrap puts a section's page into the console.
func (d *door) wrap(r *http.Request, p web.Page) web.Page {
	p.Layout, p.Home, p.Footer = web.Console, Home, d.Footer
	p.Site, p.Banner = cmp.Or(p.Site, d.Site), cmp.Or(p.Banner, d.Banner)
	p.Nav = current(d.nav, r.URL.Path)
	p.Account = &web.Account{Label: web.VisitorFrom(r.Context()).Staff, Detail: "Staff", SignOutHref: Home + "/sign-out"}
	return p
}

// current marks the one item whose address is the longest beginning of the path.
func current(nav []web.NavItem, path string) []web.NavItem {
	nav = slices.Clone(nav)
	best := -1
	for i, item := range nav {
		if path != item.Href && (item.Href == Home || !strings.HasPrefix(path, item.Href+"/")) {
			continue
		}
		if best < 0 || len(item.Href) > len(nav[best].Href) {
			best = i
		}
	}
	if best >= 0 {
		nav[best].Current = true
	}
	return nav
}

// guard lets staff in and shows everybody else the way.
func (d *door) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cookie, err := r.Cookie(d.cookieName())
		if err != nil {
			toSignIn(w, r)
			return
		}
		who, err := d.Sessions.Who(r.Context(), cookie.Value, session.Staff)
		if errors.Is(err, thimble.ErrDenied) {
			toSignIn(w, r)
			return
		}
		if err != nil {
			d.fail(w, r, err)
			return
		}
		next.ServeHTTP(w, r.WithContext(web.WithVisitor(r.Context(), web.Visitor{Staff: who.Staff})))
	})
}

func toSignIn(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("HX-Request") == "true" {
		// A part of a page cannot become the sign-in page: the whole page goes there.
		w.Header().Set("HX-Redirect", Home+"/sign-in")
		w.WriteHeader(http.StatusNoContent)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, Home+"/sign-in", http.StatusSeeOther)
}
