package recommendweb

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"thimble"
	"thimble/internal/job"
	"thimble/internal/recommend/lists"
	"thimble/internal/registry"
	"thimble/internal/registry/registrydb"
	"thimble/internal/sqldb"
	"thimble/internal/web"
)

//go:embed pages/console_*.html
var consoleFiles embed.FS

// TrainJob is the kind of the job that trains the recommender.
const TrainJob = "recommend.train"

// ConsoleVersions are the versions of the model: registrydb keeps them.
type ConsoleVersions interface {
	Champion(ctx context.Context, model string) (registrydb.Version, error)
	List(ctx context.Context, model string, limit int) ([]registrydb.Version, error)
}

// ConsoleQueue queues work in the caller's transaction: jobdb does.
type ConsoleQueue interface {
	Add(ctx context.Context, tx *sqldb.Tx, j job.Job) error
}

// productHref is where the catalogue has a product; package catalogweb has the page.
func productHref(id thimble.ItemID) string { return "/console/catalogue/" + url.PathEscape(string(id)) }

const (
	consolePath  = "/console/recommendations"
	consoleShown = 50
)

type console struct {
	pages    *web.Pages
	db       *sqldb.DB
	versions ConsoleVersions
	queue    ConsoleQueue
}

// Console is the recommender's part of the staff console. A training is queued in
// a transaction of db.
func Console(kit *web.Kit, db *sqldb.DB, versions ConsoleVersions, queue ConsoleQueue) (web.Section, error) {
	pages, err := kit.Pages(consoleFiles, "pages/console_*.html")
	if err != nil {
		return web.Section{}, err
	}
	c := &console{pages: pages, db: db, versions: versions, queue: queue}
	return web.Section{
		Nav: []web.NavItem{{Label: "Recommendations", Href: consolePath, Icon: "spark", Group: "Shop"}},
		Mount: func(mux web.Routes, f *web.Frame) {
			mux.HandleFunc("GET "+consolePath, func(w http.ResponseWriter, r *http.Request) { c.show(w, r, f) })
			mux.HandleFunc("POST "+consolePath+"/train", func(w http.ResponseWriter, r *http.Request) { c.train(w, r, f) })
		},
	}, nil
}

// ConsoleTiles shows the serving model on the overview; now is the clock.
func ConsoleTiles(versions ConsoleVersions, now func() time.Time) func(context.Context) ([]web.Stat, error) {
	return func(ctx context.Context) ([]web.Stat, error) {
		v, err := versions.Champion(ctx, lists.ModelName)
		if errors.Is(err, thimble.ErrNotFound) {
			return []web.Stat{{Label: "Model", Value: "none yet", Note: "train one", Href: consolePath}}, nil
		}
		return []web.Stat{{Label: "Model", Value: fmt.Sprintf("v%d", v.Number), Note: "trained " + web.Age(now(), v.MadeAt), Href: consolePath}}, err
	}
}

// ConsoleMoments is the newest release, for the overview's timeline.
func ConsoleMoments(versions ConsoleVersions) func(context.Context) ([]web.Moment, error) {
	return func(ctx context.Context) ([]web.Moment, error) {
		v, err := versions.Champion(ctx, lists.ModelName)
		if errors.Is(err, thimble.ErrNotFound) {
			return nil, nil
		}
		return []web.Moment{{At: v.MadeAt, Title: fmt.Sprintf("Recommender version %d released", v.Number), Icon: "spark", Tone: web.Good, Href: consolePath,
			Text: fmt.Sprintf("Learned from %s who permit it. Reason: %s.", web.Plural(v.Card.Data.People, "person", "people"), v.Reason)}}, err
	}
}

type consoleBody struct {
	First   *web.Empty
	Stats   []web.Stat
	Facts   []web.KeyValue
	Recipe  web.CodeBlock
	History web.Table
}

func (c *console) show(w http.ResponseWriter, r *http.Request, f *web.Frame) {
	all, err := c.versions.List(r.Context(), lists.ModelName, consoleShown)
	if err != nil {
		f.Fail(w, r, err)
		return
	}
	train := web.Action{Label: "Train now", Href: consolePath + "/train", Post: true, Kind: "primary", Icon: "spark"}
	page := web.Page{Title: "Recommendations", Lead: "Which model serves, what it was made from, and every version before it."}
	if r.URL.Query().Get("queued") != "" {
		page.Flash = &web.Flash{Kind: web.Good, Text: "A training is queued. The new version appears here when it is released; until then the present one serves."}
	}
	var body consoleBody
	if len(all) == 0 {
		body.First = &web.Empty{Icon: "spark", Title: "No model yet", Text: "Until one is trained, everybody sees what most customers buy. Training takes the orders of those who permit it.", Action: &train}
	} else {
		page.Actions = []web.Action{{Label: "Tuning", Href: tuningPath}, train}
		body.History = consoleHistory(all)
	}
	for _, v := range all {
		if v.Serving() {
			body.Stats, body.Facts, body.Recipe = consoleStats(v), consoleFacts(v), consoleRecipe(v)
		}
	}
	page.Body = body
	f.Render(w, r, http.StatusOK, c.pages, "console_recommendations.html", page)
}

func consoleStats(v registrydb.Version) []web.Stat {
	return []web.Stat{
		{Label: "Serving", Value: fmt.Sprintf("v%d", v.Number), Note: web.Clock(v.MadeAt)}, {Label: "People", Value: v.Card.Data.People, Note: "who permit learning"},
		{Label: "Products", Value: v.Card.Data.Items}, {Label: "Weights", Value: v.Card.Data.Weights, Note: fmt.Sprintf("from %s bought products", web.Text(v.Card.Data.Interactions))},
	}
}

func consoleFacts(v registrydb.Version) []web.KeyValue {
	return []web.KeyValue{
		{Key: "SHA-256 of the weights", Value: fmt.Sprintf("%x", v.Hash), Copy: true, Sub: "anyone with the same orders and recipe gets the same bytes"},
		{Key: "Recipe chosen by", Value: chosenWords(v)}, {Key: "Reason", Value: v.Reason}, {Key: "Training took", Value: v.Took},
		{Key: "File", Value: web.Number(float64(v.Bytes)/1e6) + " MB"}, {Key: "Model", Value: lists.ModelName, Sub: "item to item: a score is a sum of integers, one per product bought"},
	}
}

// chosenWords say who chose the recipe of a version.
func chosenWords(v registrydb.Version) string {
	if c := v.Lineage.Chosen; c != nil {
		return fmt.Sprintf("%s, choice %d of %s", c.By, c.Choice, web.Clock(c.At))
	}
	return "nobody: it is the one that ships"
}

func consoleRecipe(v registrydb.Version) web.CodeBlock {
	var b bytes.Buffer
	if json.Indent(&b, v.Lineage.Recipe, "", "  ") != nil {
		b.Reset()
		b.Write(v.Lineage.Recipe)
	}
	return web.CodeBlock{Title: "Recipe, frozen with the version", Lang: "json", Code: b.String()}
}

func consoleHistory(all []registrydb.Version) web.Table {
	t := web.Table{ID: "versions", Caption: "Versions", Note: "Of most versions the file is gone. What is kept was made anew whenever somebody left: a model that somebody was taken out of exists nowhere any more.",
		Columns: []web.Column{{Label: "Version"}, {Label: "SHA-256", Kind: web.TokenColumn}, {Label: "Reason"}, {Label: "Trained"}, {Label: "Took", Kind: web.NumberColumn}, {Label: "People", Kind: web.NumberColumn}, {Label: "Weights", Kind: web.NumberColumn, Secondary: true}}}
	for _, v := range all {
		state := []web.Badge(nil)
		if v.Serving() {
			state = []web.Badge{{Text: fmt.Sprintf("v%d", v.Number)}, {Text: "Serving", Tone: web.Good}}
		} else {
			state = []web.Badge{{Text: fmt.Sprintf("v%d", v.Number)}}
		}
		if v.Stage.Kept() && !v.Serving() || v.Stage == registry.Revoked {
			state = append(state, web.Badge{Text: string(v.Stage)})
		}
		t.Rows = append(t.Rows, web.Row{Cells: web.Cells(state, web.Token(fmt.Sprintf("%x", v.Hash)), v.Reason, v.MadeAt, v.Took, v.Card.Data.People, v.Card.Data.Weights)})
	}
	return t
}

// train queues one training; a second click while it waits changes nothing.
func (c *console) train(w http.ResponseWriter, r *http.Request, f *web.Frame) {
	err := c.db.Write(r.Context(), func(tx *sqldb.Tx) error {
		return c.queue.Add(r.Context(), tx, job.Job{Kind: TrainJob, Payload: `{"reason":"asked for in the console","asked":true}`, Dedupe: TrainJob + ".asked"})
	})
	if err != nil {
		f.Fail(w, r, err)
		return
	}
	http.Redirect(w, r, consolePath+"?queued=1", http.StatusSeeOther)
}
