package app_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/gate"
	"thimble/internal/gate/gatedb"
	"thimble/internal/session"
	"thimble/internal/staff"
	"thimble/internal/thimbletest"
)

// buyers has people buy shirts and belts together, one of whom has the shirt alone.
func buyers(s *thimbletest.Shop) (ada thimble.SubjectID) {
	allows := thimbletest.Allows(thimble.TrainAISystem, thimble.PersonalizeContent)
	for i := range 8 {
		s.Buys(s.Subject(fmt.Sprint("buyer-", i), allows...), "SHIRT", "BELT", thimble.ItemID(fmt.Sprint("EXTRA-", i%4)))
	}
	ada = s.Subject("A-1", allows...)
	s.Buys(ada, "SHIRT")
	s.Works()
	return ada
}

func TestStaffSeeWhatACustomerWouldSeeForAReasonThatTheCustomerReads(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		ada := buyers(s)
		s.Employs("mara", staff.Support)
		s.Employs("nia", staff.Security)
		s.Employs("sue", staff.Stylist)
		enter := frontDoor(t, s)
		path := "/console/customers/" + ada.String() + "/lists"
		as := func(name, method string, form url.Values) (int, string) {
			code, _, body := enter("thimble_staff", session.Who{Audience: session.Staff, Staff: name}).do(method, path, form)
			return code, body
		}
		reason := url.Values{"purpose": {string(thimble.SupportOperations)}, "reason": {"you asked why we show you belts"}, "placement": {"home"}}
		without := func(key, value string) url.Values {
			f := url.Values{}
			for k, v := range reason {
				f[k] = v
			}
			f.Set(key, value)
			return f
		}

		if code, body := as("mara", http.MethodGet, nil); code != http.StatusOK || strings.Contains(body, "Item belt") {
			t.Errorf("the form: %d, or it shows the list already", code)
		}
		for name, form := range map[string]url.Values{"no reason": without("reason", ""), "a made-up purpose": without("purpose", "marketing.advertising"), "no place": without("placement", "HOME page")} {
			if code, body := as("mara", http.MethodPost, form); code != http.StatusUnprocessableEntity || strings.Contains(body, "Item belt") {
				t.Errorf("%s: %d, want the form again and no list", name, code)
			}
		}
		if uses, err := s.Uses.Of(t.Context(), ada, 100); err != nil || len(staffUses(uses)) != 0 {
			t.Errorf("%d looks before anything was opened, %v", len(staffUses(uses)), err)
		}

		code, body := as("mara", http.MethodPost, reason)
		for _, text := range []string{"Item belt", "bought Item shirt", "Not shown to the customer", "Personal", "use_"} {
			if code != http.StatusOK || !strings.Contains(body, text) {
				t.Errorf("what she would see: %d, without %q", code, text)
			}
		}
		for name, why := range map[string]string{"nia": "The gate said no", "sue": "Not for your role"} {
			if code, body := as(name, http.MethodPost, reason); code != http.StatusForbidden || !strings.Contains(body, why) || strings.Contains(body, "Item belt") {
				t.Errorf("%s: %d, want %q and no list", name, code, why)
			}
		}
		uses, err := s.Uses.Of(t.Context(), ada, 100)
		if err != nil {
			t.Fatal(err)
		}
		looked := 0
		for _, u := range staffUses(uses) {
			if !u.Receipted() {
				t.Errorf("the look of %s has no leaf of its own", u.Actor)
			}
			if u.Actor == "mara" {
				looked++
			}
		}
		if looked != 1 {
			t.Errorf("%d looks of hers are recorded, want 1", looked)
		}
		_, _, own := enter("thimble_customer", session.Who{Audience: session.Customer, Subject: ada}).do(http.MethodGet, "/privacy/access", nil)
		for _, text := range []string{"mara", "you asked why we show you belts"} {
			if !strings.Contains(own, text) {
				t.Errorf("her own page lacks %q", text)
			}
		}
		_, _, page := enter("thimble_staff", session.Who{Audience: session.Staff, Staff: "mara"}).do(http.MethodGet, "/console/customers/"+ada.String(), nil)
		if !strings.Contains(page, path) {
			t.Error("nothing leads there from the customer's page")
		}
	})
}

// A look that nobody could prove must be impossible: while the ledger is silent, nothing is shown.
func TestWhileTheLedgerIsSilentNobodySeesWhatACustomerWouldSee(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	s := thimbletest.OpenAt(t, map[string]string{"data": t.TempDir()}, func() time.Time { return now })
	ada := buyers(s)
	s.Employs("mara", staff.Support)
	mara := frontDoor(t, s)("thimble_staff", session.Who{Audience: session.Staff, Staff: "mara"})
	look := func() (int, string) {
		code, _, body := mara.do(http.MethodPost, "/console/customers/"+ada.String()+"/lists", url.Values{"purpose": {string(thimble.SupportOperations)}, "reason": {"you asked why we show you belts"}, "placement": {"home"}})
		return code, body
	}
	if code, body := look(); code != http.StatusOK || !strings.Contains(body, "Item belt") {
		t.Fatalf("while it speaks: %d", code)
	}
	s.Chooses(ada, thimbletest.Allows("analytics")...) // a leaf that nobody takes in
	now = now.Add(5 * time.Minute)
	if code, body := look(); code == http.StatusOK || strings.Contains(body, "Item belt") {
		t.Errorf("while it is silent: %d, or the list is shown", code)
	}
}

func staffUses(all []gatedb.Use) (of []gatedb.Use) {
	for _, u := range all {
		if u.Kind == gate.Staff {
			of = append(of, u)
		}
	}
	return of
}
