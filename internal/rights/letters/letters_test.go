package letters_test

import (
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/decision/decisiontest"
	"thimble/internal/rights/cases"
	"thimble/internal/rights/letters"
)

var at = time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)

const centre = "https://shop.example/privacy"

// facts are those of a case that has everything.
func facts(k cases.Kind) letters.Facts {
	c := cases.Case{ID: thimble.ID{7}, Subject: thimble.SubjectID{9}, Kind: k, Via: cases.Mail, At: at, Due: at.AddDate(0, 1, 0), Staff: "zoe", Refuser: "max"}
	c.Work = []cases.Work{{Ref: "req_0", What: "erase"}}
	return letters.Facts{Shop: "Linen & Co", Contact: "privacy@shop.example", Centre: centre, Case: c, Reason: thimble.Hide("We looked twice."),
		Step: cases.Step{Due: c.Due, Rule: "eu.gdpr, Art. 12(3): 1mo", Ground: cases.NotHeld, Part: cases.NoAnswer}}
}

func TestEachLetterIsPlainAndLeadsToThePrivacyCentreAlone(t *testing.T) {
	worst := 0.0
	for _, n := range cases.Natures() {
		for _, k := range letters.Kinds() {
			f := facts(n.Kind)
			text := letters.Write(k, f)
			body := text.Body.Reveal() // to read it
			grade, words := decisiontest.Grade(prose(body))
			worst = max(worst, grade)
			if grade > 7 || words > 180 {
				t.Errorf("%s of %s has %d words of grade %.1f, want at most 180 of 7:\n%s", k, n.Kind, words, grade, body)
			}
			for _, no := range []string{f.Case.Subject.String(), "zoe", "max", "/link/", "sign-in", "token="} {
				if strings.Contains(body, no) || strings.Contains(text.Subject, no) {
					t.Errorf("%s says %q", k, no)
				}
			}
			if strings.Count(body, "https://") != 1 || !strings.Contains(body, centre+"/") {
				t.Errorf("%s does not lead to one page of the privacy centre:\n%s", k, body)
			}
			if strings.Contains(strings.ToLower(text.Subject), strings.ToLower(n.Words)) {
				t.Errorf("%s tells in its subject what was asked for: %s", k, text.Subject)
			}
			if strings.Contains(body, "We looked twice.") != k.HasReason() {
				t.Errorf("%s: the reason is in it: %t", k, !k.HasReason())
			}
			if k.Words() == string(k) {
				t.Errorf("%s has no words", k)
			}
		}
	}
	t.Logf("the hardest has grade %.1f", worst)
}

// prose is a letter without its addresses, its names of laws and its foot.
func prose(body string) string {
	body, _, _ = strings.Cut(body, "\nRequest: ")
	var lines []string
	for line := range strings.Lines(body) {
		line, _, _ = strings.Cut(line, centre)
		line, _, _ = strings.Cut(line, " The rule for this date:")
		line, _, _ = strings.Cut(line, " The law behind it:")
		lines = append(lines, strings.TrimSuffix(strings.TrimSpace(line), ":")+".")
	}
	return strings.ReplaceAll(strings.Join(lines, " "), "..", ".")
}

func TestALetterSaysWhatTheLawHasItSay(t *testing.T) {
	for k, want := range map[letters.Kind][]string{
		letters.Received: {"30 November 2026", "29 December 2026", "eu.gdpr, Art. 12(3): 1mo", "mail", "/requests/case_"},
		letters.Identity: {"Was it you?", "Nothing happens before it is shown", "tell us at once (privacy@shop.example)", "closed on 28 February 2027", "29 December 2026"},
		letters.Extended: {"new date", "29 December 2026", "We looked twice."},
		letters.Refused:  {"Nothing of the kind is held", "GDPR Art. 12(3)", "Somebody else will look at it", "complain", "court", "We looked twice."},
		letters.Upheld:   {"refusal stands", "complain", "court", "We looked twice."},
		letters.InPart:   {cases.NoAnswer.Words(), "complain"},
		letters.Farewell: {centre + "/forgotten/req_0", "last letter", "not you", "privacy@shop.example"},
	} {
		body := letters.Write(k, facts(cases.Erase)).Body.Reveal() // to read it
		for _, w := range want {
			if !strings.Contains(body, w) {
				t.Errorf("%s does not say %q:\n%s", k, w, body)
			}
		}
	}
}

// The day that a letter names is in time wherever the date is counted, and at most a day
// before the last.
func TestNoDayOfALetterIsLaterThanTheDate(t *testing.T) {
	for _, zone := range []string{"UTC", "Pacific/Auckland", "Pacific/Kiritimati", "Pacific/Pago_Pago", "America/Los_Angeles", "Europe/Lisbon", "Asia/Kolkata"} {
		where, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		for month := range 12 {
			due := time.Date(2026, time.Month(month+1), 15, 0, 0, 0, 0, where) // the last day is the 14th
			f := facts(cases.Access)
			f.Step.Due = due
			body := letters.Write(letters.Received, f).Body.Reveal() // to read it
			_, said, _ := strings.Cut(body, "We will answer by ")
			said, _, _ = strings.Cut(said, ".")
			last, err := time.ParseInLocation("2 January 2006", said, where)
			if err != nil {
				t.Fatalf("%s: %v in:\n%s", zone, err, body)
			}
			if ends := last.AddDate(0, 0, 1); ends.After(due) || ends.Before(due.AddDate(0, 0, -1)) {
				t.Errorf("%s: the letter says %s for a date of %s", zone, said, due)
			}
		}
	}
}

func TestWhatSomebodySawOnTheirOwnPageOwesNoLetter(t *testing.T) {
	c := cases.Case{Kind: cases.Restrict, Via: cases.Centre, At: at, Steps: 1, Facts: cases.Facts{Last: at}}
	done := cases.Event{What: cases.Completed, By: cases.TheProgram}
	for name, tc := range map[string]struct {
		change func(*cases.Case, *cases.Event)
		want   letters.Kind
	}{
		"asked there":                     {func(_ *cases.Case, e *cases.Event) { e.What, e.By = cases.Opened, cases.ThePerson }, ""},
		"entered by staff, to be shown":   {func(c *cases.Case, e *cases.Event) { c.Via, e.What = cases.Mail, cases.Opened }, ""},
		"and shown to be asked":           {func(c *cases.Case, e *cases.Event) { c.Via, e.What, e.By = cases.Mail, cases.Asked, cases.TheProgram }, letters.Identity},
		"entered by staff, without proof": {func(c *cases.Case, e *cases.Event) { c.Via, c.Kind, e.What = cases.Mail, cases.Sale, cases.Opened }, letters.Received},
		"by whom the shop works for":      {func(c *cases.Case, e *cases.Event) { c.Via, e.What = cases.Controller, cases.Declined }, ""},
		"done while they look on":         {func(*cases.Case, *cases.Event) {}, ""},
		"done later":                      {func(c *cases.Case, _ *cases.Event) { c.Last = at.Add(time.Hour) }, letters.Done},
		"an extension":                    {func(c *cases.Case, e *cases.Event) { c.Extended, e.What = true, cases.Prolonged }, letters.Extended},
		"one that is void":                {func(_ *cases.Case, e *cases.Event) { e.What = cases.Prolonged }, ""},
		"their own answer":                {func(_ *cases.Case, e *cases.Event) { e.What, e.By = cases.Replied, cases.ThePerson }, ""},
		"an erasure begins": {func(c *cases.Case, e *cases.Event) {
			c.Kind, e.What, e.By = cases.Erase, cases.Accepted, cases.ThePerson
		}, letters.Farewell},
		"and ends": {func(c *cases.Case, _ *cases.Event) { c.Kind, c.Last = cases.Erase, at.Add(time.Hour) }, ""},
		"a copy that staff made ready": {func(c *cases.Case, e *cases.Event) {
			c.Kind, e.What, e.By = cases.Access, cases.Accepted, cases.TheStaff
		}, letters.Ready},
		"one that they open themselves": {func(c *cases.Case, e *cases.Event) {
			c.Kind, e.What, e.By = cases.Access, cases.Accepted, cases.ThePerson
		}, ""},
	} {
		c, e := c, done
		tc.change(&c, &e)
		if got, ok := letters.Of(c, e); got != tc.want && (ok || tc.want != "") || ok != (tc.want != "") {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
		nobodys := c
		nobodys.Subject = thimble.SubjectID{}
		if a, _ := letters.Of(c, e); a != first(letters.Of(nobodys, e)) {
			t.Errorf("%s: another letter for nobody", name)
		}
	}
}

// What others pass on can be had as often as they like; what staff do, and what somebody has
// shown to be theirs, cannot.
func TestOnlyWhatOthersPassOnIsLimited(t *testing.T) {
	for _, via := range cases.Vias() {
		for _, k := range letters.Kinds() {
			c := cases.Case{Via: via}
			want := via.Unseen() && (k == letters.Identity || k == letters.Received || k == letters.Here || k == letters.Done || k == letters.Lapsed)
			if got := k.Limited(c); got != want {
				t.Errorf("%s by %s is limited: %t", k, via, got)
			}
			if c.Proof = cases.Session; k.Limited(c) {
				t.Errorf("%s by %s is limited once it was shown who asks", k, via)
			}
		}
	}
}

func first(k letters.Kind, _ bool) letters.Kind { return k }

// What is written to who answers for a child, and to the child of what they asked for, is as
// plain, and has nothing that was written in a case.
func TestLettersAboutAChildArePlainAndKeepWhatIsTheChilds(t *testing.T) {
	for _, via := range []cases.Via{cases.Guardian, cases.Mail} {
		for _, k := range letters.Kinds() {
			f := facts(cases.Access)
			f.Case.Via, f.Guarded = via, true
			child, guardians := letters.Readers(k, f.Case)
			for _, to := range []struct{ guardian, gets bool }{{true, guardians}, {false, child && via == cases.Guardian}} {
				if !to.gets {
					continue
				}
				f.Guardian = to.guardian
				text := letters.Write(k, f)
				body := text.Body.Reveal() // to read it
				prose := prose(strings.Split(strings.ReplaceAll(body, "No link in", "\nRequest: "), "Linen & Co")[0])
				if grade, words := decisiontest.Grade(prose); grade > 7 || words > 180 || words < 20 {
					t.Errorf("%s by %s has %d words of grade %.1f:\n%s", k, via, words, grade, body)
				}
				if strings.Contains(body, "We looked twice.") && to.guardian {
					t.Errorf("%s by %s tells a guardian what was written:\n%s", k, via, body)
				}
				if theirs := strings.Contains(body, "case_") || strings.Contains(body, cases.Access.Words()); theirs && to.guardian && via != cases.Guardian {
					t.Errorf("%s by %s tells a guardian what the child asks:\n%s", k, via, body)
				}
				if strings.Contains(body, "You asked to be forgotten") {
					t.Errorf("%s by %s says that the child asked, and it did not:\n%s", k, via, body)
				}
			}
		}
	}
}
