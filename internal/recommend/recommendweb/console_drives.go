package recommendweb

import (
	"context"
	"fmt"

	"thimble"
	"thimble/internal/catalog/catalogweb"
	"thimble/internal/recommend/lists"
	"thimble/internal/recommend/suspectdb"
	"thimble/internal/web"
)

// ConsoleDrives knows which lists an item drives; *lists.Shop does.
type ConsoleDrives interface {
	Drives(ctx context.Context, item thimble.ItemID, n int) (lists.Drives, error)
}

// ConsoleFindings knows what was found about an item; *suspectdb.Store does.
type ConsoleFindings interface {
	Of(ctx context.Context, item thimble.ItemID, limit int) ([]suspectdb.Found, error)
}

// mostFindings bounds how many findings about one item its page names.
const mostFindings = 5

// Neighbours lends the serving model to the catalogue's pages, with the rules that have to
// do with an item and what was found about it; findings may be nil. The reason of a finding
// stays on the page of findings: more roles see the catalogue.
func Neighbours(shop ConsoleDrives, findings ConsoleFindings) catalogweb.Neighbours {
	return func(ctx context.Context, item thimble.ItemID, n int) (catalogweb.Learned, error) {
		d, err := shop.Drives(ctx, item, n)
		if err != nil {
			return catalogweb.Learned{}, err
		}
		var found []suspectdb.Found
		if findings != nil {
			if found, err = findings.Of(ctx, item, mostFindings); err != nil {
				return catalogweb.Learned{}, err
			}
		}
		l := catalogweb.Learned{Version: d.Version, Why: d.Why, For: neighboursOf(d.For), From: neighboursOf(d.From), ForAll: d.ForAll, FromAll: d.FromAll}
		l.Counts = fmt.Sprintf("Of people who permit learning; told from %d on, in steps of %d.", lists.LeastPeople, lists.LeastPeople)
		if d.Uncounted != "" {
			l.Counts = "People are not counted now: " + d.Uncounted + "."
		}
		l.Facts = drivesFacts(d, found)
		return l, nil
	}
}

func neighboursOf(all []lists.Driven) []catalogweb.Neighbour {
	out := make([]catalogweb.Neighbour, len(all))
	for i, d := range all {
		out[i] = catalogweb.Neighbour{Item: d.Product.ID, Name: d.Product.Name, Weight: d.Weight, People: d.People}
	}
	return out
}

// drivesFacts are who had the item, the rules of the shop, and what was found about it.
func drivesFacts(d lists.Drives, found []suspectdb.Found) []web.KeyValue {
	people := web.KeyValue{Key: "People who had it", Value: fmt.Sprintf("fewer than %d", lists.LeastPeople), Sub: "who permit learning"}
	switch {
	case d.Uncounted != "" || d.Version == 0:
		people.Value, people.Sub = web.Badge{Text: "not counted now"}, d.Uncounted
	case d.People > 0:
		people.Value = fmt.Sprintf("%s or more", web.Number(float64(d.People)))
	}
	all := []web.KeyValue{people}
	for _, t := range d.Touches {
		badge := web.Badge{Text: "acts now", Tone: web.Good}
		if !t.Now {
			badge = web.Badge{Text: "for some readers, or at another time"}
		}
		all = append(all, web.KeyValue{Key: "Rule: " + t.Rule, Value: badge, Sub: t.Words})
	}
	if len(d.Touches) == 0 {
		all = append(all, web.KeyValue{Key: "Rules", Value: "none has to do with it", Sub: "version " + d.Rules})
	}
	for _, f := range found {
		tone := web.Tone("")
		if f.State == suspectdb.Open || f.State == suspectdb.Quarantined {
			tone = web.Warn
		}
		all = append(all, web.KeyValue{Key: "Suspect accounts", Value: web.Badge{Text: string(f.State), Tone: tone}, Href: "/console/recommendations/alarms", Sub: "found " + web.Date(f.At)})
	}
	return all
}
