package catalogweb

import (
	"context"
	"fmt"
	"time"

	"thimble/internal/catalog"
	"thimble/internal/web"
)

// A ConsoleSales sums demand over all items: one line per day with a sale, the
// oldest first. Orders then counts the lines of orders, not orders.
type ConsoleSales interface {
	Days(ctx context.Context) ([]catalog.Demand, error)
}

// ConsoleChart draws the shop's sales for the overview.
func ConsoleChart(sales ConsoleSales) func(context.Context) (web.Chart, error) {
	return func(ctx context.Context) (web.Chart, error) {
		days, err := sales.Days(ctx)
		return consoleMonths("Units sold per month", days), err
	}
}

// consoleMonths sums demand per month. Months without a sale are zero, not absent.
func consoleMonths(title string, demand []catalog.Demand) web.Chart {
	c := web.Chart{ID: "sales", Title: title, Unit: "units", XLabel: "Month", Kind: web.BarChart, Small: true}
	if len(demand) == 0 {
		return c
	}
	units := map[time.Time]float64{}
	for _, d := range demand {
		units[consoleMonth(catalog.DayTime(d.Day))] += float64(d.Units)
	}
	first, last := consoleMonth(catalog.DayTime(demand[0].Day)), consoleMonth(catalog.DayTime(demand[len(demand)-1].Day))
	series := web.Series{Label: "Units"}
	best := first
	for m := first; !m.After(last); m = m.AddDate(0, 1, 0) {
		c.Labels = append(c.Labels, m.Format("Jan 2006"))
		series.Values = append(series.Values, units[m])
		if units[m] > units[best] {
			best = m
		}
	}
	c.Series = []web.Series{series}
	c.Finding = fmt.Sprintf("Most in %s: %s units.", best.Format("January 2006"), web.Number(units[best]))
	return c
}

func consoleMonth(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)
}
