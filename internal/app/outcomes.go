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
	}, func(context.Context, uint32) (bool, error) { return true, nil }))
	if err != nil {
		return err
	}
	return a.Timeline.Listen("outcomes.orders", trial.Analytics, []thimble.Category{thimble.PurchaseHistory}, a.hears(map[string]trial.What{
		"Order Completed": trial.Bought,
	}, a.trusted))
}

// hears tells experiments of what events of some names say came of lists.
func (a *App) hears(names map[string]trial.What, heard func(ctx context.Context, source uint32) (bool, error)) func(context.Context, []timeline.Event) error {
	return func(ctx context.Context, events []timeline.Event) error {
		for i := range events {
			e := &events[i]
			said := e.What()
			what, ok := names[said.Name]
			if !ok || !said.Lists() {
				continue
			}
			if ok, err := heard(ctx, e.Source); err != nil || !ok {
				if err != nil {
					return err
				}
				continue
			}
			for _, p := range said.Products {
				if p.List == "" || p.Item == "" {
					continue
				}
				if err := a.Trials.Hear(ctx, trial.Event{Who: e.Subject, List: p.List, Item: p.Item, What: what, At: e.Received}); err != nil {
					return err
				}
			}
		}
		return nil
	}
}
