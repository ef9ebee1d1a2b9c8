package casesdb_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/ledger"
	"thimble/internal/rights"
	"thimble/internal/rights/cases"
	"thimble/internal/rights/casesdb"
	"thimble/internal/sqldb"
	"thimble/internal/vault"
)

// A grant opens what is a person's own.
type grant struct {
	*vault.Vault
	who thimble.SubjectID
}

func (g grant) Subject() thimble.SubjectID   { return g.who }
func (g grant) Members() []thimble.SubjectID { return []thimble.SubjectID{g.who} }
func (g grant) Purpose() thimble.Purpose     { return thimble.EssentialService }

var nothing = thimble.Hide("")

func (s *shop) state(c cases.Case, want cases.State) cases.Case {
	s.t.Helper()
	got := s.get(c)
	if got.State != want {
		s.t.Errorf("the case is %s, want %s", got.State, want)
	}
	return got
}

func TestWhatACaseAsksForIsOpenedWithItAndTheCaseIsClosedOnceItIsDone(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		ctx, ada := t.Context(), s.Person(t)
		for kind, verbs := range map[cases.Kind][]rights.Kind{
			cases.Erase: {rights.Erase}, cases.Restrict: {rights.Restrict}, cases.Profiling: {rights.Object, rights.Object}, cases.Sale: {rights.Object},
		} {
			c := s.asks(ada, kind, "")
			if _, err := s.store.Complete(ctx, c.ID, cases.TheStaff, "zoe", "", thimble.Hide("done")); !errors.Is(err, thimble.ErrConflict) {
				t.Errorf("%s completed before it began: %v", kind, err)
			}
			c, err := s.store.Accept(ctx, c.ID, cases.TheStaff, "zoe")
			s.must(err)
			open, err := s.requests.Open(ctx)
			s.must(err)
			if len(open) != len(verbs) || len(c.Work) != len(verbs) || open[0].Kind != verbs[0] || open[0].Subject != ada {
				t.Fatalf("%s: %d requests are open, and the case names %v", kind, len(open), c.Work)
			}
			if n, err := s.store.Settle(ctx); n != 0 || err != nil {
				t.Errorf("%s: %d cases moved before anything was done, %v", kind, n, err)
			}
			if _, err := s.store.Complete(ctx, c.ID, cases.TheStaff, "zoe", "", thimble.Hide("done")); !errors.Is(err, thimble.ErrConflict) {
				t.Errorf("%s said to be done by staff, and it is not: %v", kind, err)
			}
			s.state(c, cases.Executing)
			s.works()
			if done := s.state(c, cases.Fulfilled); done.Closed.IsZero() || !done.Work[0].Done {
				t.Errorf("%s: %+v", kind, done)
			}
		}
	})
}

func TestARequestThatCouldNotBeDoneGivesTheCaseBack(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		c := s.asks(s.Person(t), cases.Restrict, "")
		_, err := s.store.Accept(t.Context(), c.ID, cases.ThePerson, "")
		s.must(err)
		open, err := s.requests.Open(t.Context())
		s.must(err)
		open[0].Report.Refused = "it could not be"
		s.must(s.requests.Finish(t.Context(), open[0]))
		_, err = s.store.Settle(t.Context())
		s.must(err)
		if got := s.state(c, cases.Received); len(got.Work) != 0 {
			t.Errorf("it still names %v", got.Work)
		}
	})
}

func TestAnArchiveFulfilsOnlyWhoseItIs(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		ctx, ada, eve := t.Context(), s.Person(t), s.Person(t)
		c := s.asks(ada, cases.Access, "")
		_, err := s.store.Accept(ctx, c.ID, cases.TheStaff, "zoe")
		s.must(err)
		archive := func(who thimble.SubjectID, kind rights.Kind) string {
			r, err := s.requests.Begin(ctx, rights.Request{Subject: who, Kind: kind})
			s.must(err)
			if r.State == rights.Executing {
				s.must(s.requests.Finish(ctx, r))
			}
			return r.ID.Token(rights.TokenPrefix)
		}
		for name, ref := range map[string]string{"another's": archive(eve, rights.Access), "a restriction": archive(ada, rights.Restrict), "nonsense": "req_x", "nothing": ""} {
			if _, err := s.store.Complete(ctx, c.ID, cases.ThePerson, "", ref, nothing); err == nil {
				t.Errorf("fulfilled by %s", name)
			}
		}
		if _, err := s.store.Complete(ctx, c.ID, cases.ThePerson, "", archive(ada, rights.Access), nothing); err != nil {
			t.Error(err)
		}
		s.state(c, cases.Fulfilled)

		c = s.asks(ada, cases.Review, "")
		_, err = s.store.Accept(ctx, c.ID, cases.TheStaff, "zoe")
		s.must(err)
		s.proves["con_1"], s.proves["dec_1"] = cases.Reviewed, cases.Explained
		if _, err := s.store.Complete(ctx, c.ID, cases.TheStaff, "zoe", "dec_1", nothing); !errors.Is(err, thimble.ErrConflict) {
			t.Errorf("a review fulfilled by an explanation: %v", err)
		}
		_, err = s.store.Complete(ctx, c.ID, cases.TheStaff, "zoe", "con_1", nothing)
		s.must(err)
	})
}

func TestAfterANewAddressWhatCannotBeUndoneWaitsAndTheDateDoesNot(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		ctx, ada := t.Context(), s.Person(t)
		s.mailed = s.Now().Add(-time.Hour)
		c := s.asks(ada, cases.Erase, "")
		if !c.Cools.Equal(s.mailed.Add(casesdb.Cooling)) {
			t.Fatalf("it waits until %s", c.Cools)
		}
		if _, err := s.store.Accept(ctx, c.ID, cases.TheStaff, "zoe"); !errors.Is(err, thimble.ErrConflict) {
			t.Errorf("begun while it waits: %v", err)
		}
		if open, err := s.requests.Open(ctx); err != nil || len(open) != 0 {
			t.Errorf("%d requests are open, %v", len(open), err)
		}
		s.mailed = time.Time{}
		plain := s.asks(s.Person(t), cases.Erase, "")
		if !plain.Due.Equal(c.Due) {
			t.Errorf("due %s, and without the wait %s", c.Due, plain.Due)
		}
		s.mailed = s.Now().Add(-time.Hour)
		if quick := s.asks(ada, cases.Restrict, ""); !quick.Cools.IsZero() {
			t.Errorf("a restriction waits until %s", quick.Cools)
		}
	})
}

func TestWhatASystemAsksForTellsNothingOfWhetherAnybodyIsKnown(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		known := s.Person(t)
		for _, kind := range []cases.Kind{cases.Erase, cases.Access, cases.Sale} {
			open := func(who thimble.SubjectID) (cases.Case, int64) {
				ctx, n := sqldb.Counted(t.Context())
				c, err := s.store.Open(ctx, casesdb.Asked{Subject: who, Kind: kind, Via: cases.System, By: cases.TheShop})
				s.must(err)
				return c, n.Load()
			}
			s.looked = nil
			open(known) // the first fills caches
			nobody, without := open(thimble.SubjectID{})
			other, with := open(s.Person(t))
			if with != without || without == 0 {
				t.Errorf("%s: %d statements for somebody and %d for nobody", kind, with, without)
			}
			if nobody.State != other.State || nobody.Due.Sub(nobody.At) != other.Due.Sub(other.At) || nobody.Rule != other.Rule || nobody.Steps != other.Steps {
				t.Errorf("%s: somebody's is %s due %s, nobody's %s due %s", kind, other.State, other.Due, nobody.State, nobody.Due)
			}
			for _, who := range s.looked {
				if !who.IsZero() {
					t.Errorf("%s: the law of a person was looked up before it is known who asks", kind)
				}
			}
		}
	})
}

func TestWhoShowsWhoTheyAreComesUnderTheirOwnLaw(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		c, err := s.store.Open(t.Context(), casesdb.Asked{Subject: s.Person(t), Kind: cases.Erase, Via: cases.System, By: cases.TheShop})
		s.must(err)
		if c.State != cases.Awaiting || !strings.Contains(c.Rule, "baseline") {
			t.Errorf("%s under %q, want a wait under the strict law", c.State, c.Rule)
		}
		proved, err := s.store.Do(t.Context(), c.ID, cases.Event{What: cases.Proved, By: cases.ThePerson, Proof: cases.Session}, nothing)
		s.must(err)
		if proved.State != cases.Received || !strings.Contains(proved.Rule, "gdpr") || !proved.Due.After(c.Due) {
			t.Errorf("%s under %q due %s, want the month of the GDPR", proved.State, proved.Rule, proved.Due)
		}
		if n, err := s.store.Settle(t.Context()); n != 0 || err != nil {
			t.Errorf("%d cases went on by themselves, %v", n, err)
		}
		s.state(c, cases.Received) // nobody is erased before they, or staff, say so once more
	})
}

func TestAnOptOutByASystemIsDoneWithoutProofAndNobodysIsClosed(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		ask := func(who thimble.SubjectID) cases.Case {
			c, err := s.store.Open(t.Context(), casesdb.Asked{Subject: who, Kind: cases.Sale, Via: cases.System, By: cases.TheShop})
			s.must(err)
			return c
		}
		theirs, nobodys := ask(s.Person(t)), ask(thimble.SubjectID{})
		_, err := s.store.Settle(t.Context())
		s.must(err)
		s.works()
		s.state(theirs, cases.Fulfilled)
		s.state(nobodys, cases.Lapsed)
	})
}

func TestWhatNobodyComesBackForLapsesAfterTheSameTimeForEverybody(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		var all []cases.Case
		for _, who := range []thimble.SubjectID{s.Person(t), {}} {
			c, err := s.store.Open(t.Context(), casesdb.Asked{Subject: who, Kind: cases.Erase, Via: cases.System, By: cases.TheShop})
			s.must(err)
			all = append(all, c)
		}
		later := casesdb.New(s.Core, s.parts(), casesdb.Config{Now: func() time.Time { return s.Now().Add(cases.Patience + time.Minute) }})
		if n, err := s.store.Settle(t.Context()); n != 0 || err != nil {
			t.Errorf("%d lapsed at once, %v", n, err)
		}
		if n, err := later.Settle(t.Context()); n != 2 || err != nil {
			t.Errorf("%d lapsed, %v, want both", n, err)
		}
		for _, c := range all {
			s.state(c, cases.Lapsed)
		}
	})
}

func TestARefusalIsAppealedAndSomebodyElseDecides(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		ctx := t.Context()
		c := s.asks(s.Person(t), cases.Erase, "please")
		do := func(e cases.Event, words string) error {
			_, err := s.store.Do(ctx, c.ID, e, thimble.Hide(words))
			return err
		}
		s.must(do(cases.Event{What: cases.Declined, By: cases.TheStaff, Staff: "zoe", Ground: cases.Claims}, "there is a dispute"))
		s.must(do(cases.Event{What: cases.WasAppealed, By: cases.ThePerson}, "it is over"))
		if err := do(cases.Event{What: cases.Overturned, By: cases.TheStaff, Staff: "zoe"}, "still"); !errors.Is(err, thimble.ErrDenied) {
			t.Errorf("who refused decides: %v", err)
		}
		s.must(do(cases.Event{What: cases.Overturned, By: cases.TheStaff, Staff: "max"}, "it is over indeed"))
		_, err := s.store.Accept(ctx, c.ID, cases.TheStaff, "max")
		s.must(err)
		s.works()
		s.state(c, cases.Fulfilled)
		steps, err := s.store.Steps(ctx, c.ID)
		s.must(err)
		var words []string
		for _, k := range steps {
			w, err := casesdb.WordsOf(ctx, grant{s.Vault, k.Subject}, k)
			s.must(err)
			if k.Wrote() != (w.Reveal() != "") || strings.Contains(string(k.Opening.Record), "dispute") {
				t.Errorf("step %d: wrote %v, record %s", k.N, k.Wrote(), k.Opening.Record)
			}
			words = append(words, string(k.What)+" "+w.Reveal())
		}
		want := "opened please|proved |declined there is a dispute|was_appealed it is over|overturned it is over indeed|accepted |completed "
		if got := strings.Join(words, "|"); got != want {
			t.Errorf("the steps are %q, want %q", got, want)
		}
	})
}

func (s *shop) findings() (all []string) {
	s.t.Helper()
	for c, err := range s.store.Claims(s.t.Context()) {
		s.must(err)
		if c.Rule != "" || c.Err != nil {
			all = append(all, c.Table)
		}
	}
	return all
}

func TestAnAuditFindsWhatWasChangedByHand(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		c := s.asks(s.Person(t), cases.Erase, "")
		if found := s.findings(); len(found) != 0 {
			t.Fatalf("before anything was changed: %v", found)
		}
		for _, by := range []string{`update cases_requests set due_at = due_at + 1000000`, `update cases_requests set state = 'fulfilled'`, `update cases_steps set at = at - 1`, `update cases_requests set steps = 1`} {
			err := s.Core.Write(t.Context(), func(tx *sqldb.Tx) error {
				_, err := tx.Exec(t.Context(), by)
				return err
			})
			s.must(err)
			if found := s.findings(); len(found) == 0 {
				t.Errorf("nothing was found after %s", by)
			}
		}
		_ = c
	})
}

func TestOfAnErasedPersonTheStepsStayWithoutThem(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		ctx, ada := t.Context(), s.Person(t)
		erase, other := s.asks(ada, cases.Erase, "forget me"), s.asks(ada, cases.Complain, "and I am cross")
		_, err := s.store.Accept(ctx, erase.ID, cases.TheStaff, "zoe")
		s.must(err)
		if _, err := s.store.Erase(ctx, ada); err != nil {
			t.Fatal(err)
		}
		s.state(erase, cases.Executing)
		s.state(other, cases.Lapsed)
		s.works()
		done := s.state(erase, cases.Fulfilled)
		steps, err := s.store.Steps(ctx, erase.ID)
		s.must(err)
		if !done.Subject.IsZero() || len(steps) != 4 {
			t.Errorf("of %v %d steps, want 4 of nobody", done.Subject, len(steps))
		}
		for _, k := range steps {
			if k.Wrote() || strings.Contains(string(k.Opening.Record), ada.String()) {
				t.Errorf("step %d still has words or the person", k.N)
			}
		}
	})
}

func TestTheQueueIsSortedByDateAndReadPageByPage(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		ctx := t.Context()
		for _, place := range []string{"DE", "BR", "DE", "BR", "US-CA"} {
			s.place = place
			s.asks(s.Person(t), cases.Access, "")
			s.Tick(t)
		}
		var all []cases.Case
		for after := (casesdb.Place{}); ; {
			page, err := s.store.Queue(ctx, after, 2)
			s.must(err)
			all = append(all, page...)
			if len(page) < 2 {
				break
			}
			last := page[len(page)-1]
			after = casesdb.Place{At: last.Due, ID: last.ID}
		}
		for i := 1; i < len(all); i++ {
			if all[i].Due.Before(all[i-1].Due) {
				t.Errorf("due %s after %s", all[i].Due, all[i-1].Due)
			}
		}
		open, overdue, err := s.store.Counts(ctx)
		if len(all) != 5 || open != 5 || overdue != 0 || err != nil {
			t.Errorf("%d cases in pages, %d open, %d overdue, %v", len(all), open, overdue, err)
		}
		if again := s.asks(all[0].Subject, cases.Access, ""); again.ID != all[0].ID {
			t.Error("the same was opened twice")
		}
	})
}

func TestEachStepIsALeafOfTheLedger(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		c := s.asks(s.Person(t), cases.Erase, "")
		steps, err := s.store.Steps(t.Context(), c.ID)
		s.must(err)
		for i, k := range steps {
			if k.N != i+1 || k.Opening.Check() != nil || k.Opening.Hash() == (ledger.Opening{}).Hash() {
				t.Errorf("step %d opens no leaf", k.N)
			}
		}
		if len(steps) != 2 {
			t.Errorf("%d steps, want the request and the proof", len(steps))
		}
	})
}
