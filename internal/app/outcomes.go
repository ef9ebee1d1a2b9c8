package app

import (
	"context"

	"thimble"
	"thimble/internal/collect/timeline"
	"thimble/internal/recommend/lists"
	"thimble/internal/recommend/trial"
)

// listenForOutcomes has what came of lists counted from events: of who permits analytics at that
// moment, as it is for reports by the API. Orders are heard from sources that may speak of them.
func (a *App) listenForOutcomes() error {
	err := a.Timeline.Listen("outcomes.looks", trial.Analytics, []thimble.Category{lists.Browsing}, a.hears(map[string]trial.What{
		"Product Clicked": trial.Clicked, "Product Added": trial.Added, "Wishlist Product Added to Cart": trial.Added,
	}, true))
	if err != nil {
		return err
	}
	return a.Timeline.Listen("outcomes.orders", trial.Analytics, []thimble.Category{thimble.PurchaseHistory}, a.hears(map[string]trial.What{
		"Order Completed": trial.Bought,
	}, false))
}

// hears tells experiments of what events of some names say came of lists. What a source says
// that anybody can write to counts only where anybody is heard, and of a list that it names by
// its decision, which has the items that were in it.
func (a *App) hears(names map[string]trial.What, anybody bool) func(context.Context, []timeline.Event) error {
	return func(ctx context.Context, events []timeline.Event) error {
		known := map[uint32]bool{} // whether a source is trusted
		for i := range events {
			e := &events[i]
			said := e.What()
			what, ok := names[said.Name]
			if !ok || !said.Lists() {
				continue
			}
			trusted, asked := known[e.Source]
			if !asked {
				var err error
				if trusted, err = a.trusted(ctx, e.Source); err != nil {
					return err
				}
				known[e.Source] = trusted
			}
			if !trusted && !anybody {
				continue
			}
			for _, p := range said.Products {
				heard := trial.Event{Who: e.Subject, List: p.List, Item: p.Item, What: what, At: e.Received}
				if p.List == "" || p.Item == "" || !trusted && !heard.Decided() {
					continue
				}
				if err := a.Trials.Hear(ctx, heard); err != nil {
					return err
				}
			}
		}
		return nil
	}
}
