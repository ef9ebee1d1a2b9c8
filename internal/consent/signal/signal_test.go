package signal

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/consent/iab/gpp"
	"thimble/internal/consent/iab/tcf"
)

var now = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

var options = Options{Now: now, Languages: []string{"en", "de"}, VendorList: 200}

// everything is a ledger in which somebody has allowed all there is.
func everything() map[thimble.Purpose]consent.State {
	all := map[thimble.Purpose]consent.State{}
	for _, p := range []thimble.Purpose{
		thimble.PersonalizeContent, thimble.TrainAISystem, thimble.EssentialService, thimble.LegalObligation, "third_party_sharing.legal_obligation",
		Sharing, Advertising, OthersAds, TargetedAds, AdProfiles, Analytics, Storage, Functions, LimitedContent,
		"marketing", "marketing.advertising.first_party.contextual", "analytics.reporting", "personalize",
	} {
		all[p] = consent.Given
	}
	return all
}

// lost are the purposes that signals take from somebody who allowed all.
func lost(signals ...Reading) []thimble.Purpose {
	var all []thimble.Purpose
	n := Narrow(everything(), signals...)
	for p := range everything() {
		if !n.Permits(p) {
			all = append(all, p)
		}
	}
	slices.Sort(all)
	return all
}

func purposes(p ...thimble.Purpose) []thimble.Purpose { slices.Sort(p); return p }

// onConsent are all purposes of everything that rest on consent.
func onConsent() (all []thimble.Purpose) {
	for p := range everything() {
		if restsOnConsent(p) {
			all = append(all, p)
		}
	}
	return purposes(all...)
}

// tc is a string that counts and allows purposes 1 to 11.
func tc(t testing.TB, change func(*tcf.String)) string {
	t.Helper()
	at := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	s := &tcf.String{Head: tcf.Head{Created: at, Updated: at, CMP: 10, Language: [2]byte{'E', 'N'}, VendorList: 150, Policy: 5},
		ServiceSpecific: true, Consents: tcf.NewBits(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11), Country: [2]byte{'D', 'E'}, HasDisclosed: true}
	change(s)
	text, err := s.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func us(t testing.TB, id int, change func(*gpp.US)) string {
	t.Helper()
	u, err := gpp.NewUS(id, 1)
	if err != nil {
		t.Fatal(err)
	}
	change(u)
	s := gpp.String{Sections: []gpp.Section{{ID: id, US: u}}}
	text, err := s.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func set(field string, values ...byte) func(*gpp.US) {
	return func(u *gpp.US) { copy(u.Get(field), values) }
}

var opted = purposes("marketing", "marketing.advertising", OthersAds, TargetedAds, AdProfiles, Sharing)

func TestASignalTakesWhatItsStandardSays(t *testing.T) {
	none := func(*tcf.String) {}
	without := func(n ...int) func(*tcf.String) {
		return func(s *tcf.String) { s.Consents &^= tcf.NewBits(n...) }
	}
	personal := purposes("personalize", thimble.PersonalizeContent)
	ads := purposes("marketing", Advertising, OthersAds, TargetedAds, AdProfiles, "marketing.advertising.first_party.contextual")
	for name, row := range map[string]struct {
		reading Reading
		want    []thimble.Purpose
	}{
		"no GPC":                   {GPC(nil), nil},
		"GPC":                      {GPC([]string{"1"}), opted},
		"GPC among other values":   {GPC([]string{"0", "1"}), opted},
		"GPC of another value":     {GPC([]string{"true", "1.0", " 1", "11", ""}), nil},
		"TCF with all":             {TCF(tc(t, none), options), nil},
		"TCF without 1":            {TCF(tc(t, without(1)), options), []thimble.Purpose{Storage}},
		"TCF without 4":            {TCF(tc(t, without(4)), options), ads},
		"TCF without 5":            {TCF(tc(t, without(5)), options), personal},
		"TCF without 8":            {TCF(tc(t, without(8)), options), purposes(Analytics, "analytics.reporting")},
		"TCF without 10":           {TCF(tc(t, without(10)), options), purposes(Analytics, "analytics.reporting", thimble.TrainAISystem)},
		"TCF without 11":           {TCF(tc(t, without(11)), options), purposes("personalize", LimitedContent)},
		"TCF, interests only":      {TCF(tc(t, func(s *tcf.String) { s.Consents, s.Interests = s.Consents&^tcf.NewBits(8), tcf.NewBits(8) }), options), purposes(Analytics, "analytics.reporting")},
		"TCF, 1 was not asked":     {TCF(tc(t, func(s *tcf.String) { s.PurposeOne = true }), options), []thimble.Purpose{Storage}},
		"TCF, the publisher's own": {TCF(tc(t, func(s *tcf.String) { s.Publisher = &tcf.Publisher{Consents: s.Consents &^ tcf.NewBits(6)} }), options), personal},
		"USP opted out":            {USP("1YYN"), opted},
		"USP not opted out":        {USP("1YNN"), nil},
		"USP does not apply":       {USP("1---"), nil},
		"GPP California, sale":     {GPP(us(t, 8, set(gpp.SaleOptOut, 1)), options), []thimble.Purpose{Sharing}},
		"GPP California, sharing":  {GPP(us(t, 8, set(gpp.SharingOptOut, 1)), options), purposes("marketing", Advertising, OthersAds, Sharing)},
		"GPP, did not opt out":     {GPP(us(t, 8, set(gpp.SaleOptOut, 2)), options), nil},
		"GPP Virginia, targeted":   {GPP(us(t, 9, set(gpp.TargetedOptOut, 1)), options), purposes("marketing", Advertising, OthersAds, TargetedAds, AdProfiles)},
		"GPP Connecticut, a child": {GPP(us(t, 12, set(gpp.KnownChild, 0, 1, 0)), options), opted},
		"GPP Delaware, more uses":  {GPP(us(t, 17, set(gpp.AdditionalData, 1)), options), purposes(append([]thimble.Purpose{thimble.TrainAISystem}, opted...)...)},
		"GPP Maryland, GPC":        {GPP(us(t, 24, func(u *gpp.US) { u.HasSub, u.GPC = true, true }), options), opted},
		"Google, all granted":      {Google([]byte(`{"ad_storage":"granted","ad_user_data":"granted","ad_personalization":"granted","analytics_storage":"granted","functionality_storage":"granted","personalization_storage":"granted","security_storage":"granted"}`)), nil},
		"Google, empty":            {Google([]byte(`{}`)), purposes(slices.Concat(ads, personal, purposes(Sharing, Analytics, "analytics.reporting", Functions, Storage))...)},
		"Google, one of three":     {Google([]byte(`{"ad_storage":"granted","ad_user_data":"granted","ad_personalization":"denied","analytics_storage":"granted","functionality_storage":"granted","personalization_storage":"granted"}`)), ads},
		"Segment, no object":       {Segment(nil, DefaultCategories()), nil},
		"Segment, nothing chosen":  {Segment([]byte(`{"categoryPreferences":{}}`), DefaultCategories()), purposes(slices.Concat(ads, personal, purposes(Sharing, Analytics, "analytics.reporting", Functions, Storage, thimble.TrainAISystem))...)},
		"Segment, one missing":     {Segment([]byte(`{"categoryPreferences":{"Advertising":true,"Analytics":true,"Functional":true,"DataSharing":true,"Personalization":true}}`), DefaultCategories()), []thimble.Purpose{thimble.TrainAISystem}},
		"Segment, several of one":  {Segment([]byte(`{"categoryPreferences":{"a":true,"b":false}}`), Categories{"a": {Analytics}, "b": {Analytics}}), purposes(Analytics, "analytics.reporting")},
	} {
		if row.reading.Refused != nil {
			t.Errorf("%s is refused: %s", name, row.reading.Refused.What)
		}
		if diff := cmp.Diff(row.want, lost(row.reading)); diff != "" {
			t.Errorf("%s takes other purposes than wanted (-):\n%s", name, diff)
		}
	}
}

func TestWhatCannotBeReliedOnDeniesAllThatRestsOnConsent(t *testing.T) {
	tomorrow := now.Add(24 * time.Hour)
	after := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	change := func(f func(*tcf.String)) Reading { return TCF(tc(t, f), options) }
	for name, row := range map[string]struct {
		reading Reading
		want    string
	}{
		"a TC string that is none":      {TCF("nonsense", options), "cannot be read"},
		"TCF from tomorrow":             {change(func(s *tcf.String) { s.Created, s.Updated = tomorrow, tomorrow }), "in the future"},
		"TCF updated tomorrow":          {change(func(s *tcf.String) { s.Updated = tomorrow }), "in the future"},
		"TCF updated before made":       {change(func(s *tcf.String) { s.Updated = s.Created.Add(-time.Hour) }), "before it was made"},
		"TCF of long ago":               {change(func(s *tcf.String) { s.Created = now.AddDate(-2, 0, 0); s.Updated = s.Created }), "older than 13 months"},
		"TCF of a policy of tomorrow":   {change(func(s *tcf.String) { s.Policy = 6 }), "policy version is 6"},
		"TCF without a platform":        {change(func(s *tcf.String) { s.CMP = 0 }), "consent platform"},
		"TCF without a vendor list":     {change(func(s *tcf.String) { s.VendorList = 0 }), "vendor list is unknown"},
		"TCF of a newer vendor list":    {change(func(s *tcf.String) { s.VendorList = 201 }), "vendor list is unknown"},
		"TCF in another language":       {change(func(s *tcf.String) { s.Language = [2]byte{'F', 'R'} }), "a language that is not shown"},
		"TCF 2.2 made after its end":    {change(func(s *tcf.String) { s.HasDisclosed, s.Created, s.Updated = false, after, after }), "disclosed vendors are missing"},
		"GPP that is none":              {GPP("DBA", options), "cannot be read"},
		"GPP of an unknown version":     {GPP("DBABRgA~bSFgmiU", options), "version 27 of section usva is unknown"},
		"USP that is none":              {USP("1YN"), "cannot be read"},
		"Google, not JSON":              {Google([]byte(`granted`)), "cannot be read"},
		"Google, a key twice":           {Google([]byte(`{"ad_storage":"granted","ad_storage":"denied"}`)), "each once"},
		"Google, neither":               {Google([]byte(`{"ad_storage":"yes"}`)), "neither granted nor denied"},
		"Google, a strange type denied": {Google([]byte(`{"dream_storage":"denied"}`)), "does not know"},
		"Segment, not JSON":             {Segment([]byte(`{`), DefaultCategories()), "cannot be read"},
		"Segment, more behind it":       {Segment([]byte(`{} {}`), DefaultCategories()), "cannot be read"},
		"Segment, a key twice":          {Segment([]byte(`{"categoryPreferences":{"a":true,"a":true}}`), DefaultCategories()), "each once"},
		"Segment, neither":              {Segment([]byte(`{"categoryPreferences":{"analytics":null}}`), DefaultCategories()), "neither true nor false"},
		"Segment, a strange no":         {Segment([]byte(`{"categoryPreferences":{"dreams":false}}`), DefaultCategories()), "no purpose stands behind"},
	} {
		n := Narrow(everything(), row.reading)
		if diff := cmp.Diff(onConsent(), lost(row.reading)); diff != "" {
			t.Errorf("%s: all that rests on consent was to be denied (-):\n%s", name, diff)
		}
		if i := slices.IndexFunc(n.Reasons, func(r Reason) bool { return r.Denies && strings.Contains(r.Text, row.want) }); i < 0 {
			t.Errorf("%s: reasons %+v, want one with %q", name, n.Reasons, row.want)
		} else if n.Reasons[i].Do == "" {
			t.Errorf("%s: the reason does not say what to do", name)
		}
	}
	// A string of before the segment was mandatory needs none.
	before := after.Add(-time.Hour)
	if r := change(func(s *tcf.String) { s.HasDisclosed, s.Created, s.Updated = false, before, before }); r.Refused != nil {
		t.Errorf("a string of February 2026: %s", r.Refused.What)
	}
}

func TestAStrangeYesIsLeftOutAndSaid(t *testing.T) {
	r := Segment([]byte(`{"categoryPreferences":{"analytics":true,"dreams":true}}`), Categories{"analytics": {Analytics}})
	n := Narrow(everything(), r)
	if len(lost(r)) != 0 || len(n.Reasons) != 1 || n.Reasons[0].Denies || strings.Contains(n.Reasons[0].Text, "dreams") {
		t.Errorf("lost %v, reasons %+v, want nothing lost and one remark that quotes nothing", lost(r), n.Reasons)
	}
}

func TestOfTwoSignalsTheStricterHoldsAndAReasonSaysSo(t *testing.T) {
	yes := TCF(tc(t, func(*tcf.String) {}), options)
	no := Google([]byte(`{"analytics_storage":"granted","personalization_storage":"denied","ad_storage":"granted","ad_user_data":"granted","ad_personalization":"granted","functionality_storage":"granted"}`))
	n := Narrow(everything(), yes, no)
	if n.Permits(thimble.PersonalizeContent) || !n.Permits(Analytics) {
		t.Errorf("states %v", n.States)
	}
	if !slices.ContainsFunc(n.Reasons, func(r Reason) bool { return r.Text == contradiction && r.Purpose == thimble.PersonalizeContent }) {
		t.Errorf("no reason names the contradiction: %+v", n.Reasons)
	}
}

// draw draws a signal: one of the real ones, good or broken, or any lines at all.
func draw(t *rapid.T, m *rand.Rand) Reading {
	pick := func(n int, label string) int { return rapid.IntRange(0, n-1).Draw(t, label) }
	switch pick(8, "kind") {
	case 0:
		return GPC([]string{rapid.SampledFrom([]string{"1", "0", ""}).Draw(t, "gpc")})
	case 1:
		at := now.Add(time.Duration(pick(1000, "hours")-900) * time.Hour).Truncate(time.Second)
		s := tcf.String{Head: tcf.Head{Created: at, Updated: at, CMP: pick(2, "cmp"), Language: [2]byte{'E', 'N'}, VendorList: 1 + pick(3, "list"), Policy: 2 + pick(5, "policy")},
			Consents: tcf.Bits(m.Uint32N(1 << 24)), Country: [2]byte{'D', 'E'}, HasDisclosed: pick(4, "disclosed") > 0}
		text, err := s.Encode()
		if err != nil {
			t.Fatal(err)
		}
		return TCF(text, options)
	case 2:
		return USP(rapid.SampledFrom([]string{"1YYN", "1YNN", "1---", "2YNN", "x"}).Draw(t, "usp"))
	case 3:
		return GPP(rapid.SampledFrom([]string{"DBABBg~BlgWEYCY", "DBABRgA~bSFgmiU", "DBABJg~bSFgmJQ.YA", "DBAA", "D"}).Draw(t, "gpp"), options)
	case 4:
		return Google([]byte(rapid.SampledFrom([]string{`{}`, `{"analytics_storage":"granted"}`, `{"x":"denied"}`, `{"x":"granted"}`, `[]`}).Draw(t, "google")))
	case 5:
		return Segment([]byte(rapid.SampledFrom([]string{``, `{}`, `{"categoryPreferences":{"analytics":true}}`, `{"categoryPreferences":{"x":false}}`}).Draw(t, "segment")), DefaultCategories())
	}
	r := Reading{Source: rapid.SampledFrom([]Source{FromGPC, FromTCF, FromGPP}).Draw(t, "source")}
	all := slices.Sorted(maps.Keys(everything()))
	for range pick(4, "lines") {
		r.Lines = append(r.Lines, Line{Purpose: rapid.SampledFrom(all).Draw(t, "purpose"), Allows: rapid.Bool().Draw(t, "allows"), Cite: "none"})
	}
	if pick(10, "refused") == 0 {
		r.Refused = &Refusal{"what", "do"}
	}
	return r
}

func TestSignalsOnlyNarrowWhateverTheirOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		ledger := map[thimble.Purpose]consent.State{}
		for p := range everything() {
			ledger[p] = []consent.State{consent.Given, consent.Given, consent.Refused, consent.Withdrawn, consent.Expired}[m.IntN(5)]
		}
		kept := maps.Clone(ledger)
		var signals []Reading
		for range rapid.IntRange(0, 5).Draw(t, "signals") {
			signals = append(signals, draw(t, m))
		}
		once := Narrow(ledger, signals...)
		if !maps.Equal(ledger, kept) {
			t.Fatal("the ledger was changed")
		}
		for p, s := range once.States {
			if s.Permits() && !ledger[p].Permits() || s != ledger[p] && s != consent.Refused {
				t.Fatalf("%s became %s from %s", p, s, ledger[p])
			}
			if !s.Permits() && ledger[p].Permits() && !slices.ContainsFunc(once.Reasons, func(r Reason) bool { return r.Denies && (r.Purpose == p || r.Purpose == "") }) {
				t.Fatalf("%s is denied without a reason", p)
			}
			if !restsOnConsent(p) && s != ledger[p] {
				t.Fatalf("%s rests on no consent", p)
			}
		}
		if other := Narrow(ledger, rapid.Permutation(signals).Draw(t, "order")...); !cmp.Equal(once, other) {
			t.Fatalf("another order gives another result:\n%s", cmp.Diff(once, other))
		}
		if twice := Narrow(ledger, slices.Concat(signals, signals)...); !cmp.Equal(once, twice) {
			t.Fatalf("twice gives another result:\n%s", cmp.Diff(once, twice))
		}
		if again := Narrow(once.States, signals...); !maps.Equal(again.States, once.States) {
			t.Fatalf("again gives another result:\n%s", cmp.Diff(once.States, again.States))
		}
		stepwise := ledger
		for _, s := range signals {
			stepwise = Narrow(stepwise, s).States
		}
		if !maps.Equal(stepwise, once.States) {
			t.Fatalf("one by one gives another result:\n%s", cmp.Diff(once.States, stepwise))
		}
	})
}

func TestWhatIsToldToGoogleIsReadBackAsNoMore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 2))
		states := map[thimble.Purpose]consent.State{}
		for p := range everything() {
			if m.IntN(2) == 0 {
				states[p] = consent.Given
			}
		}
		told := ToGoogle(Narrow(states))
		var raw strings.Builder
		for _, name := range slices.Sorted(maps.Keys(told)) {
			raw.WriteString(`,"` + name + `":"` + told[name] + `"`)
		}
		for _, l := range Google([]byte("{" + raw.String()[1:] + "}")).Lines {
			if l.Allows && !states[l.Purpose].Permits() {
				t.Fatalf("%s was told as granted", l.Purpose)
			}
		}
		if len(told) != 7 || told[security] != "granted" {
			t.Fatalf("told %v, want seven types", told)
		}
	})
}
