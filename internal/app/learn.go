package app

import (
	"context"

	"thimble"
	"thimble/internal/collect/timeline"
	"thimble/internal/collect/timelinedb"
	"thimble/internal/recommend/lists"
)

// touches tells the recommender what people did with products.
type touches struct{ events *timelinedb.Store }

// Touched implements lists.Events.
func (t touches) Touched(ctx context.Context, g thimble.Grant) ([]lists.Touch, error) {
	all, err := t.events.Interactions(ctx, g)
	if err != nil {
		return nil, err
	}
	touched := make([]lists.Touch, 0, len(all))
	for _, one := range all {
		touched = append(touched, lists.Touch{Item: one.Item, Deed: deeds[one.Kind], Last: one.Last})
	}
	return touched, nil
}

var deeds = map[timeline.Kind]lists.Deed{
	timeline.View: lists.Looked, timeline.Cart: lists.PutInCart, timeline.Wish: lists.WishedFor, timeline.Buy: lists.Bought, timeline.Return: lists.Returned,
}
