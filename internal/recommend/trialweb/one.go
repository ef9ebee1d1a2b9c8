package trialweb

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"strings"

	"thimble"
	"thimble/internal/recommend/trial"
	"thimble/internal/recommend/trialdb"
	"thimble/internal/web"
)

type oneBody struct {
	Says    web.Callout
	Facts   []web.KeyValue
	Chart   *web.Chart
	Results *web.Table
	Groups  *web.Table
	Value   *web.Table
	Acts    web.Table
	Stop    *web.Form
}

func (d *desk) one(w http.ResponseWriter, r *http.Request, status int, failed *web.Form) {
	e, err := d.find(r)
	var acts []trialdb.Act
	if err == nil {
		acts, err = d.Trials.Acts(r.Context(), e.ID)
	}
	if err != nil {
		d.Fail(w, r, err)
		return
	}
	body := oneBody{Facts: facts(e), Acts: actsTable(acts)}
	if e.Groups == nil {
		body.Says = web.Callout{Tone: web.Info, Title: "Being counted", Text: "Somebody joined, left or changed what they permit, or nothing was counted yet. Figures are made afresh from those who permit it now, within the hour."}
	} else {
		res := e.Design.Judge(e.Groups, e.Ran(d.Now()))
		body.results(e, res)
		if body.Value, err = d.value(r, e, res); err != nil {
			d.Fail(w, r, err)
			return
		}
	}
	if e.Running(d.Now()) {
		form := stopForm(e)
		body.Stop = &form
		if failed != nil {
			body.Stop = failed
		}
	}
	d.Render(w, r, status, d.pages, "experiment.html", web.Page{Title: e.Design.Name, Lead: lead(e), Body: body,
		Crumbs: []web.Crumb{{Label: "Experiments", Href: Path}, {Label: e.Design.Name}}})
}

func (d *desk) find(r *http.Request) (trial.Experiment, error) {
	id, err := thimble.ParseID(trial.TokenPrefix, r.PathValue("experiment"))
	if err != nil {
		return trial.Experiment{}, fmt.Errorf("trial: no such experiment: %w", thimble.ErrNotFound)
	}
	return d.Trials.Get(r.Context(), id)
}

func lead(e trial.Experiment) string {
	names := make([]string, len(e.Design.Variants))
	for i, v := range e.Design.Variants {
		names[i] = v.Name
	}
	return "Compares " + strings.Join(names, " with ") + " by " + e.Design.Primary.Words() + "."
}

func facts(e trial.Experiment) []web.KeyValue {
	d := e.Design
	all := []web.KeyValue{
		{Key: "Where", Value: strings.Join(d.Placements, ", ")}, {Key: "Started", Value: e.Started},
		{Key: "Each person is looked at for", Value: web.Plural(d.Window, "day", "days"), Sub: "from their first list; orders have one more day to arrive"},
		{Key: "Concluded not before", Value: fmt.Sprintf("day %d, and %d people of each group", d.MinDays, d.MinPeople)},
	}
	if e.Ended.IsZero() {
		all = append(all, web.KeyValue{Key: "Ends by itself", Value: e.Until()})
	} else {
		all = append(all, web.KeyValue{Key: "Ended", Value: e.Ended})
	}
	if d.CapMinor > 0 {
		all = append(all, web.KeyValue{Key: "One person’s revenue counts at most", Value: thimble.Money{Minor: d.CapMinor, Currency: d.Currency}})
	}
	if !e.Counted.IsZero() {
		all = append(all, web.KeyValue{Key: "Counted", Value: e.Counted})
	}
	return all
}

func (b *oneBody) results(e trial.Experiment, res trial.Result) {
	d := e.Design
	first := res.Compared[0]
	verdict := res.Verdict(d, first)
	name := d.Variants[first.Variant].Name
	switch {
	case res.Uneven > trial.UnevenAt:
		b.Says = web.Callout{Tone: web.Bad, Title: "The groups are uneven", Text: res.Early}
	case res.Early != "":
		b.Says = web.Callout{Tone: web.Info, Title: "Not concluded yet", Text: res.Early + " The interval below holds all the same, at every look."}
	default:
		tone := map[string]web.Tone{"better": web.Good, "worse": web.Bad}[verdict]
		b.Says = web.Callout{Tone: tone, Title: name + ": " + verdict, Text: "Against " + d.Variants[0].Name + ", by " + d.Primary.Words() + ". The interval held at every look; looking often made no error likelier."}
	}
	t := web.Table{ID: "results", Caption: "Differences", Scroll: true, Note: fmt.Sprintf("Intervals hold with a chance of %.0f %% for all variants and all looks together, each measure for itself.", 100*(1-trial.Alpha)),
		Columns: []web.Column{{Label: "Measure"}, {Label: "Variant"}, {Label: d.Variants[0].Name, Kind: web.NumberColumn}, {Label: "The variant", Kind: web.NumberColumn}, {Label: "Difference", Kind: web.NumberColumn}, {Label: "From", Kind: web.NumberColumn}, {Label: "To", Kind: web.NumberColumn}, {Label: "Says"}}}
	chart := web.Chart{ID: "differences", Title: "Differences, relative", Unit: "%", XLabel: "Measure", Kind: web.LineChart, Small: true, Finding: "How much more the variant has than " + d.Variants[0].Name + ", in per cent of that, from low to high. An interval over 0 says no difference."}
	series := web.Series{Label: "Difference"}
	for _, c := range res.Compared {
		m := c.Measure
		says := res.Verdict(d, c)
		t.Rows = append(t.Rows, web.Row{Cells: web.Cells(m.Words(), d.Variants[c.Variant].Name, amount(d, m, c.A), amount(d, m, c.B), amount(d, m, c.Interval.Diff), amount(d, m, c.Interval.Low), amount(d, m, c.Interval.High), says)})
		chart.Labels = append(chart.Labels, d.Variants[c.Variant].Name+": "+m.Words())
		scale := 100 / c.A
		series.Values, series.Low, series.High = append(series.Values, percent(c.Interval.Diff*scale)), append(series.Low, percent(c.Interval.Low*scale)), append(series.High, percent(c.Interval.High*scale))
	}
	chart.Series = []web.Series{series}
	b.Results, b.Chart = &t, &chart
	b.Groups = groupsTable(d, res)
}

func percent(v float64) float64 {
	if math.IsInf(v, 0) {
		return math.NaN()
	}
	return math.Round(10*v) / 10
}

func groupsTable(d trial.Design, res trial.Result) *web.Table {
	t := &web.Table{ID: "groups", Caption: "Groups", Columns: []web.Column{{Label: "Variant"}, {Label: "Sees"}, {Label: "Share", Kind: web.NumberColumn}, {Label: "People", Kind: web.NumberColumn}, {Label: "Whose days are over", Kind: web.NumberColumn}, {Label: "Standard deviation", Kind: web.NumberColumn}},
		Note: "The standard deviation of " + d.Primary.Words() + ", of one person: it plans the next experiment. Sizes are checked against their shares at every look."}
	for i, v := range d.Variants {
		s := res.Groups[i].Sums[d.Primary]
		sd := math.Sqrt(s.Variance() * float64(s.N))
		t.Rows = append(t.Rows, web.Row{Cells: web.Cells(v.Name, strings.TrimPrefix(v.Words(), "you were in the group that saw "), fmt.Sprintf("%.2f %%", float64(v.Share)/100), res.Groups[i].Assigned, s.N, amount(d, d.Primary, sd))})
	}
	return t
}

func stopped(err error, e trial.Experiment) (*web.Form, bool) {
	fault, ok := errors.AsType[*trial.Fault](err)
	if !ok {
		return nil, false
	}
	form := stopForm(e).Explain(web.FieldProblem{Field: fault.Field, Detail: fault.Rule})
	return &form, true
}

func stopForm(e trial.Experiment) web.Form {
	return web.Form{ID: "stop", Action: href(e.ID) + "/stop", Legend: "Stop early", Submit: "Stop the experiment", Danger: true,
		Intro:  "Everybody sees the list as it is from then on. Whose days are not over is not counted.",
		Fields: []web.Field{{Name: "reason", Label: "Why", Required: true, MaxLength: 500, Hint: "The ledger keeps it."}}}
}

func (d *desk) stop(w http.ResponseWriter, r *http.Request) {
	e, err := d.find(r)
	if err != nil {
		d.Fail(w, r, err)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 1<<14)
	if err := r.ParseForm(); err != nil {
		d.Fail(w, r, fmt.Errorf("trial: reading the form: %w", thimble.ErrInvalid))
		return
	}
	err = d.Trials.Stop(r.Context(), e.ID, staffOf(r), strings.TrimSpace(r.PostForm.Get("reason")))
	if form, ok := stopped(err, e); ok {
		d.one(w, r, http.StatusUnprocessableEntity, form)
		return
	}
	if err != nil {
		d.Fail(w, r, err)
		return
	}
	http.Redirect(w, r, href(e.ID), http.StatusSeeOther)
}

func actsTable(acts []trialdb.Act) web.Table {
	t := web.Table{ID: "acts", Caption: "What was done", Note: "Each is a leaf of the ledger, with the whole design.", Columns: []web.Column{{Label: "When"}, {Label: "What"}, {Label: "By"}, {Label: "Why"}}}
	words := map[string]string{trialdb.Start: "started", trialdb.Stop: "stopped early", trialdb.End: "ended"}
	for _, a := range acts {
		by := a.Staff
		if by == "" {
			by = "the program"
		}
		t.Rows = append(t.Rows, web.Row{Cells: web.Cells(a.At, words[a.Act], by, a.Reason)})
	}
	return t
}
