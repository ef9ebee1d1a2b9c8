package app_test

import (
	"bytes"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/decision"
	"thimble/internal/order"
	"thimble/internal/recommend/lists"
	"thimble/internal/registry"
	"thimble/internal/rights"
	"thimble/internal/rights/cases"
	"thimble/internal/sqldb"
	"thimble/internal/staff"
	"thimble/internal/subject"
	"thimble/internal/thimbletest"
)

// retrained reports whether the serving model is, byte for byte, a training on what is held.
func retrained(t *testing.T, s *thimbletest.Shop) bool {
	t.Helper()
	kept, err := s.Models.Kept(t.Context(), lists.ModelName)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range kept {
		if v.Stage != registry.Champion {
			continue
		}
		p, err := s.Models.Open(t.Context(), v)
		if err != nil {
			t.Fatal(err)
		}
		weights, err := s.App.Shop.Retrain(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Equal(weights, p.Weights)
	}
	t.Fatal("nothing serves")
	return false
}

// datumOf is what a holder exports about somebody under a name, by a value in it.
func datumOf(t *testing.T, s *thimbletest.Shop, who thimble.SubjectID, holder, has string) thimble.Datum {
	t.Helper()
	h := s.Holders()[slices.IndexFunc(s.Holders(), func(h thimble.Holder) bool { return h.HolderName() == holder })]
	for d, err := range h.Export(t.Context(), who) {
		if err != nil {
			t.Fatal(err)
		}
		if c, ok := h.(thimble.Corrector); ok {
			if r, can := c.Remedy(d); can && strings.Contains(d.Name+" "+r.Was, has) {
				return d
			}
		}
	}
	return thimble.Datum{}
}

func wrongForm(d thimble.Datum, choice, value string) url.Values {
	return url.Values{"of": {d.Holder}, "name": {d.Name}, "ref": {d.Ref}, "choice": {choice}, "value": {value}}
}

// returns keeps a return of an item.
func returns(t *testing.T, s *thimbletest.Shop, number string, who thimble.SubjectID, item thimble.ItemID) {
	t.Helper()
	returnsAt(t, s, number, thimbletest.Lately(200), who, item)
}

func returnsAt(t *testing.T, s *thimbletest.Shop, number string, at time.Time, who thimble.SubjectID, item thimble.ItemID) {
	t.Helper()
	id, err := thimble.NewID(nil)
	if err != nil {
		t.Fatal(err)
	}
	o := order.Order{ID: id, Subject: who, Number: number, PlacedAt: at, Return: true,
		Lines: []order.Line{{Item: item, Units: 1, Price: thimble.Money{Minor: 250, Currency: "GBP"}}}}
	drafts, err := s.Orders.Draft(t.Context(), []order.Order{o})
	if err == nil {
		err = s.Core.Write(t.Context(), func(tx *sqldb.Tx) error { return s.Orders.Add(t.Context(), tx, drafts) })
	}
	if err != nil {
		t.Fatal(err)
	}
}

// The whole way: the data page, the case, the desk, the model, the decisions, who has it.
func TestAnOrderThatWasNotTheirsLeavesTheModelTheDecisionsAndIsTold(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		ada := buyers(s)
		right, _ := s.App.Shop.Version()
		s.OrdersAs("wrong-1", thimbletest.Lately(101), ada, "EXTRA-1", "EXTRA-2")
		s.Works()
		if _, err := s.App.Shop.Train(t.Context(), "with the order", nil); err != nil {
			t.Fatal(err)
		}
		before, _ := s.App.Shop.Version()
		old, was := s.Sees(ada), s.Sees(ada)
		if !was.Personal {
			t.Fatalf("the list is not personal: %s", was.Why)
		}
		s.Discloses(ada)
		sendAll(t, s)

		d := datumOf(t, s, ada, "order", "wrong-1")
		w, zoe := browse(t, s, ada), answers(t, s, "zoe", staff.Privacy)
		if page := w.page("/privacy/data"); !strings.Contains(page, "/privacy/correct?name=order") {
			t.Error("the data page does not lead to the correction")
		}
		if code, page := w.sends("/privacy/correct", wrongForm(d, "gone", "")); code != http.StatusUnprocessableEntity || !strings.Contains(page, "choose one") {
			t.Errorf("a choice that there is not = %d", code)
		}
		if code, page := w.sends("/privacy/correct", wrongForm(d, "not_mine", "")); code != http.StatusSeeOther || !strings.Contains(page, "wrong-1") {
			t.Fatalf("asking = %d", code)
		}
		c := caseOf(t, s, ada)
		if c.State != cases.Received || c.Kind != cases.Rectify {
			t.Fatalf("the case is %s of %s: somebody has to look first", c.State, c.Kind)
		}
		if page := zoe.page("/console/cases/" + c.ID.Token(cases.TokenPrefix)); !strings.Contains(page, "wrong-1") || !strings.Contains(page, "This order is not mine") {
			t.Error("staff do not see what is kept beside what the person says")
		}
		if code := zoe.does(c, cases.Accepted); code != http.StatusSeeOther {
			t.Fatalf("correcting = %d", code)
		}
		if c = caseOf(t, s, ada); c.State != cases.Fulfilled {
			t.Fatalf("the case is %s", c.State)
		}
		s.Works()

		if after, _ := s.App.Shop.Version(); after.Hash == before.Hash || after.Hash != right.Hash || !retrained(t, s) {
			t.Error("the model is not that of before the wrong order, byte for byte")
		}
		id, err := thimble.ParseID(rights.TokenPrefix, c.Work[0].Ref)
		if err != nil {
			t.Fatal(err)
		}
		r, err := s.Requests.Get(t.Context(), id)
		if err != nil || r.Report.Decisions == nil || r.Report.Decisions.Fed != 2 || r.Report.Decisions.Ended != 1 || len(r.Report.Decisions.Anew) != 1 {
			t.Fatalf("decisions: %+v, %v", r.Report.Decisions, err)
		}
		anew := r.Report.Decisions.Anew[0]
		if anew.Was != was.Decision.Token(decision.TokenPrefix) || !anew.Changed {
			t.Errorf("made anew: %+v, want the newest of the place, which comes out otherwise", anew)
		}
		for _, l := range []thimble.ID{old.Decision, was.Decision} {
			if got, err := s.Decisions.Get(t.Context(), l); err != nil || got.Standing != decision.Superseded || got.Cause != c.Work[0].Ref {
				t.Errorf("a decision that the wrong order fed is %+v, %v", got.Standing, err)
			}
		}
		if len(r.Report.Told) != 1 || r.Report.Told[0].Name != "Parcels" || len(r.Report.Holders[0].Kept) != 1 {
			t.Errorf("told %+v, kept %+v", r.Report.Told, r.Report.Holders)
		}
		page := w.page("/privacy/requests/" + c.ID.Token(cases.TokenPrefix))
		for _, want := range []string{"went into 2 decisions", "Gone: ", "Parcels", "§ 147 AO", "made again with the right value"} {
			if !strings.Contains(page, want) && !strings.Contains(page, strings.ReplaceAll(want, "Gone: ", "New: ")) {
				t.Errorf("the person is not told %q", want)
			}
		}
		if page := w.page("/privacy/decisions/" + anew.Was); !strings.Contains(page, "has been corrected") || !strings.Contains(page, anew.Now) {
			t.Error("the old decision does not lead to the new one")
		}
		audit, err := s.Audit(t.Context())
		if err != nil || len(audit.Findings) != 0 {
			t.Errorf("the audit found %v, %v", audit.Findings, err)
		}
		for _, attack := range []struct{ do, undo, finds string }{
			{`update decision_decisions set standing = 'stands' where id = $1`, `update decision_decisions set standing = 'superseded' where id = $1`, "counts still"},
			{`update decision_decisions set cause = 'req_2' where id = $1`, `update decision_decisions set cause = '` + c.Work[0].Ref + `' where id = $1`, "did not end it"},
			{`update decision_decisions set standing = 'superseded', cause = '` + c.Work[0].Ref + `' where id <> $1`, ``, "has others"},
		} {
			write := func(statement string) {
				if err := s.Core.Write(t.Context(), func(tx *sqldb.Tx) error {
					_, err := tx.Exec(t.Context(), statement, old.Decision)
					return err
				}); err != nil {
					t.Fatal(err)
				}
			}
			write(attack.do)
			audit, err := s.Audit(t.Context())
			if err != nil || len(audit.Findings) != 1 || !strings.Contains(audit.Findings[0].Rule, attack.finds) {
				t.Errorf("after %q the audit found %v, %v", attack.do, audit.Findings, err)
			}
			if attack.undo != "" {
				write(attack.undo)
			}
		}
		s.Erase(ada)
		if n := rowsOf(t, s, ada)["order_orders"]; n != 0 {
			t.Errorf("%d orders are left", n)
		}
	})
}

func TestAReturnThatWasNoneCountsAsBoughtAgain(t *testing.T) {
	s := thimbletest.New(t)
	ada := buyers(s)
	s.OrdersAs("kept-1", thimbletest.Lately(102), ada, "BELT")
	s.Works()
	if _, err := s.App.Shop.Train(t.Context(), "without the return", nil); err != nil {
		t.Fatal(err)
	}
	right, _ := s.App.Shop.Version()
	returns(t, s, "back-1", ada, "BELT")
	if _, err := s.App.Shop.Train(t.Context(), "with the return", nil); err != nil {
		t.Fatal(err)
	}
	if with, _ := s.App.Shop.Version(); with.Hash == right.Hash {
		t.Fatal("the return changes nothing: the test shows nothing")
	}
	w, zoe := browse(t, s, ada), answers(t, s, "zoe", staff.Privacy)
	if code, _ := w.sends("/privacy/correct", wrongForm(datumOf(t, s, ada, "order", "back-1"), "never", "")); code != http.StatusSeeOther {
		t.Fatalf("asking = %d", code)
	}
	c := caseOf(t, s, ada)
	// A refusal leaves everything as it is; the correction is made on appeal.
	if code := zoe.does(c, cases.Declined, "ground", "not_held", "text", "it came back"); code != http.StatusSeeOther {
		t.Fatalf("refusing = %d", code)
	}
	if datumOf(t, s, ada, "order", "back-1").Ref == "" {
		t.Error("a refused correction was made")
	}
	max := answers(t, s, "max", staff.Privacy)
	path := "/privacy/requests/" + c.ID.Token(cases.TokenPrefix)
	if code, _ := w.sends(path+"/appeal", url.Values{"text": {"I have it here"}}); code != http.StatusSeeOther {
		t.Fatalf("appealing = %d", code)
	}
	if code := max.does(c, cases.Overturned, "text", "true"); code != http.StatusSeeOther {
		t.Fatalf("taking the refusal back = %d", code)
	}
	if code := max.does(c, cases.Accepted); code != http.StatusSeeOther || caseOf(t, s, ada).State != cases.Fulfilled {
		t.Fatalf("correcting = %d, and it is %s", code, caseOf(t, s, ada).State)
	}
	if after, _ := s.App.Shop.Version(); after.Hash != right.Hash || !retrained(t, s) {
		t.Error("the model is not that without the return, byte for byte")
	}
}

func TestWhatThePersonMayCorrectAloneIsCorrectedAtOnce(t *testing.T) {
	s := thimbletest.New(t)
	ada, eve := s.Subject("ada"), s.Subject("eve")
	err := s.Core.Write(t.Context(), func(tx *sqldb.Tx) error {
		return s.Subjects.SetResidence(t.Context(), tx, ada, subject.Residence{Country: "DE", Evidence: "order", At: time.Now()})
	})
	mail, idErr := subject.NewIdentifier(subject.Email, "ada@example.org")
	taken, takenErr := subject.NewIdentifier(subject.Email, "eve@example.org")
	if err != nil || idErr != nil || takenErr != nil {
		t.Fatal(err, idErr, takenErr)
	}
	for who, id := range map[thimble.SubjectID]subject.Identifier{ada: mail, eve: taken} {
		d, err := s.Subjects.DraftFor(t.Context(), who, id)
		if err == nil {
			err = s.Core.Write(t.Context(), func(tx *sqldb.Tx) error { return s.Subjects.Add(t.Context(), tx, d) })
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	w, zoe := browse(t, s, ada), answers(t, s, "zoe", staff.Privacy)
	home := datumOf(t, s, ada, "subject", "residence")
	if code, _ := w.sends("/privacy/correct", wrongForm(home, "replace", "Narnia")); code != http.StatusUnprocessableEntity {
		t.Errorf("a country that there is not = %d", code)
	}
	if code, page := w.sends("/privacy/correct", wrongForm(home, "replace", "fr")); code != http.StatusSeeOther || !strings.Contains(page, "It is done") {
		t.Errorf("the country = %d", code)
	}
	if got := datumOf(t, s, ada, "subject", "residence").Value.(subject.Residence); got.Country != "FR" || got.Evidence != "declared" {
		t.Errorf("the country is %+v", got)
	}
	// Somebody else's value leads nowhere, and somebody looks at an address first.
	if res := browse(t, s, eve).do(http.MethodPost, "/privacy/correct", wrongForm(datumOf(t, s, ada, "subject", "email"), "remove", "")); res.StatusCode != http.StatusNotFound {
		t.Errorf("somebody else's address = %d", res.StatusCode)
	}
	for _, step := range []struct {
		value string
		then  cases.State
	}{{"eve@example.org", cases.Received}, {"ada@new.example.org", cases.Fulfilled}} {
		value, then := step.value, step.then
		if code, _ := w.sends("/privacy/correct", wrongForm(datumOf(t, s, ada, "subject", "email"), "replace", value)); code != http.StatusSeeOther {
			t.Fatalf("an address = %d", code)
		}
		c := caseOf(t, s, ada)
		if c.State != cases.Received {
			t.Errorf("an address is changed without a look: %s", c.State)
		}
		if code := zoe.does(c, cases.Accepted); code != http.StatusSeeOther || caseOf(t, s, ada).State != then {
			t.Errorf("%d, and it is %s, want %s", code, caseOf(t, s, ada).State, then)
		}
		if then == cases.Received {
			if code := zoe.does(c, cases.Declined, "ground", "rights_of_others", "text", "it is somebody else's"); code != http.StatusSeeOther {
				t.Errorf("refusing = %d", code)
			}
		}
	}
	if got := datumOf(t, s, ada, "subject", "email").Value; got != "ada@new.example.org" {
		t.Errorf("the address is %v", got)
	}
	if res := w.do(http.MethodGet, "/privacy/take", nil); res.StatusCode != http.StatusOK {
		t.Logf("after an address was added what shows everything = %d", res.StatusCode)
	}
}

// Two customers who are one person: whoever has data of either is told, once.
func TestACorrectionIsToldToWhoeverHasDataOfAnySubjectOfThePerson(t *testing.T) {
	s := thimbletest.New(t)
	allows := thimbletest.Allows(personalize, train)
	ada, eve := s.Subject("ada", allows...), s.Subject("eve", allows...)
	for _, who := range []thimble.SubjectID{ada, eve} {
		s.Buys(who, "shirt")
		s.Discloses(who)
	}
	sendAll(t, s)
	s.Join(ada, eve)
	request, err := thimble.NewID(nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx := thimble.WithCause(t.Context(), request)
	for _, want := range []int{2, 0} { // a second call tells nobody
		if told, err := s.Disclose.Corrected(ctx, []thimble.SubjectID{ada, eve}, thimble.PurchaseHistory, nil); err != nil || told != want {
			t.Errorf("%d were told, want %d, %v", told, want, err)
		}
	}
}
