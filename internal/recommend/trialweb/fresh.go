package trialweb

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"thimble"
	"thimble/internal/recommend/trial"
	"thimble/internal/web"
)

type freshBody struct {
	Form    web.Form
	Planner web.Form
	Plan    *web.Table
}

// What a new experiment compares.
const (
	tryChallenger = "challenger"
	tryHoldout    = "holdout"
	tryLots       = "lots"
)

func freshForm() web.Form {
	var measures []web.Option
	for _, m := range trial.Measures() {
		measures = append(measures, web.Option{Value: string(m), Label: m.Words()})
	}
	return web.Form{
		ID: "experiment", Action: Path, Submit: "Start the experiment",
		Intro: "All of this is fixed when it starts, and is written to the ledger. People take part who permit personal lists and to be counted; everybody else sees what they see today.",
		Fields: []web.Field{
			{Name: "name", Label: "Name", Required: true, MaxLength: 80},
			{Name: "compares", Label: "What is compared", Kind: web.RadioField, Required: true, Value: tryChallenger, Options: []web.Option{
				{Value: tryChallenger, Label: "The challenger with the champion", Hint: "Of the registry. While there is no challenger both see the champion."},
				{Value: tryHoldout, Label: "Personal lists with the popular one", Hint: "What personal lists bring. At most 10 % see the popular list."},
				{Value: tryLots, Label: "A last entry drawn by lots with the list as it is", Hint: "What would be liked that the model does not rank first. The chance of each entry is in its decision."},
			}},
			{Name: "placements", Label: "Where", Required: true, Value: "shop-home", Hint: "Placements as the shop names them in its calls, with blanks between."},
			{Name: "share", Label: "How many see the other list, in per cent", Kind: web.NumberField, Required: true, Min: "0.01", Max: "50", Step: "0.01", Value: "10", Short: true},
			{Name: "control", Label: "How many are in the group it is compared with, in per cent", Kind: web.NumberField, Required: true, Min: "0.01", Max: "99.99", Step: "0.01", Value: "50", Short: true},
			{Name: "primary", Label: "By what", Kind: web.SelectField, Options: measures, Value: string(trial.Revenue), Required: true},
			{Name: "guards", Label: "What must not get worse", Kind: web.ChecksField, Options: measures, Values: []string{string(trial.Clicks)}},
			{Name: "cap", Label: "The most that one person’s revenue counts", Kind: web.NumberField, Min: "0.01", Step: "0.01", Value: "500", Short: true, Hint: "So that one large order decides nothing."},
			{Name: "currency", Label: "Currency", Value: "GBP", MaxLength: 3, Short: true},
			{Name: "window", Label: "Days for which each person is looked at", Kind: web.NumberField, Required: true, Min: "1", Max: "28", Value: "7", Short: true},
			{Name: "min_days", Label: "Nothing is concluded before day", Kind: web.NumberField, Required: true, Min: "1", Max: "180", Value: "14", Short: true},
			{Name: "max_days", Label: "It ends by itself on day", Kind: web.NumberField, Required: true, Min: "2", Max: "180", Value: "60", Short: true},
			{Name: "min_people", Label: "Nothing is concluded before so many people of each group have had their days", Kind: web.NumberField, Required: true, Min: "100", Value: "1000", Short: true},
			{Name: "reason", Label: "Why", Required: true, MaxLength: 500, Hint: "The ledger keeps it."},
		},
	}
}

func (d *desk) fresh(w http.ResponseWriter, r *http.Request, status int, failed *web.Form) {
	body := freshBody{Form: freshForm(), Planner: planner()}
	if failed != nil {
		body.Form = *failed
	}
	q := r.URL.Query()
	if q.Has("mean") {
		body.Planner = body.Planner.Fill(q)
		table, err := planned(q.Get("kind"), q.Get("mean"), q.Get("sd"))
		body.Plan = table
		if err != nil {
			body.Planner.Problem = err.Error()
		}
	}
	d.Render(w, r, status, d.pages, "experiment_new.html", web.Page{Title: "New experiment", Lead: "What is compared, on whom, and for how long.", Body: body,
		Crumbs: []web.Crumb{{Label: "Experiments", Href: Path}, {Label: "New"}}})
}

func planner() web.Form {
	return web.Form{ID: "planner", Method: "get", Action: newPath, Submit: "Plan", Intro: "How many people it takes. A difference is found in four of five experiments that have it.",
		Fields: []web.Field{
			{Name: "kind", Label: "What is measured", Kind: web.SelectField, Value: "share", Options: []web.Option{{Value: "share", Label: "a share, such as who bought, or clicks per list"}, {Value: "sum", Label: "a sum, such as revenue per person"}}},
			{Name: "mean", Label: "What it is today: the share in per cent, or the sum", Kind: web.NumberField, Required: true, Min: "0", Step: "any", Value: "5", Short: true},
			{Name: "sd", Label: "Of a sum: its standard deviation", Kind: web.NumberField, Min: "0", Step: "any", Short: true, Hint: "Of an experiment that has ended, its page says what it was."},
		}}
}

// planned is what experiments of several sizes find.
func planned(kind, meanText, sdText string) (*web.Table, error) {
	mean, err := strconv.ParseFloat(meanText, 64)
	if err != nil || mean <= 0 || math.IsInf(mean, 0) {
		return nil, errors.New("What it is today is a number above 0.")
	}
	unit := ""
	var sd float64
	if kind == "sum" {
		if sd, err = strconv.ParseFloat(sdText, 64); err != nil || sd <= 0 || math.IsInf(sd, 0) {
			return nil, errors.New("Of a sum its standard deviation is needed, a number above 0.")
		}
	} else {
		if mean >= 100 {
			return nil, errors.New("A share is below 100 %.")
		}
		unit, sd = " points", 100*math.Sqrt(mean/100*(1-mean/100))
	}
	t := &web.Table{ID: "plan", Caption: "What is found", Columns: []web.Column{{Label: "People in each group", Kind: web.NumberColumn}, {Label: "Smallest difference that is found", Kind: web.NumberColumn}, {Label: "Of what it is today", Kind: web.NumberColumn}},
		Note: "The interval holds at every look, and so it is wider than one that may be looked at once. Where one person has several lists, as with clicks, the difference found is somewhat larger than this says."}
	for _, n := range []int64{500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000} {
		diff := trial.Detectable(n, sd, trial.Alpha)
		t.Rows = append(t.Rows, web.Row{Cells: web.Cells(n, fmt.Sprintf("%.2f%s", diff, unit), fmt.Sprintf("%.1f %%", 100*diff/mean))})
	}
	return t, nil
}

func (d *desk) start(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 1<<14)
	if err := r.ParseForm(); err != nil {
		d.Fail(w, r, fmt.Errorf("trial: reading the form: %w", thimble.ErrInvalid))
		return
	}
	id, err := d.Trials.Start(r.Context(), designOf(r), staffOf(r), strings.TrimSpace(r.PostForm.Get("reason")))
	if err == nil {
		http.Redirect(w, r, href(id), http.StatusSeeOther)
		return
	}
	form := freshForm().Fill(r.PostForm)
	switch fault, ok := errors.AsType[*trial.Fault](err); {
	case ok:
		field := fieldOf(fault.Field)
		form = form.Explain(web.FieldProblem{Field: field, Detail: fault.Rule})
	case errors.Is(err, thimble.ErrConflict):
		form = form.Explain(web.FieldProblem{Field: "placements", Detail: "another experiment runs at one of these; one at a time does"})
	default:
		d.Fail(w, r, err)
		return
	}
	d.fresh(w, r, http.StatusUnprocessableEntity, &form)
}

func fieldOf(field string) string {
	if named, ok := map[string]string{"shares": "share", "variants": "compares", "explore": "compares", "measures": "guards"}[field]; ok {
		return named
	}
	return field
}

// designOf reads the form; what cannot be read becomes a number that no design may have.
func designOf(r *http.Request) trial.Design {
	f := r.PostForm
	whole := func(name string) int64 {
		n, err := strconv.ParseInt(strings.TrimSpace(f.Get(name)), 10, 64)
		if err != nil || n > math.MaxInt32 {
			return 0
		}
		return n
	}
	hundredths := func(name string) int64 {
		v, err := strconv.ParseFloat(strings.TrimSpace(f.Get(name)), 64)
		if err != nil || !(v > 0 && v < 1e9) {
			return 0
		}
		return int64(math.Round(v * 100))
	}
	d := trial.Design{
		Name: strings.TrimSpace(f.Get("name")), Placements: strings.Fields(f.Get("placements")), Primary: trial.Measure(f.Get("primary")),
		Window: int(whole("window")), MinDays: int(whole("min_days")), MaxDays: int(whole("max_days")), MinPeople: whole("min_people"),
	}
	for _, g := range f["guards"] {
		if m := trial.Measure(g); m != d.Primary {
			d.Guards = append(d.Guards, m)
		}
	}
	if slices.Contains(d.Measured(), trial.Revenue) {
		d.CapMinor, d.Currency = hundredths("cap"), strings.ToUpper(strings.TrimSpace(f.Get("currency")))
	}
	control := trial.Variant{Name: "as it is", Serve: trial.Champion, Share: int(hundredths("control"))}
	other := trial.Variant{Share: int(hundredths("share"))}
	switch f.Get("compares") {
	case tryChallenger:
		other.Name, other.Serve = "challenger", trial.Challenger
	case tryLots:
		other.Name, other.Serve, other.Explore = "last entry by lots", trial.Champion, &trial.Exploration{PerMille: 100, Among: 10}
	case tryHoldout: // what is new is the personal list
		other.Name, other.Serve = "popular list", trial.Popular
		control.Name = "personal list"
		d.Variants = []trial.Variant{other, control}
		return d
	}
	d.Variants = []trial.Variant{control, other}
	return d
}
