package trialweb

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/recommend/trial"
	"thimble/internal/recommend/trialdb"
	"thimble/internal/registry"
	"thimble/internal/registry/registrydb"
	"thimble/internal/web"
	"thimble/internal/web/webtest"
)

var now = time.Date(2026, 6, 30, 12, 0, 0, 0, time.UTC)

// An office has experiments in memory.
type office struct {
	all      []trial.Experiment
	acts     []trialdb.Act
	days     []trialdb.Line
	versions []registrydb.Version
	taken    []string // placements where another runs
}

func (o *office) Start(_ context.Context, d trial.Design, by, reason string) (thimble.ID, error) {
	if err := d.Check(); err != nil {
		return thimble.ID{}, err
	}
	if reason == "" {
		return thimble.ID{}, &trial.Fault{Field: "reason", Rule: "1 to 500 bytes were expected"}
	}
	if slices.ContainsFunc(d.Placements, func(p string) bool { return slices.Contains(o.taken, p) }) {
		return thimble.ID{}, fmt.Errorf("another runs: %w", thimble.ErrConflict)
	}
	e := trial.Experiment{ID: thimble.ID{byte(len(o.all) + 1)}, Design: d, Started: now}
	o.all, o.acts = append(o.all, e), append(o.acts, trialdb.Act{Trial: e.ID, Act: trialdb.Start, Staff: by, Reason: reason, At: now})
	return e.ID, nil
}

func (o *office) Stop(_ context.Context, id thimble.ID, by, reason string) error {
	if reason == "" {
		return &trial.Fault{Field: "reason", Rule: "1 to 500 bytes were expected"}
	}
	for i := range o.all {
		if o.all[i].ID == id {
			o.all[i].Ended = now
			o.acts = append(o.acts, trialdb.Act{Trial: id, Act: trialdb.Stop, Staff: by, Reason: reason, At: now})
			return nil
		}
	}
	return thimble.ErrNotFound
}

func (o *office) List(context.Context, int) ([]trial.Experiment, error) { return o.all, nil }

func (o *office) Get(_ context.Context, id thimble.ID) (trial.Experiment, error) {
	for _, e := range o.all {
		if e.ID == id {
			return e, nil
		}
	}
	return trial.Experiment{}, thimble.ErrNotFound
}

func (o *office) Acts(context.Context, thimble.ID) ([]trialdb.Act, error)    { return o.acts, nil }
func (o *office) Days(context.Context, time.Time) ([]trialdb.Line, error)    { return o.days, nil }
func (o *office) Kept(context.Context, string) ([]registrydb.Version, error) { return o.versions, nil }
func (o *office) choices(context.Context) (permit, refuse int64, err error)  { return 700, 300, nil }
func (o *office) versionList(context.Context, string) []registrydb.Version   { return o.versions }

// A shelf has the list of versions under the name that the pages ask for.
type shelf struct{ *office }

func (s shelf) List(ctx context.Context, model string, _ int) ([]registrydb.Version, error) {
	return s.versionList(ctx, model), nil
}

func (o *office) config() Config {
	return Config{Trials: o, Versions: shelf{o}, Model: "item-item", Choices: o.choices, Now: func() time.Time { return now }}
}

// pages serves the section.
func (o *office) pages(t *testing.T) func(method, path string, form url.Values) *httptest.ResponseRecorder {
	t.Helper()
	kit, err := web.New(web.Config{})
	if err != nil {
		t.Fatal(err)
	}
	section, err := Console(kit, o.config())
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	section.Mount(mux, &web.Frame{Kit: kit, Wrap: func(_ *http.Request, p web.Page) web.Page { p.Layout = web.Console; return p }})
	return func(method, path string, form url.Values) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r.WithContext(web.WithVisitor(r.Context(), web.Visitor{Staff: "mia"})))
		if w.Code < 300 {
			webtest.Check(t, w.Body.String())
		}
		return w
	}
}

func says(t *testing.T, what, body string, all ...string) {
	t.Helper()
	for _, text := range all {
		if !strings.Contains(body, text) {
			t.Errorf("%s lacks %q", what, text)
		}
	}
}

// holdout compares personal lists with the popular one.
func holdout() trial.Design {
	return trial.Design{
		Name: "what lists bring", Placements: []string{"home"}, Primary: trial.Revenue, Guards: []trial.Measure{trial.Clicks}, Window: 7, MinDays: 14, MaxDays: 60, MinPeople: 100, CapMinor: 50_000, Currency: "GBP",
		Variants: []trial.Variant{{Name: "popular list", Serve: trial.Popular, Share: 1000}, {Name: "personal list", Serve: trial.Champion, Share: 9000}},
	}
}

// group is so many people of a variant who spend about so much each.
func group(variant, people int, pence int64) (g trial.Group) {
	for i := range people {
		g.Count(trial.Person{Variant: variant, At: now, Shown: 10, Clicked: int64(i % 3), Closed: true, Orders: 1, Revenue: pence + int64(i%7)*10}, 50_000)
	}
	return g
}

func form() url.Values {
	return url.Values{"name": {"The challenger"}, "compares": {tryChallenger}, "placements": {"home basket"}, "share": {"10"}, "control": {"50"}, "primary": {string(trial.Revenue)}, "guards": {string(trial.Clicks)},
		"cap": {"500"}, "currency": {"gbp"}, "window": {"7"}, "min_days": {"14"}, "max_days": {"60"}, "min_people": {"1000"}, "reason": {"to see whether it is better"}}
}

func TestAnExperimentIsStartedByTheFormAndWhatIsWrongStandsBesideItsField(t *testing.T) {
	o := &office{}
	do := o.pages(t)
	says(t, "the list before", do("GET", Path, nil).Body.String(), "Nothing was tried yet")
	says(t, "the form", do("GET", newPath, nil).Body.String(), "All of this is fixed when it starts")
	for name, c := range map[string]struct{ field, value, says string }{
		"no name":                {"name", "", "bytes of text were expected"},
		"a place that is none":   {"placements", "HOME", "a lower-case word"},
		"too many see the other": {"share", "60", ""},
		"no number":              {"share", "ten", ""},
		"too few days":           {"min_days", "0", ""},
		"too few people":         {"min_people", "99", "at least 100 in each group"},
		"no reason":              {"reason", "", "1 to 500 bytes were expected"},
		"no currency":            {"currency", "", ""},
	} {
		f := form()
		f.Set(c.field, c.value)
		w := do("POST", Path, f)
		if w.Code != http.StatusUnprocessableEntity || len(o.all) != 0 {
			t.Errorf("%s: %d, %d experiments", name, w.Code, len(o.all))
		}
		says(t, name, w.Body.String(), c.says, `aria-invalid="true"`, f.Get("reason"))
	}
	if t.Failed() {
		return
	}
	w := do("POST", Path, form())
	if w.Code != http.StatusSeeOther || len(o.all) != 1 || w.Header().Get("Location") != href(o.all[0].ID) {
		t.Fatalf("started: %d to %q", w.Code, w.Header().Get("Location"))
	}
	if d := o.all[0].Design; d.Variants[1].Serve != trial.Challenger || d.Variants[1].Share != 1000 || d.Variants[0].Share != 5000 || d.CapMinor != 50_000 || d.Currency != "GBP" || len(d.Placements) != 2 {
		t.Errorf("the design: %+v", d)
	}
	o.taken = []string{"basket"}
	w = do("POST", Path, form())
	says(t, "where another runs", w.Body.String(), "another experiment runs at one of these")
	if w.Code != http.StatusUnprocessableEntity {
		t.Errorf("where another runs: %d", w.Code)
	}
	says(t, "the list", do("GET", Path, nil).Body.String(), "The challenger", "running", "home, basket", "being counted")
}

func TestTheFormOfAHoldoutComparesWithThePopularListAndThatOfLotsDraws(t *testing.T) {
	o := &office{}
	do := o.pages(t)
	f := form()
	f.Set("compares", tryHoldout)
	if w := do("POST", Path, f); w.Code != http.StatusSeeOther {
		t.Fatalf("a holdout: %d %s", w.Code, w.Body)
	}
	if v := o.all[0].Design.Variants; v[0].Serve != trial.Popular || v[0].Share != 1000 || v[1].Serve != trial.Champion || v[1].Share != 5000 {
		t.Errorf("a holdout: %+v", v)
	}
	f.Set("compares", tryLots)
	if w := do("POST", Path, f); w.Code != http.StatusSeeOther {
		t.Fatalf("lots: %d", w.Code)
	}
	if v := o.all[1].Design.Variants; v[1].Explore == nil || v[1].Serve != trial.Champion {
		t.Errorf("lots: %+v", v)
	}
}

func TestAnExperimentThatMayNotBeConcludedYetSaysWhyAndShowsItsIntervals(t *testing.T) {
	o := &office{all: []trial.Experiment{{ID: thimble.ID{1}, Design: holdout(), Started: now.AddDate(0, 0, -5), Counted: now, Groups: []trial.Group{group(0, 200, 1000), group(1, 1800, 1500)}}}}
	do := o.pages(t)
	page := do("GET", href(thimble.ID{1}), nil).Body.String()
	says(t, "a young one", page, "Not concluded yet", "Nothing is concluded before day 14", "Differences", "Stop early")
	rows := webtest.Select(t, page, "#results tbody tr")
	if len(rows) != 2 || !strings.Contains(rows[0], "£") {
		t.Errorf("the differences: %q, want the measure and its guard", rows)
	}

	o.all[0].Started = now.AddDate(0, 0, -30)
	page = do("GET", href(thimble.ID{1}), nil).Body.String()
	says(t, "a grown one", page, "personal list: better", "The interval held at every look", "What personal lists bring", "What refusals cost", "300", "It is no reason to ask them again")
	if value := webtest.Select(t, page, "#value tbody tr"); len(value) != 3 || !strings.Contains(value[2], "nobody has measured it") {
		t.Errorf("what it is worth: %q, want one person, who permits and who refuses, each with what it assumes", value)
	}

	o.all[0].Groups = []trial.Group{group(0, 1500, 1000), group(1, 1500, 1500)} // drawn one to nine
	says(t, "one of uneven groups", do("GET", href(thimble.ID{1}), nil).Body.String(), "The groups are uneven")

	o.all[0].Groups = nil
	page = do("GET", href(thimble.ID{1}), nil).Body.String()
	says(t, "one to be counted afresh", page, "Being counted")
	if strings.Contains(page, `id="results"`) {
		t.Error("figures are shown although somebody has left since they were counted")
	}
	if w := do("GET", Path+"/nothing", nil); w.Code != http.StatusNotFound {
		t.Errorf("an address that names none: %d", w.Code)
	}
}

func TestAnExperimentIsStoppedOnceAndWithAReason(t *testing.T) {
	o := &office{all: []trial.Experiment{{ID: thimble.ID{1}, Design: holdout(), Started: now.AddDate(0, 0, -5)}}}
	do := o.pages(t)
	if w := do("POST", href(thimble.ID{1})+"/stop", url.Values{"reason": {"  "}}); w.Code != http.StatusUnprocessableEntity || !o.all[0].Ended.IsZero() || !strings.Contains(w.Body.String(), "1 to 500 bytes") {
		t.Errorf("without a reason: %d, ended %v", w.Code, o.all[0].Ended)
	}
	if w := do("POST", href(thimble.ID{1})+"/stop", url.Values{"reason": {"the shop closes"}}); w.Code != http.StatusSeeOther || o.all[0].Ended.IsZero() {
		t.Errorf("with one: %d", w.Code)
	}
	page := do("GET", href(thimble.ID{1}), nil).Body.String()
	says(t, "when it has ended", page, "stopped early", "mia", "the shop closes", "Ended")
	if strings.Contains(page, "Stop the experiment") {
		t.Error("what has ended can be stopped again")
	}
	if got := Proofs(); len(got) != 2 || !strings.HasPrefix(got[0], "POST ") || !strings.HasSuffix(got[1], "/stop") {
		t.Errorf("a fresh proof is asked for at %v, want for starting and stopping", got)
	}
}

func TestThePlannerSaysWhatIsFoundOrWhatIsMissing(t *testing.T) {
	do := (&office{}).pages(t)
	for query, want := range map[string]string{
		"?kind=share&mean=5":        "What is found",
		"?kind=share&mean=100":      "A share is below 100",
		"?kind=share&mean=NaN":      "",
		"?kind=share&mean=-1":       "a number above 0",
		"?kind=sum&mean=20":         "standard deviation is needed",
		"?kind=sum&mean=20&sd=Inf":  "standard deviation is needed",
		"?kind=sum&mean=20&sd=35.5": "What is found",
	} {
		w := do("GET", newPath+query, nil)
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d without %q", query, w.Code, want)
		}
		if strings.Contains(w.Body.String(), "NaN") && !strings.Contains(query, "NaN") {
			t.Errorf("%s shows what is no number", query)
		}
	}
	less, more := smallest(t, do("GET", newPath+"?kind=share&mean=5", nil).Body.String())
	if !(less > more) {
		t.Errorf("of 500 people each %v is found, of 100,000 %v: want less with more people", less, more)
	}
}

// smallest reads the first and the last difference that the plan says is found.
func smallest(t *testing.T, page string) (first, last float64) {
	t.Helper()
	cells := webtest.Select(t, page, "#plan tbody tr td:nth-child(2)")
	if len(cells) < 2 {
		t.Fatalf("the plan has %q", cells)
	}
	if _, err := fmt.Sscanf(cells[0], "%f", &first); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscanf(cells[len(cells)-1], "%f", &last); err != nil {
		t.Fatal(err)
	}
	return first, last
}

// worn is a version whose card says how much it found of what it had not seen.
func worn(number int64, stage registry.Stage, recall float64) registrydb.Version {
	return registrydb.Version{Model: "item-item", Number: number, Stage: stage, MadeAt: now, Card: registry.Card{Metrics: []registry.Metric{{Name: heldOutMeasure, Value: recall}, {Name: heldOutPeople, Value: 20_000}}}}
}

func TestAFallOfTheQualityRingsAndNamesTheVersionToGoBackTo(t *testing.T) {
	o := &office{}
	do := o.pages(t)
	page := do("GET", QualityPath, nil).Body.String()
	says(t, "with nothing counted", page, "No alarm", "Nothing was counted yet", "No version yet")
	if tiles, err := Tiles(o.config())(t.Context()); err != nil || len(tiles) != 0 {
		t.Errorf("without a fall the overview has %v, %v", tiles, err)
	}

	day := func(ago, shown, clicked int64) trialdb.Line {
		return trialdb.Line{Model: 2, Day: trial.Day{Day: now.Truncate(24*time.Hour).AddDate(0, 0, -int(ago)), Shown: shown, Clicked: clicked}}
	}
	for ago := int64(35); ago > 7; ago-- {
		o.days = append(o.days, day(ago, 1000, 98+ago%5))
	}
	for ago := int64(7); ago > 0; ago-- {
		o.days = append(o.days, day(ago, 1000, 40))
	}
	o.versions = []registrydb.Version{{Number: 2, Stage: registry.Champion, MadeAt: now}, {Number: 1, Stage: registry.Retired, MadeAt: now}}
	a, err := o.config().Watch(t.Context())
	if err != nil || !a.Rang || a.Back != 1 {
		t.Fatalf("%+v, %v", a, err)
	}
	says(t, "the page", do("GET", QualityPath, nil).Body.String(), "The quality of lists fell", "version 1 can serve again", "v2")
	tiles, err := Tiles(o.config())(t.Context())
	if err != nil || len(tiles) != 1 || tiles[0].Value != "fell" || tiles[0].Href != QualityPath {
		t.Errorf("the overview: %+v, %v", tiles, err)
	}

	o.days, o.versions = nil, []registrydb.Version{worn(4, registry.Champion, .10), worn(3, registry.Retired, .15)}
	if a, err := o.config().Watch(t.Context()); err != nil || !a.Rang || a.Back != 3 || !strings.Contains(a.Words, "10.00 %") {
		t.Errorf("a version that was measured worse: %+v, %v", a, err)
	}
	o.versions = []registrydb.Version{worn(4, registry.Champion, .1499), worn(3, registry.Retired, .15)}
	if a, err := o.config().Watch(t.Context()); err != nil || a.Rang {
		t.Errorf("one that differs by chance: %+v, %v", a, err)
	}
	o.versions = []registrydb.Version{worn(4, registry.Champion, .10)}
	if a, err := o.config().Watch(t.Context()); err != nil || a.Rang || a.Back != 0 {
		t.Errorf("with none to go back to: %+v, %v", a, err)
	}
}
