package planweb

import (
	"context"
	"embed"
	"net/http"
	"net/url"
	"strings"
	"time"

	"thimble"
	"thimble/internal/collect/plan"
	"thimble/internal/collect/plandb"
	"thimble/internal/collect/source"
	"thimble/internal/collect/watch"
	"thimble/internal/collect/watchdb"
	"thimble/internal/web"
)

//go:embed pages/*.html
var pageFiles embed.FS

// Plans keeps the tracking plan; *plandb.Store does.
type Plans interface {
	InForce() *plandb.Force
	Versions(ctx context.Context, limit int) ([]plandb.Version, error)
	Version(ctx context.Context, number int) (*plandb.Force, error)
	Save(ctx context.Context, base int, text []byte, a plandb.Author) (int, error)
	Start(ctx context.Context, base int, text []byte, author, note string) (thimble.ID, error)
	Drafts(ctx context.Context, limit int) ([]plandb.Draft, error)
	Draft(ctx context.Context, id thimble.ID) (plandb.Draft, error)
	Edit(ctx context.Context, id thimble.ID, revision int, edit func(*plan.Text) error) error
	Replace(ctx context.Context, id thimble.ID, revision int, text []byte) error
	Decide(ctx context.Context, id thimble.ID, revision int, a plandb.Author) (int, error)
	Discard(ctx context.Context, id thimble.ID, by string) error
}

// Figures keeps what was seen; *watchdb.Store does.
type Figures interface {
	Minutes(ctx context.Context, source uint32, since time.Time) ([]watch.Minute, error)
	Sums(ctx context.Context, since time.Time) ([]watchdb.Sum, error)
	Violations(ctx context.Context, source uint32, limit int) ([]watch.Violation, error)
	Proposals(ctx context.Context, force *plan.Compiled, later bool, limit int) ([]watchdb.Proposal, error)
	Proposal(ctx context.Context, id thimble.ID) (watchdb.Proposal, error)
	Later(ctx context.Context, id thimble.ID, until time.Time) error
}

// Sources knows the names of sources; *sourcedb.Store does.
type Sources interface {
	List(ctx context.Context) ([]source.Source, error)
}

// Config is what the pages and operations are made of.
type Config struct {
	Plans   Plans
	Figures Figures
	Sources Sources
	// Tail are the newest events of a source as shapes.
	Tail func(source uint32) []watch.Shape
	// May reports whether whoever is signed in may do what a pattern of the console is for;
	// nil means that nobody may.
	May func(ctx context.Context, pattern string) bool
	Now func() time.Time // nil means time.Now
}

// Where the pages are. What puts a draft in force is apart from the plan, because the
// rules of staff speak of each.
const (
	EventsPath    = "/console/events"
	Path          = "/console/plan"
	ForcePath     = "/console/plan-changes"
	LooseningPath = "/console/plan-loosening"

	draftsPath    = Path + "/drafts"
	proposalsPath = Path + "/proposals"
	historyPath   = Path + "/history"
)

type desk struct {
	Config
	pages *web.Pages
	*web.Frame
}

// Proofs are the patterns that need a fresh proof of who it is: they change what is kept
// of people.
func Proofs() []string {
	return []string{"POST " + ForcePath + "/{draft}", "POST " + LooseningPath + "/{draft}"}
}

// Console returns the pages as a section of the console.
func Console(kit *web.Kit, cfg Config) (web.Section, error) {
	pages, err := kit.Pages(pageFiles)
	if err != nil {
		return web.Section{}, err
	}
	cfg = cfg.whole()
	return web.Section{
		Nav: []web.NavItem{{Label: "Events", Href: EventsPath, Icon: "inbox", Group: "Shop"}, {Label: "Tracking plan", Href: Path, Icon: "ruler", Group: "Shop"}},
		Mount: func(mux web.Routes, f *web.Frame) {
			d := &desk{Config: cfg, pages: pages, Frame: f}
			mux.HandleFunc("GET "+EventsPath, d.events)
			mux.HandleFunc("GET "+EventsPath+"/{source}", d.source)
			mux.HandleFunc("GET "+Path, d.plan)
			mux.HandleFunc("GET "+Path+"/plan.yaml", d.download)
			mux.HandleFunc("GET "+Path+"/event", d.event)
			mux.HandleFunc("GET "+Path+"/schema.json", d.schema)
			mux.HandleFunc("GET "+historyPath, d.history)
			mux.HandleFunc("GET "+historyPath+"/{version}", d.version)
			d.mountDrafts(mux)
			mux.HandleFunc("GET "+proposalsPath, d.proposals)
			mux.HandleFunc("GET "+proposalsPath+"/{proposal}", func(w http.ResponseWriter, r *http.Request) { d.proposal(w, r, http.StatusOK, nil) })
			mux.HandleFunc("POST "+proposalsPath+"/{proposal}", d.decideProposal)
		},
	}, nil
}

func (d *desk) mountDrafts(mux web.Routes) {
	mux.HandleFunc("GET "+draftsPath, func(w http.ResponseWriter, r *http.Request) { d.drafts(w, r, http.StatusOK, nil) })
	mux.HandleFunc("POST "+draftsPath, d.start)
	mux.HandleFunc("GET "+draftsPath+"/{draft}", func(w http.ResponseWriter, r *http.Request) { d.draft(w, r, http.StatusOK, "", nil) })
	mux.HandleFunc("GET "+draftsPath+"/{draft}/plan.yaml", d.downloadDraft)
	mux.HandleFunc("POST "+draftsPath+"/{draft}/{edit}", d.edit)
	mux.HandleFunc("POST "+ForcePath+"/{draft}", func(w http.ResponseWriter, r *http.Request) { d.decide(w, r, false) })
	mux.HandleFunc("POST "+LooseningPath+"/{draft}", func(w http.ResponseWriter, r *http.Request) { d.decide(w, r, true) })
}

func (c Config) whole() Config {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.May == nil {
		c.May = func(context.Context, string) bool { return false }
	}
	if c.Tail == nil {
		c.Tail = func(uint32) []watch.Shape { return nil }
	}
	return c
}

func staffOf(r *http.Request) string { return web.VisitorFrom(r.Context()).Staff }

// show renders one of the pages of the plan with the tabs to the others.
func (d *desk) show(w http.ResponseWriter, r *http.Request, status int, file string, p web.Page) {
	drafts, err := d.Plans.Drafts(r.Context(), plandb.MaxOpen)
	var waiting []watchdb.Proposal
	if err == nil {
		waiting, err = d.Figures.Proposals(r.Context(), d.Plans.InForce().Compiled, false, watchdb.MaxProposals)
	}
	if err != nil {
		d.Fail(w, r, err)
		return
	}
	open := 0
	for _, one := range drafts {
		if one.State == plandb.Waiting {
			open++
		}
	}
	p.Tabs = []web.Tab{{Label: "In force", Href: Path}, {Label: "Drafts", Href: draftsPath, Count: open}, {Label: "Proposals", Href: proposalsPath, Count: len(waiting)}, {Label: "History", Href: historyPath}}
	for i := range p.Tabs {
		p.Tabs[i].Current = p.Tabs[i].Href == r.URL.Path
	}
	d.Render(w, r, status, d.pages, file, p)
}

func eventHref(title string) string { return Path + "/event?" + url.Values{"name": {title}}.Encode() }

// reason is an error in words for a form: without the package and the kind.
func reason(err error) string {
	text := err.Error()
	for _, prefix := range []string{"plan: editing a draft: ", "plan: starting a draft: ", "plan: putting a draft in force: ", "plan: "} {
		text = strings.TrimPrefix(text, prefix)
	}
	for _, kind := range []error{thimble.ErrInvalid, thimble.ErrConflict, thimble.ErrDenied, thimble.ErrNotFound} {
		text = strings.TrimSuffix(text, ": "+kind.Error())
	}
	return strings.TrimPrefix(text, "plan: ")
}
