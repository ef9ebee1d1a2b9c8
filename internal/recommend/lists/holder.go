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

// Export implements thimble.Holder: which model serves, whether the person's orders may be
// counted in it, and since when they wait to be taken out.
func (s *Shop) Export(ctx context.Context, who thimble.SubjectID) iter.Seq2[thimble.Datum, error] {
	return func(yield func(thimble.Datum, error) bool) {
		datum, found, err := s.modelFor(ctx, who)
		if (found || err != nil) && !yield(datum, err) {
			return
		}
		since, err := s.Leaving.Of(ctx, who)
		if !since.IsZero() || err != nil {
			yield(thimble.Datum{Holder: s.HolderName(), Category: thimble.PurchaseHistory, Name: "leaving",
				Value: map[string]any{"since": since}, At: since}, err)
		}
	}
}

func (s *Shop) modelFor(ctx context.Context, who thimble.SubjectID) (d thimble.Datum, found bool, err error) {
	v, err := s.Models.Champion(ctx, ModelName) // and not from memory: at the snapshot
	if errors.Is(err, thimble.ErrNotFound) {
		return d, false, nil
	}
	if err != nil {
		return d, false, err
	}
	verdict, err := s.Gate.Decide(ctx, trains(who))
	return thimble.Datum{
		Holder: s.HolderName(), Category: thimble.PurchaseHistory, Name: "model",
		Value: map[string]any{"version": v.Number, "sha256": fmt.Sprintf("%x", v.Hash), "counts_your_orders": verdict.Allowed}, At: v.MadeAt,
	}, err == nil, err
}

// Derived implements rights.Derived: the model is made from orders and consents.
func (s *Shop) Derived() {}

// Relearn implements rights.Relearner: what is no more so about somebody, such as an order
// that was not theirs, is taken out of every version that is kept, by solving again what it
// moved. What comes of it is the version of a training on what is so.
func (s *Shop) Relearn(ctx context.Context, who ...thimble.SubjectID) error {
	return s.without(ctx, "something about somebody was corrected", who...)
}

// Again makes a list for somebody anew: of the placement and length of one whose reasons
// were wrong. Without a decision there is a reason why none is made.
func (s *Shop) Again(ctx context.Context, who thimble.SubjectID, placement string, n int) (id thimble.ID, why string, err error) {
	l, err := s.ForYou(ctx, trainer, who, placement, n)
	if err == nil && l.Decision.IsZero() {
		why = l.Why
	}
	return l.Decision, why, err
}
