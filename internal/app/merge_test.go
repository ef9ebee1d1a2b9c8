package app_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/consent/consentdb"
	"thimble/internal/gate"
	"thimble/internal/gate/gatedb"
	"thimble/internal/rights"
	"thimble/internal/session"
	"thimble/internal/sqldb"
	"thimble/internal/subject"
	"thimble/internal/thimbletest"
)

// kept is what is exported of people, by holder and person, but for what the end of a
// merge adds or takes by its promise: looks, requests and sessions. The model is
// compared by its hash.
func kept(t *testing.T, s *thimbletest.Shop, people ...thimble.SubjectID) map[string]any {
	t.Helper()
	all := map[string]any{}
	for _, h := range s.Desk.Holders() {
		switch h.HolderName() {
		case "gate", "recommend", "rights", "session":
			continue
		}
		for i, who := range people {
			all[fmt.Sprintf("%s of person %d", h.HolderName(), i)] = exported(t, h, who)
		}
	}
	return all
}

func signedIn(t *testing.T, s *thimbletest.Shop, who thimble.SubjectID) (ended func() bool) {
	t.Helper()
	cookie, err := s.Sessions.Begin(t.Context(), session.Who{Audience: session.Customer, Subject: who}, session.UnknownDevice)
	if err != nil {
		t.Fatal(err)
	}
	return func() bool {
		_, err := s.Sessions.Session(t.Context(), cookie, session.Customer)
		return errors.Is(err, thimble.ErrDenied)
	}
}

// TestTwoPeopleJoinedByMistakeAreAsTheyWere is privacy cases 35 and 36 over the whole
// installation: every holder's export, the model and the list on the page.
func TestTwoPeopleJoinedByMistakeAreAsTheyWere(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		ctx := t.Context()
		crowd(s)
		ada, bob := someone(t, s, "ada"), s.Subject("bob", thimbletest.Allows(personalize, train)...)
		s.Buys(bob, "belt", "extra-1")
		s.Works()
		s.Sees(bob)
		before := kept(t, s, ada, bob)
		model, _ := s.Shop.Version()

		m := s.Join(ada, bob)
		s.Works()
		// Their columns are solved again at once, and one training follows.
		merged, _ := s.Shop.Version()
		if merged.Hash == model.Hash || merged.Card.Data.People != model.Card.Data.People-1 || merged.Number > model.Number+2 {
			t.Errorf("the model has %d people in version %d, want one less than %d, by one training", merged.Card.Data.People, merged.Number, model.Card.Data.People)
		}
		list := s.Sees(bob)
		mixed, err := s.Decisions.Get(ctx, list.Decision)
		if err != nil || mixed.Subject != ada {
			t.Errorf("the decision is about %s, %v, want the canonical subject", mixed.Subject, err)
		}
		both := s.Archive(bob)
		if text := fmt.Sprint(both.Data); !strings.Contains(text, ada.String()) || !strings.Contains(text, bob.String()) {
			t.Error("the archive of one lacks what is held about the other")
		}
		s.Employs("nosy")
		if _, err := s.Gate.Open(ctx, gate.Request{Actor: gate.Actor{Kind: gate.Staff, Name: "nosy"}, Subject: bob,
			Purpose: thimble.SupportOperations, Categories: []thimble.Category{thimble.PurchaseHistory}}); err != nil {
			t.Fatal(err)
		}
		ended := []func() bool{signedIn(t, s, ada), signedIn(t, s, bob)}

		s.Part(m)
		if _, err := s.Decisions.Get(ctx, list.Decision); !errors.Is(err, thimble.ErrNotFound) {
			t.Errorf("a decision made of both is there when the cut is durable: %v", err)
		}
		s.Works()

		if diff := cmp.Diff(before, kept(t, s, ada, bob)); diff != "" {
			t.Errorf("the end of the merge left traces:\n%s", diff)
		}
		if after, _ := s.Shop.Version(); after.Hash != model.Hash || after.Number != merged.Number+1 {
			t.Errorf("version %d is not the model from before the merge, byte for byte, by one step", after.Number)
		}
		for i, who := range []thimble.SubjectID{ada, bob} {
			if !ended[i]() {
				t.Error("a session of the time they were one goes on")
			}
			looks, err := s.Uses.Of(ctx, who, 100)
			looks = slices.DeleteFunc(looks, func(u gatedb.Use) bool { return u.Actor != "nosy" })
			if err != nil || len(looks) != 1 || !looks[0].Receipted() {
				t.Errorf("person %d sees %+v, %v, want the one look at both, with its receipt", i, looks, err)
			}
		}
		alone, err := json.Marshal(s.Archive(ada).Data)
		for _, tells := range []string{bob.String(), `"because":"belt"`, `"because":"extra-1"`, `"bob"`} {
			if err != nil || strings.Contains(string(alone), tells) {
				t.Errorf("ada's archive tells of bob (%s), %v", tells, err)
			}
		}
		if hers := fmt.Sprint(exported(t, s.Orders, ada)); strings.Contains(hers, "belt") || !strings.Contains(hers, "shirt") {
			t.Errorf("ada's orders are not hers: %s", hers)
		}
		if text := fmt.Sprint(s.Archive(bob).Data); strings.Contains(text, ada.String()) {
			t.Error("bob's archive tells of ada")
		}
	})
}

func TestErasingAPersonErasesAllTheirMembers(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		crowd(s)
		ada, eve := someone(t, s, "ada"), someone(t, s, "eve")
		s.Join(ada, eve)

		report := s.Erase(eve) // whichever of the two is named, and before the holders are told

		if len(report.OtherKeys) != 1 || report.OtherKeys[0] == report.KeyHash {
			t.Errorf("the keys of two are destroyed, and the report says %q and %q", report.KeyHash, report.OtherKeys)
		}
		for _, who := range []thimble.SubjectID{ada, eve} {
			for table, n := range rowsOf(t, s, who) {
				if !slices.Contains([]string{"subject_subjects", "consent_events"}, table) && n > 0 {
					t.Errorf("%s still has %d rows of %s", table, n, who)
				}
			}
		}
		s.Works()
		if got := states(t, s, rights.Merge); !slices.Equal(got, []rights.State{rights.Refused}) {
			t.Errorf("the duty to tell of somebody who was erased is %v, want closed", got)
		}
	})
}

// states are those of the requests of a kind, the newest first.
func states(t *testing.T, s *thimbletest.Shop, k rights.Kind) (all []rights.State) {
	t.Helper()
	requests, err := s.Requests.List(t.Context(), 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range requests {
		if r.Kind == k {
			all = append(all, r.State)
		}
	}
	return all
}

func TestALinkAndTheDutyToTellOfItAreDurableTogether(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		ctx, stop := t.Context(), errors.New("the disk is full")
		ada, eve := s.Subject("ada"), s.Subject("eve")
		evidence := subject.Evidence{Ground: subject.ByStaff, By: "staff mara"}
		err := s.Core.Write(ctx, func(tx *sqldb.Tx) error {
			if _, err := s.Subjects.Link(ctx, tx, ada, eve, evidence); err != nil {
				return err
			}
			return stop
		})
		if !errors.Is(err, stop) || len(states(t, s, rights.Merge)) != 0 {
			t.Errorf("a link that was not made (%v) is to be told of", err)
		}
		m := s.Join(ada, eve)
		if got := states(t, s, rights.Merge); !slices.Equal(got, []rights.State{rights.Executing}) {
			t.Errorf("requests of the link: %v, want one that is open", got)
		}
		s.Part(m) // before anybody was told
		s.Works()
		if got := states(t, s, rights.Merge); !slices.Equal(got, []rights.State{rights.Refused}) {
			t.Errorf("holders are told of a link that is cut already: %v", got)
		}
		if got := states(t, s, rights.Unmerge); !slices.Equal(got, []rights.State{rights.Fulfilled}) {
			t.Errorf("requests of the cut: %v, want one that is done", got)
		}
	})
}

func TestWhoeverWasOfAPartedPersonIsParted(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		crowd(s)
		var people []thimble.SubjectID
		for i := range 4 {
			who := s.Subject(fmt.Sprintf("member-%d", i), thimbletest.Allows(personalize, train)...)
			s.Buys(who, "shirt", thimble.ItemID(fmt.Sprintf("extra-%d", i)))
			people = append(people, who)
		}
		s.Works()
		s.Join(people[0], people[1])
		middle := s.Join(people[1], people[2])
		s.Join(people[2], people[3])
		s.Works()
		model, _ := s.Shop.Version()
		list := s.Sees(people[3])
		var ended []func() bool
		for _, who := range people {
			ended = append(ended, signedIn(t, s, who))
		}

		s.Part(middle)
		s.Works()

		for i := range people {
			if !ended[i]() {
				t.Errorf("member %d is still signed in", i)
			}
		}
		if _, err := s.Decisions.Get(t.Context(), list.Decision); !errors.Is(err, thimble.ErrNotFound) {
			t.Errorf("a decision made of all four: %v, want none", err)
		}
		if after, _ := s.Shop.Version(); after.Card.Data.People != model.Card.Data.People+1 || after.Number != model.Number+1 {
			t.Errorf("%d people in version %d, want one more than %d, by one training", after.Card.Data.People, after.Number, model.Card.Data.People)
		}
	})
}

// A mortal holder dies when it is told of a merge, or of its undoing.
type mortal struct{ thimble.Holder }

func (mortal) Merge(context.Context, thimble.Merge) error   { return errDead }
func (mortal) Unmerge(context.Context, thimble.Merge) error { return errDead }

func TestAMergeAndItsUndoingThatACrashInterruptsAreFinishedByTheNextStart(t *testing.T) {
	s := thimbletest.New(t)
	crowd(s)
	for i, h := range s.Holders() {
		t.Run(h.HolderName(), func(t *testing.T) {
			// The process dies when the holder is told, and the next start recovers.
			crash := func() {
				holders := s.Holders()
				holders[i] = mortal{holders[i]}
				desk := rights.NewDesk(s.Requests, s.Vault, nil, holders...).With(rights.Config{People: s.Subjects, Snapshots: s.Core})
				if _, err := desk.Retry(t.Context()); !errors.Is(err, errDead) {
					t.Fatalf("got %v, want the death", err)
				}
				if err := s.Recover(t.Context()); err != nil {
					t.Fatal(err)
				}
				if open, err := s.Requests.Open(t.Context()); err != nil || len(open) != 0 {
					t.Fatalf("open after the next start: %v, %v", open, err)
				}
				s.Works()
			}
			ada, eve := s.Subject(fmt.Sprintf("ada-%d", i), thimbletest.Allows(personalize, train)...), s.Subject(fmt.Sprintf("eve-%d", i), thimbletest.Allows(personalize, train)...)
			s.Buys(ada, "shirt")
			s.Buys(eve, "scarf")
			s.Works()
			two, _ := s.Shop.Version()
			m := s.Join(ada, eve)
			crash()
			if one, _ := s.Shop.Version(); one.Card.Data.People != two.Card.Data.People-1 {
				t.Error("the two count as two after the merge was finished")
			}
			s.Sees(ada)
			ended := []func() bool{signedIn(t, s, ada), signedIn(t, s, eve)}
			s.Part(m)
			crash()
			if after, _ := s.Shop.Version(); after.Hash != two.Hash || len(exported(t, s.Decisions, ada)) != 0 {
				t.Error("something that was learned of both is left")
			}
			if !ended[0]() || !ended[1]() {
				t.Error("a session of the time they were one goes on")
			}
		})
	}
}

func TestHoldersAreToldOfAMergeAtOnceWhileServing(t *testing.T) {
	s := on(t, nil)
	serving(t, s, http.NotFoundHandler())
	s.Join(s.Subject("ada"), s.Subject("eve"))
	for deadline := time.Now().Add(30 * time.Second); !slices.Equal(states(t, s, rights.Merge), []rights.State{rights.Fulfilled}); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) { // sooner than the minute after which it is looked for
			t.Fatalf("requests: %v", states(t, s, rights.Merge))
		}
	}
}

func TestAChildsYesNeedsAGuardianAsAnyMemberOfThePerson(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		ctx := t.Context()
		child, grown, parent := s.Subject("child"), s.Subject("grown"), s.Subject("parent")
		aged := func(who thimble.SubjectID, state subject.AgeState) {
			err := s.Core.Write(ctx, func(tx *sqldb.Tx) error {
				return s.Subjects.SetAge(ctx, tx, who, subject.Age{State: state, Evidence: "declared", At: time.Now()})
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		aged(child, subject.AgeMinor)
		aged(grown, subject.AgeAdult)
		says := func(who thimble.SubjectID, choices []consent.Choice, by consent.By) error {
			_, err := consentdb.Whole{Store: s.Consent, Persons: s.Subjects}.Record(ctx, who, choices,
				consentdb.How{Notice: consent.Current(), UI: consent.UI{Component: "test"}, By: by})
			return err
		}
		self, guardian := consent.By{Actor: "subject", Auth: "session"}, consent.By{Actor: "guardian", Auth: "session", Guardian: parent}
		yes, no := thimbletest.Allows(personalize), thimbletest.Withdraws(personalize)
		want := func(what string, err, kind error) {
			t.Helper()
			if !errors.Is(err, kind) {
				t.Errorf("%s: %v, want %v", what, err, kind)
			}
		}
		want("a child's own yes", says(child, yes, self), thimble.ErrDenied)
		want("a child's own no", says(child, no, self), nil)
		want("the guardian's yes", says(child, yes, guardian), nil)
		want("an adult's own yes", says(grown, yes, self), nil)
		want("a guardian's yes for an adult", says(grown, yes, guardian), thimble.ErrDenied)
		want("the yes of somebody whose age is unknown", says(parent, yes, self), nil)
		m := s.Join(child, grown)
		want("the own yes of who is a child as another member", says(grown, yes, self), thimble.ErrDenied)
		s.Part(m)
		want("an adult's own yes after the two were parted", says(grown, yes, self), nil)
	})
}

// A visitor uses the real doors with one cookie.
type visitor struct {
	t      *testing.T
	base   string
	cookie *http.Cookie
}

// frontDoor opens the real doors, and returns how somebody comes in: by the cookie of a name.
func frontDoor(t *testing.T, s *thimbletest.Shop) func(cookie string, who session.Who) visitor {
	t.Helper()
	h, err := s.Handler(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	base := strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	return func(cookie string, who session.Who) visitor {
		value, err := s.Sessions.Begin(t.Context(), who, session.UnknownDevice)
		if err != nil {
			t.Fatal(err)
		}
		return visitor{t, base, &http.Cookie{Name: cookie, Value: value}}
	}
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
	enter := frontDoor(t, s)
	s.Employs("mara")
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
	if _, _, body := staff.do("POST", page+"/unmask", url.Values{"reason": {"to see that they are one"}}); !strings.Contains(body, "Joined accounts") || !strings.Contains(body, "she said so") || !strings.Contains(body, "staff mara") || !strings.Contains(body, "A-2") || !strings.Contains(body, "order-1") {
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
	if code, _, body := own.do("POST", "/privacy/accounts", form); code != 200 || !strings.Contains(body, "You have one account here") || !strings.Contains(body, "two people again") {
		t.Errorf("parting: %d, and the page does not say so", code)
	}
	if code, _, _ := own.do("POST", "/privacy/accounts", form); code != 404 {
		t.Errorf("parting again: %d, want not found", code)
	}
	s.Works()
	if _, to, _ := own.do("GET", "/privacy/accounts", nil); !strings.HasPrefix(to, "/privacy/sign-in") {
		t.Errorf("a session from before leads to %q, want it signed out", to)
	}
}
