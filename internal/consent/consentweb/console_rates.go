package consentweb

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/web"
)

// ConsoleMade counts what was chosen on finished days; *consentdb.Store does.
type ConsoleMade interface {
	Made(ctx context.Context, p thimble.Purpose, days int) ([]consent.Count, error)
}

// rateDays is how far back the console looks: 26 weeks.
const rateDays = 26 * 7

// The answers that rates tell apart.
const (
	rateYes = iota
	rateNo
	rateLater
	rateKinds
)

// kindOf says what an answer counts as; what nobody chose counts as nothing.
func kindOf(s consent.State) (int, bool) {
	switch {
	case s.Permits():
		return rateYes, true
	case s == consent.Refused || s == consent.Withdrawn:
		return rateNo, true
	case s == consent.Deferred:
		return rateLater, true
	}
	return 0, false
}

// A split is one way to tell answers apart: by what, and how many of each kind.
type split struct {
	labels []string
	counts [rateKinds][]int
	shown  [rateKinds][]consent.Cell
}

func (s *split) add(label string, kind, n int) {
	i := slices.Index(s.labels, label)
	if i < 0 {
		i = len(s.labels)
		s.labels = append(s.labels, label)
		for k := range s.counts {
			s.counts[k] = append(s.counts[k], 0)
		}
	}
	s.counts[kind][i] += n
}

// rates are the answers to one purpose, by week, by where they were given and by the
// notice, as they are shown.
type rates struct {
	weeks, components, notices split
	sums                       [rateKinds]consent.Cell
	any                        bool
}

// ratesOf splits counts, and hides what could be worked out. The three ways to split
// one kind are decided on together, since they have one sum.
func ratesOf(counts []consent.Count) rates {
	var r rates
	for _, c := range counts {
		kind, counts := kindOf(c.State)
		if !counts {
			continue
		}
		r.any = true
		r.weeks.add(week(c.Day), kind, c.N)
		r.components.add(c.Component, kind, c.N)
		r.notices.add(c.Notice, kind, c.N)
	}
	for kind := range rateKinds {
		shown, sum := consent.Publish([][]int{r.weeks.counts[kind], r.components.counts[kind], r.notices.counts[kind]}, consent.Smallest)
		r.weeks.shown[kind], r.components.shown[kind], r.notices.shown[kind] = shown[0], shown[1], shown[2]
		r.sums[kind] = sum
	}
	return r
}

// week is the Monday of a day's week.
func week(day int64) string {
	t := time.Unix(day*24*60*60, 0).UTC()
	return t.AddDate(0, 0, -(int(t.Weekday())+6)%7).Format(time.DateOnly)
}

func cellText(c consent.Cell) string {
	if c.Hidden {
		return "<" + strconv.Itoa(consent.Smallest) + " or hidden"
	}
	return web.Text(c.N)
}

// shareOf is the share of yes among yes and no, where both are shown.
func shareOf(yes, no consent.Cell) (float64, bool) {
	if yes.Hidden || no.Hidden || yes.N+no.N == 0 {
		return math.NaN(), false
	}
	return float64(yes.N) / float64(yes.N+no.N), true
}

func shareText(yes, no consent.Cell) string {
	share, known := shareOf(yes, no)
	if !known {
		return "–"
	}
	return web.Percent(share)
}

func (s split) table(id, caption, what, note string) web.Table {
	t := web.Table{ID: id, Caption: caption, Note: note,
		Columns: []web.Column{{Label: what}, {Label: "Yes"}, {Label: "No"}, {Label: "Put off"}, {Label: "Share of yes"}}}
	for i, label := range s.labels {
		t.Rows = append(t.Rows, web.Row{Cells: web.Cells(label, cellText(s.shown[rateYes][i]), cellText(s.shown[rateNo][i]), cellText(s.shown[rateLater][i]),
			shareText(s.shown[rateYes][i], s.shown[rateNo][i]))})
	}
	return t
}

// chart draws the share of yes over the weeks. What is hidden is a gap.
func (s split) chart(id, title string) (web.Chart, error) {
	c := web.Chart{ID: id, Title: title, Unit: "%", XLabel: "Week of", Small: true, Finding: "Per cent of yes among the yes and no of a week. A gap is a week with fewer than " + strconv.Itoa(consent.Smallest) + " of either, or none."}
	series := web.Series{Label: "Yes"}
	for i, label := range s.labels {
		at, err := time.Parse(time.DateOnly, label)
		if err != nil {
			return c, fmt.Errorf("consentweb: the week %q: %w", label, err)
		}
		share, _ := shareOf(s.shown[rateYes][i], s.shown[rateNo][i])
		c.Times, series.Values = append(c.Times, at), append(series.Values, math.Round(1000*share)/10)
	}
	c.Series = []web.Series{series}
	return c, nil
}

// A consoleRate is one purpose's answers on the page.
type consoleRate struct {
	ID     string
	Title  string
	Chart  web.Chart
	Tables []web.Table
}

const suppressed = "Counts of fewer than 10 are hidden, and so are others from which one could be worked out. Today is not counted yet."

func consoleRates(ctx context.Context, made ConsoleMade) (all []consoleRate, err error) {
	for i, ask := range consent.Asked {
		counts, err := made.Made(ctx, ask.Purpose, rateDays)
		if err != nil {
			return nil, fmt.Errorf("consentweb: rates of %s: %w", ask.Purpose, err)
		}
		r := ratesOf(counts)
		if !r.any {
			continue
		}
		id := "rates-" + strconv.Itoa(i+1)
		one := consoleRate{ID: id, Title: consoleTitle(ask.Purpose) + ": answers over time"}
		if one.Chart, err = r.weeks.chart(id+"-weeks", "Share of yes by week"); err != nil {
			return nil, err
		}
		one.Tables = []web.Table{
			r.weeks.table(id+"-by-week", "By week", "Week of", suppressed),
			r.components.table(id+"-by-component", "By where it was asked, and its version", "Where", suppressed),
			r.notices.table(id+"-by-notice", "By notice", "Version of the notice", suppressed),
		}
		all = append(all, one)
	}
	return all, nil
}
