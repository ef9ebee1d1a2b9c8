package casesdb_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"thimble"
	"thimble/internal/rights/cases"
	"thimble/internal/rights/casesdb"
	"thimble/internal/sqldb"
)

// outside is one system that takes part in everything.
type outside struct {
	standing cases.Standing
	asked    []thimble.SubjectID
	off      int
	ended    int
}

func (o *outside) AskTx(_ context.Context, _ *sqldb.Tx, c cases.Case, _ []cases.Work, members []thimble.SubjectID) ([]cases.Task, error) {
	o.asked, o.standing = members, cases.Standing{Open: 1}
	return []cases.Task{{Ref: "tsk_of_" + string(c.Kind), System: "sys_1", State: "to_be_told"}}, nil
}

func (o *outside) StandingTx(context.Context, *sqldb.Tx, thimble.ID) (cases.Standing, error) {
	return o.standing, nil
}

func (o *outside) EndTx(_ context.Context, _ *sqldb.Tx, _ thimble.ID, off bool) error {
	if o.ended++; off {
		o.off++
	}
	return nil
}

func (s *shop) with(o *outside) {
	p := s.parts()
	p.Systems = o
	s.store = s.remake(p)
}

func (s *shop) heard(c cases.Case, state string) {
	s.t.Helper()
	s.must(s.Core.Write(s.t.Context(), func(tx *sqldb.Tx) error {
		return s.store.HeardTx(s.t.Context(), tx, c.ID, cases.Task{Ref: "tsk_1", System: "sys_1", State: state}, cases.ASystem, "")
	}))
}

func TestWhatIsDoneHereWaitsForSystemsOutsideAndIsNotDelayedByThem(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		o := &outside{}
		s.with(o)
		who := s.Person(t)
		c := s.asks(who, cases.Erase, "")
		c, err := s.store.Accept(t.Context(), c.ID, cases.ThePerson, "")
		s.must(err)
		if c.Tasks != 1 || len(o.asked) != 1 || o.asked[0] != who {
			t.Fatalf("accepted with %d tasks, about %v, want one about the person", c.Tasks, o.asked)
		}
		s.works()
		if c = s.get(c); c.State != cases.Waiting || !c.Work[0].Done {
			t.Fatalf("after the desk has done it, it is %s with %+v, want it to wait for the system", c.State, c.Work)
		}
		if _, err := s.store.Erase(t.Context(), who); err != nil {
			t.Fatal(err)
		}
		if c = s.get(c); c.State != cases.Waiting || !c.Subject.IsZero() {
			t.Fatalf("after its person is erased it is %s, and of %v, want it to wait on, without a person", c.State, c.Subject)
		}
		if _, err := s.store.InPart(t.Context(), c.ID, "zoe", cases.NoAnswer, thimble.Hide("")); !errors.Is(err, thimble.ErrConflict) {
			t.Errorf("closed in part while the system may answer: %v, want a conflict", err)
		}
		s.heard(c, "acknowledged")
		if c = s.get(c); c.State != cases.Waiting {
			t.Fatalf("after an acknowledgement it is %s, want it to wait", c.State)
		}
		o.standing = cases.Standing{}
		s.heard(c, "done")
		c = s.get(c)
		steps, err := s.store.Steps(t.Context(), c.ID)
		s.must(err)
		last := steps[len(steps)-1]
		if c.State != cases.Fulfilled || last.What != cases.AllAnswered || steps[len(steps)-2].Tasks[0].State != "done" {
			t.Errorf("after the last answer it is %s by %s", c.State, last.What)
		}
		s.heard(c, "refused") // too late: a closed case stays as it is
		if again := s.get(c); again.Steps != c.Steps {
			t.Errorf("a closed case has %d steps, want %d", again.Steps, c.Steps)
		}
	})
}

func TestACaseIsClosedInPartByAPersonWhenNoAnswerIsToCome(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		o := &outside{}
		s.with(o)
		c := s.asks(s.Person(t), cases.Restrict, "")
		c, err := s.store.Accept(t.Context(), c.ID, cases.ThePerson, "")
		s.must(err)
		s.works()
		o.standing.Late = 1
		c, err = s.store.InPart(t.Context(), c.ID, "zoe", cases.NoAnswer, thimble.Hide("they never answer"))
		s.must(err)
		steps, err := s.store.Steps(t.Context(), c.ID)
		s.must(err)
		if last := steps[len(steps)-1]; c.State != cases.Fulfilled || c.Part != cases.NoAnswer || last.Part != cases.NoAnswer || last.Staff != "zoe" {
			t.Errorf("got %s in part %q, and the step %+v", c.State, c.Part, last.Step)
		}
	})
}

func TestWhatIsTakenBackOrErasedIsCalledOffOutside(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		o := &outside{}
		s.with(o)
		who := s.Person(t)
		c := s.asks(who, cases.Access, "")
		_, err := s.store.Accept(t.Context(), c.ID, cases.ThePerson, "")
		s.must(err)
		_, err = s.store.Do(t.Context(), c.ID, cases.Event{What: cases.Withdrawn, By: cases.ThePerson}, thimble.Hide(""))
		s.must(err)
		c = s.asks(who, cases.Access, "")
		_, err = s.store.Accept(t.Context(), c.ID, cases.ThePerson, "")
		s.must(err)
		_, err = s.store.Erase(t.Context(), who)
		s.must(err)
		if o.off != 2 {
			t.Errorf("%d cases were called off, want 2", o.off)
		}
	})
}

func TestAControllersWordBeginsACaseUnderTheSameWaitsAndNobodysIsClosed(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		open := func(who thimble.SubjectID) (c cases.Case, statements int64) {
			ctx, n := sqldb.Counted(t.Context())
			c, err := s.store.Open(ctx, casesdb.Asked{Subject: who, Kind: cases.Erase, Via: cases.Controller, By: cases.TheController})
			s.must(err)
			return c, n.Load()
		}
		ada := s.Person(t)
		theirs, some := open(ada)
		nobodys, none := open(thimble.SubjectID{})
		if some != none || theirs.State != nobodys.State || !theirs.Due.Equal(nobodys.Due) {
			t.Errorf("somebody's takes %d statements and is %s, nobody's %d and is %s", some, theirs.State, none, nobodys.State)
		}
		s.mailed = s.Now().Add(-time.Hour)
		_, err := s.store.Settle(t.Context())
		s.must(err)
		theirs, nobodys = s.get(theirs), s.get(nobodys)
		if theirs.State != cases.Received || theirs.Proof != cases.Vouched || theirs.Cools.IsZero() {
			t.Errorf("vouched for, an hour after a new address: %s, proof %q, waits until %s", theirs.State, theirs.Proof, theirs.Cools)
		}
		if nobodys.State != cases.Lapsed {
			t.Errorf("nobody's is %s, want it closed", nobodys.State)
		}
		s.ahead = casesdb.Cooling
		_, err = s.store.Settle(t.Context())
		s.must(err)
		if theirs = s.get(theirs); theirs.State != cases.Executing {
			t.Errorf("after the wait it is %s, want it begun", theirs.State)
		}
	})
}
