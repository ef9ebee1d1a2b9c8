package lists_test

import (
	"context"
	"errors"
	"testing"

	"thimble"
	"thimble/internal/order"
	"thimble/internal/recommend/lists"
	"thimble/internal/recommend/trial"
	"thimble/internal/registry"
	"thimble/internal/thimbletest"
)

// startled has somebody choose at the moment at which what they have is read, with a grant of
// before: as often as there are choices.
type startled struct {
	lists.Orders
	lists.Journal
	who    thimble.SubjectID
	choose []func()
}

func (s *startled) turn(who thimble.SubjectID) {
	if who == s.who && len(s.choose) > 0 {
		next := s.choose[0]
		s.choose = s.choose[1:]
		next()
	}
}

func (s *startled) Of(ctx context.Context, who thimble.SubjectID, limit int) ([]order.Sealed, error) {
	all, err := s.Orders.Of(ctx, who, limit)
	s.turn(who)
	return all, err
}

func (s *startled) Walk(ctx context.Context, until int64, of []thimble.SubjectID, open func(context.Context, thimble.SubjectID) (thimble.Grant, error), f func(lists.Act) error) error {
	return s.Journal.Walk(ctx, until, of, func(ctx context.Context, who thimble.SubjectID) (thimble.Grant, error) {
		g, err := open(ctx, who)
		s.turn(who)
		return g, err
	}, f)
}

// startle has somebody choose while what they ordered is read next, and while what they did is.
func (l *learner) startle(who thimble.SubjectID, orders, deeds []func()) (calm func()) {
	shop := l.App.Shop
	was, journal := shop.Orders, shop.Journal
	shop.Orders, shop.Journal = &startled{Orders: was, who: who, choose: orders}, &startled{Journal: journal, who: who, choose: deeds}
	return func() { shop.Orders, shop.Journal = was, journal }
}

// Choices that do not concern learning end a grant like any other. Nobody is left out of a model
// for them.
func TestWhoChoosesSomethingElseWhileTheyAreReadIsLearnedFrom(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		l := &learner{Shop: s}
		ada := l.garden(6)[0]
		l.Does(ada, "Product Added", "G3-A", "G4-A")
		l.Works()
		people, interactions := l.learns()
		yes := func() { l.Chooses(ada, thimbletest.Allows(trial.Analytics)...) }
		no := func() { l.Chooses(ada, thimbletest.Withdraws(trial.Analytics)...) }
		shop := l.App.Shop

		calm := l.startle(ada, []func(){yes, no}, []func(){yes, no, yes})
		_, err := shop.Train(t.Context(), "they choose meanwhile", nil)
		calm()
		l.no(t, err)
		if n, had := l.learns(); n != people || had != interactions {
			t.Errorf("a training learned %d of %d people, want %d of %d", had, n, interactions, people)
		}
		l.exact(t)

		l.Buys(ada, "G5-A")
		l.Does(ada, "Product Added", "G2-A")
		calm = l.startle(ada, []func(){no, yes}, []func(){no})
		err = shop.TakeIn(t.Context())
		calm()
		l.no(t, err)
		if n, had := l.learns(); n != people || had != interactions+2 {
			t.Errorf("what they ordered since was taken in as %d of %d people, want %d of %d", had, n, interactions+2, people)
		}
		l.exact(t)
	})
}

// Who stops permitting it while they are read is left out, and who never stops choosing does not
// have a model made without them.
func TestWhoWithdrawsWhileTheyAreReadIsLeftOutAndNobodyElse(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		l := &learner{Shop: s}
		all := l.garden(6)
		l.Works()
		before := l.stage(registry.Champion)
		people, _ := l.learns()
		flips := make([]func(), 20)
		for i := range flips {
			flips[i] = func() {
				if i%2 == 0 {
					l.Chooses(all[0], thimbletest.Allows(trial.Analytics)...)
				} else {
					l.Chooses(all[0], thimbletest.Withdraws(trial.Analytics)...)
				}
			}
		}

		calm := l.startle(all[0], flips, nil)
		_, err := l.App.Shop.Train(t.Context(), "one never stops", nil)
		calm()
		if !errors.Is(err, thimble.ErrConflict) || l.stage(registry.Champion).Number != before.Number {
			t.Errorf("somebody never stops choosing: %v, want a conflict and the model of before", err)
		}

		calm = l.startle(all[1], []func(){func() { l.Chooses(all[1], thimbletest.Withdraws(thimble.TrainAISystem)...) }}, nil)
		_, err = l.App.Shop.Train(t.Context(), "one withdraws meanwhile", nil)
		calm()
		l.no(t, err)
		if n, _ := l.learns(); n != people-1 {
			t.Errorf("%d people are learned from, want %d", n, people-1)
		}
		l.exact(t)
	})
}
