package decisionweb

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"net/http"
	"slices"
	"time"

	"thimble"
	"thimble/internal/catalog"
	"thimble/internal/decision"
	"thimble/internal/decision/decisiondb"
	"thimble/internal/gate/gateweb"
	"thimble/internal/ledger"
	"thimble/internal/ledger/ledgerweb"
	"thimble/internal/session/sessionweb"
	"thimble/internal/web"
)

//go:embed pages/portal_*.html
//go:embed pages/_portal_why.html
var portalFiles embed.FS

//go:embed portalassets
var portalAssets embed.FS

// PortalAssets returns the style of decisions; it goes to the kit ([web.Config]).
func PortalAssets() fs.FS { return portalAssets }

const whyStyle = "why.css"

// A Store keeps decisions; *decisiondb.Store is one.
type Store interface {
	Get(ctx context.Context, id thimble.ID) (decisiondb.Sealed, error)
	Of(ctx context.Context, subject thimble.SubjectID, limit int) ([]decisiondb.Sealed, error)
}

// Names knows the shop's products; *catalogdb.Store does.
type Names interface {
	Get(ctx context.Context, ids ...thimble.ItemID) (map[thimble.ItemID]catalog.Product, error)
}

// PortalDeps are what the pages of decisions are made of.
type PortalDeps struct {
	Store    Store
	Names    Names
	Receipts ledgerweb.ReceiptLog
	Own      gateweb.Own
	Reviews  Reviews // nil: nothing can be contested
}

// ReceiptKind is the kind of receipts of decisions in addresses.
const ReceiptKind = "decision"

// shownDecisions bounds the list of decisions.
const shownDecisions = 50

type portal struct {
	PortalDeps
	pages *web.Pages
	frame *web.Frame
}

func newPortal(kit *web.Kit, d PortalDeps) (*portal, error) {
	pages, err := kit.Pages(ledgerweb.WithCheck(portalFiles), "pages/portal_*.html", "pages/_portal_why.html", ledgerweb.CheckPartial)
	return &portal{PortalDeps: d, pages: pages}, err
}

// Portal returns the pages on which people see what was decided about them.
func Portal(kit *web.Kit, d PortalDeps) (web.Section, error) {
	base, err := newPortal(kit, d)
	if err != nil {
		return web.Section{}, err
	}
	nav := []web.NavItem{{Label: "Decisions", Href: "/privacy/decisions"}}
	crumbs := []web.Crumb{{Label: "Decisions", Href: "/privacy/decisions"}, {Label: "One decision"}}
	return web.Section{Nav: nav, Mount: func(mux web.Routes, f *web.Frame) {
		p := *base
		p.frame = f
		mux.HandleFunc("GET /privacy/decisions", p.list)
		mux.HandleFunc("GET /privacy/decisions/{id}", func(w http.ResponseWriter, r *http.Request) {
			p.show(w, r, crumbs)
		})
		if p.Reviews != nil {
			mux.HandleFunc("POST /privacy/decisions/{id}/contest", func(w http.ResponseWriter, r *http.Request) { p.contest(w, r, crumbs) })
		}
	}}, nil
}

// WhyHref is the shop's page that explains a decision.
func WhyHref(id thimble.ID) string { return "/shop/why/" + id.Token(decision.TokenPrefix) }

// Shop returns the same explanation inside the shop.
func Shop(kit *web.Kit, d PortalDeps) (web.Section, error) {
	base, err := newPortal(kit, d)
	if err != nil {
		return web.Section{}, err
	}
	return web.Section{Mount: func(mux web.Routes, f *web.Frame) {
		p := *base
		p.frame = f
		mux.Handle("GET /shop/why/{id}", sessionweb.Require(sessionweb.SignIn, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			p.show(w, r, []web.Crumb{{Label: "Shop", Href: "/"}, {Label: "Why this list"}})
		})))
	}}, nil
}

type listBody struct{ Table web.Table }

func (p *portal) list(w http.ResponseWriter, r *http.Request) {
	who := web.VisitorFrom(r.Context()).Subject
	grant, err := p.Own(r.Context(), who, thimble.AutomatedDecision)
	var all []decisiondb.Sealed
	if err == nil {
		all, err = p.Store.Of(r.Context(), who, shownDecisions)
	}
	t := web.Table{
		ID: "decisions", Caption: "Decisions", HideCaption: true,
		Columns: []web.Column{{Label: "What"}, {Label: "When"}, {Label: "Results", Kind: web.NumberColumn}, {Label: "Made by"}},
		Empty:   &web.Empty{Icon: "spark", Title: "No decisions yet", Text: "When a program chooses something for you, such as a list of products, it is noted here with its reasons.", Action: &web.Action{Label: "To the shop", Href: "/"}},
	}
	for _, d := range all {
		var record decision.Record
		if err == nil {
			record, _, err = decisiondb.Open(r.Context(), grant, d)
		}
		t.Rows = append(t.Rows, web.Row{Href: "/privacy/decisions/" + d.ID.Token(decision.TokenPrefix), Cells: web.Cells(
			web.Cell{Value: what(record), Sub: place(record)}, d.At, len(record.Results), modelName(record.Model))})
	}
	if err != nil {
		p.frame.Fail(w, r, err)
		return
	}
	if len(all) == shownDecisions {
		t.Note = fmt.Sprintf("The newest %d. All of them are in your download.", shownDecisions)
		t.HideCaption = false
	}
	p.frame.Render(w, r, http.StatusOK, p.pages, "portal_decisions.html", web.Page{
		Title: "Decisions about me", Lead: "What programs chose for you, each with all of its reasons.",
		Notice: &web.AccessNotice{Purpose: gateweb.OwnData}, Body: listBody{t},
	})
}

func (p *portal) show(w http.ResponseWriter, r *http.Request, crumbs []web.Crumb) {
	p.render(w, r, crumbs, http.StatusOK, nil)
}

// render shows a decision; a form that was refused stands in the place of the empty one.
func (p *portal) render(w http.ResponseWriter, r *http.Request, crumbs []web.Crumb, status int, refused *web.Form) {
	record, body, err := p.explain(r)
	if err != nil {
		p.frame.Fail(w, r, err)
		return
	}
	if refused != nil && body.Contest != nil {
		body.Contest.Form = refused
	}
	p.frame.Render(w, r, status, p.pages, "portal_decision.html", web.Page{
		Title: "Why you saw this list", Lead: fmt.Sprintf("A program chose %s for you %s. These are all of its reasons.", products(len(record.Results)), place(record)),
		Crumbs: crumbs, Notice: &web.AccessNotice{Purpose: gateweb.OwnData}, Body: body,
		Scripts: []string{ledgerweb.CheckScript}, Styles: []string{ledgerweb.CheckStyle, whyStyle},
	})
}

// explain opens the decision that the request names. Another person's decision is
// not found, like one that never was.
func (p *portal) explain(r *http.Request) (decision.Record, whyBody, error) {
	ctx := r.Context()
	record, _, sealed, grant, err := p.open(r)
	if err != nil {
		return record, whyBody{}, err
	}
	names, err := p.Names.Get(ctx, items(record)...)
	if err != nil {
		return record, whyBody{}, err
	}
	body := explained(record, names, ledgerweb.CheckOf(p.Receipts, ReceiptKind, sealed.ID.Token(decision.TokenPrefix), "this decision"))
	if p.Reviews != nil {
		if body.Text, err = p.Reviews.Types().Text(record, decision.ForCustomer, wordsOf(names)); err != nil {
			return record, body, err
		}
	}
	if sealed.Standing != decision.Stands {
		body.Standing = standing(sealed)
	}
	body.Contest, err = p.contested(ctx, sealed, grant, record)
	return record, body, err
}

// standing says why a decision no longer counts.
func standing(d decisiondb.Sealed) *web.Callout {
	c := &web.Callout{Tone: web.Info, Title: "This decision no longer counts", Text: "A person reviewed it. What they found is below."}
	if d.Cause == "" {
		return c
	}
	c.Text = "Something that it was made from was wrong, and has been corrected. No other is in its place."
	if !d.Again.IsZero() {
		c.Text = "Something that it was made from was wrong, and has been corrected. It was made anew."
		c.Action = &web.Action{Label: "See the new decision", Href: "/privacy/decisions/" + d.Again.Token(decision.TokenPrefix)}
	}
	return c
}

func (p *portal) open(r *http.Request) (decision.Record, ledger.Opening, decisiondb.Sealed, thimble.Grant, error) {
	return openSealed(r.Context(), p.Store, p.Own, web.VisitorFrom(r.Context()).Subject, r.PathValue("id"))
}

func openFor(ctx context.Context, s Store, own gateweb.Own, who thimble.SubjectID, token string) (decision.Record, ledger.Opening, thimble.ID, error) {
	r, o, sealed, _, err := openSealed(ctx, s, own, who, token)
	return r, o, sealed.ID, err
}

func openSealed(ctx context.Context, s Store, own gateweb.Own, who thimble.SubjectID, token string) (r decision.Record, o ledger.Opening, sealed decisiondb.Sealed, grant thimble.Grant, err error) {
	id, err := thimble.ParseID(decision.TokenPrefix, token)
	if err != nil {
		return r, o, sealed, nil, fmt.Errorf("decision: the address: %w", thimble.ErrNotFound)
	}
	if sealed, err = s.Get(ctx, id); err != nil {
		return r, o, sealed, nil, err
	}
	grant, err = own(ctx, who, thimble.AutomatedDecision)
	if err == nil && !slices.Contains(grant.Members(), sealed.Subject) {
		err = fmt.Errorf("decision: %s is about somebody else: %w", token, thimble.ErrNotFound)
	}
	if err != nil {
		return r, o, sealed, nil, err
	}
	r, o, err = decisiondb.Open(ctx, grant, sealed)
	return r, o, sealed, grant, err
}

// PortalReceipts is the source of the receipts of decisions.
func PortalReceipts(s Store, own gateweb.Own) ledgerweb.Source {
	return ledgerweb.Source{
		Kind: ReceiptKind, Title: "Decisions",
		List: func(ctx context.Context, who thimble.SubjectID) ([]ledgerweb.Listed, error) {
			all, err := s.Of(ctx, who, shownDecisions)
			listed := make([]ledgerweb.Listed, 0, len(all))
			for _, d := range all {
				listed = append(listed, ledgerweb.Listed{Key: d.ID.Token(decision.TokenPrefix), At: d.At, Title: what(decision.Record{Capability: d.Capability}), Text: "Chosen by a program."})
			}
			return listed, err
		},
		Open: func(ctx context.Context, who thimble.SubjectID, key string) (ledger.Opening, error) {
			_, o, _, err := openFor(ctx, s, own, who, key)
			return o, err
		},
	}
}

// PortalCard sums up the decisions about a person, for the privacy centre's first page.
func PortalCard(s Store) func(ctx context.Context, who thimble.SubjectID) (web.Card, error) {
	return func(ctx context.Context, who thimble.SubjectID) (web.Card, error) {
		all, err := s.Of(ctx, who, shownDecisions)
		card := web.Card{Icon: "spark", Title: "Decisions about me", Href: "/privacy/decisions", Text: "No program has chosen anything for you."}
		if len(all) > 0 {
			n := web.Plural(len(all), "decision", "decisions")
			if len(all) == shownDecisions {
				n = fmt.Sprintf("%d decisions or more", shownDecisions)
			}
			card.Text = n + ", each with its reasons. The last one on " + day(all[0].At) + "."
		}
		return card, err
	}
}

func day(t time.Time) string { return web.Date(t) }
