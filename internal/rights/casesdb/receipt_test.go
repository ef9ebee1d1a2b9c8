package casesdb_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/rights/cases"
	"thimble/internal/rights/casesdb"
	"thimble/internal/sqldb"
)

func TestWhoAskedIsToldByTheDateOfTheirLawThatItCame(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		s.place = "US-CA"
		ctx, ada := t.Context(), s.Person(t)
		late := func(want int) {
			t.Helper()
			_, overdue, err := s.store.Counts(ctx)
			s.must(err)
			all, err := s.store.Unconfirmed(ctx, 10)
			s.must(err)
			if overdue != want || len(all) != want {
				t.Errorf("%d are counted as overdue and %d listed, want %d", overdue, len(all), want)
			}
		}
		enter := func(k cases.Kind, v cases.Via, who thimble.SubjectID) cases.Case {
			t.Helper()
			c, err := s.store.Open(ctx, casesdb.Asked{Subject: who, Kind: k, Via: v, By: cases.TheStaff, Staff: "zoe"})
			s.must(err)
			return s.get(c)
		}
		mail, copied := enter(cases.Erase, cases.Mail, ada), enter(cases.Categories, cases.Phone, ada)
		for _, c := range []cases.Case{mail, copied} {
			if days := c.Receipt.By.Sub(c.At).Hours() / 24; days < 10 || days > 20 || !strings.Contains(c.Receipt.Rule, "us.ca.ccpa") || !c.Receipt.At.IsZero() {
				t.Errorf("%s by %s (%.1f days) under %q", c.Kind, c.Receipt.By, days, c.Receipt.Rule)
			}
		}
		// The page, and the answer to who passes it on, are the confirmation.
		asked := s.get(s.asks(ada, cases.Rectify, "my size is wrong"))
		passed := enter(cases.Access, cases.Registered, s.Person(t))
		if asked.Receipt.By.IsZero() || !asked.Receipt.At.Equal(asked.At) || !passed.Receipt.At.Equal(passed.At) {
			t.Errorf("asked on the page: %+v, passed on: %+v", asked.Receipt, passed.Receipt)
		}
		if c := enter(cases.Restrict, cases.Mail, ada); !c.Receipt.By.IsZero() {
			t.Errorf("a restriction is to be confirmed under %q, which no law asks for", c.Receipt.Rule)
		}
		late(0)
		s.ahead = mail.Receipt.By.Sub(s.Now()) + time.Second
		late(2)
		if c := s.get(mail); !c.Unconfirmed(s.Now().Add(s.ahead)) || c.Overdue(s.Now().Add(s.ahead)) {
			t.Error("the receipt of one is not late, or its answer is")
		}
		// Staff say so, once, with a step; a letter does by itself, and the first time counts.
		told := cases.Event{What: cases.Told, By: cases.TheStaff, Staff: "zoe"}
		c, err := s.store.Do(ctx, mail.ID, told, nothing)
		s.must(err)
		late(1)
		if _, err := s.store.Do(ctx, mail.ID, told, nothing); !errors.Is(err, thimble.ErrConflict) {
			t.Errorf("told again: %v", err)
		}
		s.must(s.store.Confirmed(ctx, mail.ID, c.Last.Add(time.Hour)))
		if again := s.get(mail); !again.Receipt.At.Equal(c.Last) || again.Steps != mail.Steps+1 {
			t.Errorf("confirmed at %s by %d steps, want %s by one more", again.Receipt.At, again.Steps, c.Last)
		}
		s.must(s.store.Confirmed(ctx, copied.ID, s.Now()))
		late(0)
		// Of two that a system of the shop named, one is known.
		named, nobodys := enter(cases.Access, cases.System, s.Person(t)), enter(cases.Access, cases.System, thimble.SubjectID{})
		s.must(s.Core.Write(ctx, func(tx *sqldb.Tx) error {
			_, err := tx.Exec(ctx, `update cases_requests set ack_by = at where id in ($1, $2)`, named.ID, nobodys.ID)
			return err
		}))
		late(1)
	})
}
