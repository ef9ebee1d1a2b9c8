package policy

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"thimble"
	"thimble/internal/policy/calendar"
)

func instant(t testing.TB, s string) time.Time {
	t.Helper()
	at, err := ParseInstant(s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func lives(place string) []Residence { return []Residence{{Place: place, Evidence: Declared}} }

func TestPacksAreChosenByResidenceSeatFactsAndDay(t *testing.T) {
	l := library(t)
	day := func(y, m, d int) calendar.Date { return calendar.Date{Year: y, Month: time.Month(m), Day: d} }
	today := day(2026, 11, 21)
	eu := []string{"eu.aiact", "eu.eprivacy", "eu.omnibus.pricing", "eu.warranty", "house"}
	for name, c := range map[string]struct {
		q    Question
		want []string
	}{
		"Germany":                          {Question{Residences: lives("DE"), On: today}, append([]string{"eu.gdpr.de"}, eu...)},
		"Europe, somewhere":                {Question{Residences: lives("EU"), On: today}, append([]string{"eu.gdpr"}, eu...)},
		"Norway, outside the EU":           {Question{Residences: lives("NO"), On: today}, []string{"eu.gdpr.no", "eu.eprivacy", "eu.omnibus.pricing", "eu.warranty", "house"}},
		"a marketplace":                    {Question{Residences: lives("DE"), On: today, Facts: map[string]int64{"marketplace": 1}}, append([]string{"eu.gdpr.de", "eu.dsa"}, eu...)},
		"no marketplace":                   {Question{Residences: lives("DE"), On: today, Facts: map[string]int64{"marketplace": 0}}, append([]string{"eu.gdpr.de"}, eu...)},
		"California":                       {Question{Residences: lives("US-CA"), On: today}, []string{"us.ca.ccpa", "us.coppa", "house"}},
		"California, sold to from Germany": {Question{Residences: lives("US-CA"), Establishment: []string{"DE"}, On: today}, []string{"us.ca.ccpa", "us.coppa", "eu.gdpr", "eu.aiact", "de.tax", "house"}},
		"France, sold to from Germany":     {Question{Residences: lives("FR"), Establishment: []string{"DE"}, On: today}, append([]string{"eu.gdpr.fr", "de.tax"}, eu...)},
		"a state without a general law":    {Question{Residences: lives("US-NY"), On: today}, []string{"us.ny.pricing", "us.coppa", "baseline.strict", "house"}},
		"the US, no state known":           {Question{Residences: lives("US"), On: today}, []string{"us.coppa", "baseline.strict", "house"}},
		"Texas has two":                    {Question{Residences: lives("US-TX"), On: today}, []string{"us.tx", "us.tx.cubi", "us.coppa", "house"}},
		"Quebec has two":                   {Question{Residences: lives("CA-QC"), On: today}, []string{"ca.pipeda", "ca.qc.law25", "house"}},
		"a small shop in Florida":          {Question{Residences: lives("US-FL"), On: today}, []string{"us.coppa", "baseline.strict", "house"}},
		"a giant in Florida":               {Question{Residences: lives("US-FL"), On: today, Facts: map[string]int64{"global_revenue_usd": 2_000_000_000}}, []string{"us.fl", "us.coppa", "house"}},
		"Connecticut, size unknown":        {Question{Residences: lives("US-CT"), On: today}, []string{"us.ct", "us.coppa", "house"}},
		"Connecticut, too small":           {Question{Residences: lives("US-CT"), On: today, Facts: map[string]int64{"consumers_in_ct": 34_999, "sensitive_data": 0, "sells_data": 0}}, []string{"us.coppa", "baseline.strict", "house"}},
		"Connecticut, small but sells":     {Question{Residences: lives("US-CT"), On: today, Facts: map[string]int64{"consumers_in_ct": 1, "sensitive_data": 0, "sells_data": 1}}, []string{"us.ct", "us.coppa", "house"}},
		"India before its law":             {Question{Residences: lives("IN"), On: day(2027, 5, 12)}, []string{"baseline.strict", "house"}},
		"India after":                      {Question{Residences: lives("IN"), On: day(2027, 5, 13)}, []string{"in.dpdp", "in.dpdp.large", "house"}},
		"nobody knows where":               {Question{On: today}, []string{"baseline.strict", "house"}},
		"a place nobody has a law of":      {Question{Residences: lives("AQ"), On: today}, []string{"baseline.strict", "house"}},
		"an IP address alone":              {Question{Residences: []Residence{{Place: "US-VA", Evidence: IP}}, On: today}, []string{"us.va", "us.coppa", "baseline.strict", "house"}},
		"an IP address beside":             {Question{Residences: append(lives("DE"), Residence{Place: "US-VA", Evidence: IP}), On: today}, append([]string{"eu.gdpr.de", "us.va", "us.coppa"}, eu...)},
		"two homes at once":                {Question{Residences: append(lives("CH"), lives("BR")...), On: today}, []string{"ch.fadp", "br.lgpd", "house"}},
		"two homes, one lawless":           {Question{Residences: append(lives("CH"), lives("AQ")...), On: today}, []string{"ch.fadp", "baseline.strict", "house"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, chosen, err := l.Choose(c.q)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, p := range chosen {
				id, _, _ := strings.Cut(p.Pack, "@")
				got = append(got, id)
				if p.Why == "" {
					t.Errorf("%s is chosen for no reason", p.Pack)
				}
			}
			want := slices.Sorted(slices.Values(c.want))
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("chosen %v, want %v", got, want)
			}
		})
	}
}

func TestAQuestionThatCannotBeReadIsRefused(t *testing.T) {
	l := library(t)
	on := calendar.Date{Year: 2026, Month: 11, Day: 21}
	for name, q := range map[string]Question{
		"no time":              {Residences: lives("DE")},
		"two times":            {Residences: lives("DE"), On: on, At: time.Now()},
		"no place":             {Residences: lives("Germany"), On: on},
		"no evidence":          {Residences: []Residence{{Place: "DE"}}, On: on},
		"hearsay":              {Residences: []Residence{{Place: "DE", Evidence: "hearsay"}}, On: on},
		"no place of business": {Establishment: []string{"germany"}, On: on},
	} {
		for range 2 { // the second is not answered from memory
			if _, err := l.Law(q); !errors.Is(err, thimble.ErrInvalid) {
				t.Errorf("%s: %v, want ErrInvalid", name, err)
			}
		}
	}
	for _, s := range []string{"2026-11-21T10:00:00", "2026-11-21", "2026-11-21 10:00", "now", ""} {
		if _, err := ParseInstant(s); !errors.Is(err, thimble.ErrInvalid) {
			t.Errorf("ParseInstant(%q) = %v: an instant without its offset is taken", s, err)
		}
	}
}

// The AI Act starts in Brussels, the Indian law in India: an instant is another
// day in another place.
func TestALawStartsAtTheMidnightOfItsPlace(t *testing.T) {
	l := library(t)
	for _, c := range []struct {
		place, at string
		want      bool
	}{
		{"IN", "2027-05-12T18:29:59Z", false}, {"IN", "2027-05-12T18:30:00Z", true}, // 13 May 00:00 +05:30
		{"US-AL", "2027-05-01T04:59:59Z", false}, {"US-AL", "2027-05-01T05:00:00Z", true}, // 1 May 00:00 -05:00
	} {
		law, err := l.Law(Question{Residences: lives(c.place), At: instant(t, c.at)})
		if err != nil {
			t.Fatal(err)
		}
		if got := !strings.Contains(law.Ref(), "baseline"); got != c.want {
			t.Errorf("%s at %s: %s, in force %v, want %v", c.place, c.at, law.Ref(), got, c.want)
		}
	}
	chat := func(at string) bool {
		law, err := l.Law(Question{Residences: lives("FR"), At: instant(t, at)})
		if err != nil {
			t.Fatal(err)
		}
		return law.value("disclosure", "chatbot_is_ai@chat") != nil
	}
	if chat("2026-08-01T21:59:59Z") || !chat("2026-08-01T22:00:00Z") {
		t.Error("the duty to disclose a chatbot does not start at midnight in Brussels")
	}
}

// TestAMoverKeepsTheClocksAlreadyRunning: a request came from France; the person
// has moved to Texas since.
func TestAMoverKeepsTheClocksAlreadyRunning(t *testing.T) {
	l := library(t)
	received := instant(t, "2026-10-31T12:00:00+01:00")
	q := Question{At: instant(t, "2026-11-21T12:00:00Z"), Residences: []Residence{
		{Place: "FR", Evidence: Delivery, From: instant(t, "2024-01-01T00:00:00Z")},
		{Place: "US-TX", Evidence: Declared, From: instant(t, "2026-11-10T00:00:00Z")},
	}}
	g, err := l.ForRequest(q, received)
	if err != nil {
		t.Fatal(err)
	}
	due, err := g.Clock.Due("access", received, History{})
	if err != nil || due[0].LastDay != (calendar.Date{Year: 2026, Month: 11, Day: 30}) {
		t.Errorf("the request is due %+v, %v; want 30 November, by European law", due, err)
	}
	if got := strings.Join(g.Clock.Packs(), " "); strings.Contains(" "+got, " us.") {
		t.Errorf("the clock is of %s", got)
	}
	if got := strings.Join(g.Substance.Packs(), " "); !strings.Contains(got, "us.tx@") || !strings.Contains(got, "eu.gdpr.fr@") {
		t.Errorf("the substance is of %s", got)
	}
	// What was opt-in in France is not opt-out on arrival without anybody's say.
	before, _ := l.Law(Question{Residences: q.Residences[:1], At: received})
	after, _ := l.Law(q)
	if f := after.Find("personalize.content.profiled"); f.Mode != Notice {
		t.Fatalf("Texas asks %s", f.Mode)
	}
	effective, pending := Accept(before, after, nil)
	if f := effective.Find("personalize.content.profiled"); f.Mode != OptIn || len(pending) == 0 {
		t.Errorf("after the move: %+v with %d changes that wait", f, len(pending))
	}
}

// A law changes between receipt and answer: its date stays, its substance is the
// stricter of both.
func TestARequestKeepsTheClockOfItsReceipt(t *testing.T) {
	l := library(t)
	received := instant(t, "2027-05-10T12:00:00+05:30")
	g, err := l.ForRequest(Question{Residences: lives("IN"), At: instant(t, "2027-05-20T12:00:00+05:30")}, received)
	if err != nil {
		t.Fatal(err)
	}
	if due, err := g.Clock.Due("access", received, History{}); err != nil || due[0].Clock.Origin.Pack != "baseline.strict@2026.11.1" {
		t.Errorf("due %+v, %v", due, err)
	}
	if need, _ := g.Substance.NeedOf("consent", 17); need != VerifiedParentalConsent {
		t.Errorf("a minor needs %s, the new law asks more", need)
	}
	if f := g.Substance.Find("essential.fraud_detection"); f.Mode != OptIn {
		t.Errorf("fraud detection: %s, the old law asks more", f.Mode)
	}
}

// TestAHintOnlyTightens draws people with and without a hint.
func TestAHintOnlyTightens(t *testing.T) {
	l := library(t)
	places := []string{"DE", "FR", "US-CA", "US-TX", "GB", "BR", "IN", "AQ", "NO", "CA-QC"}
	rapid.Check(t, func(t *rapid.T) {
		q := Question{At: time.Unix(rapid.Int64Range(1_750_000_000, 1_850_000_000).Draw(t, "at"), 0)}
		for range rapid.IntRange(0, 2).Draw(t, "homes") {
			q.Residences = append(q.Residences, Residence{Place: rapid.SampledFrom(places).Draw(t, "home"), Evidence: Declared})
		}
		without, err := l.Law(q)
		if err != nil {
			t.Fatal(err)
		}
		q.Residences = append(q.Residences, Residence{Place: rapid.SampledFrom(places).Draw(t, "hint"), Evidence: IP})
		with, err := l.Law(q)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range Diff(without, with) {
			if c.Loosens {
				t.Fatalf("an IP address changed %s from %q to %q", c.Name(), c.From, c.To)
			}
		}
	})
}

func TestTheSameQuestionHasOneAnswer(t *testing.T) {
	l := library(t)
	at := instant(t, "2026-11-21T12:00:00Z")
	a, _ := l.Law(Question{Residences: lives("DE"), At: at})
	b, _ := l.Law(Question{Residences: lives("DE"), At: at.AddDate(0, 0, 40)})
	c, _ := l.Law(Question{Residences: lives("FR"), At: at})
	if a != b || a == c || a.Digest() == c.Digest() {
		t.Error("equal laws are not one, or different ones are")
	}
	again, err := Shipped()
	if err != nil {
		t.Fatal(err)
	}
	d, _ := again.Law(Question{Residences: lives("DE"), At: at})
	if d.Digest() != a.Digest() || d.Ref() != a.Ref() {
		t.Errorf("another start makes another digest: %x, %x", a.Digest(), d.Digest())
	}
	later, _ := l.Law(Question{Residences: lives("DE"), At: at.AddDate(2, 0, 0)})
	if later.Ref() != a.Ref() || later.Digest() == a.Digest() {
		t.Error("the AI Act's right of 2027 does not show in the digest")
	}
}
