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
	"time"

	"thimble"
	"thimble/internal/session"
	"thimble/internal/session/sessionweb"
	"thimble/internal/staff"
	"thimble/internal/staff/rules"
	"thimble/internal/staff/staffweb"
	"thimble/internal/web"
)

//go:embed pages/*.html
var files embed.FS

// Home is where the console begins.
const Home = "/console"

// Config is what a console is made of. Kit, Sessions and Sections are needed.
type Config struct {
	Kit      *web.Kit
	Log      *slog.Logger     // nil means slog.Default()
	Sessions *sessionweb.Door // of the staff
	Sections []web.Section
	// Entrance are the pages that need nobody signed in; package staffweb has them.
	Entrance web.Section
	// Account returns the account of a name. Who has none that can be used is not let in.
	Account func(ctx context.Context, name string) (staff.Account, error)
	// Rules say which pages an account may open, and on which it may do something.
	Rules *rules.Set
	// Notice is a line above everything for an account, such as that it broke the glass; may
	// be nil.
	Notice func(ctx context.Context, a staff.Account) string
	// Proofs are the patterns that need a proof of who it is that is fresh.
	Proofs []string
	Now    func() time.Time // time.Now when nil
	Site   string           // whose console it is; the Kit's name when empty
	Banner string           // one line above everything, such as a demo's
	Footer []web.NavItem
}

type door struct {
	Config
	pages *web.Pages
	nav   []web.NavItem
}

// New returns the handler of everything below /console.
func New(cfg Config) (http.Handler, error) {
	if cfg.Kit == nil || cfg.Sessions == nil || cfg.Account == nil || cfg.Rules == nil || cfg.Entrance.Mount == nil {
		return nil, fmt.Errorf("console: a kit, sessions, accounts, rules and an entrance are needed: %w", thimble.ErrInvalid)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	pages, err := cfg.Kit.Pages(files, "pages/denied.html")
	if err != nil {
		return nil, err
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
	inside.HandleFunc("POST "+staffweb.SignOut, d.signOut)
	inside.HandleFunc("GET "+Home+"/{$}", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, Home, http.StatusMovedPermanently)
	})
	inside.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		frame.Fail(w, r, fmt.Errorf("console: no such page: %w", thimble.ErrNotFound))
	})
	mux := http.NewServeMux()
	matched := func(r *http.Request) string { _, pattern := inside.Handler(r); return pattern }
	h := sessionweb.Fresh(web.Routed(inside), staffweb.Confirm, d.Proofs, matched, d.Now)
	guarded := d.guard(d.permitted(h, matched, frame))
	mux.Handle(Home, guarded)
	mux.Handle(Home+"/", guarded)
	d.Entrance.Mount(mux, &web.Frame{Kit: d.Kit, Log: d.Log, Wrap: d.plain})
	return mux
}

// groups is the order of the navigation; other groups follow.
func groups() []string { return []string{"", "Customers", "Sharing", "Shop", "Proof", "Access"} }

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
	a := staff.From(r.Context())
	p.Nav = current(d.shown(a, web.VisitorFrom(r.Context())), r.URL.Path)
	if d.Notice != nil {
		if notice := d.Notice(r.Context(), a); notice != "" {
			p.Banner = notice
		}
	}
	p.Account = &web.Account{Label: web.VisitorFrom(r.Context()).Staff, Detail: roles(a), Href: staffweb.AccountPage, SignOutHref: staffweb.SignOut}
	if p.Flash == nil {
		p.Flash = flashes(r.URL.Query().Get("done"))
	}
	return p
}

func fresh(v web.Visitor, now time.Time) bool { return session.Fresh(v.Raised, now) }

func roles(a staff.Account) string {
	if len(a.Roles) == 0 {
		return "no role"
	}
	return strings.Join(staff.RoleNames(a.Roles), ", ")
}

// flashes are the answers to actions, by the code that a redirect carries.
func flashes(code string) *web.Flash {
	text := map[string]string{
		"password-set":  "The password is changed. You are signed out everywhere else.",
		"changed":       "Changed, and kept in the ledger.",
		"confirmed":     "Confirmed, and kept in the ledger.",
		"looked-at":     "Kept in the ledger. The person sees that somebody looked at it.",
		"queued":        "It is sent again.",
		"session-ended": "Done. Whoever is in that browser has to sign in again.",
	}[code]
	switch {
	case code == "why":
		return &web.Flash{Kind: web.Bad, Text: "That was not kept: say why, in a sentence of up to 300 letters."}
	case text == "":
		return nil
	}
	return &web.Flash{Kind: web.Good, Text: text}
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

// plain puts a page around which there is no navigation yet.
func (d *door) plain(_ *http.Request, p web.Page) web.Page {
	p.Layout, p.Site, p.Home, p.Banner = web.Plain, d.Site, "/", d.Banner
	return p
}

// guard lets staff in whose account can be used, and shows everybody else the way.
func (d *door) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v, err := d.Sessions.Visitor(r)
		var a staff.Account
		if err == nil {
			a, err = d.Account(r.Context(), v.Staff)
		}
		if err == nil && !a.Usable() {
			err = thimble.ErrDenied
		}
		if errors.Is(err, thimble.ErrDenied) || errors.Is(err, thimble.ErrNotFound) {
			toSignIn(w, r)
			return
		}
		if err != nil {
			d.fail(w, r, err)
			return
		}
		next.ServeHTTP(w, r.WithContext(staff.With(web.WithVisitor(r.Context(), v), a)))
	})
}

func toSignIn(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("HX-Request") == "true" {
		// A part of a page cannot become the sign-in page: the whole page goes there.
		w.Header().Set("HX-Redirect", staffweb.SignIn)
		w.WriteHeader(http.StatusNoContent)
		return
	}
	to := staffweb.SignIn
	if r.Method == http.MethodGet {
		to = staffweb.Toward(r.URL.Path)
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, to, http.StatusSeeOther)
}

func (d *door) signOut(w http.ResponseWriter, r *http.Request) {
	if err := d.Sessions.End(w, r); err != nil {
		d.fail(w, r, err)
		return
	}
	http.Redirect(w, r, staffweb.SignIn+"?left=1", http.StatusSeeOther)
}

// fail answers an error outside of the frame.
func (d *door) fail(w http.ResponseWriter, r *http.Request, err error) {
	if status, _, _ := web.Kind(err); status >= http.StatusInternalServerError {
		d.Log.ErrorContext(r.Context(), "console failed", slog.String("cause", err.Error()), slog.String("request_id", web.RequestIDFrom(r.Context())))
	}
	d.Kit.ErrorPage(w, r, err, d.plain(r, web.Page{}))
}
