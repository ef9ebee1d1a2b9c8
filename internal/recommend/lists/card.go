package lists

import (
	"fmt"

	"thimble"
	"thimble/internal/recommend"
	"thimble/internal/registry"
)

// measuredFrom is how few people a card tells a measure of.
const measuredFrom = 20

// card says what the recommender is, and how its recipe did on what it had not seen, if it
// was judged. What follows from a training is filled in.
func card(m *recommend.Model, judged *recommend.Held, from, to string) registry.Card {
	n := m.Stats()
	c := registry.Card{
		Title: "Recommender",
		About: "Ranks a shop's products for a person from what that person bought and looked at, and products that go with a product.",
		Uses:  []string{"lists of products in shop, mail and app, for people who permit personal content", "products that go with a product, for everybody"},
		Limits: []string{
			"It learns from purchases, and from what people looked at, put in the cart and wished for where they allow that: no sizes, no prices, no season. What is out of stock is kept out of lists beside it.",
			"A product that nobody bought yet is in no list of it, and a person of whom nothing is known gets the popular list.",
			"It is not made to judge people: not for prices, credit, fraud or who is served first.",
		},
		Explains:  "A score is a sum of whole numbers, one for each product bought or looked at. The sum is the explanation, and can be computed again.",
		Data:      registry.Data{People: n.People, Items: n.Items, Interactions: n.Interactions, Weights: n.NonZeros, From: from, To: to},
		Unaudited: "Nobody has measured yet whether its lists are as good for one group of people as for another.",
	}
	switch {
	case judged == nil:
		c.Unmeasured = "It was not measured on orders that it had not seen."
	case judged.People < measuredFrom:
		c.Unmeasured = fmt.Sprintf("It was not measured: of fewer than %d people there is a last order that could be held out.", measuredFrom)
	default:
		const how = "of the last fifth of each history, by a training without it"
		c.Metrics = []registry.Metric{
			{Name: "recall@20", Value: judged.Recall, On: how},
			{Name: "ndcg@20", Value: judged.NDCG, On: how},
			{Name: "coverage@20", Value: judged.Coverage, On: how},
			{Name: "people measured", Value: float64(judged.People), On: how},
		}
	}
	return c
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
	out := registry.Lineage{
		Recipe: l.recipe.JSON(), Chosen: l.chosen, Code: code, Until: l.until, Through: l.set.through, Events: l.set.events, DerivedFrom: l.of.Number,
		Uses:    []registry.LineageUse{{Purpose: thimble.TrainAISystem, Category: thimble.PurchaseHistory}},
		Consent: "Orders of people who permitted training when their orders were gathered, and still did when the version was released.",
		Forgets: s.Forgets(),
	}
	if l.set.events > 0 {
		out.Uses = append(out.Uses, registry.LineageUse{Purpose: thimble.TrainAISystem, Category: Browsing})
		out.Consent = "Orders of people who permitted training when these were gathered, and still did when the version was released, and what they looked at since they permitted it."
	}
	return out
}
