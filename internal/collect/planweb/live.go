package planweb

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"thimble"
	"thimble/internal/collect/intake"
	"thimble/internal/collect/source"
	"thimble/internal/collect/watch"
	"thimble/internal/web"
)

type eventsBody struct {
	Nothing *web.Callout
	Stats   []web.Stat
	Sources web.Table
	Chart   web.Chart
	Drops   web.Table
	Broken  web.Table
}

// past is how far the figures of the pages go back.
const past = time.Hour

// events shows what comes in from all sources.
func (d *desk) events(w http.ResponseWriter, r *http.Request) {
	f, err := d.figures(r.Context(), 0)
	var broken []watch.Violation
	if err == nil {
		broken, err = d.Figures.Violations(r.Context(), 0, 50)
	}
	if err != nil {
		d.Fail(w, r, err)
		return
	}
	d.Render(w, r, http.StatusOK, d.pages, "events.html", web.Page{
		Title: "Events", Lead: "What comes in now, and what becomes of it. No page here says what an event held, or whom it was about.",
		Actions: d.eventsActions(r.Context()), APICall: "GET /v1/collect/figures",
		Body: f.body(broken, f.nothing()),
	})
}

func (d *desk) eventsActions(ctx context.Context) []web.Action {
	all := []web.Action{{Label: "Refresh", Href: EventsPath, Kind: "quiet"}}
	if d.May(ctx, "GET /console/customers/{subject}/events") {
		all = append(all, web.Action{Label: "One customer’s events", Href: "/console/customers", Kind: "quiet"})
	}
	return all
}

// figures are those of an hour.
type figures struct {
	now     time.Time
	names   map[uint32]source.Source
	order   []source.Source
	minutes []watch.Minute
	sums    map[uint32]watch.Counts
	last    map[uint32]time.Time // within a month
}

func (d *desk) figures(ctx context.Context, number uint32) (f figures, err error) {
	f = figures{now: d.Now().UTC(), names: map[uint32]source.Source{}, sums: map[uint32]watch.Counts{}, last: map[uint32]time.Time{}}
	if f.order, err = d.Sources.List(ctx); err != nil {
		return f, err
	}
	for _, s := range f.order {
		f.names[s.Number] = s
	}
	if f.minutes, err = d.Figures.Minutes(ctx, number, f.now.Add(-past)); err != nil {
		return f, err
	}
	for _, m := range f.minutes {
		c := f.sums[m.Source]
		c.Add(m.Counts)
		f.sums[m.Source] = c
	}
	month, err := d.Figures.Sums(ctx, f.now.Add(-30*24*time.Hour))
	for _, s := range month {
		f.last[s.Source] = s.Last
	}
	return f, err
}

// rate is what came in the last whole minute; 0 is all sources.
func (f figures) rate(number uint32) (n int64) {
	at := f.now.Unix()/60 - 1
	for _, m := range f.minutes {
		if m.At == at && (number == 0 || m.Source == number) {
			n += m.Events
		}
	}
	return n
}

func (f figures) total() (c watch.Counts) {
	for _, one := range f.sums {
		c.Add(one)
	}
	return c
}

func (f figures) nothing() *web.Callout {
	switch {
	case len(f.order) == 0:
		return &web.Callout{Tone: web.Info, Title: "Nothing can come yet", Text: "Add a source first: the shop's pages, an app, or the systems behind them. It gets a write key and the lines to copy.",
			Action: &web.Action{Label: "Add a source", Href: "/console/sources", Kind: "primary"}}
	case len(f.last) == 0:
		return &web.Callout{Tone: web.Info, Title: "Nothing came yet", Text: "Open a source, copy the line for curl or for the SDK, and send a first event. It is seen here a few seconds later.",
			Action: &web.Action{Label: "Open the sources", Href: "/console/sources", Kind: "primary"}}
	}
	return nil
}

func (f figures) body(broken []watch.Violation, nothing *web.Callout) eventsBody {
	all := f.total()
	return eventsBody{Nothing: nothing, Stats: statsOf(f.rate(0), all), Sources: f.table(), Chart: f.chart(), Drops: dropTable(all), Broken: brokenTable(broken, f.names)}
}

func statsOf(rate int64, all watch.Counts) []web.Stat {
	kept := "nothing came"
	if all.Events > 0 {
		kept = web.Percent(float64(all.Kept)/float64(all.Events)) + " of what came"
	}
	return []web.Stat{{Label: "In the last whole minute", Value: rate, Unit: "events"}, {Label: "In the last hour", Value: all.Events, Unit: "events"},
		{Label: "Kept in the last hour", Value: all.Kept, Note: kept}, {Label: "Broken rules", Value: all.Violations, Note: "of the tracking plan, in the last hour"}}
}

func (f figures) table() web.Table {
	t := web.Table{ID: "sources", Caption: "Sources", Note: "Figures of the last hour, a few seconds old.",
		Columns: []web.Column{{Label: "Source"}, {Label: "A minute", Kind: web.NumberColumn}, {Label: "Came", Kind: web.NumberColumn}, {Label: "Kept", Kind: web.NumberColumn},
			{Label: "Broken rules", Kind: web.NumberColumn}, {Label: "Unknown properties", Kind: web.NumberColumn, Secondary: true}, {Label: "Last event"}},
		Empty: &web.Empty{Icon: "flow", Title: "There is no source yet", Text: "Each place that events come from has its own write key.", Action: &web.Action{Label: "Add a source", Href: "/console/sources"}}}
	for _, s := range f.order {
		c := f.sums[s.Number]
		var last any = "never"
		if at, ok := f.last[s.Number]; ok {
			last = at
		}
		state := string(s.Kind)
		if !s.Ended.IsZero() {
			state += ", ended"
		}
		t.Rows = append(t.Rows, web.Row{Href: sourceHref(s.Number), Cells: web.Cells(web.Cell{Value: s.Name, Sub: state}, f.rate(s.Number), c.Events, c.Kept, c.Violations, c.Unknown, last)})
	}
	return t
}

func sourceHref(n uint32) string { return EventsPath + "/" + strconv.FormatUint(uint64(n), 10) }

// chart draws each minute of the hour; one in which nothing came is zero, not absent.
func (f figures) chart() web.Chart {
	c := web.Chart{ID: "minutes", Title: "Events a minute", Unit: "events", XLabel: "Minute", Kind: web.AreaChart, Small: true}
	kept, dropped := map[int64]int64{}, map[int64]int64{}
	for _, m := range f.minutes {
		kept[m.At] += m.Kept
		dropped[m.At] += m.Events - m.Kept
	}
	end := f.now.Unix() / 60
	k, n := web.Series{Label: "Kept"}, web.Series{Label: "Not kept"}
	var best, bestAt int64
	for at := end - int64(past/time.Minute) + 1; at < end; at++ {
		c.Times = append(c.Times, time.Unix(at*60, 0).UTC())
		k.Values, n.Values = append(k.Values, float64(kept[at])), append(n.Values, float64(dropped[at]))
		if all := kept[at] + dropped[at]; all > best {
			best, bestAt = all, at
		}
	}
	c.Series = []web.Series{k, n}
	c.Finding = "Nothing came in the last hour."
	if best > 0 {
		c.Finding = fmt.Sprintf("Most at %s UTC: %s.", time.Unix(bestAt*60, 0).UTC().Format("15:04"), web.Plural(int(best), "event", "events"))
	}
	return c
}

func dropTable(c watch.Counts) web.Table {
	t := web.Table{ID: "drops", Caption: "What was not kept, and why", Note: "In the last hour. A sender is answered alike whatever becomes of an event, so that nobody learns what a person permits.",
		Columns: []web.Column{{Label: "Reason"}, {Label: "Events", Kind: web.NumberColumn}, {Label: "Share of what came"}},
		Empty:   &web.Empty{Icon: "check", Title: "Nothing was dropped", Text: "Each event that came in the last hour was kept."}}
	if c.Events == 0 {
		t.Empty = &web.Empty{Icon: "inbox", Title: "Nothing came in the last hour"}
	}
	for i, n := range c.Dropped {
		if n == 0 {
			continue
		}
		words := dropWords[watch.Drops[i]]
		cell := web.Cell{Value: words.name, Sub: words.why}
		if watch.Drops[i] == intake.Unplanned {
			cell.Href = proposalsPath
		}
		t.Rows = append(t.Rows, web.Row{Cells: web.Cells(cell, n, web.Meter{Share: float64(n) / float64(max(c.Events, 1))})})
	}
	return t
}

func brokenTable(all []watch.Violation, names map[uint32]source.Source) web.Table {
	t := web.Table{ID: "broken", Caption: "Broken rules", Note: "As shapes, never values: what the plan expects, and the type that came.",
		Columns: []web.Column{{Label: "Where"}, {Label: "Expected"}, {Label: "Came"}, {Label: "Times", Kind: web.NumberColumn}, {Label: "Last", Secondary: true}},
		Empty:   &web.Empty{Icon: "check", Title: "No rule was broken in the last thirty days"}}
	for _, v := range all {
		where, from := web.Cell{Value: v.Event + "." + v.Path, Href: eventHref(v.Event)}, names[v.Source].Name
		switch {
		case v.Event == "":
			where = web.Cell{Value: "An event as such"}
		case v.Path == "":
			where.Value = v.Event
		}
		if from != "" {
			where.Sub = "from " + from
		}
		expected, got := v.Expected, v.Got
		if v.Event == "" {
			got = "something else"
		}
		t.Rows = append(t.Rows, web.Row{Cells: web.Cells(where, expected, got, v.N, v.Last)})
	}
	return t
}

type sourceBody struct {
	Nothing *web.Callout
	Facts   []web.KeyValue
	Stats   []web.Stat
	Chart   web.Chart
	Drops   web.Table
	Broken  web.Table
	Tail    web.Table
	Live    string // the address that the tail is read again from; "" when it stands still
	Follow  web.Action
}

// source shows one source.
func (d *desk) source(w http.ResponseWriter, r *http.Request) {
	n, err := strconv.ParseUint(r.PathValue("source"), 10, 32)
	if err != nil || strconv.FormatUint(n, 10) != r.PathValue("source") {
		d.Fail(w, r, thimble.ErrNotFound)
		return
	}
	number := uint32(n)
	f, err := d.figures(r.Context(), number)
	s, known := f.names[number]
	if err == nil && !known {
		err = thimble.ErrNotFound
	}
	var broken []watch.Violation
	if err == nil {
		broken, err = d.Figures.Violations(r.Context(), number, 100)
	}
	if err != nil {
		d.Fail(w, r, err)
		return
	}
	all, path := f.sums[number], sourceHref(number)
	body := sourceBody{
		Facts: []web.KeyValue{{Key: "Kind", Value: string(s.Kind)}, {Key: "Number", Value: s.Number}, {Key: "Settings", Value: "keys, origins and lines to copy", Href: "/console/sources/" + strconv.FormatUint(n, 10)}},
		Stats: statsOf(f.rate(number), all), Chart: f.chart(), Drops: dropTable(all), Broken: brokenTable(broken, nil), Tail: tailTable(d.Tail(number)),
		Follow: web.Action{Label: "Follow live", Href: path + "?live=1", Icon: "eye"},
	}
	if r.URL.Query().Get("live") != "" {
		body.Live, body.Follow = path+"?live=1", web.Action{Label: "Stop following", Href: path}
	}
	if f.last[number].IsZero() {
		body.Nothing = &web.Callout{Tone: web.Info, Title: "Nothing came from here yet", Text: "Copy the line for curl or for the SDK and send a first event.",
			Action: &web.Action{Label: "Lines to copy", Href: "/console/sources/" + strconv.FormatUint(n, 10), Kind: "primary"}}
	}
	d.Render(w, r, http.StatusOK, d.pages, "source_events.html", web.Page{
		Title: s.Name, Crumbs: []web.Crumb{{Label: "Events", Href: EventsPath}, {Label: s.Name}}, APICall: "GET /v1/collect/figures?source=" + strconv.FormatUint(n, 10), Body: body,
	})
}

// tailTable shows the newest events without their values.
func tailTable(all []watch.Shape) web.Table {
	t := web.Table{ID: "tail", Caption: "The newest events, as shapes", Note: "Names and types; no value and nobody. One of each quarter of a second is shown, and none is kept.",
		Columns: []web.Column{{Label: "Event"}, {Label: "Properties that the plan may keep"}, {Label: "Unknown"}, {Label: "Broken"}, {Label: "At", Secondary: true}},
		Empty:   &web.Empty{Icon: "eye", Title: "Nothing came since the start", Text: "The newest events are in memory only. Send one, and look again."}}
	for _, s := range all {
		name := web.Cell{Value: s.Event, Sub: s.Call}
		if s.Planned {
			name.Href = eventHref(s.Event)
		} else {
			name.Sub += ", not in the plan"
		}
		properties := make([]string, len(s.Properties))
		for i, p := range s.Properties {
			properties[i] = p.Path + ": " + p.Shape
		}
		t.Rows = append(t.Rows, web.Row{Cells: web.Cells(name, listed(properties), listed(s.Unknown), listed(s.Broken), s.At.UTC().Format("15:04:05 UTC"))})
	}
	return t
}

func listed(names []string) string {
	if len(names) == 0 {
		return "–"
	}
	return strings.Join(names, ", ")
}
