package intake_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/collect/intake"
	"thimble/internal/consent"
	"thimble/internal/consent/consentdb"
	"thimble/internal/gate"
	"thimble/internal/subject"
)

var banner = intake.Source{Number: 3, Name: "web", Kind: intake.Browser, Consents: true}

// with gives an event a consent object.
func with(event, preferences string) string {
	return strings.TrimSuffix(event, "}") + `,"context":{"consent":{"categoryPreferences":{` + preferences + `}}}}`
}

// prefers is the event of somebody who has just chosen.
func (s *shop) prefers(ids, preferences string) string {
	s.n++
	return with(fmt.Sprintf(`{"type":"track",%s,"event":"Segment Consent Preference Updated","messageId":"m-%d"}`, ids, s.n), preferences)
}

func (s *shop) stands(who thimble.SubjectID, p thimble.Purpose) consent.State {
	s.t.Helper()
	st, err := s.consents.Standing(ctx, who, p)
	if err != nil {
		s.t.Fatal(err)
	}
	return st.State
}

func (s *shop) said(who thimble.SubjectID) []consentdb.Recorded {
	s.t.Helper()
	g, err := s.gate.Open(ctx, gate.Request{Actor: gate.Actor{Kind: gate.Customer, Self: who}, Subject: who, Purpose: thimble.LegalObligation, Categories: []thimble.Category{thimble.PrivacyPreferences}})
	if err != nil {
		s.t.Fatal(err)
	}
	all, err := s.consents.History(ctx, g)
	if err != nil {
		s.t.Fatal(err)
	}
	return all
}

const phone = `"anonymousId":"phone"`

func TestAYesToASourceThatAsksMakesAPersonAndIsTakenDownOnce(t *testing.T) {
	each(t, func(s *shop) {
		look := func(preferences string) string {
			return with(s.track(phone, "Product Viewed", viewed), preferences)
		}
		// Of a source that does not ask it only narrows.
		s.want(s.sends(browser, batch(look(`"Personalization":true`))), 0, intake.Nobody, 1)
		// A no makes nobody.
		s.want(s.sends(banner, batch(s.prefers(phone, `"Personalization":false`), look(`"Personalization":false`))), 1, intake.Nobody, 1)
		if !s.find(subject.Device, "phone").IsZero() {
			t.Fatal("a refusal made a person")
		}
		s.at = s.at.Add(time.Minute)
		s.want(s.sends(banner, batch(s.prefers(phone, `"Personalization":true,"Advertising":false`), look(`"Personalization":true,"Advertising":false`))), 2)
		who := s.find(subject.Device, "phone")
		if got := s.stands(who, thimble.PersonalizeContent); got != consent.Given || s.stands(who, "marketing.advertising") != consent.Refused || s.stands(who, thimble.TrainAISystem) != "" {
			t.Errorf("stands at %q, %q and %q, want given, refused and nothing", got, s.stands(who, "marketing.advertising"), s.stands(who, thimble.TrainAISystem))
		}
		n := len(s.said(who))
		for range 3 {
			s.want(s.sends(banner, batch(look(`"Personalization":true,"Advertising":false`), s.prefers(phone, `"Personalization":true,"Advertising":false`))), 2)
		}
		if again := len(s.said(who)); again != n {
			t.Errorf("%d choices are recorded, %d after they were sent again", n, again)
		}
	})
}

func TestWhatABrowserRemembersUndoesNoWithdrawal(t *testing.T) {
	each(t, func(s *shop) {
		s.sends(banner, batch(s.prefers(phone, `"Personalization":true`)))
		who := s.find(subject.Device, "phone")
		s.at = s.at.Add(time.Minute)
		s.says(who, consent.Withdrawn, thimble.PersonalizeContent) // in the privacy centre

		s.at = s.at.Add(time.Minute)
		s.want(s.sends(banner, batch(with(s.track(phone, "Product Viewed", viewed), `"Personalization":true`))), 0, intake.Denied, 1)
		// Nor does a choice of before, that arrives late.
		old := strings.Replace(s.prefers(phone, `"Personalization":true`), `{"type"`, `{"timestamp":"2026-11-29T12:00:30Z","type"`, 1)
		s.sends(banner, batch(old))
		if got := s.stands(who, thimble.PersonalizeContent); got != consent.Withdrawn {
			t.Fatalf("stands at %q after an old yes, want withdrawn", got)
		}
		// A new choice does.
		s.sends(banner, batch(s.prefers(phone, `"Personalization":true`)))
		s.want(s.sends(banner, batch(with(s.track(phone, "Product Viewed", viewed), `"Personalization":true`))), 1)
		// And a no that comes with any event ends it.
		s.at = s.at.Add(time.Minute)
		s.want(s.sends(banner, batch(with(s.track(phone, "Product Viewed", viewed), `"Personalization":false`))), 0, intake.Denied, 1)
		if got := s.stands(who, thimble.PersonalizeContent); got != consent.Withdrawn {
			t.Errorf("stands at %q after a no, want withdrawn", got)
		}
	})
}

// Whoever sits at a device that leads to an account speaks for the device, and undoes
// nothing that the account's owner has said; a no counts from anywhere.
func TestAYesAtADeviceDoesNotUndoWhatTheAccountSaid(t *testing.T) {
	each(t, func(s *shop) {
		s.sends(server, batch(s.order(`"userId":"ada",`+phone)))
		who := s.find(subject.Account, "ada")
		if s.find(subject.Device, "phone") != who {
			t.Fatal("the device does not lead to the account: the test shows nothing")
		}
		s.says(who, consent.Withdrawn, thimble.PersonalizeContent) // in the privacy centre
		s.at = s.at.Add(time.Minute)
		s.sends(banner, batch(s.prefers(phone, `"Personalization":true`)))
		if got := s.stands(who, thimble.PersonalizeContent); got != consent.Withdrawn {
			t.Errorf("stands at %q after a yes at the device, want withdrawn", got)
		}
	})
}

// A choice that is sent again is the one that was taken down, also when its sender knows no
// time, somebody has chosen since, and the process has begun anew.
func TestAChoiceThatIsSentAgainIsTheOneThatWasTakenDown(t *testing.T) {
	each(t, func(s *shop) {
		yes := batch(s.prefers(phone, `"Personalization":true`))
		s.want(s.sends(banner, yes), 1)
		who := s.find(subject.Device, "phone")
		s.at = s.at.Add(time.Minute)
		s.want(s.sends(banner, batch(s.prefers(phone, `"Personalization":false`))), 1)
		n := len(s.said(who))
		s.at = s.at.Add(time.Minute)
		s.open()
		s.want(s.sends(banner, yes), 0, intake.Repeated, 1)
		if got, again := s.stands(who, thimble.PersonalizeContent), len(s.said(who)); got != consent.Withdrawn || again != n {
			t.Errorf("stands at %q with %d choices, want withdrawn with %d", got, again, n)
		}
		for _, r := range s.log.records {
			if !r.Subject.IsZero() || !r.ID.IsZero() || r.Received != 0 || len(r.Parts)+len(r.Counts) > 0 {
				t.Errorf("the log says more of a choice than that it came")
			}
		}
	})
}

func TestTheLastChoiceOfABatchCounts(t *testing.T) {
	s := one(t)
	at := func(event, when string) string {
		return strings.Replace(event, `{"type"`, `{"timestamp":"2026-11-29T11:0`+when+`:00Z","type"`, 1)
	}
	s.sends(banner, batch(at(s.prefers(phone, `"Personalization":true`), "3"), at(s.prefers(phone, `"Personalization":false`), "2"), at(s.prefers(phone, `"Personalization":false`), "1")))
	who := s.find(subject.Device, "phone")
	if got := s.stands(who, thimble.PersonalizeContent); got != consent.Given {
		t.Errorf("stands at %q, want what was said last", got)
	}
	s.at = s.at.Add(time.Minute)
	s.sends(banner, batch(s.prefers(phone, `"Personalization":true`), s.prefers(phone, `"Personalization":false`)))
	if got := s.stands(who, thimble.PersonalizeContent); got != consent.Withdrawn {
		t.Errorf("stands at %q after a yes and a no of one moment, want no", got)
	}
}

func TestTheProofNamesTheSourceTheFormAndTheText(t *testing.T) {
	s := one(t)
	s.sends(banner, batch(strings.Replace(s.prefers(phone, `"Personalization":true`), `"consent":{`, `"consent":{"notice":"banner-7",`, 1)))
	all := s.said(s.find(subject.Device, "phone"))
	if len(all) != 1 {
		t.Fatalf("%d choices are recorded, want 1", len(all))
	}
	e := all[0].Event
	if e.UI.Component != "source" || len(e.UI.Path) != 2 || e.UI.Path[0] != "web" || !strings.HasPrefix(e.UI.Path[1], "sha256:") || e.Notice.Version != "banner-7" || e.By.Actor != "signal:segment" {
		t.Errorf("the event says %+v", e)
	}
}

func TestAnObjectThatCannotBeReadIsNoChoice(t *testing.T) {
	s := one(t)
	for _, preferences := range []string{`"Personalization":"yes"`, `"Personalization":null`, `"Personalization":true,"dreams":false`, `"Personalization":true,"personalization":false`} {
		s.sends(banner, batch(s.prefers(phone, preferences)))
		if !s.find(subject.Device, "phone").IsZero() {
			t.Errorf("{%s} counted as a yes", preferences)
		}
	}
}
