package app_test

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/collect"
	"thimble/internal/collect/table"
	"thimble/internal/sqldb"
	"thimble/internal/subject"
	"thimble/internal/thimbletest"
)

// brings imports rows of a kind.
func brings(t *testing.T, s *thimbletest.Shop, kind collect.Kind, columns map[string]string, content string) collect.Report {
	t.Helper()
	m := table.Mapping{Kind: string(kind), Form: table.Plain(), Columns: columns}
	if kind == collect.Orders {
		m.Currency = "EUR"
	}
	src := collect.Source{Name: fmt.Sprintf("%s-%d.csv", kind, len(content)), Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(content)), nil }}
	r, err := s.Import(t.Context(), kind, src, collect.Options{Map: &m})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// The case of a person who is forgotten and comes back the next day with the same e-mail
// address: they are somebody new, of whom nothing of before is known.
func TestTheSameEMailTheNextDayIsANewPerson(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		ctx := t.Context()
		customers := map[string]string{"email": "Email", "name": "Name"}
		const list = "Email,Name\nada@example.org,Ada of before\n"
		mail, err := subject.NewIdentifier(subject.Email, "ada@example.org")
		if err != nil {
			t.Fatal(err)
		}
		brings(t, s, collect.Customers, customers, list)
		before, err := s.Subjects.Find(ctx, mail)
		if err != nil {
			t.Fatal(err)
		}
		s.Chooses(before, thimbletest.Allows(personalize, train)...)
		s.Buys(before, "shirt", "scarf")
		s.Erase(before)

		// An old list brings nobody back.
		if r := brings(t, s, collect.Customers, customers, list+"\n"); r.Written != 0 || r.Suppressed != 1 {
			t.Errorf("the old list: %+v, want one row of somebody forgotten", r.Counts)
		}
		if found, err := s.Subjects.FindAll(ctx, []subject.Identifier{mail}); err != nil || !found[0].IsZero() {
			t.Fatalf("the old list brought somebody back: %v", err)
		}

		// The next day they come by themselves.
		drafts, err := s.Subjects.Draft(ctx, []subject.Identifier{mail})
		if err == nil {
			err = s.Core.Write(ctx, func(tx *sqldb.Tx) error { return s.Subjects.Create(ctx, tx, drafts[0]) })
		}
		if err != nil {
			t.Fatal(err)
		}
		anew := drafts[0].ID
		if anew == before {
			t.Error("the id was given again")
		}
		for _, d := range s.Archive(anew).Data {
			if d.Holder != "subject" && d.Holder != "rights" {
				t.Errorf("%s knows something of before: %s", d.Holder, d.Name)
			}
		}
		for _, p := range []thimble.Purpose{personalize, train} {
			if st := standing(t, s, anew, p); st.State != "" {
				t.Errorf("the choice of before stands: %s is %s", p, st.State)
			}
		}
		if suppressed, err := s.Subjects.Suppressed(ctx, []subject.Identifier{mail}); err != nil || !suppressed[0] {
			t.Errorf("the mark is gone: %v, %v", suppressed, err)
		}
		if rows := rowsOf(t, s, before); rows["order_orders"]+rows["subject_identifiers"]+rows["decision_decisions"] > 0 {
			t.Errorf("rows of before: %v", rows)
		}

		// Old lists of things with a date are of before, and not theirs. What is of after is.
		orders := map[string]string{"number": "No", "item": "SKU", "units": "Units", "time": "At", "price": "Price", "email": "Email"}
		later := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
		if r := brings(t, s, collect.Orders, orders, "No,SKU,Units,At,Price,Email\nold-1,shirt,1,2024-05-01T10:00:00Z,9.00,ada@example.org\nnew-1,scarf,1,"+later+",5.00,ada@example.org\n"); r.Orders != 1 || r.Suppressed != 1 {
			t.Errorf("orders of before and after: %+v, want one of each", r.Counts)
		}
		choices := map[string]string{"email": "Email", "purpose": "Purpose", "choice": "Choice", "at": "At", "where": "Where", "text_version": "Text", "evidence": "Proof"}
		if r := brings(t, s, collect.Consents, choices, "Email,Purpose,Choice,At,Where,Text,Proof\nada@example.org,"+string(personalize)+",given,2024-05-01T10:00:00Z,form,v1,"+strings.Repeat("ab", 32)+"\n"); r.Suppressed != 1 {
			t.Errorf("a yes of before: %+v, want it left out", r.Counts)
		}
		reviews := map[string]string{"email": "Email", "item": "SKU", "rating": "Stars", "text": "Text", "at": "At"}
		if r := brings(t, s, collect.Reviews, reviews, "Email,SKU,Stars,Text,At\nada@example.org,shirt,5,Warm,2024-05-01T10:00:00Z\n"); r.Suppressed != 1 {
			t.Errorf("a review of before: %+v, want it left out", r.Counts)
		}
		if st := standing(t, s, anew, personalize); st.State != "" {
			t.Errorf("the yes of before stands: %s", st.State)
		}
		if n := rowsOf(t, s, anew)["order_orders"]; n != 1 {
			t.Errorf("%d orders are theirs, want the one of after", n)
		}
	})
}
