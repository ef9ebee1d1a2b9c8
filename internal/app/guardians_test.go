package app_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"thimble/internal/rights/cases"
	"thimble/internal/sqldb"
	"thimble/internal/subject"
	"thimble/internal/thimbletest"
)

// From a guardian's wish to what is done for the child: a copy, and that the child is
// forgotten; and then the same from guardians who are none any more.
func TestAGuardiansRequestsGoTheWholeWayAndEndWithTheRelationOrTheChildhood(t *testing.T) {
	s := thimbletest.New(t)
	ctx := t.Context()
	guardian, child, grown, parted := s.Subject("guardian"), s.Subject("child"), s.Subject("grown"), s.Subject("parted")
	write := func(f func(tx *sqldb.Tx) error) {
		t.Helper()
		if err := s.Core.Write(ctx, f); err != nil {
			t.Fatal(err)
		}
	}
	write(func(tx *sqldb.Tx) error {
		return s.Subjects.Relate(ctx, tx, subject.Relation{From: guardian, To: child, Kind: subject.Guardian})
	})
	w := browse(t, s, guardian)
	asks := func(kind, whose string) int {
		t.Helper()
		code, _ := w.sends("/privacy/requests", url.Values{"kind": {kind}, "for": {whose}})
		return code
	}

	// A copy: the guardian asks, and the child alone opens it.
	if code := asks("access", "1"); code != http.StatusSeeOther {
		t.Fatalf("asking for a copy = %d", code)
	}
	c := caseOf(t, s, child)
	path := "/privacy/requests/" + c.ID.Token(cases.TokenPrefix)
	if c.Kind != cases.Access || c.Via != cases.Guardian || c.Proof != cases.Relation || c.State != cases.Executing {
		t.Fatalf("it became %+v", c)
	}
	if code, _ := w.sends(path+"/collect", nil); code != http.StatusNotFound {
		t.Errorf("the guardian opens the child's archive: %d", code)
	}
	if code, _ := browse(t, s, child).sends(path+"/collect", nil); code != http.StatusSeeOther {
		t.Errorf("the child opens it: %d", code)
	}
	if c = caseOf(t, s, child); c.State != cases.Fulfilled {
		t.Errorf("then it is %s", c.State)
	}

	// Forgotten: the guardian asks, the desk begins it, the child is gone and the guardian stays.
	if code := asks("erase", "0"); code == http.StatusSeeOther {
		t.Error("a guardian is forgotten by the form for children")
	}
	if code := asks("erase", "1"); code != http.StatusSeeOther {
		t.Fatalf("asking for an erasure = %d", code)
	}
	theirs, err := s.Cases.Of(ctx, child, 10)
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range theirs {
		if one.Kind == cases.Erase {
			c = one
		}
	}
	if c.Kind != cases.Erase || c.State != cases.Received || c.Via != cases.Guardian {
		t.Fatalf("it became %+v, want it to wait for the desk", c)
	}
	if _, err := s.Subjects.Epoch(ctx, child); err != nil {
		t.Fatalf("the child was forgotten by a guardian's word alone: %v", err)
	}
	if c, err = s.Cases.Accept(ctx, c.ID, cases.TheStaff, "zoe"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Desk.Retry(ctx); err != nil {
		t.Fatal(err)
	}
	if c, err = s.Cases.Finish(ctx, c); err != nil || c.State != cases.Fulfilled {
		t.Errorf("the erasure is %s, %v", c.State, err)
	}
	if _, err := s.Subjects.Epoch(ctx, child); err == nil {
		t.Error("the child is still there")
	}
	if code := asks("complain", "1"); code != http.StatusNotFound {
		t.Errorf("asking for a child that is forgotten = %d", code)
	}
	if _, err := s.Subjects.Epoch(ctx, guardian); err != nil {
		t.Errorf("the guardian: %v", err)
	}

	// A child that came of age, and one whose guardian it is no more.
	for _, who := range []struct {
		name string
		ends func(tx *sqldb.Tx) error
	}{
		{"grown", func(tx *sqldb.Tx) error {
			return s.Subjects.SetAge(ctx, tx, grown, subject.Age{State: subject.AgeAdult, Evidence: "declared"})
		}},
		{"parted", func(tx *sqldb.Tx) error { return s.Subjects.Unrelate(ctx, tx, guardian, parted) }},
	} {
		of := grown
		if who.name == "parted" {
			of = parted
		}
		write(func(tx *sqldb.Tx) error {
			return s.Subjects.Relate(ctx, tx, subject.Relation{From: guardian, To: of, Kind: subject.Guardian})
		})
		if code := asks("complain", "1"); code != http.StatusSeeOther {
			t.Fatalf("%s: asking = %d", who.name, code)
		}
		before := "/privacy/requests/" + caseOf(t, s, of).ID.Token(cases.TokenPrefix)
		if res := w.do(http.MethodGet, before, nil); res.StatusCode != http.StatusOK {
			t.Errorf("%s: the guardian sees it: %d", who.name, res.StatusCode)
		}
		proof := strings.Replace(before, "/privacy/requests/", "/privacy/receipts/request/", 1) + "-1"
		if res := w.do(http.MethodGet, proof, nil); res.StatusCode != http.StatusOK {
			t.Errorf("%s: the guardian checks the receipt on that page: %d", who.name, res.StatusCode)
		}
		write(who.ends)
		if res := w.do(http.MethodGet, proof, nil); res.StatusCode != http.StatusNotFound {
			t.Errorf("%s: the guardian still has its receipt: %d", who.name, res.StatusCode)
		}
		if code := asks("access", "1"); code != http.StatusNotFound {
			t.Errorf("%s: asking afterwards = %d", who.name, code)
		}
		if res := w.do(http.MethodGet, before, nil); res.StatusCode != http.StatusNotFound {
			t.Errorf("%s: the guardian still sees what they asked: %d", who.name, res.StatusCode)
		}
		if page := w.page("/privacy/requests"); strings.Contains(page, "For somebody I answer for") {
			t.Errorf("%s: the guardian is offered to ask", who.name)
		}
	}
}
