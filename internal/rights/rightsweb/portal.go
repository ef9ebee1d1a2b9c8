package rightsweb

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"thimble"
	"thimble/internal/catalog"
	"thimble/internal/gate/gateweb"
	"thimble/internal/ledger"
	"thimble/internal/ledger/ledgerweb"
	"thimble/internal/rights"
	"thimble/internal/web"
)

//go:embed pages/portal_*.html
//go:embed pages/_portal_tree.html
var portalFiles embed.FS

// A PortalDesk executes what people ask for; *rights.Desk does.
type PortalDesk interface {
	Access(ctx context.Context, who thimble.SubjectID) (rights.Archive, error)
	Look(ctx context.Context, who thimble.SubjectID, only ...string) (rights.Archive, error)
	Erase(ctx context.Context, who thimble.SubjectID) (rights.Report, error)
}

// PortalRequests opens the leaf of a finished request; *rightsdb.Store does.
type PortalRequests interface {
	Opening(ctx context.Context, id thimble.ID) (ledger.Opening, error)
	Certificate(ctx context.Context, request thimble.ID) (ledger.Opening, error)
}

// PortalNames knows the shop's products; *catalogdb.Store does.
type PortalNames interface {
	Get(ctx context.Context, ids ...thimble.ItemID) (map[thimble.ItemID]catalog.Product, error)
}

// A PortalExit takes the cookie from a browser whose person is gone;
// *sessionweb.Door does.
type PortalExit interface{ Drop(w http.ResponseWriter) }

// PortalDeps are what the pages of rights are made of.
type PortalDeps struct {
	Desk     PortalDesk
	Requests PortalRequests
	Tickets  PortalTickets
	Names    PortalNames
	Receipts ledgerweb.ReceiptLog
	Own      gateweb.Own
	Exit     PortalExit
	// Waits returns [rights.ErrWaits] for whom nothing shows everything now; nil for nobody.
	Waits func(ctx context.Context, who thimble.SubjectID) error
	// Correct is the page on which a datum is put right, "" for none; nil for all.
	Correct func(d thimble.Datum) string
	Now     func() time.Time // nil means time.Now
	// Terms is how long what is held of somebody is kept, as a table; nil for none.
	Terms func(ctx context.Context, who thimble.SubjectID) (web.Table, error)
}

// Forgotten is the page of a finished erasure; the request's id follows. It holds
// no person and needs nobody signed in.
const Forgotten = "/privacy/forgotten/"

// Proofs are the patterns that need a proof of who it is that is fresh: what shows
// everything in one file, and what cannot be undone.
func Proofs() []string {
	return []string{"GET /privacy/data.json", "POST " + takePath, "POST " + takeFile, "POST /privacy/forget"}
}

type portal struct {
	PortalDeps
	pages *web.Pages
	frame *web.Frame
}

// Portal returns the pages on which people see their data, take it along, and are
// forgotten.
func Portal(kit *web.Kit, d PortalDeps) (web.Section, error) {
	pages, err := kit.Pages(ledgerweb.WithCheck(portalFiles), "pages/portal_*.html", "pages/_portal_tree.html", ledgerweb.CheckPartial)
	if err != nil {
		return web.Section{}, err
	}
	nav := []web.NavItem{{Label: "My data", Href: "/privacy/data"}}
	return web.Section{Nav: nav, Mount: func(mux web.Routes, f *web.Frame) {
		p := &portal{PortalDeps: d, pages: pages, frame: f}
		mux.HandleFunc("GET /privacy/data", p.data)
		mux.HandleFunc("GET /privacy/data.json", p.download)
		mux.HandleFunc("GET "+takePath, p.takePage)
		mux.HandleFunc("POST "+takePath, p.ticket)
		mux.HandleFunc("POST "+takeFile, p.take)
		mux.HandleFunc("GET /privacy/forget", func(w http.ResponseWriter, r *http.Request) { p.askToForget(w, r, http.StatusOK, forgetForm()) })
		mux.HandleFunc("POST /privacy/forget", p.forget)
		mux.HandleFunc("GET "+Forgotten+"{id}", p.forgotten)
		mux.HandleFunc("GET "+Forgotten+"{id}/file", p.forgottenFile)
		mux.HandleFunc("GET "+Forgotten+"{id}"+certificateFile, p.forgottenCertificate)
		mux.HandleFunc("GET "+CheckPage, p.checkPage)
		mux.HandleFunc("GET "+checkModule, p.module)
	}}, nil
}

func (p *portal) correct(d thimble.Datum) string {
	if p.Correct == nil {
		return ""
	}
	return p.Correct(d)
}

func (p *portal) now() time.Time {
	if p.Now == nil {
		return time.Now()
	}
	return p.Now()
}

// may asks whether somebody may see everything of theirs now, and writes down that they do.
func (p *portal) may(ctx context.Context, who thimble.SubjectID) error {
	if err := p.waits(ctx, who); err != nil {
		return err
	}
	_, err := p.Own(ctx, who, everything()...)
	return err
}

func (p *portal) waits(ctx context.Context, who thimble.SubjectID) error {
	if p.Waits == nil {
		return nil
	}
	return p.Waits(ctx, who)
}

// fail tells whoever waits why, in words of this page.
func (p *portal) fail(w http.ResponseWriter, r *http.Request, err error) {
	if !errors.Is(err, rights.ErrWaits) {
		p.frame.Fail(w, r, err)
		return
	}
	p.frame.Render(w, r, http.StatusConflict, p.pages, "portal_waits.html", web.Page{
		Title: "This waits for three days", Lead: "An e-mail address was added to your account lately.",
		Crumbs: []web.Crumb{{Label: "My data"}},
	})
}

// everything is all that a person may see of theirs.
func everything() []thimble.Category {
	return []thimble.Category{
		thimble.Pseudonym, thimble.AccountIdentifier, thimble.Country, thimble.PurchaseHistory, thimble.PrivacyPreferences,
		thimble.AutomatedDecision, thimble.AccessRecord, thimble.Credentials,
	}
}

// A dataBody is the page of everything that is held.
type dataBody struct {
	Report rights.Report
	Groups []group
	One    *group // one holder alone, a page at a time
	Pages  []web.Action
	Terms  *web.Table // how long it is kept
}

func (p *portal) data(w http.ResponseWriter, r *http.Request) {
	ctx, who := r.Context(), web.VisitorFrom(r.Context()).Subject
	err := p.may(ctx, who)
	var body dataBody
	if err == nil {
		if of := r.URL.Query().Get("of"); of != "" {
			body, err = p.one(r, who, of)
		} else {
			body, err = p.all(ctx, who)
		}
	}
	if err != nil {
		p.fail(w, r, err)
		return
	}
	page := web.Page{
		Title: "What the shop keeps about me", Lead: "Everything, from every place where something of yours lies. You can take all of it with you.",
		Notice: &web.AccessNotice{Purpose: gateweb.OwnData}, Body: body,
		Actions: []web.Action{{Label: "Take everything with me", Href: takePath, Icon: "download", Kind: "primary"}, {Label: "Download (JSON)", Href: "/privacy/data.json"}},
	}
	if body.One != nil {
		page.Title, page.Lead = body.One.Title, body.One.Text
		page.Crumbs = []web.Crumb{{Label: "My data", Href: "/privacy/data"}, {Label: body.One.Title}}
	}
	p.frame.Render(w, r, http.StatusOK, p.pages, "portal_data.html", page)
}

func (p *portal) all(ctx context.Context, who thimble.SubjectID) (dataBody, error) {
	archive, err := p.Desk.Access(ctx, who)
	if err != nil {
		return dataBody{}, err
	}
	names, err := p.names(ctx, firstOfEach(archive.Data, shownFirst))
	body := dataBody{Report: archive.Report, Groups: grouped(archive, names, p.correct)}
	if err != nil || p.Terms == nil || len(body.Groups) == 0 {
		return body, err
	}
	terms, err := p.Terms(ctx, who)
	body.Terms = &terms
	return body, err
}

// one shows what a single holder has, a page at a time.
func (p *portal) one(r *http.Request, who thimble.SubjectID, of string) (dataBody, error) {
	archive, err := p.Desk.Look(r.Context(), who, of)
	if err != nil {
		return dataBody{}, err
	}
	all := archive.Data
	from, to, links := paged(r.URL, len(all))
	names, err := p.names(r.Context(), all[from:to])
	g := groupOf(of, all[from:to], len(all), names, p.correct)
	return dataBody{One: &g, Pages: links}, err
}

// names asks for the products that the data name.
func (p *portal) names(ctx context.Context, data []thimble.Datum) (map[thimble.ItemID]catalog.Product, error) {
	var ids []thimble.ItemID
	for _, d := range data {
		ids = append(ids, itemsIn(treeOf(d.Value))...)
	}
	if p.Names == nil || len(ids) == 0 {
		return nil, nil
	}
	return p.Names.Get(ctx, ids...)
}

func (p *portal) download(w http.ResponseWriter, r *http.Request) {
	ctx, who := r.Context(), web.VisitorFrom(r.Context()).Subject
	err := p.may(ctx, who)
	var archive rights.Archive
	if err == nil {
		archive, err = p.Desk.Access(ctx, who)
	}
	var body []byte
	if err == nil {
		body, err = json.MarshalIndent(archive, "", "  ")
	}
	if err != nil {
		p.fail(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Disposition", `attachment; filename="my-data.json"`)
	h.Set("Cache-Control", "no-store")
	_, _ = w.Write(append(body, '\n')) // a reader that went away needs no answer
}
