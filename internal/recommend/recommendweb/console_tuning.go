package recommendweb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"thimble"
	"thimble/internal/recommend"
	"thimble/internal/recommend/lists"
	"thimble/internal/recommend/tunedb"
	"thimble/internal/web"
)

// Tunings keeps what was tried and chosen; *tunedb.Store does.
type Tunings interface {
	Start(ctx context.Context, by string) (thimble.ID, error)
	List(ctx context.Context, limit int) ([]tunedb.Tuning, error)
	Choose(ctx context.Context, tuning thimble.ID, r recommend.Recipe, by, reason string) (tunedb.Choice, error)
	Choices(ctx context.Context, limit int) ([]tunedb.Choice, error)
}

const (
	tuningPath  = consolePath + "/tuning"
	choosePath  = tuningPath + "/choose"
	shownTuning = 20
)

// Proofs are the patterns that need a fresh proof of who it is: they change what everybody
// is shown.
func Proofs() []string { return []string{"POST " + choosePath} }

type tuning struct {
	*web.Frame
	pages    *web.Pages
	tunings  Tunings
	versions ConsoleVersions
}

// ConsoleTuning returns the page on which recipes are tried on the shop's own orders, and
// one is chosen for the trainings to come.
func ConsoleTuning(kit *web.Kit, tunings Tunings, versions ConsoleVersions) (web.Section, error) {
	pages, err := kit.Pages(consoleFiles, "pages/console_*.html")
	if err != nil {
		return web.Section{}, err
	}
	return web.Section{Mount: func(mux web.Routes, f *web.Frame) {
		c := &tuning{Frame: f, pages: pages, tunings: tunings, versions: versions}
		mux.HandleFunc("GET "+tuningPath, func(w http.ResponseWriter, r *http.Request) { c.show(w, r, http.StatusOK, nil) })
		mux.HandleFunc("POST "+tuningPath, c.start)
		mux.HandleFunc("POST "+choosePath, c.choose)
	}}, nil
}

type tuningBody struct {
	Facts    []web.KeyValue
	Live     string // where to look again while one is under way
	Progress *web.Progress
	Empty    *web.Empty
	Refused  *web.Callout
	Split    *web.Callout
	Points   *web.Table
	Choose   *web.Form
	Choices  *web.Table
	Earlier  *web.Table
}

// show shows the page; problems are what is wrong with a form of choice.
func (c *tuning) show(w http.ResponseWriter, r *http.Request, status int, problems []web.FieldProblem) {
	ctx := r.Context()
	all, err := c.tunings.List(ctx, shownTuning)
	if err != nil {
		c.Fail(w, r, err)
		return
	}
	choices, err := c.tunings.Choices(ctx, shownTuning)
	if err != nil {
		c.Fail(w, r, err)
		return
	}
	version := int64(0)
	made := ""
	v, err := c.versions.Champion(ctx, lists.ModelName)
	if err == nil {
		version = v.Number
		if v.Lineage.Chosen != nil {
			made = fmt.Sprintf("by choice %d of %s", v.Lineage.Chosen.Choice, v.Lineage.Chosen.By)
		}
	} else if !errors.Is(err, thimble.ErrNotFound) {
		c.Fail(w, r, err)
		return
	}
	page := web.Page{Title: "Tuning", Lead: "Recipes tried on this shop’s own orders, of everybody who permits learning. Nothing changes before somebody chooses one, and then with the next training.",
		Crumbs: []web.Crumb{{Label: "Recommendations", Href: consolePath}, {Label: "Tuning"}}}
	switch r.URL.Query().Get("done") {
	case "asked":
		page.Flash = &web.Flash{Kind: web.Good, Text: "Recipes are being tried. It takes about ten trainings of time; this page shows how far it is."}
	case "chosen":
		page.Flash = &web.Flash{Kind: web.Good, Text: "Chosen, and in the ledger. The next training takes it up; until then the present version serves."}
	}
	try := web.Action{Label: "Try recipes", Href: tuningPath, Post: true, Kind: "primary", Icon: "spark"}
	body := tuningBodyOf(all, choices, version, made, &try)
	if body.Choose != nil && len(problems) > 0 {
		form := body.Choose.Fill(r.PostForm).Explain(problems...)
		body.Choose = &form
	}
	if body.Progress == nil && len(all) > 0 {
		page.Actions = []web.Action{try}
	}
	page.Body = body
	c.Render(w, r, status, c.pages, "console_tuning.html", page)
}

func tuningBodyOf(all []tunedb.Tuning, choices []tunedb.Choice, version int64, made string, try *web.Action) tuningBody {
	force := recommend.DefaultRecipe()
	b := tuningBody{Facts: []web.KeyValue{{Key: "For the next training", Value: "the recipe that ships", Sub: "nobody has chosen another"}}}
	if len(choices) > 0 {
		force = choices[0].Recipe
		b.Facts = []web.KeyValue{
			{Key: "For the next training", Value: recipeWords(force)}, {Key: "Chosen by", Value: choices[0].By, Sub: web.Clock(choices[0].At)}, {Key: "Why", Value: choices[0].Reason},
		}
		b.Choices = choicesTable(choices)
	}
	if version > 0 {
		served := web.KeyValue{Key: "What serves", Value: fmt.Sprintf("version %d", version), Sub: "made by the recipe that ships", Href: consolePath}
		if made != "" {
			served.Sub = "made " + made
		}
		b.Facts = append(b.Facts, served)
	}
	if len(all) == 0 {
		b.Empty = &web.Empty{Icon: "spark", Title: "Nothing was tried yet", Text: fmt.Sprintf("Some recipes are trained on the orders before a day and on what people did with products before it, where they permit that, and judged on what the same people ordered for the first time from then on. It takes %d such people.", lists.LeastJudged), Action: try}
		return b
	}
	b.Earlier = earlierTable(all)
	if t := all[0]; t.State.UnderWay() {
		b.Live = tuningPath
		b.Progress = &web.Progress{Label: "Recipes tried", Done: float64(t.Tried), All: float64(max(t.Most, 1)), Text: "waiting to begin"}
		if t.Most > 0 {
			b.Progress.Text = fmt.Sprintf("%d of %d at most", t.Tried, t.Most)
		}
	}
	if t := all[0]; t.State == tunedb.Refused {
		b.Refused = &web.Callout{Tone: web.Warn, Title: "The last trial gave no measure", Text: t.Why}
	}
	if i := slices.IndexFunc(all, func(t tunedb.Tuning) bool { return t.State == tunedb.Done }); i >= 0 {
		b.reports(all[i], force)
	}
	return b
}

// reports shows the newest trial that ended, and lets one of its recipes be chosen.
func (b *tuningBody) reports(t tunedb.Tuning, force recommend.Recipe) {
	b.Split = &web.Callout{Tone: web.Info, Title: t.Report.Words() + ".", Text: splitWords(t.Report)}
	points := pointsTable(t.Report, force)
	b.Points = &points
	if b.Progress == nil { // the page looks again by itself, and would lose what is typed
		form := chooseForm(t)
		b.Choose = &form
	}
}

// splitWords states on what recipes were judged.
func splitWords(r recommend.TuneReport) string {
	return fmt.Sprintf("The validation split: each recipe learned from orders from %s until the day before %s, and from what was done with products before that day by who permits it, and was judged on what %s of the same people, drawn evenly, ordered for the first time from %s until %s. None had learned from that part. "+
		"Lists of 20 of all products; plus or minus is in standard errors against the recipe that ships, person by person. Since it is the best of several, its own figures are a little too kind.",
		r.Split.From, r.Split.Cut, web.Number(float64(r.Judged)), r.Split.Cut, r.Split.Until)
}

func pointsTable(r recommend.TuneReport, force recommend.Recipe) web.Table {
	t := web.Table{ID: "points", Caption: "What was tried", Columns: []web.Column{{Label: "Recipe"}, {Label: "NDCG@20", Kind: web.NumberColumn}, {Label: "Recall@20", Kind: web.NumberColumn},
		{Label: "Standard errors", Kind: web.NumberColumn}, {Label: "Products in lists", Kind: web.NumberColumn, Secondary: true}, {Label: "Weights", Kind: web.NumberColumn, Secondary: true}}}
	for i, p := range r.Points {
		badges := []web.Badge{{Text: strconv.Itoa(i + 1)}}
		if p.Recipe == r.Recipe {
			badges = append(badges, web.Badge{Text: "suggested", Tone: web.Good})
		}
		if p.Recipe == force {
			badges = append(badges, web.Badge{Text: "for the next training"})
		}
		t.Rows = append(t.Rows, web.Row{Cells: web.Cells(web.Cell{Value: badges, Sub: recipeWords(p.Recipe)}, fmt.Sprintf("%.4f", p.NDCG), fmt.Sprintf("%.4f", p.Recall),
			fmt.Sprintf("%+.1f", p.Errors), fmt.Sprintf("%.1f %%", 100*p.Coverage), p.Weights)})
	}
	return t
}

// recipeWords says how a recipe differs from the one that ships.
func recipeWords(r recommend.Recipe) string {
	base := recommend.DefaultRecipe()
	r.Name, base.Name = "", ""
	if r == base {
		return "the recipe that ships"
	}
	return strings.Join(differences(r, base), ", ")
}

// differences names the numbers of a recipe that another does not have.
func differences(r, base recommend.Recipe) (all []string) {
	a, b := numbers(r), numbers(base)
	for _, name := range slices.Sorted(maps.Keys(a)) {
		if a[name] != b[name] {
			all = append(all, fmt.Sprintf("%s %d", name, a[name]))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(b)) {
		if _, ok := a[name]; !ok { // what is 0 is left out
			all = append(all, name+" 0")
		}
	}
	return all
}

// numbers are what a recipe says, but for its name.
func numbers(r recommend.Recipe) map[string]int64 {
	var raw map[string]json.RawMessage
	_ = json.Unmarshal(r.JSON(), &raw) // a recipe is an object
	out := map[string]int64{}
	for name, value := range raw {
		if n, err := strconv.ParseInt(string(value), 10, 64); err == nil {
			out[name] = n
		}
	}
	return out
}

func chooseForm(t tunedb.Tuning) web.Form {
	options := []web.Option{{Value: "", Label: "Choose"}, {Value: "ships", Label: "The recipe that ships"}}
	for i, p := range t.Report.Points {
		options = append(options, web.Option{Value: strconv.Itoa(i + 1), Label: fmt.Sprintf("%d: %s (NDCG@20 %.4f)", i+1, recipeWords(p.Recipe), p.NDCG)})
	}
	return web.Form{ID: "choose", Action: choosePath, Legend: "Choose a recipe for the next training", Submit: "Choose it", Intro: "It is frozen in each version that is made by it, with your name. Versions that are kept stay as they are.",
		Fields: []web.Field{
			{Name: "tuning", Kind: web.HiddenField, Value: t.ID.Token(tunedb.TuningPrefix)},
			{Name: "recipe", Label: "Recipe", Kind: web.SelectField, Required: true, Options: options},
			{Name: "reason", Label: "Why", Kind: web.TextAreaField, Rows: 2, Required: true, MaxLength: 500, Hint: "10 to 500 characters, and no customer’s data."},
			{Name: "sure", Label: "Yes, from the next training on, everybody’s lists are made by it", Kind: web.CheckField, Required: true},
		}}
}

func choicesTable(all []tunedb.Choice) *web.Table {
	t := &web.Table{ID: "choices", Caption: "What was chosen", Note: "Each is an entry of the ledger. The first counts.", Columns: []web.Column{{Label: "Choice", Kind: web.NumberColumn}, {Label: "Recipe"}, {Label: "By"}, {Label: "When"}, {Label: "Why"}}}
	for _, c := range all {
		t.Rows = append(t.Rows, web.Row{Cells: web.Cells(c.Number, recipeWords(c.Recipe), c.By, c.At, c.Reason)})
	}
	return t
}

func earlierTable(all []tunedb.Tuning) *web.Table {
	t := &web.Table{ID: "tunings", Caption: "Trials", Columns: []web.Column{{Label: "Asked for"}, {Label: "By"}, {Label: "State"}, {Label: "Recipes", Kind: web.NumberColumn}, {Label: "What came of it"}}}
	for _, one := range all {
		came := one.Why
		if one.State == tunedb.Done {
			came = one.Report.Words()
		}
		t.Rows = append(t.Rows, web.Row{Cells: web.Cells(one.AskedAt, one.AskedBy, web.Badge{Text: string(one.State)}, one.Tried, came)})
	}
	return t
}

// start asks for a trial; while one is under way it changes nothing.
func (c *tuning) start(w http.ResponseWriter, r *http.Request) {
	if _, err := c.tunings.Start(r.Context(), web.VisitorFrom(r.Context()).Staff); err != nil && !errors.Is(err, thimble.ErrConflict) {
		c.Fail(w, r, err)
		return
	}
	http.Redirect(w, r, tuningPath+"?done=asked", http.StatusSeeOther)
}

func (c *tuning) choose(w http.ResponseWriter, r *http.Request) {
	id, recipe, problems, err := c.chosen(r)
	reason := strings.TrimSpace(r.PostFormValue("reason"))
	if len(reason) < 10 || len(reason) > 500 {
		problems = append(problems, web.FieldProblem{Field: "reason", Detail: "Write 10 to 500 characters about why."})
	}
	if r.PostFormValue("sure") == "" {
		problems = append(problems, web.FieldProblem{Field: "sure", Detail: "Say that it is what you want."})
	}
	if err == nil && len(problems) > 0 {
		c.show(w, r, http.StatusUnprocessableEntity, problems)
		return
	}
	if err == nil {
		_, err = c.tunings.Choose(r.Context(), id, recipe, web.VisitorFrom(r.Context()).Staff, reason)
	}
	if err != nil {
		c.Fail(w, r, err)
		return
	}
	http.Redirect(w, r, tuningPath+"?done=chosen", http.StatusSeeOther)
}

// chosen is which recipe of which trial a form names.
func (c *tuning) chosen(r *http.Request) (id thimble.ID, recipe recommend.Recipe, problems []web.FieldProblem, err error) {
	wanted := r.PostFormValue("recipe")
	if wanted == "ships" {
		return id, recommend.DefaultRecipe(), nil, nil
	}
	if id, err = thimble.ParseID(tunedb.TuningPrefix, r.PostFormValue("tuning")); err != nil {
		return id, recipe, nil, fmt.Errorf("recommendweb: the form names no trial: %w", thimble.ErrNotFound)
	}
	all, err := c.tunings.List(r.Context(), shownTuning)
	if err != nil {
		return id, recipe, nil, err
	}
	i := slices.IndexFunc(all, func(t tunedb.Tuning) bool { return t.ID == id })
	if i < 0 {
		return id, recipe, nil, fmt.Errorf("recommendweb: trial %s: %w", id.Token(tunedb.TuningPrefix), thimble.ErrNotFound)
	}
	n, err := strconv.Atoi(wanted)
	if err != nil || n < 1 || n > len(all[i].Report.Points) {
		return id, recipe, []web.FieldProblem{{Field: "recipe", Detail: "Choose one of the list."}}, nil
	}
	return id, all[i].Report.Points[n-1].Recipe, nil, nil
}
