package lists

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"thimble"
	"thimble/internal/gate"
)

// HolderName implements thimble.Holder.
func (s *Shop) HolderName() string { return "recommend" }

// Places implements thimble.Holder.
func (s *Shop) Places() []thimble.Place {
	return []thimble.Place{
		{Kind: thimble.TablePlace, Name: "recommend_leaving"}, {Kind: thimble.FilePlace, Name: "models/*"},
		{Kind: thimble.MemoryPlace, Name: "lists.Shop.live"}, {Kind: thimble.MemoryPlace, Name: "lists.Shop.held"}, {Kind: thimble.MemoryPlace, Name: "lists.Shop.challenger"},
	}
}

// trains asks whether a person's orders may be learned from.
func trains(who thimble.SubjectID) gate.Request {
	return gate.Request{Actor: trainer, Subject: who, Purpose: thimble.TrainAISystem, Categories: []thimble.Category{thimble.PurchaseHistory}}
}

var trainer = gate.Actor{Kind: gate.Machine, Name: "recommend"}

// Export implements thimble.Holder: which model serves, and whether the person's
// orders may be counted in it.
func (s *Shop) Export(ctx context.Context, who thimble.SubjectID) iter.Seq2[thimble.Datum, error] {
	return func(yield func(thimble.Datum, error) bool) {
		v, err := s.Models.Champion(ctx, ModelName) // and not from memory: at the snapshot
		if errors.Is(err, thimble.ErrNotFound) {
			return
		}
		var verdict gate.Verdict
		if err == nil {
			verdict, err = s.Gate.Decide(ctx, trains(who))
		}
		yield(thimble.Datum{
			Holder: s.HolderName(), Category: thimble.PurchaseHistory, Name: "model",
			Value: map[string]any{"version": v.Number, "sha256": fmt.Sprintf("%x", v.Hash), "counts_your_orders": verdict.Allowed}, At: v.MadeAt,
		}, err)
	}
}

// Derived implements rights.Derived: the model is made from orders and consents.
func (s *Shop) Derived() {}
