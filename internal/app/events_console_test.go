package app_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/collect/frame"
	"thimble/internal/gate"
	"thimble/internal/session"
	"thimble/internal/staff"
	"thimble/internal/thimbletest"
)

// sends has an event of a person in the log, in parts by category.
func sends(t *testing.T, s *thimbletest.Shop, who thimble.SubjectID, parts map[thimble.Category]string) {
	t.Helper()
	r := frame.Record{Subject: who, Received: time.Now().UTC().UnixMicro(), Source: 1}
	var err error
	if r.ID, err = thimble.NewID(nil); err != nil {
		t.Fatal(err)
	}
	for c, text := range parts {
		sealed, err := s.Vault.Seal(t.Context(), frame.PartCell(&r, c), []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		r.Parts = append(r.Parts, frame.Part{Category: c, Sealed: sealed})
	}
	if _, err := s.Frames.Append(t.Context(), []frame.Record{r}); err != nil {
		t.Fatal(err)
	}
}

// searches has a person search for something, in a size, with an address in the text.
func searches(t *testing.T, s *thimbletest.Shop, who thimble.SubjectID, query string) {
	t.Helper()
	sends(t, s, who, map[thimble.Category]string{
		"user.behavior.search_history": fmt.Sprintf(`{"plan":1,"type":"track","event":"Products Searched","time":%d,"properties":{"query":%q}}`, time.Now().UnixMicro(), query),
		"thimble.size":                 `{"properties":{"size":"SIZE-XXL"}}`,
		"user.demographic.language":    `{"context":{"locale":"LOCALE-DE"}}`,
	})
}

func TestStaffSeeTheShapesOfSomebodysEventsAndForAReasonWhatTheirRoleMaySee(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		ada, eve := s.Subject("A-1", thimbletest.Allows(personalize)...), s.Subject("E-1")
		searches(t, s, ada, "winter coat, write to jo@example.org")
		searches(t, s, eve, "EVES QUERY")
		s.Employs("mara", staff.Support)
		s.Employs("pia", staff.Privacy)
		enter := frontDoor(t, s)
		path := "/console/customers/" + ada.String() + "/events"
		as := func(name, method string, form url.Values) (int, string) {
			t.Helper()
			code, _, body := enter("thimble_staff", session.Who{Audience: session.Staff, Staff: name}).do(method, path, form)
			return code, body
		}
		says := func(what, body string, want map[string]bool) {
			t.Helper()
			for text, there := range want {
				if strings.Contains(body, text) != there {
					t.Errorf("%s has %q: %t, want %t", what, text, !there, there)
				}
			}
		}

		code, shapes := as("mara", http.MethodGet, nil)
		if code != http.StatusOK {
			t.Fatalf("shapes: %d", code)
		}
		says("the page of shapes", shapes, map[string]bool{
			"Products Searched": true, "query": true, "Shapes only": true, "use_": true, "winter coat": false, "LOCALE-DE": false, "SIZE-XXL": false, "jo@example.org": false, "EVES QUERY": false,
			"What is kept of this customer now": true, "personalize.content.profiled": true, "dropped": true, "Not for your role": true,
		})

		reason := url.Values{"purpose": {string(thimble.SupportOperations)}, "reason": {"you asked why we show you coats"}}
		code, values := as("mara", http.MethodPost, reason)
		if code != http.StatusOK {
			t.Fatalf("values: %d", code)
		}
		says("what support sees for a reason", values, map[string]bool{
			"winter coat": true, "[email]": true, "jo@example.org": false, "SIZE-XXL": false, "EVES QUERY": false, "What the events say is open": true, "use_": true, "LOCALE-DE": true,
		})
		_, all := as("pia", http.MethodPost, reason)
		says("what privacy sees", all, map[string]bool{"winter coat": true, "SIZE-XXL": true, "jo@example.org": false})

		for name, bad := range map[string]struct {
			form url.Values
			says string
		}{
			"no reason":          {url.Values{"purpose": {string(thimble.SupportOperations)}}, "Say in 10 to 500 characters"},
			"no purpose":         {url.Values{"reason": {"you asked why we show you coats"}}, "Choose what the events are opened for"},
			"a made-up purpose":  {url.Values{"purpose": {"marketing.advertising"}, "reason": {"you asked why we show you coats"}}, "Choose what the events are opened for"},
			"a reason of blanks": {url.Values{"purpose": {string(thimble.SupportOperations)}, "reason": {"             "}}, "Say in 10 to 500 characters"},
		} {
			if code, body := as("mara", http.MethodPost, bad.form); code != http.StatusUnprocessableEntity || !strings.Contains(body, bad.says) || strings.Contains(body, "winter coat") {
				t.Errorf("%s: %d, want the form with %q and no value", name, code, bad.says)
			}
		}

		looks := map[string]int{}
		uses, err := s.Uses.Of(t.Context(), ada, 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range uses {
			if u.Kind == gate.Staff {
				looks[u.Actor]++
				if !u.Receipted() {
					t.Error("a look has no leaf of its own")
				}
			}
		}
		if looks["mara"] != 6 || looks["pia"] != 1 {
			t.Errorf("recorded looks: %v, want each page that opened something", looks)
		}
		_, _, own := enter("thimble_customer", session.Who{Audience: session.Customer, Subject: ada}).do(http.MethodGet, "/privacy/access", nil)
		says("the person's own page", own, map[string]bool{"mara": true, "pia": true, "you asked why we show you coats": true, "what you searched": true, "in part: ": true})
	})
}

func TestARefusedLookAtEventsSaysWhyAndShowsNothing(t *testing.T) {
	s := thimbletest.New(t)
	ada := s.Subject("A-1")
	searches(t, s, ada, "winter coat")
	s.Employs("mara", staff.Support)
	s.Employs("nia", staff.Security)
	enter := frontDoor(t, s)
	path := "/console/customers/" + ada.String() + "/events"
	for name, c := range map[string]struct {
		who, method string
		purpose     thimble.Purpose
		says        string
	}{
		"a role that sees nobody":            {"nia", http.MethodGet, "", "no rule permits it to your role (security)"},
		"a purpose that is not of this role": {"mara", http.MethodPost, thimble.LegalObligation, "no rule permits it to your role (support)"},
	} {
		code, _, body := enter("thimble_staff", session.Who{Audience: session.Staff, Staff: c.who}).do(c.method, path, url.Values{"purpose": {string(c.purpose)}, "reason": {"the file of a request"}})
		if code != http.StatusForbidden || !strings.Contains(body, c.says) || strings.Contains(body, "Products Searched") || strings.Contains(body, "winter coat") {
			t.Errorf("%s: %d without %q, or with something of the events", name, code, c.says)
		}
	}
	uses, err := s.Uses.Of(t.Context(), ada, 100)
	if err != nil || len(uses) != 0 {
		t.Errorf("%d uses of what was refused, %v", len(uses), err)
	}
}

func TestACustomersPageCountsTheirEventsAndShowsWhatTheyWereAboutForAReason(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		ada, bob := s.Subject("A-1"), s.Subject("B-1")
		s.Browses(ada, "SHIRT-1", "SHIRT-2", "SHIRT-3")
		searches(t, s, ada, "winter coat")
		s.Employs("mara", staff.Support)
		mara := frontDoor(t, s)("thimble_staff", session.Who{Audience: session.Staff, Staff: "mara"})
		page := "/console/customers/" + ada.String()
		month := time.Now().UTC().Format("January 2006")

		_, _, masked := mara.do(http.MethodGet, page, nil)
		for text, want := range map[string]bool{"Product Viewed": true, "Products Searched": true, month: true, "Look at the events": true, "SHIRT-3": false, "winter coat": false} {
			if strings.Contains(masked, text) != want {
				t.Errorf("the page has %q: %t, want %t", text, !want, want)
			}
		}
		_, _, whole := mara.do(http.MethodPost, page+"/unmask", url.Values{"reason": {"to find the coat you saw"}})
		for _, text := range []string{"SHIRT-3", "winter coat", "The newest"} {
			if !strings.Contains(whole, text) {
				t.Errorf("unmasked, the page lacks %q", text)
			}
		}
		if _, _, body := mara.do(http.MethodGet, "/console/customers/"+bob.String(), nil); !strings.Contains(body, "Nothing of this customer’s visits is kept") {
			t.Error("a customer without events is not said to have none")
		}
	})
}

func TestOlderEventsAreALookOfTheirOwn(t *testing.T) {
	s := thimbletest.New(t)
	ada := s.Subject("A-1")
	var many []thimble.ItemID
	for i := range 30 {
		many = append(many, thimble.ItemID(fmt.Sprintf("LOOK-%02d", i)))
	}
	s.Browses(ada, many...)
	s.Employs("mara", staff.Support)
	mara := frontDoor(t, s)("thimble_staff", session.Who{Audience: session.Staff, Staff: "mara"})
	path := "/console/customers/" + ada.String() + "/events"
	_, _, first := mara.do(http.MethodGet, path, nil)
	_, after, ok := strings.Cut(first, "?after=")
	if !ok {
		t.Fatal("there is no way to older events")
	}
	after, _, _ = strings.Cut(after, `"`)
	form := url.Values{"purpose": {string(thimble.SupportOperations)}, "reason": {"to find the coat you saw"}, "after": {after}}
	_, _, second := mara.do(http.MethodPost, path, form)
	if !strings.Contains(second, "LOOK-04") || strings.Contains(second, "LOOK-05") || strings.Contains(second, "LOOK-29") {
		t.Error("the older events do not go on where the newest end")
	}
	form.Set("after", "nonsense")
	if code, _, _ := mara.do(http.MethodPost, path, form); code != http.StatusBadRequest && code != http.StatusUnprocessableEntity {
		t.Errorf("a place that is none: %d", code)
	}
	if code, _, _ := mara.do(http.MethodGet, "/console/customers/nobody/events", nil); code != http.StatusNotFound {
		t.Errorf("an address that names nobody: %d", code)
	}
}
