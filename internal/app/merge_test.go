package app_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"thimble"
	"thimble/internal/session"
	"thimble/internal/subject"
	"thimble/internal/thimbletest"
)

var byStaff = subject.Evidence{Ground: subject.ByStaff, By: "staff mara", Note: thimble.Hide("she said so")}

// TestTwoPeopleJoinedByMistakeAreAsTheyWere is privacy cases 35 and 36 over the whole
// installation: every holder's export, the model and the list on the page.
func TestTwoPeopleJoinedByMistakeAreAsTheyWere(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		crowd(s)
		ada, bob := someone(t, s, "ada"), s.Subject("bob", thimbletest.Allows(personalize, train)...)
		s.Buys(bob, "belt", "extra-1")
		s.Works()
		s.Sees(bob)
		kept := func() map[string]any {
			all := map[string]any{}
			for _, h := range s.Desk.Holders() {
				if name := h.HolderName(); name != "gate" && name != "recommend" { // looks are added; the model is compared below
					all[name+" of ada"], all[name+" of bob"] = exported(t, h, ada), exported(t, h, bob)
				}
			}
			return all
		}
		before := kept()
		model, _ := s.Shop.Version()

		m, err := s.Subjects.Join(t.Context(), ada, bob, byStaff)
		if err != nil {
			t.Fatal(err)
		}
		s.Works()
		if merged, _ := s.Shop.Version(); merged.Hash == model.Hash || merged.Stats.People != model.Stats.People-1 {
			t.Errorf("the model has %d people, want one less than %d", merged.Stats.People, model.Stats.People)
		}
		if list := s.Sees(bob); list.Personal {
			mixed, err := s.Decisions.Get(t.Context(), list.Decision)
			if err != nil || mixed.Subject != ada {
				t.Errorf("the decision is about %s, %v, want the canonical subject", mixed.Subject, err)
			}
		} else {
			t.Error("two who allow it are one who does not")
		}
		if _, err := s.Subjects.Part(t.Context(), m.ID, "staff mara"); err != nil {
			t.Fatal(err)
		}
		s.Works()

		if diff := cmp.Diff(before, kept()); diff != "" {
			t.Errorf("the end of the merge left traces:\n%s", diff)
		}
		if after, _ := s.Shop.Version(); after.Hash != model.Hash {
			t.Error("the model is not the one from before the merge")
		}
		for _, h := range s.Desk.Holders() {
			text, err := json.Marshal(exported(t, h, ada))
			if h.HolderName() == "order" && (strings.Contains(string(text), "belt") || !strings.Contains(string(text), "shirt")) {
				t.Errorf("ada's orders are not hers: %s", text)
			}
			for _, tells := range []string{bob.String(), `"because":"belt"`, `"because":"extra-1"`} {
				if err != nil || strings.Contains(string(text), tells) {
					t.Errorf("the export of %s about ada tells of bob (%s): %s, %v", h.HolderName(), tells, text, err)
				}
			}
		}
	})
}

// A visitor uses the real doors with one cookie.
type visitor struct {
	t      *testing.T
	base   string
	cookie *http.Cookie
}

func (v visitor) do(method, path string, form url.Values) (int, string, string) {
	v.t.Helper()
	r, err := http.NewRequestWithContext(v.t.Context(), method, v.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		v.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.AddCookie(v.cookie)
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return res.StatusCode, res.Header.Get("Location"), string(b)
}

func TestStaffJoinAccountsAndThePersonPartsThem(t *testing.T) {
	s := thimbletest.New(t)
	crowd(s)
	ada, alias, eve := s.Subject("A-1"), s.Subject("A-2"), s.Subject("E-1")
	s.Buys(alias, "scarf")
	s.Works()
	h, err := s.Handler(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	base := strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	enter := func(name string, who session.Who) visitor {
		value, err := s.Sessions.Begin(t.Context(), who)
		if err != nil {
			t.Fatal(err)
		}
		return visitor{t, base, &http.Cookie{Name: name, Value: value}}
	}
	staff := enter("thimble_staff", session.Who{Audience: session.Staff, Staff: "mara"})
	own := enter("thimble_customer", session.Who{Audience: session.Customer, Subject: alias})
	stranger := enter("thimble_customer", session.Who{Audience: session.Customer, Subject: eve})
	page := "/console/customers/" + ada.String()

	for account, says := range map[string]string{"A-1": "one person already", "none-such": "No customer has this account number"} {
		if code, _, body := staff.do("POST", page+"/join", url.Values{"account": {account}, "note": {"x"}}); code != 422 || !strings.Contains(body, says) || strings.Contains(body, "none-such") {
			t.Errorf("joining with %s: %d, want %q on the page", account, code, says)
		}
	}
	if code, _, body := staff.do("POST", page+"/join", url.Values{"account": {"A-2"}}); code != 422 || !strings.Contains(body, "Say in a few words") {
		t.Errorf("joining without a reason: %d", code)
	}
	if code, to, body := staff.do("POST", page+"/join", url.Values{"account": {"A-2"}, "note": {"she said so"}}); code != 303 || to != page+"?done=joined" {
		t.Fatalf("joining: %d %s %s", code, to, body)
	}
	if _, _, body := staff.do("GET", page, nil); !strings.Contains(body, "Joined accounts") || !strings.Contains(body, "she said so") || !strings.Contains(body, "staff mara") || !strings.Contains(body, "A-2") || !strings.Contains(body, "order-1") {
		t.Error("the customer's page does not show the link, the other account or its order")
	}
	links, err := s.Subjects.Merges(t.Context(), ada)
	if err != nil || len(links) != 1 {
		t.Fatal(links, err)
	}
	form := url.Values{"merge": {links[0].ID.Token(subject.MergePrefix)}}
	if _, _, body := own.do("GET", "/privacy/accounts", nil); !strings.Contains(body, "she said so") || !strings.Contains(body, "Part these accounts") {
		t.Error("the person does not see that accounts were joined, or why")
	}
	if code, _, _ := stranger.do("POST", "/privacy/accounts", form); code != 404 {
		t.Errorf("a stranger parts them: %d, want not found", code)
	}
	if code, to, _ := own.do("POST", "/privacy/accounts", form); code != 303 || to != "/privacy/accounts?done=parted" {
		t.Errorf("parting: %d %s", code, to)
	}
	if _, _, body := own.do("GET", "/privacy/accounts?done=parted", nil); !strings.Contains(body, "You have one account here") || !strings.Contains(body, "two people again") {
		t.Error("after parting the page does not say so")
	}
	if code, _, _ := own.do("POST", "/privacy/accounts", form); code != 404 {
		t.Errorf("parting again: %d, want not found", code)
	}
}
