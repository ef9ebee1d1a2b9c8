package lists

import (
	"context"
	"fmt"
	"iter"

	"thimble"
	"thimble/internal/gate"
)

// HolderName implements thimble.Holder.
func (s *Shop) HolderName() string { return "recommend" }

// Places implements thimble.Holder.
func (s *Shop) Places() []thimble.Place {
	return []thimble.Place{{Kind: "file", Name: "models/*"}, {Kind: "memory", Name: "the serving model"}}
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
		v, ok := s.Version()
		if !ok {
			return
		}
		verdict, err := s.Gate.Decide(ctx, trains(who))
		yield(thimble.Datum{
			Holder: s.HolderName(), Category: thimble.PurchaseHistory, Name: "model",
			Value: map[string]any{"version": v.Number, "sha256": fmt.Sprintf("%x", v.Hash), "counts_your_orders": verdict.Allowed}, At: v.TrainedAt,
		}, err)
	}
}

// Derived implements rights.Derived: the model is made from orders and consents.
func (s *Shop) Derived() {}

// Erase implements thimble.Holder: the model is trained without the person, whose
// consent and orders the holders before this one have erased.
func (s *Shop) Erase(ctx context.Context, _ thimble.SubjectID) (thimble.Erasure, error) {
	if _, ok := s.Version(); !ok {
		return thimble.Erasure{}, nil
	}
	if _, err := s.Train(ctx, "erasure", nil); err != nil {
		return thimble.Erasure{}, fmt.Errorf("recommend: training without a person: %w", err)
	}
	return thimble.Erasure{}, nil
}
