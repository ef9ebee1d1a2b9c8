package portal

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"thimble"
	"thimble/internal/ledger/ledgerweb"
	"thimble/internal/session/sessionweb"
	"thimble/internal/web"
)

//go:embed pages/*.html
var pageFiles embed.FS

//go:embed assets
var assetFiles embed.FS

// Assets returns the door's style; it goes to the kit ([web.Config]).
func Assets() fs.FS { return assetFiles }

const style = "portal.css"

// Root is where the door is mounted: this path and everything below it.
const Root = "/privacy"

// A Card sums up one part of a person's data for the first page.
type Card = func(ctx context.Context, who thimble.SubjectID) (web.Card, error)

// Config is what the door is handed. Kit and Sessions are needed.
type Config struct {
	Kit      *web.Kit
	Log      *slog.Logger
	Sessions *sessionweb.Door
	// Sections are the capabilities' pages, in the order of the navigation.
	Sections []web.Section
	// Cards fill the first page, in this order.
	Cards []Card
	// Held sums up what is held of somebody, and what laws keep of it; may be nil, like what
	// follows.
	Held func(ctx context.Context, who thimble.SubjectID) ([]web.Table, error)
	// Open lists what somebody asked for and has no answer to yet.
	Open func(ctx context.Context, who thimble.SubjectID) (web.Table, error)
	// Receipts are the newest, to be checked where they stand.
	Receipts func(ctx context.Context, who thimble.SubjectID) ([]ledgerweb.Check, error)
	// Own opens a person's own data to that person.
	Own func(ctx context.Context, who thimble.SubjectID, categories ...thimble.Category) (thimble.Grant, error)
	// Label says how the header names who is signed in; "You" when nil.
	Label  func(ctx context.Context, who thimble.SubjectID) string
	Shop   string // the shop's name in a sentence; "the shop" when empty
	Banner string // one line above everything
	// Signals honours signals of the browser of whoever is signed in; may be nil.
	Signals func(http.Handler) http.Handler
	// Proofs are the patterns that need a proof of who it is that is fresh.
	Proofs []string
	Now    func() time.Time // time.Now when nil
	Footer []web.NavItem
}

type door struct {
	Config
	pages *web.Pages
	frame *web.Frame
	nav   []web.NavItem
}

// New returns the privacy centre. It answers [Root] and everything below it.
func New(cfg Config) (http.Handler, error) {
	if cfg.Kit == nil || cfg.Sessions == nil || cfg.Own == nil {
		return nil, fmt.Errorf("portal: kit, sessions and a way to open people's own data are needed: %w", thimble.ErrInvalid)
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	pages, err := cfg.Kit.Pages(ledgerweb.WithCheck(pageFiles), "pages/*.html", ledgerweb.CheckPartial)
	if err != nil {
		return nil, err
	}
	d := &door{Config: cfg, pages: pages}
	d.frame = &web.Frame{Kit: cfg.Kit, Log: cfg.Log, Wrap: d.wrap}
	mux := http.NewServeMux()
	for _, s := range cfg.Sections {
		d.nav = append(d.nav, s.Nav...)
		s.Mount(mux, d.frame)
	}
	mux.HandleFunc("GET "+Root, d.overview)
	if cfg.Open != nil {
		mux.HandleFunc("GET "+Root+"/open", d.asked)
	}
	mux.HandleFunc("GET "+Root+"/{$}", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, Root, http.StatusMovedPermanently) })
	mux.HandleFunc(Root+"/", d.nothing)
	h := sessionweb.Fresh(web.Routed(mux), sessionweb.Confirm, cfg.Proofs, func(r *http.Request) string { _, pattern := mux.Handler(r); return pattern }, cfg.Now)
	h = guard(h)
	if cfg.Signals != nil {
		h = cfg.Signals(h)
	}
	return web.GPC(cfg.Sessions.Visitors(h)), nil
}

// open are the pages that need nobody signed in.
func open(path string) bool {
	return sessionweb.Open(path) || strings.HasPrefix(path, Root+"/forgotten/")
}

// guard sends strangers to the page that explains how to sign in.
func guard(next http.Handler) http.Handler {
	signedIn := sessionweb.Require(sessionweb.SignIn, next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if open(r.URL.Path) {
			next.ServeHTTP(w, r)
			return
		}
		signedIn.ServeHTTP(w, r)
	})
}

func (d *door) nothing(w http.ResponseWriter, r *http.Request) {
	d.frame.Fail(w, r, fmt.Errorf("portal: no page here: %w", thimble.ErrNotFound))
}

// overviewBody is the first page.
type overviewBody struct {
	Held     []web.Table
	Open     *web.Table
	Cards    []web.Card
	Receipts []ledgerweb.Check
}

// filled fills the parts of the first page that there are.
func (d *door) filled(ctx context.Context, who thimble.SubjectID) (body overviewBody, err error) {
	if d.Open != nil {
		t, err := d.Open(ctx, who)
		if err != nil {
			return body, err
		}
		if len(t.Rows) > 0 || t.Empty != nil {
			body.Open = &t
		}
	}
	if d.Held != nil {
		if body.Held, err = d.Held(ctx, who); err != nil {
			return body, err
		}
	}
	for _, card := range d.Cards {
		c, err := card(ctx, who)
		if err != nil {
			return body, err
		}
		body.Cards = append(body.Cards, c)
	}
	if d.Receipts != nil {
		body.Receipts, err = d.Receipts(ctx, who)
	}
	return body, err
}

// seen are the categories that the first page counts.
func seen() []thimble.Category {
	return []thimble.Category{
		thimble.PrivacyPreferences, thimble.AccessRecord, thimble.AutomatedDecision, thimble.PurchaseHistory,
		thimble.AccountIdentifier, thimble.Country, thimble.Pseudonym, thimble.Credentials,
	}
}

func (d *door) overview(w http.ResponseWriter, r *http.Request) {
	who := web.VisitorFrom(r.Context()).Subject
	_, err := d.Own(r.Context(), who, seen()...)
	var body overviewBody
	if err == nil {
		body, err = d.filled(r.Context(), who)
	}
	if err != nil {
		d.frame.Fail(w, r, err)
		return
	}
	d.frame.Render(w, r, http.StatusOK, d.pages, "overview.html", web.Page{
		Title: "Your data, your choices", Lead: "See what " + d.shop() + " knows about you and who looked at it. Change what you allow. Take it with you, or have it deleted.",
		Notice: &web.AccessNotice{Purpose: "showing you your own data"}, Body: body, Scripts: []string{ledgerweb.CheckScript}, Styles: []string{ledgerweb.CheckStyle},
	})
}

// asked is what somebody asked for alone, for the first page to read again. It opens nothing
// of the person: their requests have no personal data.
func (d *door) asked(w http.ResponseWriter, r *http.Request) {
	t, err := d.Open(r.Context(), web.VisitorFrom(r.Context()).Subject)
	if err != nil {
		d.frame.Fail(w, r, err)
		return
	}
	var open *web.Table // nil ends the asking
	if len(t.Rows) > 0 {
		open = &t
	}
	d.pages.Fragment(w, r, "asked", open)
}

func (d *door) shop() string {
	if d.Shop == "" {
		return "the shop"
	}
	return d.Shop
}
