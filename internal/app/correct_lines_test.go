package app_test

import (
	"html"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"thimble"
	"thimble/internal/decision/decisionweb"
	"thimble/internal/rights/cases"
	"thimble/internal/session"
	"thimble/internal/sqldb"
	"thimble/internal/staff"
	"thimble/internal/thimbletest"
	"thimble/internal/web/webtest"
)

// lineOf is the datum of the line of an order that reads so.
func lineOf(t *testing.T, s *thimbletest.Shop, who thimble.SubjectID, order, reads string) thimble.Datum {
	t.Helper()
	d := datumOf(t, s, who, "order", order)
	remedy, _ := s.Orders.Remedy(d)
	for _, p := range remedy.Parts {
		if p.Words == reads {
			d.Ref = p.Ref
			return d
		}
	}
	t.Fatalf("no line of %s reads %q", order, reads)
	return d
}

// The whole way of single lines: the page, the desk, the model, and an old list.
func TestALineOfAnOrderIsPutRightByItself(t *testing.T) {
	s := thimbletest.New(t)
	ada := buyers(s)
	right := func() [32]byte {
		t.Helper()
		v, _ := s.App.Shop.Version()
		return v.Hash
	}
	trained := func(why string) [32]byte {
		t.Helper()
		s.Works()
		if _, err := s.App.Shop.Train(t.Context(), why, nil); err != nil {
			t.Fatal(err)
		}
		return right()
	}
	// The order as it should be, and then with what came back; and as it is, with two lines
	// too many.
	at := thimbletest.Lately(100)
	s.OrdersAs("mixed-1", at, ada, "BELT")
	without := trained("with the order as it should be")
	returnsAt(t, s, "back-1", at, ada, "BELT")
	back := trained("with what came back")
	if err := s.Core.Write(t.Context(), func(tx *sqldb.Tx) error {
		_, err := tx.Exec(t.Context(), `delete from order_orders where subject_id = $1 and placed_at >= $2`, ada, at.UnixMicro())
		return err
	}); err != nil {
		t.Fatal(err)
	}
	s.OrdersAs("mixed-1", at, ada, "BELT", "EXTRA-1", "EXTRA-1")
	if wrong := trained("with the wrong lines"); wrong == without || wrong == back || back == without {
		t.Fatal("the lines change nothing: the test shows nothing")
	}
	seen := s.Sees(ada)
	w, zoe := browse(t, s, ada), answers(t, s, "zoe", staff.Privacy)
	whole := datumOf(t, s, ada, "order", "mixed-1")
	if page := w.page("/privacy/correct?of=order&name=order&ref=" + whole.Ref); !strings.Contains(page, "Only one thing in it is wrong") || !strings.Contains(page, whole.Ref+"%2F2") {
		t.Error("the page of an order does not lead to its lines")
	}
	for i, step := range []struct{ reads, choice, value string }{{"EXTRA-1, 1", "units", "3"}, {"EXTRA-1, 3", "not_bought", ""}, {"EXTRA-1, 1", "not_bought", ""}, {"BELT, 1", "sent_back", ""}} {
		d := lineOf(t, s, ada, "mixed-1", step.reads)
		if i == 0 {
			for _, wrong := range []string{"", "0", "-1", "many", "99999999999"} {
				if code, _ := w.sends("/privacy/correct", wrongForm(d, "units", wrong)); code != http.StatusUnprocessableEntity {
					t.Errorf("%q of an item = %d", wrong, code)
				}
			}
			gone := d
			gone.Ref = whole.Ref + "/9"
			if res := w.do(http.MethodPost, "/privacy/correct", wrongForm(gone, "not_bought", "")); res.StatusCode != http.StatusNotFound {
				t.Errorf("a line that there is not = %d", res.StatusCode)
			}
		}
		if code, _ := w.sends("/privacy/correct", wrongForm(d, step.choice, step.value)); code != http.StatusSeeOther {
			t.Fatalf("asking for %s = %d", step.choice, code)
		}
		c := caseOf(t, s, ada)
		if page := zoe.page("/console/cases/" + c.ID.Token(cases.TokenPrefix)); c.State != cases.Received || !strings.Contains(page, step.reads) {
			t.Errorf("%s: staff do not see what is wrong, or it was done without them: %s", step.choice, c.State)
		}
		if code := zoe.does(c, cases.Accepted); code != http.StatusSeeOther || caseOf(t, s, ada).State != cases.Fulfilled {
			t.Fatalf("correcting %s = %d, %s", step.choice, code, caseOf(t, s, ada).State)
		}
		if want, there := map[int][32]byte{2: without, 3: back}[i]; there && right() != want || !retrained(t, s) {
			t.Errorf("%s: the model is not the one that never saw what was wrong, byte for byte", step.choice)
		}
	}
	if d, err := s.Decisions.Get(t.Context(), seen.Decision); err != nil || d.Standing != "superseded" {
		t.Errorf("a list that the wrong lines fed is %+v, %v", d.Standing, err)
	}
	if known, err := s.Orders.Known(t.Context(), []string{"mixed-1"}); err != nil || !known[0] {
		t.Errorf("an old list would bring the lines back: %v, %v", known, err)
	}
	n := 0
	for d, err := range s.Orders.Export(t.Context(), ada) {
		if r, _ := s.Orders.Remedy(d); err != nil || strings.Contains(r.Was, "EXTRA") {
			t.Errorf("her download has %q, %v", r.Was, err)
		}
		n++
	}
	if n != 3 { // what she bought, what is left of the order, and what she sent back
		t.Errorf("%d orders are in her download", n)
	}
	if audit, err := s.Audit(t.Context()); err != nil || len(audit.Findings) != 0 {
		t.Errorf("the audit found %v, %v", audit.Findings, err)
	}
	s.Erase(ada)
	if left := rowsOf(t, s, ada)["order_orders"]; left != 0 {
		t.Errorf("%d orders are left", left)
	}
}

// The pages of a correction, filled, in a browser.
func TestThePagesOfACorrectionAreLookedAt(t *testing.T) {
	browser := webtest.Start(t)
	h := open(t)
	ada := h.customers[0].Subject
	customer := h.cookie(t, session.Who{Audience: session.Customer, Subject: ada})
	tab := browser.NewTab(webtest.Desk)
	tab.Cookie(h.url, "thimble_customer", customer)
	tab.Cookie(h.url, "thimble_staff", h.cookie(t, session.Who{Audience: session.Staff, Staff: "owner"}))
	whole := datumOf(t, h.Shop, ada, "order", "")
	remedy, _ := h.Orders.Remedy(whole)
	if len(remedy.Parts) == 0 {
		t.Fatal("the order has no lines to correct")
	}
	page := "/privacy/correct?of=order&name=order&ref="
	look(t, tab, h.url, page+url.QueryEscape(whole.Ref), 0)
	line := whole
	line.Ref = remedy.Parts[0].Ref
	look(t, tab, h.url, page+url.QueryEscape(line.Ref), 1)
	known, err := h.Catalog.Get(t.Context(), remedy.Items...)
	if err != nil || len(known) == 0 {
		t.Fatal(known, err)
	}
	w := browse(t, h.Shop, ada)
	item := remedy.Items[0]
	for _, ref := range []string{whole.Ref, line.Ref} {
		if name := decisionweb.ItemName(known[item].Name); name == "" || !strings.Contains(w.page(page+url.QueryEscape(ref)), html.EscapeString(name)) {
			t.Errorf("the page of %s does not call its product by its name", ref)
		}
	}
	form := wrongForm(line, "not_bought", "")
	form.Set("limit", "yes")
	if code, _ := w.sends("/privacy/correct", form); code != http.StatusSeeOther {
		t.Fatalf("asking = %d", code)
	}
	all, err := h.Cases.Of(t.Context(), ada, 9)
	at := slices.IndexFunc(all, func(c cases.Case) bool { return c.Kind == cases.Rectify })
	if err != nil || at < 0 {
		t.Fatal(all, err)
	}
	c := all[at]
	look(t, tab, h.url, "/privacy/requests/"+c.ID.Token(cases.TokenPrefix), 0)
	look(t, tab, h.url, "/console/cases/"+c.ID.Token(cases.TokenPrefix), 1)
}
