package trialweb

import (
	"fmt"
	"math"
	"net/http"

	"thimble"
	"thimble/internal/recommend/trial"
	"thimble/internal/web"
)

// amount is a value of a measure in words.
func amount(d trial.Design, m trial.Measure, v float64) string {
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return "–"
	case m == trial.Revenue:
		return money(d, v)
	case m == trial.Orders:
		return fmt.Sprintf("%.3f", v)
	}
	return fmt.Sprintf("%.2f %%", 100*v)
}

func money(d trial.Design, minor float64) string {
	return web.Money(thimble.Money{Minor: int64(math.Round(minor)), Currency: d.Currency})
}

// value is what personal lists bring, and what refusals cost: both ranges. It is nil where
// the experiment says nothing about it.
func (d *desk) value(r *http.Request, e trial.Experiment, res trial.Result) (*web.Table, error) {
	v, ok := e.Design.Value(res, 0)
	if !ok {
		return nil, nil
	}
	permit, refuse, err := d.Choices(r.Context())
	if err != nil {
		return nil, err
	}
	t := &web.Table{ID: "value", Caption: "What personal lists bring", Columns: []web.Column{{Label: "What"}, {Label: "People", Kind: web.NumberColumn}, {Label: "From", Kind: web.NumberColumn}, {Label: "To", Kind: web.NumberColumn}, {Label: "What that assumes"}},
		Note: fmt.Sprintf("Within %s of each person, against who sees the popular list. One person counts at most %s, so that both ends are rather too low for who spends much.", web.Plural(e.Design.Window, "day", "days"), money(e.Design, float64(e.Design.CapMinor)))}
	row := func(what string, people int64, assumes string) {
		v.People = people
		_, low, high := v.Total()
		t.Rows = append(t.Rows, web.Row{Cells: web.Cells(what, people, money(e.Design, low), money(e.Design, high), assumes)})
	}
	row("One person", 1, "Nothing: it was measured.")
	row("Everybody who permits personal lists", permit, "Those who do not permit to be counted buy like those who do.")
	row("What refusals cost", refuse, "Who refused would have bought as much more as who allowed. They are other people, and nobody has measured it. It is no reason to ask them again: their answer is an answer.")
	return t, nil
}
