package retentionweb

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"thimble"
	"thimble/internal/ledger"
	"thimble/internal/ledger/ledgerweb"
	"thimble/internal/retention"
	"thimble/internal/retention/retentiondb"
	"thimble/internal/web"
)

//go:embed pages/console_*.html
var consoleFiles embed.FS

// A Store has schedules, runs, holds and proposals; *retentiondb.Store does.
type Store interface {
	Plan(ctx context.Context) (retentiondb.Plan, error)
	Upcoming(ctx context.Context, all []retention.Schedule) ([]retentiondb.Week, error)
	Runs(ctx context.Context, limit int) ([]retention.Run, error)
	Run(ctx context.Context, id thimble.ID) (retention.Run, error)
	Opening(ctx context.Context, id thimble.ID) (ledger.Opening, error)
	Proposals(ctx context.Context) ([]retentiondb.Proposal, error)
	Holds(ctx context.Context, limit int) ([]retention.Hold, error)
	Waiting(ctx context.Context) (int, error)
	Tellings(ctx context.Context) ([]retentiondb.Telling, error)

	Confirm(ctx context.Context, id thimble.ID, staff, reason string) error
	Change(ctx context.Context, after int64, text, staff, reason string) (retentiondb.Version, error)
	Accept(ctx context.Context, c thimble.Category, holder, staff, note string) error
	Decline(ctx context.Context, c thimble.Category, holder, staff, note string) error
	Open(ctx context.Context, h retention.Hold, staff string) (retention.Hold, error)
	AskRelease(ctx context.Context, id thimble.ID, staff, reason string) error
	KeepOn(ctx context.Context, id thimble.ID, staff, reason string) error
	Release(ctx context.Context, id thimble.ID, staff, reason string) error
}

// Deps are what the pages are made of.
type Deps struct {
	Store    Store
	Receipts ledgerweb.ReceiptLog
	Now      func() time.Time
}

const (
	retentionPath = "/console/retention"
	runPath       = retentionPath + "/runs"
	documentPath  = retentionPath + "/document"
	proposalPath  = retentionPath + "/proposals"
	holdsPath     = "/console/holds"
	shown         = 100
	sayReason     = "Write 10 to 500 characters about why."
)

// Proofs are the patterns that need a proof of who it is that is fresh: what cannot be
// undone.
func Proofs() []string {
	return []string{"POST " + runPath + "/{run}", "POST " + documentPath, "POST " + proposalPath, "POST " + holdsPath + "/{hold}"}
}

type console struct {
	Deps
	*web.Frame
	pages *web.Pages
}

// Console is retention's part of the staff console.
func Console(kit *web.Kit, d Deps) (web.Section, error) {
	pages, err := kit.Pages(consoleFiles, "pages/console_*.html")
	if err != nil {
		return web.Section{}, err
	}
	return web.Section{
		Nav: []web.NavItem{{Label: "Retention", Href: retentionPath, Icon: "clock", Group: "Customers"}, {Label: "Holds", Href: holdsPath, Icon: "lock", Group: "Customers"}},
		Mount: func(mux web.Routes, f *web.Frame) {
			c := &console{d, f, pages}
			mux.HandleFunc("GET "+retentionPath, func(w http.ResponseWriter, r *http.Request) { c.retention(w, r, http.StatusOK, nil) })
			mux.HandleFunc("GET "+runPath+"/{run}", c.run)
			mux.HandleFunc("GET "+runPath+"/{run}/receipt", c.receipt)
			mux.HandleFunc("POST "+runPath+"/{run}", c.confirm)
			mux.HandleFunc("POST "+documentPath, c.change)
			mux.HandleFunc("POST "+proposalPath, c.decide)
			mux.HandleFunc("GET "+holdsPath, func(w http.ResponseWriter, r *http.Request) { c.holds(w, r, http.StatusOK, nil) })
			mux.HandleFunc("POST "+holdsPath, c.openHold)
			mux.HandleFunc("POST "+holdsPath+"/{hold}", c.turnHold)
		},
	}, nil
}

// ConsoleTiles say on the overview what waits for somebody, and what is kept too long.
func ConsoleTiles(d Deps) func(context.Context) ([]web.Stat, error) {
	return func(ctx context.Context) (tiles []web.Stat, err error) {
		runs, err := d.Store.Runs(ctx, shown)
		if err != nil {
			return nil, err
		}
		waits, red := counts(runs)
		if red > 0 {
			tiles = append(tiles, web.Stat{Label: "Kept too long", Value: red, Delta: "red", Trend: web.Bad, Note: "categories with something older than its schedule", Href: retentionPath})
		}
		if waits > 0 {
			tiles = append(tiles, web.Stat{Label: "Expiry waits", Value: waits, Note: "runs that somebody is to look at", Href: retentionPath})
		}
		all, err := d.Store.Holds(ctx, shown)
		due := 0
		for _, h := range all {
			if h.State == retention.Releasing || h.State == retention.Active && !h.Review.IsZero() && !h.Review.After(d.Now()) {
				due++
			}
		}
		if due > 0 {
			tiles = append(tiles, web.Stat{Label: "Holds to look at", Value: due, Note: "to be reviewed, or a release to agree to", Href: holdsPath})
		}
		return tiles, err
	}
}

// counts are the runs that wait, and the categories whose newest run is red.
func counts(runs []retention.Run) (waits, red int) {
	seen := map[string]bool{}
	for _, r := range runs {
		switch {
		case r.State == retention.Waiting:
			waits++
		case r.State == retention.Red && !seen[runWords(r)]:
			red++
		}
		if !r.Done.IsZero() {
			seen[runWords(r)] = true
		}
	}
	return waits, red
}

func (c *console) run(w http.ResponseWriter, r *http.Request) {
	run, err := c.named(r)
	if err != nil {
		c.Fail(w, r, err)
		return
	}
	proof, err := json.MarshalIndent(run.Proof, "", "  ")
	if err != nil {
		c.Fail(w, r, err)
		return
	}
	page := web.Page{
		Title: runWords(run) + ", " + web.Date(run.At), Lead: "What expired, and that nothing older is left. It names nobody.",
		Crumbs: []web.Crumb{{Label: "Retention", Href: retentionPath}, {Label: "Run"}}, Body: runBodyOf(run, string(proof)),
	}
	if !run.Done.IsZero() {
		page.Actions = []web.Action{{Label: "Receipt", Href: runHref(run) + "/receipt", Icon: "download"}}
	}
	c.Render(w, r, http.StatusOK, c.pages, "console_run.html", page)
}

func (c *console) named(r *http.Request) (retention.Run, error) {
	id, err := thimble.ParseID(retention.RunPrefix, r.PathValue("run"))
	if err != nil {
		return retention.Run{}, errors.Join(err, thimble.ErrNotFound)
	}
	return c.Store.Run(r.Context(), id)
}

func (c *console) receipt(w http.ResponseWriter, r *http.Request) {
	run, err := c.named(r)
	if err == nil {
		var opening ledger.Opening
		if opening, err = c.Store.Opening(r.Context(), run.ID); err == nil {
			err = ledgerweb.WriteReceipt(w, r, c.Receipts, opening, run.ID.Token(retention.RunPrefix))
		}
	}
	if err != nil {
		c.Fail(w, r, err)
	}
}

func (c *console) confirm(w http.ResponseWriter, r *http.Request) {
	run, err := c.named(r)
	if err == nil {
		err = r.ParseForm()
	}
	if err == nil {
		err = c.Store.Confirm(r.Context(), run.ID, web.VisitorFrom(r.Context()).Staff, r.PostForm.Get("reason"))
	}
	if errors.Is(err, thimble.ErrInvalid) {
		form := confirmForm(run).Fill(r.PostForm).Explain(web.FieldProblem{Field: "reason", Detail: sayReason})
		c.retention(w, r, http.StatusUnprocessableEntity, &form)
		return
	}
	c.back(w, r, retentionPath, err)
}

func (c *console) change(w http.ResponseWriter, r *http.Request) {
	err := r.ParseForm()
	var after int64
	if err == nil {
		after, err = strconv.ParseInt(r.PostForm.Get("after"), 10, 64)
	}
	if err == nil {
		_, err = c.Store.Change(r.Context(), after, r.PostForm.Get("text"), web.VisitorFrom(r.Context()).Staff, r.PostForm.Get("reason"))
	}
	if errors.Is(err, thimble.ErrInvalid) || errors.Is(err, thimble.ErrConflict) {
		field, say := "text", explain(err)
		if strings.HasPrefix(say, "reason") {
			field, say = "reason", sayReason
		}
		form := changeForm(retentiondb.Version{Version: after}).Fill(r.PostForm).Explain(web.FieldProblem{Field: field, Detail: say})
		c.retention(w, r, http.StatusUnprocessableEntity, &form)
		return
	}
	c.back(w, r, retentionPath, err)
}

func (c *console) decide(w http.ResponseWriter, r *http.Request) {
	err := r.ParseForm()
	if err != nil {
		c.Fail(w, r, err)
		return
	}
	p := retentiondb.Proposal{Category: thimble.Category(r.PostForm.Get("category")), Holder: r.PostForm.Get("holder")}
	field, say := "reason", sayReason
	staff, reason := web.VisitorFrom(r.Context()).Staff, r.PostForm.Get("reason")
	switch r.PostForm.Get("do") {
	case "accept":
		err = c.Store.Accept(r.Context(), p.Category, p.Holder, staff, reason)
	case "decline":
		err = c.Store.Decline(r.Context(), p.Category, p.Holder, staff, reason)
	default:
		field, say, err = "do", "Choose what is to be done.", thimble.ErrInvalid
	}
	if errors.Is(err, thimble.ErrInvalid) {
		form := proposalForm(p).Fill(r.PostForm).Explain(web.FieldProblem{Field: field, Detail: say})
		c.retention(w, r, http.StatusUnprocessableEntity, &form)
		return
	}
	c.back(w, r, retentionPath, err)
}

func (c *console) back(w http.ResponseWriter, r *http.Request, to string, err error) {
	if err != nil {
		c.Fail(w, r, err)
		return
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// explain is what an error says of the input, without the package and the kind.
func explain(err error) string {
	text := strings.TrimSuffix(err.Error(), ": "+thimble.ErrInvalid.Error())
	text = strings.TrimSuffix(text, ": "+thimble.ErrConflict.Error())
	text = strings.TrimPrefix(text, "retention: opening a hold: ")
	return strings.TrimPrefix(text, "retention: ")
}

// fill puts what was sent into a form in the place of the one on the page, if it is that.
func fill(f web.Form, refused *web.Form) web.Form {
	if refused != nil && refused.ID == f.ID {
		return *refused
	}
	return f
}
