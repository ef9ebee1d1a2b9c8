package intake_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"thimble"
	"thimble/internal/collect/intake"
	"thimble/internal/consent"
	"thimble/internal/sqldb"
	"thimble/internal/subject"
)

// find returns whose an identifier is, zero for nobody's.
func (s *shop) find(kind subject.Kind, value string) thimble.SubjectID {
	s.t.Helper()
	id, err := subject.NewIdentifier(kind, value)
	if err != nil {
		s.t.Fatal(err)
	}
	all, err := s.people.FindAll(ctx, []subject.Identifier{id})
	if err != nil {
		s.t.Fatal(err)
	}
	return all[0]
}

func (s *shop) together(a, b thimble.SubjectID) bool {
	s.t.Helper()
	return slices.Contains(s.members(a), b)
}

func (s *shop) identify(ids, traits string) string {
	s.n++
	return fmt.Sprintf(`{"type":"identify",%s,"messageId":"m-%d","traits":{%s}}`, ids, s.n, traits)
}

func (s *shop) order(ids string) string {
	return s.track(ids, "Order Completed", fmt.Sprintf(`"order_id":"o-%d"`, s.n))
}

func TestAStrangerIsMadeAPersonOnlyWhenSomethingOfThemMayBeKept(t *testing.T) {
	each(t, func(s *shop) {
		s.want(s.sends(server, batch(s.track(`"userId":"A-1"`, "Product Viewed", viewed))), 0, intake.Nobody, 1)
		if !s.find(subject.Account, "A-1").IsZero() {
			t.Error("a look made a person")
		}
		s.want(s.sends(server, batch(s.order(`"userId":"A-1"`), s.order(`"userId":"A-1"`), s.order(`"userId":"A-2"`), s.track(`"userId":"A-2"`, "Product Viewed", viewed))), 3, intake.Denied, 1)
		got := s.kept()
		if a, b := s.find(subject.Account, "A-1"), s.find(subject.Account, "A-2"); got[0].who != a || got[1].who != a || got[2].who != b || a == b {
			t.Errorf("the orders are of %v", got)
		}
		s.want(s.sends(server, batch(s.order(`"userId":"null"`), s.order(`"userId":"0"`))), 0, intake.Nobody, 2)
	})
}

func TestAForgottenPersonDoesNotComeBackByAnEvent(t *testing.T) {
	each(t, func(s *shop) {
		ada := s.person(subject.Account, "A-1")
		if _, err := s.people.Erase(ctx, ada); err != nil {
			t.Fatal(err)
		}
		s.want(s.sends(server, batch(s.order(`"userId":"A-1"`))), 0, intake.Gone, 1)
		if !s.find(subject.Account, "A-1").IsZero() {
			t.Error("the person came back")
		}
		// Nor by the device of somebody else.
		phone := s.person(subject.Device, "phone")
		if _, err := s.people.Erase(ctx, phone); err != nil {
			t.Fatal(err)
		}
		s.want(s.sends(server, batch(s.order(`"userId":"B-1","anonymousId":"phone"`))), 1)
		if !s.find(subject.Device, "phone").IsZero() || s.in.Joined()[intake.Lost] != 1 {
			t.Errorf("the device came back; joined %v", s.in.Joined())
		}
	})
}

func TestADeviceOfAnAccountLeadsToIt(t *testing.T) {
	each(t, func(s *shop) {
		s.want(s.sends(server, batch(s.order(`"userId":"A-1","anonymousId":"phone"`))), 1)
		ada := s.find(subject.Account, "A-1")
		if s.find(subject.Device, "phone") != ada {
			t.Fatal("the device is not the account's")
		}
		s.says(ada, consent.Given, thimble.PersonalizeContent)
		s.want(s.sends(browser, batch(s.track(`"anonymousId":"phone"`, "Product Viewed", viewed))), 1)
		if got := s.kept(); got[1].who != ada {
			t.Error("an event of the device is not the account's")
		}
		for range 3 {
			s.want(s.sends(server, batch(s.order(`"userId":"A-1","anonymousId":"phone"`))), 1)
		}
		if j := s.in.Joined(); j[intake.Added] != 1 || j[intake.Same] > 2 {
			t.Errorf("joined %v; what is done is not asked for again", j)
		}
	})
}

func TestADeviceThatIsSomebodyIsLinkedSoThatTheStricterChoiceHolds(t *testing.T) {
	each(t, func(s *shop) {
		phone, ada := s.person(subject.Device, "phone"), s.person(subject.Account, "A-1")
		s.says(phone, consent.Given, thimble.PersonalizeContent)
		s.want(s.sends(browser, batch(s.track(`"anonymousId":"phone"`, "Product Viewed", viewed))), 1)

		s.want(s.sends(server, batch(s.identify(`"userId":"A-1","anonymousId":"phone"`, ``))), 1)
		if !s.together(ada, phone) {
			t.Fatal("they are not one person")
		}
		// The account was never asked: joined, that is no yes.
		s.want(s.sends(browser, batch(s.track(`"anonymousId":"phone"`, "Product Viewed", viewed))), 0, intake.Denied, 1)
		s.at = s.at.Add(time.Minute)
		s.says(ada, consent.Given, thimble.PersonalizeContent)
		s.want(s.sends(browser, batch(s.track(`"anonymousId":"phone"`, "Product Viewed", viewed))), 1)
		s.at = s.at.Add(time.Minute)
		s.says(phone, consent.Withdrawn, thimble.PersonalizeContent)
		s.want(s.sends(server, batch(s.track(`"userId":"A-1"`, "Product Viewed", viewed))), 0, intake.Denied, 1)
		if got := s.kept(); got[0].who != phone || got[len(got)-1].who != phone {
			t.Error("what came by the device is not kept with the device's own subject")
		}
	})
}

func TestASourceOfALongNameJoinsAsWell(t *testing.T) {
	s := one(t)
	long := server
	long.Name = strings.Repeat("ü", 80)
	device, ada := s.person(subject.Device, "phone"), s.person(subject.Account, "A-1")
	s.want(s.sends(long, batch(s.order(`"userId":"A-1","anonymousId":"phone"`))), 1)
	if !s.together(ada, device) {
		t.Error("they are not one person")
	}
}

func TestAPublicSourceJoinsNobody(t *testing.T) {
	s := one(t)
	s.want(s.sends(browser, batch(s.order(`"userId":"A-1","anonymousId":"phone"`), s.identify(`"userId":"A-1","anonymousId":"phone"`, `"email":"ada@example.org"`), `{"type":"alias","userId":"A-1","previousId":"tablet","messageId":"al"}`)), 2, intake.Unplanned, 1)
	if !s.find(subject.Account, "A-1").IsZero() || !s.find(subject.Email, "ada@example.org").IsZero() || !s.find(subject.Device, "tablet").IsZero() {
		t.Error("a public source said who somebody is, and was believed")
	}
}

func TestAnAliasJoinsADeviceOrAnAccount(t *testing.T) {
	each(t, func(s *shop) {
		ada, old := s.person(subject.Account, "A-1"), s.person(subject.Account, "A-0")
		alias := func(previous string) string {
			s.n++
			return fmt.Sprintf(`{"type":"alias","userId":"A-1","previousId":%q,"messageId":"m-%d"}`, previous, s.n)
		}
		s.want(s.sends(server, batch(alias("phone"), alias("A-0"), alias("A-1"), alias("null"))), 4)
		if s.find(subject.Device, "phone") != ada || !s.together(ada, old) {
			t.Errorf("the alias joined %v", s.in.Joined())
		}
		if !s.find(subject.Device, "A-0").IsZero() {
			t.Error("an account became a device")
		}
	})
}

func (s *shop) restrict(who thimble.SubjectID) {
	s.t.Helper()
	if err := s.core.Write(ctx, func(tx *sqldb.Tx) error { return s.people.SetRestricted(ctx, tx, who, true) }); err != nil {
		s.t.Fatal(err)
	}
}

// Privacy case 38: what is known of a device is joined to an account by an event only
// where that event is permitted of both.
func TestADeviceIsJoinedOnlyByWhatIsPermittedOfBoth(t *testing.T) {
	ids := `"userId":"A-1","anonymousId":"phone"`
	alias := `{"type":"alias","userId":"A-1","previousId":"phone","messageId":"alias"}`
	no := `"context":{"consent":{"categoryPreferences":{"Analytics":false,"Advertising":false,"Functional":false,"DataSharing":false,"Personalization":false,"Training":false}}}`
	for name, c := range map[string]struct {
		event string
		given func(s *shop, ada, phone thimble.SubjectID)
		want  bool
	}{
		"a look of whom nobody asked":           {"look", func(*shop, thimble.SubjectID, thimble.SubjectID) {}, false},
		"a look that the account alone permits": {"look", func(s *shop, ada, _ thimble.SubjectID) { s.says(ada, consent.Given, thimble.PersonalizeContent) }, false},
		"a look that the device alone permits":  {"look", func(s *shop, _, phone thimble.SubjectID) { s.says(phone, consent.Given, thimble.PersonalizeContent) }, false},
		"a look that they permit for two things": {"look", func(s *shop, ada, phone thimble.SubjectID) {
			s.says(ada, consent.Given, thimble.PersonalizeContent)
			s.says(phone, consent.Given, thimble.TrainAISystem)
		}, false},
		"a look that both permit":            {"look", both, true},
		"a look that both permit, with a no": {"no", both, false},
		"an order":                           {"order", func(*shop, thimble.SubjectID, thimble.SubjectID) {}, true},
		"an order, the device restricted":    {"order", func(s *shop, _, phone thimble.SubjectID) { s.restrict(phone) }, false},
		"an order, the account restricted":   {"order", func(s *shop, ada, _ thimble.SubjectID) { s.restrict(ada) }, false},
		"an alias":                           {alias, func(*shop, thimble.SubjectID, thimble.SubjectID) {}, true},
		"an alias, the device restricted":    {alias, func(s *shop, _, phone thimble.SubjectID) { s.restrict(phone) }, false},
		"an alias, the account restricted":   {alias, func(s *shop, ada, _ thimble.SubjectID) { s.restrict(ada) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := one(t)
			ada, phone := s.person(subject.Account, "A-1"), s.person(subject.Device, "phone")
			c.given(s, ada, phone)
			event := c.event
			switch event {
			case "look":
				event = s.track(ids, "Product Viewed", viewed)
			case "no":
				event = strings.TrimSuffix(s.track(ids, "Product Viewed", viewed), "}") + "," + no + "}"
			case "order":
				event = s.order(ids)
			}
			s.sends(server, batch(event))
			if s.together(ada, phone) != c.want {
				t.Errorf("one person: %v, want %v; joined %v", !c.want, c.want, s.in.Joined())
			}
		})
	}
}

func both(s *shop, ada, phone thimble.SubjectID) {
	s.says(ada, consent.Given, thimble.PersonalizeContent)
	s.says(phone, consent.Given, thimble.PersonalizeContent)
}

// Whoever changes their choices after they were asked and before they are joined is
// asked again.
func TestWhoChangesWhileTheyAreJoinedIsAskedAgain(t *testing.T) {
	each(t, func(s *shop) {
		ada, phone := s.person(subject.Account, "A-1"), s.person(subject.Device, "phone")
		both(s, ada, phone)
		s.deps.People = &crossed{People: s.deps.People, first: func() { s.says(phone, consent.Withdrawn, thimble.PersonalizeContent) }}
		s.open()
		s.want(s.sends(server, batch(s.track(`"userId":"A-1","anonymousId":"phone"`, "Product Viewed", viewed))), 1)
		if s.together(ada, phone) || s.in.Joined()[intake.Apart] != 1 {
			t.Errorf("they were joined by what the device had refused: %v", s.in.Joined())
		}
		s.want(s.sends(server, batch(s.order(`"userId":"A-1","anonymousId":"phone"`))), 1)
		if !s.together(ada, phone) {
			t.Error("what stands in the way of a look stands in that of an order")
		}
	})
}

// crossed are people before whose first joining something else happens.
type crossed struct {
	intake.People
	first func()
	once  sync.Once
}

func (c *crossed) Join(ctx context.Context, all []intake.Joining) ([]intake.Joined, error) {
	c.once.Do(c.first)
	return c.People.Join(ctx, all)
}

// Somebody who was forgotten by an account's number, or by an address, comes back neither
// as a device that an alias or an event calls by it, nor when they are forgotten at the
// very moment.
func TestAForgottenAccountDoesNotComeBackAsADevice(t *testing.T) {
	each(t, func(s *shop) {
		for kind, value := range map[subject.Kind]string{subject.Account: "A-0", subject.Email: "ada@example.org"} {
			if _, err := s.people.Erase(ctx, s.person(kind, value)); err != nil {
				t.Fatal(err)
			}
			s.n++
			s.person(subject.Account, fmt.Sprintf("B-%d", s.n))
			s.want(s.sends(server, batch(fmt.Sprintf(`{"type":"alias","userId":"B-%d","previousId":%q,"messageId":"al-%d"}`, s.n, value, s.n))), 1)
			s.want(s.sends(server, batch(s.order(fmt.Sprintf(`"userId":"B-%d","anonymousId":%q`, s.n, value)))), 1)
			s.want(s.sends(browser, batch(s.order(fmt.Sprintf(`"anonymousId":%q`, value)))), 0, intake.Gone, 1)
			if !s.find(subject.Device, value).IsZero() || !s.find(kind, value).IsZero() {
				t.Errorf("a forgotten %s came back as a device: %v", kind, s.in.Joined())
			}
		}
		ada, phone := s.person(subject.Account, "A-1"), s.person(subject.Device, "phone")
		s.deps.People = &crossed{People: s.deps.People, first: func() {
			if _, err := s.people.Erase(ctx, phone); err != nil {
				t.Error(err)
			}
		}}
		s.open()
		s.want(s.sends(server, batch(s.order(`"userId":"A-1","anonymousId":"phone"`))), 1)
		if !s.find(subject.Device, "phone").IsZero() || len(s.members(ada)) != 1 || s.in.Joined()[intake.Lost] != 1 {
			t.Errorf("a device that was forgotten while it was joined came back: %v", s.in.Joined())
		}
	})
}

func (s *shop) members(who thimble.SubjectID) []thimble.SubjectID {
	s.t.Helper()
	p, err := s.people.Person(ctx, who)
	if err != nil {
		s.t.Fatal(err)
	}
	return p.IDs()
}

func TestADeviceOfTwoAccountsIsNobodysFromThenOn(t *testing.T) {
	each(t, func(s *shop) {
		s.want(s.sends(server, batch(s.order(`"userId":"A-1","anonymousId":"tablet"`))), 1)
		ada := s.find(subject.Account, "A-1")
		s.says(ada, consent.Given, thimble.PersonalizeContent)
		s.want(s.sends(browser, batch(s.track(`"anonymousId":"tablet"`, "Product Viewed", viewed))), 1)

		s.want(s.sends(server, batch(s.order(`"userId":"B-1","anonymousId":"tablet"`))), 1)
		bob := s.find(subject.Account, "B-1")
		if s.together(ada, bob) || s.in.Joined()[intake.Shared] != 1 {
			t.Errorf("a tablet made two people one: %v", s.in.Joined())
		}
		s.want(s.sends(browser, batch(s.track(`"anonymousId":"tablet"`, "Product Viewed", viewed), s.order(`"anonymousId":"tablet"`))), 0, intake.Nobody, 2)
		s.open() // also in a process that begins now
		s.want(s.sends(server, batch(s.order(`"userId":"A-1","anonymousId":"tablet"`), s.order(`"anonymousId":"tablet"`))), 1, intake.Nobody, 1)
		if !s.find(subject.Device, "tablet").IsZero() {
			t.Error("the tablet is somebody's again")
		}
		keys := s.keys()
		s.want(s.sends(browser, batch(s.order(`"anonymousId":"tablet"`), s.order(`"anonymousId":"tablet"`))), 0, intake.Nobody, 2)
		if now := s.keys(); now != keys {
			t.Errorf("the tablet's events made %d keys of nobody", now-keys)
		}
	})
}

func TestTraitsOfATrustedIdentifyBecomeIdentifiers(t *testing.T) {
	each(t, func(s *shop) {
		s.want(s.sends(server, batch(s.identify(`"userId":"A-1"`, `"email":"Ada@Example.org","phone":"+44 20 7946 0000"`), s.identify(`"userId":"B-1"`, `"email":"bob@example.org"`))), 2)
		ada := s.find(subject.Account, "A-1")
		if s.find(subject.Email, "ada@example.org") != ada || s.find(subject.Phone, "+442079460000") != ada {
			t.Errorf("the traits are not hers: %v", s.in.Joined())
		}
		// An address that is somebody else's joins nobody.
		s.want(s.sends(server, batch(s.identify(`"userId":"C-1"`, `"email":"bob@example.org"`))), 1)
		if c := s.find(subject.Account, "C-1"); s.together(c, s.find(subject.Account, "B-1")) || s.in.Joined()[intake.Refused] != 1 {
			t.Errorf("an address that was not verified joined two people: %v", s.in.Joined())
		}
		for i := range 8 { // 5 at most
			s.sends(server, batch(s.identify(`"userId":"A-1"`, fmt.Sprintf(`"email":"ada%d@example.org"`, i))))
		}
		if j := s.in.Joined(); j[intake.Refused] != 5 {
			t.Errorf("joined %v, want what is beyond the limit refused and counted", j)
		}
	})
}

func TestNewPeopleOfManyBodiesAreMadeTogether(t *testing.T) {
	s := one(t)
	const bodies = 40
	var wg sync.WaitGroup
	for i := range bodies {
		body := batch(fmt.Sprintf(`{"type":"track","anonymousId":"dev-%d","event":"Order Completed","messageId":"x-%d","properties":{"order_id":"o-%d"}}`, i%20, i, i))
		wg.Go(func() {
			got, err := s.take(browser, body)
			if err != nil || got.Kept != 1 {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
	wg.Wait()
	if n, err := s.people.Count(ctx); err != nil || n != 20 {
		t.Errorf("%d people were made of 20 devices, %v", n, err)
	}
}

func TestAFloodOfDevicesOfAPublicKeyIsBounded(t *testing.T) {
	s := one(t)
	s.in.NewPerHour(100)
	made := 0
	for body := range 3 {
		var events []string
		for i := range 60 {
			events = append(events, fmt.Sprintf(`{"type":"track","anonymousId":"d-%d-%d","event":"Order Completed","messageId":"f-%d-%d","properties":{"order_id":"o"}}`, body, i, body, i))
		}
		made += s.sends(browser, batch(events...)).Kept
	}
	if made != 100 {
		t.Errorf("%d people were made, want 100", made)
	}
	s.at = s.at.Add(30 * time.Minute)
	var events []string
	for i := range 60 {
		events = append(events, s.order(fmt.Sprintf(`"anonymousId":"e-%d"`, i)))
	}
	if got := s.sends(browser, batch(events...)); got.Kept != 50 {
		t.Errorf("half an hour later: %+v, want 50 kept", got)
	}
}
