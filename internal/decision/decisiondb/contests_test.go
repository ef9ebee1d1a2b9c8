package decisiondb_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/decision"
	"thimble/internal/decision/decisiondb"
	"thimble/internal/holdertest"
	"thimble/internal/ledger"
	"thimble/internal/sqldb"
)

// reviewed lets the shop's decisions be contested, with a clock of 30 days.
func (s *shop) reviewed(effects map[string]decisiondb.Effect) *shop {
	s.store.Reviews(decisiondb.Reviewing{Now: s.Now, Effects: effects, Due: func(_ context.Context, _ *sqldb.Tx, _ thimble.SubjectID, _ bool, at time.Time) (time.Time, string, error) {
		return at.AddDate(0, 0, 30), "test.law: 30d", nil
	}})
	return s
}

func (s *shop) decided(who thimble.SubjectID) (decisiondb.Sealed, decision.Record) {
	s.tb.Helper()
	r := s.list(who)
	r.Human = &decision.Human{Part: decision.Confirmed, By: "eve"}
	id, err := s.store.Keep(context.Background(), r, [8]byte{}, s.epoch(who))
	if err != nil {
		s.tb.Fatal(err)
	}
	d, err := s.store.Get(context.Background(), id)
	if err != nil {
		s.tb.Fatal(err)
	}
	return d, r
}

var wish = decisiondb.Wish{Reason: "wrong data", Text: thimble.Hide("I never bought that.")}

func TestAReviewGoesFromTheWishToTheAnswerAndToASecondOneByAnother(t *testing.T) {
	holdertest.Each(t, func(t *testing.T, k *holdertest.Kernel) {
		ctx := t.Context()
		var told []decision.Standing
		s := newShop(t, k, 1).reviewed(map[string]decisiondb.Effect{"recommend": func(_ context.Context, _ *sqldb.Tx, _ decisiondb.Sealed, now decision.Standing) error {
			told = append(told, now)
			return nil
		}})
		d, r := s.decided(s.people[0])
		first, err := s.store.Contest(ctx, d, wish)
		if err != nil || first.Appeal || first.DueAt.Sub(first.OpenedAt) < 29*24*time.Hour {
			t.Fatalf("%+v, %v", first, err)
		}
		if _, err := s.store.Contest(ctx, d, wish); !errors.Is(err, thimble.ErrConflict) {
			t.Errorf("a second wish while one is open: %v", err)
		}
		if err := s.store.Answer(ctx, first.ID, "ada", r, decision.Upheld, thimble.Hide("It is right.")); !errors.Is(err, thimble.ErrConflict) {
			t.Errorf("an answer by somebody who has not taken it: %v", err)
		}
		if err := s.store.Claim(ctx, first.ID, "eve", r); !errors.Is(err, thimble.ErrDenied) {
			t.Errorf("who had a part in the decision takes it: %v", err)
		}
		if err := s.store.Claim(ctx, first.ID, "ada", r); err != nil {
			t.Fatal(err)
		}
		if err := s.store.Claim(ctx, first.ID, "bob", r); !errors.Is(err, thimble.ErrConflict) {
			t.Errorf("a colleague takes what is taken: %v", err)
		}
		if err := s.store.Answer(ctx, first.ID, "ada", r, decision.Upheld, thimble.Hide(" ")); !errors.Is(err, thimble.ErrInvalid) {
			t.Errorf("an answer without reasons: %v", err)
		}
		k.Tick(t)
		if err := s.store.Answer(ctx, first.ID, "ada", r, decision.Upheld, thimble.Hide("The order is in the books.")); err != nil {
			t.Fatal(err)
		}
		if len(told) != 0 {
			t.Errorf("the capability was told of a decision that stands: %v", told)
		}
		second, err := s.store.Contest(ctx, d, wish)
		if err != nil || !second.Appeal {
			t.Fatalf("%+v, %v", second, err)
		}
		if err := s.store.Claim(ctx, second.ID, "ada", r); !errors.Is(err, thimble.ErrDenied) {
			t.Errorf("the same person takes the second review: %v", err)
		}
		if err := errors.Join(s.store.Claim(ctx, second.ID, "bob", r), s.store.Release(ctx, second.ID, "bob", r), s.store.Claim(ctx, second.ID, "bob", r)); err != nil {
			t.Fatal(err)
		}
		if err := s.store.Answer(ctx, second.ID, "bob", r, decision.Overturned, thimble.Hide("You are right.")); err != nil {
			t.Fatal(err)
		}
		if _, err := s.store.Contest(ctx, d, wish); !errors.Is(err, thimble.ErrConflict) {
			t.Errorf("a third review: %v", err)
		}
		if got, _ := s.store.Get(ctx, d.ID); got.Standing != decision.Overturned || !slices.Equal(told, []decision.Standing{decision.Overturned}) {
			t.Errorf("the decision is %s, the capability was told %v", got.Standing, told)
		}
		if yes, err := s.store.Overturned(ctx, d.Subject, "recommend", d.Model); err != nil || !yes {
			t.Errorf("Overturned = %v, %v", yes, err)
		}
		s.eachStepIsALeaf(second.ID, "contested claimed released claimed answered")
		if found := s.findings(); len(found) > 0 {
			t.Errorf("the audit finds %v", found)
		}
	})
}

func (s *shop) eachStepIsALeaf(contest thimble.ID, want string) {
	s.tb.Helper()
	s.sequence()
	steps, err := s.store.Steps(context.Background(), contest)
	if err != nil {
		s.tb.Fatal(err)
	}
	var kinds []string
	for _, sealed := range steps {
		step, opening, err := decisiondb.OpenStep(context.Background(), opener{s.Vault, sealed.Subject}, sealed)
		if err != nil {
			s.tb.Fatal(err)
		}
		kinds = append(kinds, step.Kind)
		r, err := s.Ledger.Receipt(context.Background(), opening)
		if err != nil {
			s.tb.Fatal(err)
		}
		text, err := r.MarshalText()
		if err != nil {
			s.tb.Fatal(err)
		}
		if _, err := ledger.Verify(text, s.Ledger.VerifierKey()); err != nil {
			s.tb.Errorf("the receipt of %q: %v", step.Kind, err)
		}
	}
	slices.Sort(kinds)
	wanted := strings.Fields(want)
	slices.Sort(wanted)
	if !slices.Equal(kinds, wanted) {
		s.tb.Errorf("steps %v, want %v", kinds, wanted)
	}
}

func TestTheReviewDueFirstIsFirstInTheQueue(t *testing.T) {
	holdertest.Each(t, func(t *testing.T, k *holdertest.Kernel) {
		s := newShop(t, k, 3)
		days := map[thimble.SubjectID]int{s.people[0]: 30, s.people[1]: 10, s.people[2]: 20}
		s.store.Reviews(decisiondb.Reviewing{Now: s.Now, Due: func(_ context.Context, _ *sqldb.Tx, who thimble.SubjectID, _ bool, at time.Time) (time.Time, string, error) {
			return at.AddDate(0, 0, days[who]), "r", nil
		}})
		for _, who := range s.people {
			d, _ := s.decided(who)
			if _, err := s.store.Contest(t.Context(), d, wish); err != nil {
				t.Fatal(err)
			}
		}
		queue, err := s.store.Queue(t.Context(), 10)
		if err != nil || len(queue) != 3 || queue[0].Subject != s.people[1] || queue[2].Subject != s.people[0] {
			t.Errorf("got %+v, %v", queue, err)
		}
	})
}

func TestAnAlteredReviewIsFound(t *testing.T) {
	holdertest.Each(t, func(t *testing.T, k *holdertest.Kernel) {
		s := newShop(t, k, 1).reviewed(nil)
		d, r := s.decided(s.people[0])
		c, err := s.store.Contest(t.Context(), d, wish)
		if err != nil {
			t.Fatal(err)
		}
		err = errors.Join(s.store.Claim(t.Context(), c.ID, "ada", r), s.store.Answer(t.Context(), c.ID, "ada", r, decision.Upheld, thimble.Hide("So it is.")))
		if err != nil {
			t.Fatal(err)
		}
		s.sequence()
		for name, attack := range map[string][2]string{
			"give the shop more time":         {`update decision_contests set due_at = due_at + 1`, `update decision_contests set due_at = due_at - 1`},
			"say that it was answered else":   {`update decision_contests set outcome = 'overturned'`, `update decision_contests set outcome = 'upheld'`},
			"say that somebody else did":      {`update decision_contests set reviewer = 'bob'`, `update decision_contests set reviewer = 'ada'`},
			"move a step in time":             {`update decision_steps set at = at + 1`, `update decision_steps set at = at - 1`},
			"say that another thing happened": {`update decision_steps set kind = 'released' where kind = 'claimed'`, `update decision_steps set kind = 'claimed' where kind = 'released'`},
		} {
			s.sql(attack[0])
			if found := s.findings(); len(found) == 0 {
				t.Errorf("%s: nothing is found", name)
			}
			s.sql(attack[1])
		}
		if found := s.findings(); len(found) > 0 {
			t.Errorf("the control: %v", found)
		}
	})
}

func TestBadWishesAreRefused(t *testing.T) {
	for field, w := range map[string][2]string{
		"reason": {"because", ""}, "text: at most": {"other", strings.Repeat("é", decision.MaxText+1)}, "text: text was": {"other", "\xff"},
	} {
		if err := decision.CheckWish(w[0], w[1]); !errors.Is(err, thimble.ErrInvalid) || !strings.Contains(err.Error(), field) {
			t.Errorf("%q: %v", field, err)
		}
	}
	if err := decision.CheckWish("other", strings.Repeat("é", decision.MaxText)); err != nil {
		t.Error(err)
	}
}

func TestWhoWasErasedContestsNothing(t *testing.T) {
	holdertest.Each(t, func(t *testing.T, k *holdertest.Kernel) {
		s := newShop(t, k, 1).reviewed(nil)
		d, _ := s.decided(s.people[0])
		if _, err := k.Subjects.Erase(t.Context(), s.people[0]); err != nil {
			t.Fatal(err)
		}
		if _, err := s.store.Contest(t.Context(), d, wish); !errors.Is(err, thimble.ErrNotFound) {
			t.Errorf("got %v, want ErrNotFound", err)
		}
	})
}
