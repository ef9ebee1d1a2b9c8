package lists

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"thimble"
	"thimble/internal/registry/registrydb"
)

// Erase implements thimble.Holder: the model is made without the person, whose
// consent and orders the holders before this one have erased.
func (s *Shop) Erase(ctx context.Context, who thimble.SubjectID) (thimble.Erasure, error) {
	if err := s.without(ctx, "erasure", who); err != nil {
		return thimble.Erasure{}, err
	}
	return thimble.Erasure{}, s.Leaving.Erase(ctx, who)
}

// Expire implements thimble.Holder: the model is made without the orders, and without what
// was done with products, that have expired.
func (s *Shop) Expire(ctx context.Context, c thimble.Category, _ time.Time) (thimble.Erasure, error) {
	reason := "orders expired"
	if !thimble.PurchaseHistory.Within(c) {
		if reason = "what people did with products expired"; s.Journal == nil || !Browsing.Within(c) {
			return thimble.Erasure{}, nil
		}
	}
	return thimble.Erasure{}, s.orWithdraw(ctx, reason, func() error {
		_, err := s.train(ctx, Training{Reason: reason, still: true})
		return err
	})
}

// Restrict implements thimble.Holder: the person is taken out of the model, and may
// be learned from again when the restriction is lifted.
func (s *Shop) Restrict(ctx context.Context, who thimble.SubjectID, on bool) error {
	if !on {
		return s.again(ctx, "a restriction was lifted")
	}
	return s.without(ctx, "a restriction", who)
}

// Object implements thimble.Holder: who objects to learning is taken out of the
// model. Lists made for the person themself end with the gate's refusal.
func (s *Shop) Object(ctx context.Context, who thimble.SubjectID, p thimble.Purpose) error {
	if !p.Within(thimble.TrainAISystem) {
		return nil
	}
	return s.without(ctx, "an objection", who)
}

// Merge implements thimble.Holder: a training is asked for, in which the two count
// as one, and not at all when one of them does not permit it. It is asked for also
// when there is no model yet: the first may have gathered the two already.
func (s *Shop) Merge(ctx context.Context, _ thimble.Merge) error {
	const reason = "two customers are one"
	if s.Ask != nil {
		return s.Ask(ctx, reason)
	}
	return s.again(ctx, reason)
}

// Unmerge implements thimble.Holder: the model is made of the two as two.
func (s *Shop) Unmerge(ctx context.Context, m thimble.Merge) error {
	return s.without(ctx, "a merge was undone", m.Survivor, m.Absorbed)
}

// again has the model made anew soon, when there is one.
func (s *Shop) again(ctx context.Context, reason string) error {
	if _, ok := s.Version(); !ok {
		return nil
	}
	if s.Ask != nil {
		return s.Ask(ctx, reason)
	}
	_, err := s.Train(ctx, reason, nil)
	return err
}

// without takes out of the model what may no more be learned of some people, and of
// everybody else who has left.
func (s *Shop) without(ctx context.Context, reason string, who ...thimble.SubjectID) error {
	who = slices.DeleteFunc(slices.Clone(who), thimble.SubjectID.IsZero)
	return s.orWithdraw(ctx, reason, func() error { return s.forget(ctx, reason, who, nil) })
}

// orWithdraw makes the model again. When that fails, what it failed to take out must not serve
// on: the model is withdrawn.
func (s *Shop) orWithdraw(ctx context.Context, reason string, again func() error) error {
	s.training.Lock() // a training under way may have gathered already: its model is replaced
	defer s.training.Unlock()
	kept, err := s.Models.Kept(ctx, ModelName)
	if err == nil && len(kept) == 0 {
		return s.end(ctx, reason) // a file without a version is one that a crash left behind
	}
	if err == nil {
		err = again()
	}
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("recommend: making the model anew after %s: %w", reason, err)
	}
	s.Log.ErrorContext(ctx, "the model cannot be made anew and is withdrawn", slog.String("reason", reason), slog.String("cause", err.Error()))
	return s.withdraw(ctx, reason)
}

// Forget implements registry.Forgetter. People whose consent or orders were not erased
// before are learned from again by the next training.
func (s *Shop) Forget(ctx context.Context, people ...thimble.SubjectID) (before, after [sha256.Size]byte, err error) {
	if v, ok := s.Version(); ok {
		before = v.Hash
	}
	const reason = "asked to forget"
	if err := s.orWithdraw(ctx, reason, func() error { return s.forget(ctx, reason, nil, people) }); err != nil {
		return before, after, err
	}
	if v, ok := s.Version(); ok {
		after = v.Hash
	}
	return before, after, nil
}

// Withdraw ends the serving model without a successor, and destroys it and every other
// version that is kept: everybody is shown the popular list until a training, which it
// asks for, succeeds.
func (s *Shop) Withdraw(ctx context.Context, reason string) error {
	s.training.Lock()
	defer s.training.Unlock()
	return s.withdraw(ctx, reason)
}

func (s *Shop) withdraw(ctx context.Context, reason string) error {
	// First the training: if the next step is the last, there is one that mends it.
	if s.Ask != nil {
		if err := s.Ask(ctx, reason); err != nil {
			return fmt.Errorf("recommend: asking for a training: %w", err)
		}
	}
	return s.end(ctx, reason)
}

// end leaves no model in memory, none that serves, and none in the files: nobody is in one.
func (s *Shop) end(ctx context.Context, reason string) error {
	s.live.Store(nil)
	s.held.Store(nil)
	_, waiting, err := s.Leaving.Waiting(ctx, everyLeaver)
	if err == nil {
		err = s.Models.Withdraw(ctx, ModelName, registrydb.Order{Reason: reason})
	}
	if err != nil {
		return err
	}
	return s.settled(ctx, waiting)
}
