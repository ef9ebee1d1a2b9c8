package policy

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"thimble"
	"thimble/internal/policy/calendar"
)

// shipped is loaded once: a library does not change.
var shipped = sync.OnceValues(Shipped)

func library(t testing.TB) *Library {
	t.Helper()
	l, err := shipped()
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func signed(t testing.TB, text []byte, key string) File {
	t.Helper()
	p, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	sig, err := Sign(p, key)
	if err != nil {
		t.Fatal(err)
	}
	return File{Name: p.ID + ".yaml", Text: text, Signature: sig}
}

func keyPair(t testing.TB, name string) (signer, verifier string) {
	t.Helper()
	signer, verifier, err := note.GenerateKey(rand.Reader, name)
	if err != nil {
		t.Fatal(err)
	}
	return signer, verifier
}

func TestEveryPackPassesItsOwnExamples(t *testing.T) {
	l := library(t)
	for id, p := range l.packs {
		t.Run(id, func(t *testing.T) {
			ran, failed := p.Test()
			if ran == 0 && p.Status != Proposed {
				t.Error("the pack brings no example")
			}
			for _, f := range failed {
				t.Error(f)
			}
		})
	}
}

func TestEveryShippedValueIsCitedCheckedAndNamesItsSource(t *testing.T) {
	l := library(t)
	if len(l.packs) < 70 {
		t.Fatalf("only %d packs ship", len(l.packs))
	}
	for id, p := range l.packs {
		for _, list := range p.lists() {
			for i := range list.len {
				s := list.at(i).src()
				if s.Cite == "" || s.Checked.IsZero() || p.origin(s).Source == "" {
					t.Errorf("%s: %s[%d] (%s) = %+v", id, list.name, i, list.at(i).key(), s)
				}
			}
		}
		if p.Reviewer.Name != "" {
			t.Errorf("%s names a reviewer; nobody has reviewed it", id)
		}
	}
}

// TestAFictionalCountryIsOneFile is the promise that a law is data.
func TestAFictionalCountryIsOneFile(t *testing.T) {
	text := readFile(t, "testdata/zz.ruritania.yaml")
	signer, verifier := keyPair(t, "law.example")
	l, err := Load(Trust{Keys: []string{verifier}}, signed(t, text, signer))
	if err != nil {
		t.Fatal(err)
	}
	p, err := l.Pack("zz.ruritania")
	if err != nil {
		t.Fatal(err)
	}
	if ran, failed := p.Test(); ran < 5 || len(failed) > 0 {
		t.Errorf("%d examples ran, failed: %v", ran, failed)
	}
	law, chosen, err := l.Choose(Question{Residences: []Residence{{Place: "ZZ", Evidence: Declared}}, On: calendar.Date{Year: 2026, Month: 11, Day: 21}})
	if err != nil {
		t.Fatal(err)
	}
	if got := law.Ref(); got != "house@2026.11.0+zz.ruritania@1" {
		t.Errorf("the law of Ruritania is %s, chosen %+v", got, chosen)
	}
	if f := law.Find("personalize.content.profiled"); f.Mode != OptInExplicit || !strings.HasPrefix(f.Pack, "zz.ruritania") {
		t.Errorf("personal lists in Ruritania: %+v", f)
	}
	// A week there has four working days, and the king's birthday is a holiday.
	due, err := law.Due("access", time.Date(2026, 6, 25, 12, 0, 0, 0, time.UTC), History{})
	if err != nil || due[0].LastDay != (calendar.Date{Year: 2026, Month: 7, Day: 2}) {
		t.Errorf("access is due %v, %v", due, err)
	}
}

func TestAnOutsidePackIsTakenOnlyOnTrust(t *testing.T) {
	text := readFile(t, "testdata/zz.ruritania.yaml")
	signer, verifier := keyPair(t, "law.example")
	_, stranger := keyPair(t, "law.example")
	good := signed(t, text, signer)
	p, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	hash := p.Hash()
	other := []byte(strings.Replace(string(text), "opt_in_explicit", "allow", 1))
	bent := append([]byte{}, good.Signature...)
	bent[len(bent)-10] ^= 1
	for name, c := range map[string]struct {
		trust Trust
		file  File
		want  string // empty when it is taken
	}{
		"signed by a key on the list":   {Trust{Keys: []string{verifier}}, good, ""},
		"accepted by its hash":          {Trust{Hashes: []string{hex.EncodeToString(hash[:])}}, File{"a", text, nil}, ""},
		"unsigned":                      {Trust{Keys: []string{verifier}}, File{"a", text, nil}, "is not signed"},
		"another hash":                  {Trust{Hashes: []string{strings.Repeat("0", 64)}}, File{"a", text, nil}, "is not signed"},
		"signed by a key not on it":     {Trust{Keys: []string{stranger}}, good, "by no key that is trusted"},
		"no keys":                       {Trust{}, good, "by no key that is trusted"},
		"changed after it was signed":   {Trust{Keys: []string{verifier}}, File{"a", other, good.Signature}, "about another text"},
		"a bent signature":              {Trust{Keys: []string{verifier}}, File{"a", text, bent}, "signature does not hold"},
		"no signature at all":           {Trust{Keys: []string{verifier}}, File{"a", text, []byte("signed, the king")}, "signature does not hold"},
		"an older one than before":      {Trust{Keys: []string{verifier}, Floors: map[string]string{"zz.ruritania": "2"}}, good, "older than version 2"},
		"the same as before":            {Trust{Keys: []string{verifier}, Floors: map[string]string{"zz.ruritania": "1"}}, good, ""},
		"without one that was there":    {Trust{Keys: []string{verifier}, Floors: map[string]string{"zz.utopia": "1"}}, good, "zz.utopia was in force"},
		"a shipped one, in a past form": {Trust{Floors: map[string]string{"eu.gdpr": "2099.1.0"}}, File{}, "eu.gdpr was in force in version 2099.1.0"},
	} {
		t.Run(name, func(t *testing.T) {
			var files []File
			if c.file.Text != nil {
				files = append(files, c.file)
			}
			_, err := Load(c.trust, files...)
			switch {
			case c.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case c.want != "" && (!errors.Is(err, thimble.ErrDenied) || !strings.Contains(err.Error(), c.want)):
				t.Errorf("Load = %v, want ErrDenied with %q", err, c.want)
			}
		})
	}
	if _, err := Load(Trust{Keys: []string{"nonsense"}}, good); !errors.Is(err, thimble.ErrInvalid) {
		t.Errorf("a key that cannot be read: %v", err)
	}
	if _, err := Load(Trust{Keys: []string{verifier}}, good, good); !errors.Is(err, thimble.ErrConflict) {
		t.Errorf("one pack in two files: %v", err)
	}
	if _, err := Sign(p, "nonsense"); !errors.Is(err, thimble.ErrInvalid) {
		t.Errorf("signing with nonsense: %v", err)
	}
}

func TestAShippedPackIsNotDowngraded(t *testing.T) {
	text := string(readFile(t, "packs/us.ny.pricing.yaml"))
	signer, verifier := keyPair(t, "law.example")
	trust := Trust{Keys: []string{verifier}}
	older := signed(t, []byte(strings.Replace(text, "2026.11.0", "2026.9.9", 1)), signer)
	if _, err := Load(trust, older); !errors.Is(err, thimble.ErrDenied) || !strings.Contains(err.Error(), "older than us.ny.pricing@2026.11.0") {
		t.Errorf("an older pack: %v", err)
	}
	newer := signed(t, []byte(strings.Replace(text, "2026.11.0", "2026.11.1", 1)), signer)
	l, err := Load(trust, newer)
	if err != nil {
		t.Fatal(err)
	}
	if p, _ := l.Pack("us.ny.pricing"); p.Version != "2026.11.1" {
		t.Errorf("the newer pack did not take the place: %s", p.Ref())
	}
}

func TestVersionsCompareAsNumbers(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{{"2026.11.0", "2026.9.0", true}, {"2026.9.0", "2026.11.0", false}, {"1", "1", false}, {"1.0", "1", false}, {"1", "1.0", false}, {"1.0.1", "1", true}, {"10", "9", true}, {"01", "1", false}} {
		if got := Newer(c.a, c.b); got != c.want {
			t.Errorf("Newer(%s, %s) = %v", c.a, c.b, got)
		}
	}
}

func TestPacksThatGoRoundOrLeadNowhereAreRefused(t *testing.T) {
	pack := func(id, more string) *Pack {
		p, err := Parse([]byte(strings.Replace(head, "id: x\n", "id: "+id+"\n"+more, 1)))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	for name, c := range map[string]struct {
		packs []*Pack
		want  string
	}{
		"itself":          {[]*Pack{pack("a", "extends: a\n")}, "a extends a"},
		"two":             {[]*Pack{pack("a", "extends: b\n"), pack("b", "extends: a\n")}, "in a circle: a extends b extends a"},
		"three":           {[]*Pack{pack("a", "extends: b\n"), pack("b", "extends: c\n"), pack("c", "extends: a\n")}, "in a circle"},
		"nowhere":         {[]*Pack{pack("a", "extends: b\n")}, "extends b, which is not there"},
		"amends nothing":  {[]*Pack{pack("a", "amends: b\n")}, "amends b, which is not there"},
		"drops nothing":   {[]*Pack{pack("b", ""), pack("a", "extends: b\nwithout: [rights/access]\n")}, "b has no rights/access"},
		"amends itself":   {[]*Pack{pack("a", "amends: a\n")}, "circle"},
		"extends amended": {[]*Pack{pack("a", "amends: b\n"), pack("b", "extends: a\n")}, "a is an amendment"},
	} {
		t.Run(name, func(t *testing.T) {
			all := map[string]*Pack{}
			for _, p := range c.packs {
				all[p.ID] = p
			}
			_, err := resolve(all, func(string) bool { return false })
			if !errors.Is(err, thimble.ErrInvalid) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("resolve = %v, want ErrInvalid with %q", err, c.want)
			}
		})
	}
}

// TestAnAmendmentReachesWhatExtendsTheLaw changes the European law, and looks in
// Germany.
func TestAnAmendmentReachesWhatExtendsTheLaw(t *testing.T) {
	l, err := Load(Trust{Adopted: []string{"eu.gdpr.omnibus2025"}})
	if err != nil {
		t.Fatal(err)
	}
	on := calendar.Date{Year: 2026, Month: 11, Day: 21}
	german := Question{Residences: []Residence{{Place: "DE", Evidence: Declared}}, On: on}
	law, err := l.Law(german)
	if err != nil {
		t.Fatal(err)
	}
	if v := law.value("breach", "authority"); v == nil || !strings.HasPrefix(v.Text, "96h") || len(v.Lost) > 0 {
		t.Errorf("with the amendment: %+v", v)
	}
	if law, err = library(t).Law(german); err != nil {
		t.Fatal(err)
	}
	if v := law.value("breach", "authority"); v == nil || !strings.HasPrefix(v.Text, "72h") {
		t.Errorf("a proposal that nobody adopted changed the law: %+v", v)
	}
	if _, err := Load(Trust{Adopted: []string{"eu.nothing"}}); !errors.Is(err, thimble.ErrNotFound) {
		t.Errorf("adopting nothing: %v", err)
	}
}

func TestAnAmendmentStartsOnItsDay(t *testing.T) {
	law, err := Parse([]byte(head + "bounds: [{bound: re_ask, at_least: 6mo, cite: c}]\n"))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer("id: x\n", "id: z\namends: x\n", "2026-01-01", "2027-03-01", "in_force", "future").Replace(head)
	change, err := Parse([]byte(text + "bounds: [{bound: re_ask, at_least: 1y, cite: d}]\n"))
	if err != nil {
		t.Fatal(err)
	}
	all, err := resolve(map[string]*Pack{"x": law, "z": change}, func(string) bool { return false })
	if err != nil {
		t.Fatal(err)
	}
	for day, want := range map[calendar.Date]string{{Year: 2027, Month: 2, Day: 28}: "6mo", {Year: 2027, Month: 3, Day: 1}: "1y"} {
		if got, _ := LawOf(day, all["x"]).ReAsk(); got.String() != want {
			t.Errorf("on %s: %s, want %s", day, got, want)
		}
	}
}

func TestAnOverlaySaysOnlyWhatDiffers(t *testing.T) {
	l := library(t)
	on := calendar.Date{Year: 2026, Month: 11, Day: 21}
	iowa, _ := l.Pack("us.ia")
	base, _ := l.Pack("us.base")
	law, model := LawOf(on, iowa), LawOf(on, base)
	for _, c := range []struct {
		what string
		got  bool
	}{
		{"Iowa has a right of access", law.value("right", "access") != nil},
		{"Iowa has no right to correct", law.value("right", "rectify") == nil},
		{"the model has one", model.value("right", "rectify") != nil},
		{"Iowa answers in 90 days", strings.HasPrefix(law.value("deadline", "access").Text, "90d")},
		{"the model in 45", strings.HasPrefix(model.value("deadline", "access").Text, "45d")},
		{"what is inherited names the model's source", strings.HasPrefix(law.value("purpose", "personalize").Origin.Source, "Va. Code")},
		{"under Iowa's name", law.value("purpose", "personalize").Origin.Pack == "us.ia@2026.11.0"},
	} {
		if !c.got {
			t.Errorf("not true: %s", c.what)
		}
	}
}
