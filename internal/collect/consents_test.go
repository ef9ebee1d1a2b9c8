package collect_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/collect"
	"thimble/internal/consent"
	"thimble/internal/consent/consentdb"
	"thimble/internal/subject"
)

func (s *shop) standing(k subject.Kind, value string, p thimble.Purpose) consent.State {
	s.Helper()
	who, _ := s.person(k, value)
	st, err := s.consent.Standing(s.ctx, who, p)
	if err != nil {
		s.Fatal(err)
	}
	return st.Now(time.Now())
}

func (s *shop) chooses(email string, state consent.State) {
	s.Helper()
	who, _ := s.person(subject.Email, email)
	_, err := s.consent.Record(s.ctx, who, []consent.Choice{{Purpose: thimble.TrainAISystem, State: state}}, consentdb.How{
		Notice: consent.Current(), UI: consent.UI{Component: "privacy centre"}, By: consent.By{Actor: "subject", Auth: "session"}})
	if err != nil {
		s.Fatal(err)
	}
}

const choicesHead = "Email,Purpose,Choice,Date,Source,Text Version,Evidence\n"

func choiceRow(choice string, ago time.Duration) string {
	return "ada@example.org,train_ai_system," + choice + "," + time.Now().Add(-ago).UTC().Format(time.RFC3339) + ",form,1," + strings.Repeat("ab", 32) + "\n"
}

func TestANoInAnImportBeatsAnOlderYesInWhateverOrderTheyCome(t *testing.T) {
	day := 24 * time.Hour
	rows := map[string]string{"old yes": choiceRow("yes", 30*day), "no": choiceRow("no", 20*day), "new yes": choiceRow("yes", 10*day)}
	for name, c := range map[string]struct {
		order []string
		want  consent.State
	}{
		"yes then no":            {[]string{"old yes", "no"}, consent.Refused},
		"no then yes":            {[]string{"no", "old yes"}, consent.Refused},
		"a later yes after it":   {[]string{"old yes", "no", "new yes"}, consent.Given},
		"a later yes before it":  {[]string{"new yes", "no", "old yes"}, consent.Given},
		"backwards":              {[]string{"new yes", "old yes", "no"}, consent.Given},
		"only what has run out":  {nil, ""},
		"a no and nothing older": {[]string{"no"}, consent.Refused},
	} {
		t.Run(name, func(t *testing.T) {
			eachShop(t, func(t *testing.T, s *shop) {
				s.brought(collect.Customers, files()[collect.Customers])
				content := choicesHead
				for _, r := range c.order {
					content += rows[r]
				}
				if c.order == nil {
					content += choiceRow("yes", 400*day)
				}
				src := source(content)
				r, err := s.brings(collect.Consents, src, collect.Answers{}, 1)
				if err != nil {
					t.Fatal(err)
				}
				if got := s.standing(subject.Email, "ada@example.org", thimble.TrainAISystem); got != c.want {
					t.Errorf("it stands at %q, want %q: %+v", got, c.want, r.Counts)
				}
			})
		})
	}
}

// A no is for whomever anything of the row names, and counts with a broken proof.
func TestANoReachesWhoeverTheRowNames(t *testing.T) {
	for name, row := range map[string]string{
		"by a number of elsewhere": "nl-1,ada@example.org,train_ai_system,unsubscribed,%s,form,1,\n",
		"with a broken proof":      ",ada@example.org,train_ai_system,unsubscribed,%s," + strings.Repeat("w", 101) + ",1,no hash\n",
	} {
		t.Run(name, func(t *testing.T) {
			eachShop(t, func(t *testing.T, s *shop) {
				s.brought(collect.Customers, "Email,Customer ID\nada@example.org,77\n")
				s.chooses("ada@example.org", consent.Given)
				now := time.Now().Add(time.Second).UTC().Format(time.RFC3339)
				r := s.brought(collect.Consents, "Customer ID,Email,Purpose,Choice,Date,Source,Text Version,Evidence\n"+fmt.Sprintf(row, now))
				if got := s.standing(subject.Email, "ada@example.org", thimble.TrainAISystem); got.Permits() {
					t.Errorf("it stands at %q: %+v", got, r.Counts)
				}
			})
		})
	}
}

func TestAnImportNeverWidensWhatWasRefusedHere(t *testing.T) {
	eachShop(t, func(t *testing.T, s *shop) {
		s.brought(collect.Customers, files()[collect.Customers])
		s.chooses("ada@example.org", consent.Refused)
		// Even one that a clock outside puts after the refusal.
		r := s.brought(collect.Consents, choicesHead+choiceRow("yes", -4*time.Minute)+choiceRow("yes", 24*time.Hour))
		if got := s.standing(subject.Email, "ada@example.org", thimble.TrainAISystem); got != consent.Refused || r.Reasons[collect.LaterNo] != 2 {
			t.Errorf("it stands at %q: %+v", got, r.Counts)
		}
		// And a yes that was given here stands against an older no of a list.
		s.chooses("ada@example.org", consent.Given)
		r = s.brought(collect.Consents, choicesHead+choiceRow("no", 24*time.Hour))
		if got := s.standing(subject.Email, "ada@example.org", thimble.TrainAISystem); got != consent.Given || r.Same != 1 {
			t.Errorf("it stands at %q: %+v", got, r.Counts)
		}
	})
}

func TestAnImportedYesCarriesItsProofAndItsAge(t *testing.T) {
	eachShop(t, func(t *testing.T, s *shop) {
		s.brought(collect.Customers, files()[collect.Customers])
		s.brought(collect.Consents, choicesHead+choiceRow("yes", 100*24*time.Hour))
		who, _ := s.person(subject.Email, "ada@example.org")
		st, err := s.consent.Standing(s.ctx, who, thimble.TrainAISystem)
		if left := time.Until(st.Expires).Hours() / 24; err != nil || left < 264 || left > 266 {
			t.Errorf("it ends in %.0f days, %v, want 265", left, err)
		}
		var said []string
		for d, err := range s.consent.Export(s.ctx, who) {
			if err != nil {
				t.Fatal(err)
			}
			said = append(said, fmt.Sprintf("%+v", d.Value))
		}
		text := strings.Join(said, "\n")
		for _, want := range []string{"import@1", "form", strings.Repeat("ab", 32), "imported 1"} {
			if !strings.Contains(text, want) {
				t.Errorf("the event does not say %q: %s", want, text)
			}
		}
	})
}
