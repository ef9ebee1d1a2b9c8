package lists

import (
	"thimble"
	"thimble/internal/recommend"
	"thimble/internal/registry"
)

// card says what the recommender is. What follows from a training is filled in.
func card(m *recommend.Model, from, to string) registry.Card {
	n := m.Stats()
	return registry.Card{
		Title: "Recommender",
		About: "Ranks a shop's products for a person from what that person bought, and products that go with a product.",
		Uses:  []string{"lists of products in shop, mail and app, for people who permit personal content", "products that go with a product, for everybody"},
		Limits: []string{
			"It knows purchases only: no sizes, no stock, no prices, no season.",
			"A product that nobody bought yet is in no list, and a person without orders gets the popular list.",
			"It is not made to judge people: not for prices, credit, fraud or who is served first.",
		},
		Explains:  "A score is a sum of whole numbers, one for each product bought. The sum is the explanation, and can be computed again.",
		Data:      registry.Data{People: n.People, Items: n.Items, Interactions: n.Interactions, Weights: n.NonZeros, From: from, To: to},
		Unaudited: "Nobody has measured yet whether its lists are as good for one group of people as for another.",
	}
}

// Forgets implements registry.Forgetter.
func (*Shop) Forgets() registry.Forgets {
	return registry.Forgets{Kind: registry.Refit, Latency: "The columns that knew the person are solved again in each version that is kept: milliseconds to seconds. " +
		"From the change on, and until it is done, these columns are not shown; if it fails, no version serves."}
}

// lineage says from what a version was made.
func (s *Shop) lineage(l line) registry.Lineage {
	code := s.Code
	if code == "" {
		code = "unknown"
	}
	return registry.Lineage{
		Recipe: l.recipe.JSON(), Code: code, Until: l.until, Through: l.set.through, DerivedFrom: l.of.Number,
		Uses:    []registry.LineageUse{{Purpose: thimble.TrainAISystem, Category: thimble.PurchaseHistory}},
		Consent: "Orders of people who permitted training when their orders were gathered, and still did when the version was released.",
		Forgets: s.Forgets(),
	}
}
