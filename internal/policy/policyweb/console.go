package policyweb

import (
	"context"
	"embed"
	"net/http"

	"thimble/internal/policy"
	"thimble/internal/policy/calendar"
	"thimble/internal/policy/policydb"
	"thimble/internal/web"
)

//go:embed pages/*.html
var pageFiles embed.FS

// Laws is what an installation keeps of its laws; *policydb.Store is one.
type Laws interface {
	Regime() *policy.Regime
	Today() calendar.Date
	Accept(ctx context.Context, staff, reason string, ids ...string) error
	Acceptances(ctx context.Context, limit int) ([]policydb.Acceptance, error)
	Review(ctx context.Context, pack string, r policydb.Review) error
	Reviews(ctx context.Context) ([]policydb.Review, error)
	History(ctx context.Context, limit int) ([]policydb.Moment, error)
	People(ctx context.Context) (policydb.Census, error)
}

// Config is what the pages need beside the laws.
type Config struct {
	Laws  Laws
	Flows func() []policy.Flow
	// Count queues a count of the people on file.
	Count func(ctx context.Context) error
}

// Path is where the pages begin.
const Path = "/console/policy"

const (
	comparePath  = Path + "/compare"
	calendarPath = Path + "/calendar"
	simulatePath = Path + "/simulate"
	waitingPath  = Path + "/waiting"
	packsPath    = Path + "/packs"
)

const disclaimer = "Packs are data with citations, not legal advice."

type desk struct {
	Config
	pages *web.Pages
	*web.Frame
}

// Proofs are the patterns that need a proof of who it is that is fresh: they change which
// law is in force.
func Proofs() []string {
	return []string{"POST " + waitingPath + "/{id}/accept", "POST " + packsPath + "/{id}/review"}
}

// Console returns the pages as a section of the console.
func Console(kit *web.Kit, cfg Config) (web.Section, error) {
	pages, err := kit.Pages(pageFiles)
	if err != nil {
		return web.Section{}, err
	}
	return web.Section{
		Nav: []web.NavItem{{Label: "Laws", Href: Path, Icon: "scale", Group: "Proof"}},
		Mount: func(mux web.Routes, f *web.Frame) {
			d := &desk{Config: cfg, pages: pages, Frame: f}
			mux.HandleFunc("GET "+Path, d.law)
			mux.HandleFunc("GET "+comparePath, d.compare)
			mux.HandleFunc("GET "+calendarPath, d.calendar)
			mux.HandleFunc("GET "+simulatePath, d.simulate)
			mux.HandleFunc("POST "+simulatePath, d.simulateFile)
			mux.HandleFunc("POST "+Path+"/count", d.count)
			mux.HandleFunc("GET "+waitingPath, func(w http.ResponseWriter, r *http.Request) { d.waiting(w, r, http.StatusOK, nil) })
			mux.HandleFunc("POST "+waitingPath+"/{id}/accept", d.accept)
			mux.HandleFunc("GET "+packsPath, d.packs)
			mux.HandleFunc("GET "+packsPath+"/{id}", func(w http.ResponseWriter, r *http.Request) { d.pack(w, r, http.StatusOK, nil) })
			mux.HandleFunc("POST "+packsPath+"/{id}/review", d.review)
		},
	}, nil
}

// show renders one of the pages with the tabs to the others.
func (d *desk) show(w http.ResponseWriter, r *http.Request, status int, file string, p web.Page) {
	pending, err := d.Laws.Regime().Pending(d.Laws.Today())
	if err != nil {
		d.Fail(w, r, err)
		return
	}
	p.Tabs = []web.Tab{
		{Label: "Applies", Href: Path}, {Label: "Difference", Href: comparePath}, {Label: "Upcoming", Href: calendarPath},
		{Label: "Simulator", Href: simulatePath}, {Label: "Waiting", Href: waitingPath, Count: len(groupsOf(pending))}, {Label: "Packs", Href: packsPath},
	}
	for i := range p.Tabs {
		p.Tabs[i].Current = p.Tabs[i].Href == r.URL.Path
	}
	d.Render(w, r, status, d.pages, file, p)
}

func (d *desk) library() *policy.Library { return d.Laws.Regime().Library() }
