package casesdb_test

import (
	"testing"
	"time"

	"thimble"
	"thimble/internal/rights/cases"
	"thimble/internal/rights/casesdb"
)

func TestWhatLayReadyAndWasToldIsClosedAndNeverOverdue(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		ctx, ada := t.Context(), s.Person(t)
		now := func() time.Time { return s.Now().Add(s.ahead) }
		settle := func() {
			t.Helper()
			_, err := s.store.Settle(ctx)
			s.must(err)
		}
		asked := s.asks(ada, cases.Access, "")
		asked, err := s.store.Accept(ctx, asked.ID, cases.ThePerson, "")
		s.must(err)
		entered, err := s.store.Open(ctx, casesdb.Asked{Subject: s.Person(t), Kind: cases.Port, Via: cases.Mail, Proof: cases.Compared, By: cases.TheStaff, Staff: "zoe"})
		s.must(err)
		entered, err = s.store.Accept(ctx, entered.ID, cases.TheStaff, "zoe")
		s.must(err)
		if asked.Ready.IsZero() || !entered.Ready.IsZero() {
			t.Fatalf("asked on the page it is ready since %s, entered by staff since %s", asked.Ready, entered.Ready)
		}
		due := entered.Due
		s.ahead = 20 * 24 * time.Hour
		s.must(s.store.Offered(ctx, entered.ID)) // a letter told them
		s.must(s.store.Offered(ctx, entered.ID)) // again changes nothing
		if entered = s.get(entered); !entered.Ready.Equal(now().UTC().Truncate(time.Microsecond)) || !entered.Due.After(due) || entered.Steps != 4 {
			t.Errorf("told: ready %s, due %s, %d steps", entered.Ready, entered.Due, entered.Steps)
		}
		s.ahead = cases.Lies + time.Minute
		settle()
		s.state(asked, cases.Fulfilled)
		s.state(entered, cases.Executing)
		if entered.Overdue(now()) {
			t.Error("what lies ready, and was told in time, is overdue")
		}
		s.ahead = 20*24*time.Hour + cases.Lies - time.Minute
		settle()
		s.state(entered, cases.Executing)
		s.ahead += 2 * time.Minute
		settle()
		s.state(entered, cases.Fulfilled)
	})
}

func TestWhatNobodyWasToldOfStaysOpenAndIsOverdue(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		c, err := s.store.Open(t.Context(), casesdb.Asked{Subject: s.Person(t), Kind: cases.Access, Via: cases.Mail, Proof: cases.Compared, By: cases.TheStaff, Staff: "zoe"})
		s.must(err)
		c, err = s.store.Accept(t.Context(), c.ID, cases.TheStaff, "zoe")
		s.must(err)
		s.ahead = 60 * 24 * time.Hour
		if _, err := s.store.Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
		if c = s.state(c, cases.Executing); !c.Overdue(s.Now().Add(s.ahead)) {
			t.Error("what nobody was told of is not overdue")
		}
		// Told too late, it is closed later, and its date stands.
		due := c.Due
		s.must(s.store.Offered(t.Context(), c.ID))
		if c = s.get(c); !c.Due.Equal(due) || !c.Overdue(s.Now().Add(s.ahead)) {
			t.Errorf("told too late, it is due %s, want %s", c.Due, due)
		}
		if _, err := s.store.Complete(t.Context(), c.ID, cases.TheProgram, "", "", thimble.Hide("")); err == nil {
			t.Error("it is said to be opened, and was not")
		}
	})
}
