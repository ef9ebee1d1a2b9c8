package app

import (
	"context"

	"thimble"
	"thimble/internal/collect/framedb"
	"thimble/internal/collect/timeline"
	"thimble/internal/collect/timelinedb"
	"thimble/internal/recommend/lists"
)

// journal tells the recommender what people did with products, as it lies in the log of
// events.
type journal struct {
	frames *framedb.Store
	events *timelinedb.Store
}

var browsed = []thimble.Category{lists.Browsing}

// Last implements lists.Journal.
func (j journal) Last(ctx context.Context) (int64, error) { return j.frames.Last(ctx) }

// Came implements lists.Journal.
func (j journal) Came(ctx context.Context, behind, until int64, most int) ([]thimble.SubjectID, int64, error) {
	return j.events.Came(ctx, behind, until, browsed, most)
}

// Walk implements lists.Journal.
func (j journal) Walk(ctx context.Context, until int64, of []thimble.SubjectID, open func(context.Context, thimble.SubjectID) (thimble.Grant, error), f func(lists.Act) error) error {
	return j.events.Walk(ctx, timelinedb.Walk{Until: until, Categories: browsed, Of: of, Open: open}, func(e timeline.Event) error {
		what := e.What()
		kind, ok := timeline.KindOf(what.Name)
		if !ok {
			return nil
		}
		for _, p := range what.Products {
			err := f(lists.Act{Who: e.Subject, Place: e.Place.Seq, Came: e.Received, Item: p.Item, Deed: deeds[kind], At: e.When(&what)})
			if err != nil {
				return err
			}
		}
		return nil
	})
}
