package trialweb

import (
	"context"
	"embed"
	"net/http"
	"time"

	"thimble"
	"thimble/internal/recommend/trial"
	"thimble/internal/recommend/trialdb"
	"thimble/internal/registry/registrydb"
	"thimble/internal/web"
)

//go:embed pages/*.html
var pageFiles embed.FS

// Trials keeps experiments; *trialdb.Store does.
type Trials interface {
	Start(ctx context.Context, d trial.Design, by, reason string) (thimble.ID, error)
	Stop(ctx context.Context, id thimble.ID, by, reason string) error
	List(ctx context.Context, limit int) ([]trial.Experiment, error)
	Get(ctx context.Context, id thimble.ID) (trial.Experiment, error)
	Acts(ctx context.Context, id thimble.ID) ([]trialdb.Act, error)
	Days(ctx context.Context, since time.Time) ([]trialdb.Line, error)
}

// Versions are those of the model; *registrydb.Shelf has them.
type Versions interface {
	Kept(ctx context.Context, model string) ([]registrydb.Version, error)
	List(ctx context.Context, model string, limit int) ([]registrydb.Version, error)
}

// Config is what the pages are made of.
type Config struct {
	Trials   Trials
	Versions Versions
	Model    string // the recommender's name in the registry
	// Choices counts who permits personal lists, and who refused them.
	Choices func(ctx context.Context) (permit, refuse int64, err error)
	Now     func() time.Time // nil means time.Now
}

// Where the pages are.
const (
	Path        = "/console/experiments"
	QualityPath = "/console/recommendations/quality"
	newPath     = Path + "/new"
	shownTrials = 100
)

type desk struct {
	Config
	pages *web.Pages
	*web.Frame
}

// Proofs are the patterns that need a fresh proof of who it is: they change what people
// see.
func Proofs() []string { return []string{"POST " + Path, "POST " + Path + "/{experiment}/stop"} }

// Console returns the pages as a section of the console.
func Console(kit *web.Kit, cfg Config) (web.Section, error) {
	pages, err := kit.Pages(pageFiles)
	if err != nil {
		return web.Section{}, err
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return web.Section{
		Nav: []web.NavItem{{Label: "Experiments", Href: Path, Icon: "scale", Group: "Shop"}},
		Mount: func(mux web.Routes, f *web.Frame) {
			d := &desk{Config: cfg, pages: pages, Frame: f}
			mux.HandleFunc("GET "+Path, d.list)
			mux.HandleFunc("GET "+newPath, func(w http.ResponseWriter, r *http.Request) { d.fresh(w, r, http.StatusOK, nil) })
			mux.HandleFunc("POST "+Path, d.start)
			mux.HandleFunc("GET "+Path+"/{experiment}", func(w http.ResponseWriter, r *http.Request) { d.one(w, r, http.StatusOK, nil) })
			mux.HandleFunc("POST "+Path+"/{experiment}/stop", d.stop)
			mux.HandleFunc("GET "+QualityPath, d.quality)
		},
	}, nil
}

func staffOf(r *http.Request) string { return web.VisitorFrom(r.Context()).Staff }

func href(id thimble.ID) string { return Path + "/" + id.Token(trial.TokenPrefix) }

type listBody struct{ Table web.Table }

func (d *desk) list(w http.ResponseWriter, r *http.Request) {
	all, err := d.Trials.List(r.Context(), shownTrials)
	if err != nil {
		d.Fail(w, r, err)
		return
	}
	start := web.Action{Label: "New experiment", Href: newPath, Kind: "primary", Icon: "plus"}
	t := web.Table{ID: "experiments", Caption: "Experiments", HideCaption: true,
		Columns: []web.Column{{Label: "Experiment"}, {Label: "State"}, {Label: "Where"}, {Label: "Started"}, {Label: "Until"}, {Label: "People", Kind: web.NumberColumn}},
		Empty:   &web.Empty{Icon: "scale", Title: "Nothing was tried yet", Text: "An experiment shows two kinds of list to people who allow it, and says which is better.", Action: &start}}
	for _, e := range all {
		until := e.Until()
		if !e.Ended.IsZero() {
			until = e.Ended
		}
		people := any("being counted")
		if e.Groups != nil {
			n := int64(0)
			for _, g := range e.Groups {
				n += g.Assigned
			}
			people = n
		}
		where := ""
		for i, p := range e.Design.Placements {
			if i > 0 {
				where += ", "
			}
			where += p
		}
		t.Rows = append(t.Rows, web.Row{Href: href(e.ID), Cells: web.Cells(e.Design.Name, d.state(e), where, e.Started, until, people)})
	}
	page := web.Page{Title: "Experiments", Lead: "Which list is better, measured on people who allow it. What is measured is fixed before.", Body: listBody{t}, Actions: []web.Action{{Label: "Quality over time", Href: QualityPath}}}
	if len(all) > 0 {
		page.Actions = append(page.Actions, start)
	}
	d.Render(w, r, http.StatusOK, d.pages, "experiments.html", page)
}

func (d *desk) state(e trial.Experiment) web.Badge {
	if e.Running(d.Now()) {
		return web.Badge{Text: "running", Tone: web.Good}
	}
	return web.Badge{Text: "ended"}
}
