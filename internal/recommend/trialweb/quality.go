package trialweb

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"time"

	"thimble/internal/recommend/trial"
	"thimble/internal/recommend/trialdb"
	"thimble/internal/registry"
	"thimble/internal/registry/registrydb"
	"thimble/internal/web"
)

// qualityDays is how far back the page looks.
const qualityDays = 90

// heldOutMeasure is the measure that versions are compared by, and heldOutPeople how many
// it was measured on, as their cards have them.
const (
	heldOutMeasure = "recall@20"
	heldOutPeople  = "people measured"
)

// An Alarm is a drop of quality, and what to do about it.
type Alarm struct {
	Rang  bool
	Words string
	Back  int64 // the version to go back to; 0 for none
}

// Watch looks for a drop of the live rate, and of what the version that serves was measured
// at before it served.
func (c Config) Watch(ctx context.Context) (a Alarm, err error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	lines, err := c.Trials.Days(ctx, c.Now().AddDate(0, 0, -trial.WatchDays-1))
	if err != nil {
		return a, err
	}
	kept, err := c.Versions.Kept(ctx, c.Model)
	if err != nil {
		return a, err
	}
	drop := trial.Watch(trialdb.Personal(lines), c.Now())
	a.Words = drop.Words()
	a.Rang = drop.Fell
	var now, before registrydb.Version
	for _, v := range kept {
		switch {
		case v.Serving():
			now = v
		case v.Stage == registry.Retired && before.Number == 0:
			before = v
		}
	}
	if was, n, ok := measured(before); ok {
		if is, m, ok := measured(now); ok && trial.Worse(was, n, is, m) {
			a.Rang, a.Words = true, fmt.Sprintf("Version %d found %.2f %% of what people bought last, and version %d before it %.2f %%: more than chance. %s", now.Number, 100*is, before.Number, 100*was, a.Words)
		}
	}
	if a.Rang {
		a.Back = before.Number
	}
	return a, nil
}

// measured reads from a card how well a version did on orders that it had not seen.
func measured(v registrydb.Version) (value float64, people int, ok bool) {
	for _, m := range v.Card.Metrics {
		switch m.Name {
		case heldOutMeasure:
			value, ok = m.Value, true
		case heldOutPeople:
			people = int(m.Value)
		}
	}
	return value, people, ok
}

// Tiles tells of a drop on the overview; without one there is no tile.
func Tiles(c Config) func(context.Context) ([]web.Stat, error) {
	return func(ctx context.Context) ([]web.Stat, error) {
		a, err := c.Watch(ctx)
		if err != nil || !a.Rang {
			return nil, err
		}
		return []web.Stat{{Label: "Quality of lists", Value: "fell", Trend: web.Bad, Note: a.advice(), Href: QualityPath}}, nil
	}
}

func (a Alarm) advice() string {
	if a.Back == 0 {
		return "no version is kept to go back to"
	}
	return fmt.Sprintf("version %d can serve again", a.Back)
}

type qualityBody struct {
	Alarm    web.Callout
	Chart    web.Chart
	Versions web.Table
	Lists    web.Table
}

func (d *desk) quality(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	lines, err := d.Trials.Days(ctx, d.Now().AddDate(0, 0, -qualityDays))
	var alarm Alarm
	if err == nil {
		alarm, err = d.Watch(ctx)
	}
	var versions []registrydb.Version
	if err == nil {
		versions, err = d.Versions.List(ctx, d.Model, 20)
	}
	if err != nil {
		d.Fail(w, r, err)
		return
	}
	body := qualityBody{Alarm: web.Callout{Tone: web.Neutral, Title: "No alarm", Text: alarm.Words}, Chart: rates(lines), Versions: cards(versions), Lists: byVersion(lines)}
	if alarm.Rang {
		body.Alarm = web.Callout{Tone: web.Bad, Title: "The quality of lists fell", Text: alarm.Words + " Look at what changed; " + alarm.advice() + ".", Action: &web.Action{Label: "Versions", Href: "/console/models"}}
	}
	d.Render(w, r, http.StatusOK, d.pages, "quality.html", web.Page{Title: "Quality over time", Lead: "What the cards of versions say, and what came of their lists.", Body: body,
		Crumbs: []web.Crumb{{Label: "Recommendations", Href: "/console/recommendations"}, {Label: "Quality"}}})
}

func rates(lines []trialdb.Line) web.Chart {
	c := web.Chart{ID: "rates", Title: "Live rates of personal lists", Unit: "%", Finding: "Clicks, baskets and purchases per hundred personal lists shown, by day. Only people count who permit it."}
	all := []web.Series{{Label: "Clicked"}, {Label: "Added"}, {Label: "Bought"}}
	for _, day := range trialdb.Personal(lines) {
		c.Times = append(c.Times, day.Day)
		for i, n := range []int64{day.Clicked, day.Added, day.Bought} {
			v := math.NaN()
			if day.Shown > 0 {
				v = math.Round(1000*float64(n)/float64(day.Shown)) / 10
			}
			all[i].Values = append(all[i].Values, v)
		}
	}
	c.Series = all
	return c
}

func cards(versions []registrydb.Version) web.Table {
	t := web.Table{ID: "versions", Caption: "Before they served", Note: "From the cards of the versions. One whose card has no figure was not measured on orders that it had not seen.",
		Columns: []web.Column{{Label: "Version"}, {Label: "Stage"}, {Label: "Made"}, {Label: "Recall of 20", Kind: web.NumberColumn}, {Label: "NDCG of 20", Kind: web.NumberColumn}, {Label: "Coverage", Kind: web.NumberColumn}, {Label: "People", Kind: web.NumberColumn}},
		Empty:   &web.Empty{Icon: "spark", Title: "No version yet", Text: "Train the recommender first.", Action: &web.Action{Label: "Recommendations", Href: "/console/recommendations"}}}
	for _, v := range versions {
		found := map[string]string{}
		for _, m := range v.Card.Metrics {
			found[m.Name] = fmt.Sprintf("%.4f", m.Value)
			if m.Name == heldOutPeople {
				found[m.Name] = web.Text(int64(m.Value))
			}
		}
		say := func(name string) string {
			if s, ok := found[name]; ok {
				return s
			}
			return "–"
		}
		t.Rows = append(t.Rows, web.Row{Cells: web.Cells(fmt.Sprintf("v%d", v.Number), web.Badge{Text: string(v.Stage)}, v.MadeAt, say(heldOutMeasure), say("ndcg@20"), say("coverage@20"), say(heldOutPeople))})
	}
	return t
}

// byVersion sums what came of lists by version.
func byVersion(lines []trialdb.Line) web.Table {
	t := web.Table{ID: "lists", Caption: fmt.Sprintf("What came of lists in %d days", qualityDays), Note: "The popular list is counted where people saw it in a group of an experiment, and where its clicks were reported.",
		Columns: []web.Column{{Label: "Version"}, {Label: "Shown", Kind: web.NumberColumn}, {Label: "Clicked", Kind: web.NumberColumn}, {Label: "Added", Kind: web.NumberColumn}, {Label: "Bought", Kind: web.NumberColumn}, {Label: "Returned", Kind: web.NumberColumn}},
		Empty:   &web.Empty{Icon: "list", Title: "Nothing was counted yet", Text: "Lists are counted for people who permit analytics. The shop reports clicks to POST /v1/recommendations/feedback."}}
	sums, order := map[int64]trial.Day{}, []int64{}
	for _, l := range lines {
		s, seen := sums[l.Model]
		if !seen {
			order = append(order, l.Model)
		}
		s.Shown, s.Clicked, s.Added, s.Bought, s.Returned = s.Shown+l.Shown, s.Clicked+l.Clicked, s.Added+l.Added, s.Bought+l.Bought, s.Returned+l.Returned
		sums[l.Model] = s
	}
	for _, model := range order {
		name := "popular list"
		if model > 0 {
			name = fmt.Sprintf("v%d", model)
		}
		s := sums[model]
		t.Rows = append(t.Rows, web.Row{Cells: web.Cells(name, s.Shown, s.Clicked, s.Added, s.Bought, s.Returned)})
	}
	return t
}
