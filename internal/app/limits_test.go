package app_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/gate"
	"thimble/internal/rights/cases"
	"thimble/internal/sqldb"
	"thimble/internal/staff"
	"thimble/internal/thimbletest"
)

// closedAgo is as if a case had been closed so long ago, and does what is due then.
func closedAgo(t *testing.T, s *thimbletest.Shop, c cases.Case, ago time.Duration) {
	t.Helper()
	err := s.Core.Write(t.Context(), func(tx *sqldb.Tx) error {
		_, err := tx.Exec(t.Context(), `update cases_requests set closed_at = $1 where id = $2`, time.Now().Add(-ago).UnixMicro(), c.ID)
		return err
	})
	if err == nil {
		err = s.LimitCases(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	s.Works()
}

// Who disputes a value has nothing used until it was looked at; they know before that ends,
// and what they do by themselves meanwhile counts.
func TestWhileAValueIsDisputedNothingIsUsedAndItsEndIsToldBefore(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		ada := buyers(s)
		s.OrdersAs("wrong-1", thimbletest.Lately(101), ada, "EXTRA-1")
		s.OrdersAs("wrong-2", thimbletest.Lately(102), ada, "EXTRA-2")
		s.OrdersAs("wrong-3", thimbletest.Lately(103), ada, "EXTRA-3")
		s.Works()
		w, zoe := browse(t, s, ada), answers(t, s, "zoe", staff.Privacy)
		uses := func(p thimble.Purpose) bool {
			t.Helper()
			v, err := s.Gate.Decide(t.Context(), gate.Request{Actor: gate.Actor{Kind: gate.Machine, Name: "test"}, Subject: ada, Purpose: p, Categories: []thimble.Category{thimble.PurchaseHistory}})
			if err != nil {
				t.Fatal(err)
			}
			return v.Allowed
		}
		disputes := func(order string) cases.Case {
			t.Helper()
			form := wrongForm(datumOf(t, s, ada, "order", order), "not_mine", "")
			form.Set("limit", "yes")
			code, _ := w.sends("/privacy/correct", form)
			all, err := s.Cases.Of(t.Context(), ada, 20)
			if err != nil || code != http.StatusSeeOther {
				t.Fatal(code, err)
			}
			for _, c := range all {
				if c.Kind == cases.Rectify && c.Closed.IsZero() && c.Fix == "order/order/"+form.Get("ref") {
					return c
				}
			}
			t.Fatal("there is no case")
			return cases.Case{}
		}
		state := func(c cases.Case) cases.Case {
			t.Helper()
			c, err := s.Cases.Get(t.Context(), c.ID)
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		later := func(c cases.Case, ago time.Duration) { t.Helper(); closedAgo(t, s, c, ago) }
		if !uses(thimble.PersonalizeContent) {
			t.Fatal("nothing is used before: the test shows nothing")
		}
		first, second := disputes("wrong-1"), disputes("wrong-2")
		if uses(thimble.PersonalizeContent) || uses(thimble.EssentialService) || !uses(thimble.LegalObligation) {
			t.Error("while it is disputed something is used, or not even what a law asks for")
		}
		if s.Sees(ada).Personal {
			t.Error("while it is disputed a list is made")
		}
		for _, page := range []string{w.page("/privacy/requests/" + first.ID.Token(cases.TokenPrefix)), zoe.page("/console/cases/" + first.ID.Token(cases.TokenPrefix))} {
			if !strings.Contains(page, "stopped while this is open") {
				t.Error("a page does not say that the use is stopped")
			}
		}
		if code := zoe.does(first, cases.Accepted); code != http.StatusSeeOther || state(first).State != cases.Fulfilled {
			t.Fatalf("correcting what is disputed = %d, %s", code, state(first).State)
		}
		page := w.page("/privacy/requests/" + first.ID.Token(cases.TokenPrefix))
		if !strings.Contains(page, "ends soon") || !strings.Contains(page, "Keep it stopped") {
			t.Error("the person is not told when it ends")
		}
		later(first, cases.LimitNotice-time.Hour)
		if uses(thimble.PersonalizeContent) || state(first).Limited != cases.LimitHolds {
			t.Error("it is used before the day that was told")
		}
		later(first, cases.LimitNotice)
		if uses(thimble.PersonalizeContent) || state(first).Limited != cases.LimitIsEnded {
			t.Error("it is used while another value is disputed")
		}
		// The refusal of the second ends it; an appeal does not let it end.
		if code := zoe.does(second, cases.Declined, "ground", "not_held", "text", "it is yours"); code != http.StatusSeeOther {
			t.Fatalf("refusing = %d", code)
		}
		if code, _ := w.sends("/privacy/requests/"+second.ID.Token(cases.TokenPrefix)+"/appeal", url.Values{"text": {"it is not"}}); code != http.StatusSeeOther {
			t.Fatalf("appealing = %d", code)
		}
		s.Works()
		if !state(second).LimitEnds().IsZero() || uses(thimble.PersonalizeContent) {
			t.Error("it ends during the appeal")
		}
		if code, _ := w.sends("/privacy/requests/"+second.ID.Token(cases.TokenPrefix)+"/withdraw", nil); code != http.StatusSeeOther {
			t.Fatalf("taking it back = %d", code)
		}
		later(second, cases.LimitNotice)
		if !uses(thimble.PersonalizeContent) || !s.Sees(ada).Personal {
			t.Error("when nothing is disputed any more it is not used again")
		}
		// Who stops the use by themselves has it stay so.
		third := disputes("wrong-3")
		if code, _ := w.sends("/privacy/limit", url.Values{"kind": {string(cases.Restrict)}}); code != http.StatusSeeOther {
			t.Fatalf("stopping the use = %d", code)
		}
		if code := zoe.does(third, cases.Accepted); code != http.StatusSeeOther {
			t.Fatalf("correcting = %d", code)
		}
		later(third, cases.LimitNotice)
		if uses(thimble.PersonalizeContent) {
			t.Error("what the person stopped by themselves was lifted")
		}
		if audit, err := s.Audit(t.Context()); err != nil || len(audit.Findings) != 0 {
			t.Errorf("the audit found %v, %v", audit.Findings, err)
		}
	})
}

// What another account brought by becoming one with it was stopped for as long as they like.
func TestTheEndOfADisputeLiftsNoStopThatAnotherAccountBrought(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		zoe := answers(t, s, "zoe", staff.Privacy)
		stops := func(bob thimble.SubjectID) {
			if code, _ := browse(t, s, bob).sends("/privacy/limit", url.Values{"kind": {string(cases.Restrict)}}); code != http.StatusSeeOther {
				t.Fatalf("stopping the use = %d", code)
			}
		}
		lapses := func(bob thimble.SubjectID) {
			if err := s.Core.Write(t.Context(), func(tx *sqldb.Tx) error { return s.Subjects.SetLapsed(t.Context(), tx, bob, true) }); err != nil {
				t.Fatal(err)
			}
		}
		nothing := func(thimble.SubjectID) {}
		for _, c := range []struct {
			name    string
			before  func(bob thimble.SubjectID) // what became of the other account before
			elder   bool                        // it is the older one, under which both are shown
			stopped bool
		}{
			{"a stop", stops, false, true}, {"a stop of the elder", stops, true, true}, {"none", nothing, false, false}, {"none of the elder", nothing, true, false},
			{"a clock", lapses, false, false}, {"a clock of the elder", lapses, true, false},
		} {
			var ada, bob thimble.SubjectID
			for _, of := range map[bool][]string{true: {"B", "A"}, false: {"A", "B"}}[c.elder] {
				who := s.Subject(of + "-" + c.name)
				if of == "A" {
					ada = who
				} else {
					bob = who
				}
			}
			s.OrdersAs("wrong "+c.name, thimbletest.Lately(104), ada, "EXTRA-1")
			s.Works()
			form := wrongForm(datumOf(t, s, ada, "order", "wrong "+c.name), "not_mine", "")
			form.Set("limit", "yes")
			if code, _ := browse(t, s, ada).sends("/privacy/correct", form); code != http.StatusSeeOther {
				t.Fatalf("disputing = %d", code)
			}
			c.before(bob)
			s.Join(ada, bob)
			s.Works()
			all, err := s.Cases.Of(t.Context(), ada, 20)
			at := slices.IndexFunc(all, func(c cases.Case) bool { return c.Kind == cases.Rectify })
			if err != nil || at < 0 || all[at].Limited != cases.LimitHolds {
				t.Fatal(all, err)
			}
			if code := zoe.does(all[at], cases.Accepted); code != http.StatusSeeOther {
				t.Fatalf("correcting = %d", code)
			}
			closedAgo(t, s, all[at], cases.LimitNotice)
			if p, err := s.Subjects.Person(t.Context(), ada); err != nil || len(p.Members) != 2 || p.Restricted != c.stopped {
				t.Errorf("%s: after the dispute the use is stopped: %v, %v", c.name, p.Restricted, err)
			}
		}
	})
}

// Who asks for the same correction again while it is open can have the use stopped then.
func TestABoxThatIsTickedWhenACorrectionIsAskedForAgainCounts(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		ada := s.Subject("A-1")
		s.OrdersAs("wrong-1", thimbletest.Lately(105), ada, "EXTRA-1")
		s.Works()
		w := browse(t, s, ada)
		for _, step := range []struct {
			box     string
			limited bool
		}{{"", false}, {"", false}, {"yes", true}, {"", true}} {
			form := wrongForm(datumOf(t, s, ada, "order", "wrong-1"), "not_mine", "")
			form.Set("limit", step.box)
			if code, _ := w.sends("/privacy/correct", form); code != http.StatusSeeOther {
				t.Fatalf("asking = %d", code)
			}
			s.Works()
			all, err := s.Cases.Of(t.Context(), ada, 20)
			n := 0
			for _, c := range all {
				if c.Kind == cases.Rectify {
					n++
				}
			}
			p, perr := s.Subjects.Person(t.Context(), ada)
			if err != nil || perr != nil || n != 1 || p.Restricted != step.limited {
				t.Errorf("with the box %q there are %d corrections, and the use is stopped: %v; %v, %v", step.box, n, p.Restricted, err, perr)
			}
		}
	})
}
