package timelineweb

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"thimble"
	"thimble/internal/collect/timeline"
	"thimble/internal/subject/subjectweb"
	"thimble/internal/web"
)

const (
	panelEvents = 500 // how far back the panel counts
	panelNewest = 10
)

var panelMasked = []thimble.Category{"user.behavior.browsing_history", "user.behavior.search_history"}

// CustomerPanel shows how many events of what kind are kept of a customer, by month. What
// they were about is shown when the page is unmasked.
func CustomerPanel(d ConsoleDeps) subjectweb.Panel {
	categories := append(slices.Clone(panelMasked), thimble.PurchaseHistory)
	return subjectweb.Panel{Categories: []thimble.Category{thimble.PurchaseHistory}, Masked: panelMasked,
		Show: func(ctx context.Context, r subjectweb.Reading) (subjectweb.Part, error) {
			part := subjectweb.Part{ID: "events", Title: "Events", Empty: &web.Empty{Icon: "eye", Title: "No events", Text: "Nothing of this customer’s visits is kept. What they permit decides."}}
			events, next, err := d.Events.Of(ctx, r.Grant, categories, timeline.Place{}, panelEvents)
			if err != nil || len(events) == 0 {
				return part, err
			}
			said := make([]timeline.What, len(events))
			for i := range events {
				said[i] = events[i].What()
			}
			counts, last := monthsTable(events, said)
			part.Facts = panelFacts(d, r.Grant.Subject(), len(events), !next.IsZero(), last, categories)
			part.Tables = []web.Table{counts}
			if slices.ContainsFunc(panelMasked, func(c thimble.Category) bool { return !r.Opens(c) }) {
				part.Note = "How many, of what kind. What they were about is shown in full for a reason: see above."
				return part, nil
			}
			newest, err := newestTable(ctx, d.Names, events, said)
			part.Tables = append(part.Tables, newest)
			return part, err
		}}
}

func panelFacts(d ConsoleDeps, who thimble.SubjectID, n int, more bool, last time.Time, categories []thimble.Category) []web.KeyValue {
	counted := web.KeyValue{Key: "Counted", Value: n}
	if more {
		counted.Sub = "the newest; there are more"
	}
	var keptFor []string
	for _, c := range categories {
		for _, p := range purposesOf(d.Uses(), c) {
			if !slices.Contains(keptFor, string(p)) {
				keptFor = append(keptFor, string(p))
			}
		}
	}
	return []web.KeyValue{counted, {Key: "Last seen", Value: last}, {Key: "Kept for", Value: strings.Join(keptFor, ", "), Sub: "each as far as the customer permits it"},
		{Key: "One by one", Value: "Look at the events", Href: ConsoleHref(who), Sub: "a read of its own"}}
}

// monthsTable counts events by month and kind, the newest month first.
func monthsTable(events []timeline.Event, said []timeline.What) (t web.Table, last time.Time) {
	type key struct{ month, kind string }
	counts, latest := map[key]int{}, map[key]time.Time{}
	for i := range events {
		at := events[i].When(&said[i]).UTC()
		k := key{at.Format("2006-01"), said[i].Label()}
		counts[k]++
		if at.After(latest[k]) {
			latest[k] = at
		}
		if at.After(last) {
			last = at
		}
	}
	keys := make([]key, 0, len(counts))
	for k := range counts {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b key) int {
		return cmp.Or(cmp.Compare(b.month, a.month), cmp.Compare(counts[b], counts[a]), cmp.Compare(a.kind, b.kind))
	})
	t = web.Table{ID: "event-months", Caption: "Events by month and kind", HideCaption: true,
		Columns: []web.Column{{Label: "Month"}, {Label: "Event"}, {Label: "Times", Kind: web.NumberColumn}, {Label: "Last", Secondary: true}}}
	const shown = 30
	for i, k := range keys {
		if i == shown {
			t.Note = fmt.Sprintf("The newest %d lines of %d.", shown, len(keys))
			break
		}
		month := k.month
		if at, err := time.Parse("2006-01", k.month); err == nil {
			month = at.Format("January 2006")
		}
		t.Rows = append(t.Rows, web.Row{Cells: web.Cells(month, k.kind, counts[k], latest[k])})
	}
	return t, last
}

func newestTable(ctx context.Context, names Names, events []timeline.Event, said []timeline.What) (web.Table, error) {
	t := web.Table{ID: "event-newest", Caption: "The newest", Columns: []web.Column{{Label: "Event"}, {Label: "About"}, {Label: "When"}}}
	n := min(panelNewest, len(events))
	known, err := namesOf(ctx, names, said[:n])
	for i := range n {
		about := said[i].About(func(id thimble.ItemID) string { return known[id].Name })
		t.Rows = append(t.Rows, web.Row{Cells: web.Cells(said[i].Label(), withoutPeople(cmp.Or(about, "–")), events[i].When(&said[i]))})
	}
	return t, err
}
