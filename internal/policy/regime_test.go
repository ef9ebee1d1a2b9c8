package policy

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"pgregory.net/rapid"

	"thimble"
	"thimble/internal/policy/calendar"
)

func day(s string) calendar.Date {
	d, err := calendar.ParseDate(s)
	if err != nil {
		panic(err)
	}
	return d
}

// ruritania is the shipped packs with the fictional country's, edited.
func ruritania(t testing.TB, edit ...string) *Library {
	t.Helper()
	text := []byte(strings.NewReplacer(edit...).Replace(string(readFile(t, "testdata/zz.ruritania.yaml"))))
	if i := strings.Index(string(text), "\nexamples:"); i > 0 {
		text = text[:i+1]
	}
	p, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	hash := p.Hash()
	l, err := Load(Trust{Hashes: []string{hexOf(hash)}}, File{Name: "zz.ruritania.yaml", Text: text})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func (r *Regime) mode(t testing.TB, place string, on calendar.Date, use thimble.Purpose) Mode {
	t.Helper()
	law, err := r.Law(question(place, on))
	if err != nil {
		t.Fatal(err)
	}
	return law.Find(use).Mode
}

func pendingNames(t testing.TB, r *Regime, on calendar.Date) (names []string) {
	t.Helper()
	all, err := r.Pending(on)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range all {
		names = append(names, w.Name())
	}
	return names
}

// A new pack that loosens one value and tightens another applies half at once.
func TestWhatANewPackLoosensWaitsAndWhatItTightensApplies(t *testing.T) {
	on := day("2026-11-21")
	old := Layer{ruritania(t), on}
	next := ruritania(t, `version: "1"`, `version: "2"`, "personalize, mode: opt_in_explicit", "personalize, mode: opt_in", "respond: 6d", "respond: 5d")
	r := NewRegime(next, Shop{}, []Layer{old})
	if got := r.mode(t, "ZZ", on, "personalize.content.profiled"); got != OptInExplicit {
		t.Errorf("personal lists: %s; the new law is looser and nobody has accepted it", got)
	}
	if got := pendingNames(t, r, on); !slices.Equal(got, []string{"purpose/personalize"}) {
		t.Errorf("waiting %v", got)
	}
	law, err := r.Law(question("ZZ", on))
	if err != nil {
		t.Fatal(err)
	}
	if v := law.value("deadline", "access"); v == nil || !strings.HasPrefix(v.Text, "5d") {
		t.Errorf("access within %+v, and the new law says five days", v)
	}
	strict, err := r.Tightened(on)
	if err != nil || len(strict) != 1 || strict[0].Name() != "deadline/access" || !slices.Equal(strict[0].Places, []string{"ZZ"}) {
		t.Errorf("tightened: %+v, %v", strict, err)
	}
	pending, err := r.Pending(on)
	if err != nil {
		t.Fatal(err)
	}
	r.Stand([]Layer{old}, pending[0].ID())
	if got := r.mode(t, "ZZ", on, "personalize.content.profiled"); got != OptIn {
		t.Errorf("personal lists: %s, and the change was accepted", got)
	}
	if got := pendingNames(t, r, on); got != nil {
		t.Errorf("%v waits after it was accepted", got)
	}
	if got := r.mode(t, "DE", on, "personalize.content.profiled"); got != OptIn {
		t.Errorf("Germany: %s", got)
	}
}

// The calendar loosens too: marketing is prohibited until June in Ruritania.
func TestWhatADayLoosensWaits(t *testing.T) {
	l := ruritania(t)
	r := NewRegime(l, Shop{}, []Layer{{l, day("2026-06-30")}})
	if got := r.mode(t, "ZZ", day("2026-06-30"), "marketing"); got != Prohibited {
		t.Errorf("in June: %s", got)
	}
	if got := r.mode(t, "ZZ", day("2026-07-01"), "marketing"); got != Prohibited {
		t.Errorf("in July: %s, and nobody has accepted it", got)
	}
	if got := pendingNames(t, r, day("2026-07-01")); !slices.Contains(got, "purpose/marketing") {
		t.Errorf("waiting %v", got)
	}
}

// What tightened after a layer and loosens again waits, though the layer's own law
// was as loose.
func TestATighteningIsRememberedThroughTheLayers(t *testing.T) {
	on := day("2026-11-21")
	at := func(mode string) *Library {
		return ruritania(t, "personalize, mode: opt_in_explicit", "personalize, mode: "+mode)
	}
	loose, strict := at("opt_out"), at("prohibited")
	r := NewRegime(loose, Shop{}, []Layer{{loose, on}, {strict, on}})
	if got := r.mode(t, "ZZ", on, "personalize"); got != Prohibited {
		t.Errorf("personal lists: %s", got)
	}
	// A question about a day before the second layer knows nothing of it.
	r.Stand([]Layer{{loose, on}, {strict, on.Add(1)}})
	if got := r.mode(t, "ZZ", on, "personalize"); got != OptOut {
		t.Errorf("the day before: %s", got)
	}
}

func TestAPackThatIsTakenAwayLoosensNothing(t *testing.T) {
	on := day("2026-11-21")
	with := ruritania(t)
	without, err := Shipped()
	if err != nil {
		t.Fatal(err)
	}
	r := NewRegime(without, Shop{}, []Layer{{with, on}})
	law, err := r.Law(question("ZZ", on))
	if err != nil {
		t.Fatal(err)
	}
	if f := law.Find("personalize"); f.Mode < OptInExplicit {
		t.Errorf("personal lists in Ruritania without its pack: %+v", f)
	}
	if d := Diff(must(with.Law(question("ZZ", on))), law); slices.ContainsFunc(d, func(c Change) bool { return c.Loosens }) {
		t.Errorf("loosened: %+v", d)
	}
}

func must(l *Law, err error) *Law {
	if err != nil {
		panic(err)
	}
	return l
}

// TestARegimeNeverLoosensUnaccepted holds layers of random packs: what applies is as
// strict as the packs of today and as what applied under the layers before, and laying
// the same packs once more changes nothing.
func TestARegimeNeverLoosensUnaccepted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "n") }
		library := func() *Library {
			l := newLibrary()
			for i := range 1 + d(3) {
				p := randomPack(d, i)
				p.Applies.Everyone = true
				if err := l.put([]source{{p, nil}}, "test"); err != nil {
					t.Fatal(err)
				}
			}
			if err := l.build(nil); err != nil {
				t.Fatal(err)
			}
			return l
		}
		var layers []Layer
		var before *Law
		for range 1 + d(3) {
			l := library()
			r := NewRegime(l, Shop{}, layers)
			law := must(r.Law(question("", someDay)))
			neverLooser(t, d, must(l.Law(question("", someDay))), law)
			if before != nil {
				for _, c := range Diff(before, law) {
					if c.Loosens {
						t.Fatalf("%s went from %q to %q, and nothing was accepted", c.Name(), c.From, c.To)
					}
				}
			}
			marks, err := r.Marks(someDay)
			if err != nil {
				t.Fatal(err)
			}
			pending, err := r.Pending(someDay)
			if err != nil {
				t.Fatal(err)
			}
			layers = append(layers, Layer{l, someDay})
			again := NewRegime(l, Shop{}, layers)
			if twice, err := again.Marks(someDay); err != nil || twice != marks {
				t.Fatalf("the same packs laid once more apply otherwise: %v", err)
			}
			if len(pending) == 0 {
				alone := NewRegime(l, Shop{}, layers[len(layers)-1:])
				if m, err := alone.Marks(someDay); err != nil || m != marks {
					t.Fatalf("nothing waits, and the layers below count: %v", err)
				}
			}
			before = law
		}
	})
}

func TestALibraryIsRestoredFromWhatItKept(t *testing.T) {
	l := ruritania(t)
	var hashes [][32]byte
	texts := map[[32]byte][]byte{}
	for _, k := range l.Kept() {
		hashes = append(hashes, k.Hash)
		texts[k.Hash] = k.Text
	}
	asked := 0
	again, err := library(t).Restore(l.Adopted(), hashes, func(h [32]byte) ([]byte, error) {
		asked++
		return texts[h], nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if asked != 1 {
		t.Errorf("%d packs were read again, and one is not here", asked)
	}
	if _, err := newLibrary().Restore(l.Adopted(), hashes, func(h [32]byte) ([]byte, error) { return texts[h], nil }); err != nil {
		t.Errorf("from nothing: %v", err)
	}
	if again.Hash() != l.Hash() {
		t.Error("the restored library is another")
	}
	if other := ruritania(t, "respond: 6d", "respond: 5d"); other.Hash() == l.Hash() {
		t.Error("a changed value does not change the library's hash")
	}
}

func TestAPackOlderThanOneThatWasHereIsRefused(t *testing.T) {
	_, err := Load(Trust{Seen: map[string]string{"eu.gdpr": "9999", "zz.gone": "1"}})
	if !errors.Is(err, thimble.ErrDenied) || !strings.Contains(err.Error(), "eu.gdpr@") || !strings.Contains(err.Error(), "9999") {
		t.Errorf("got %v", err)
	}
	if _, err := Load(Trust{Seen: map[string]string{"eu.gdpr": "1", "zz.gone": "1"}}); err != nil {
		t.Errorf("a pack that is gone refuses the start: %v", err)
	}
}

func TestUpcomingNamesWhatStartsChangesEndsAndIsProposed(t *testing.T) {
	l := ruritania(t)
	all := l.Upcoming(day("2026-06-01"))
	find := func(pack string, turn Turn, key string) *Event {
		i := slices.IndexFunc(all, func(e Event) bool { return strings.HasPrefix(e.Pack, pack+"@") && e.Turn == turn && e.Key == key })
		if i < 0 {
			return nil
		}
		return &all[i]
	}
	if e := find("zz.ruritania", Changes, "marketing"); e == nil || e.On != day("2026-07-01") || e.Cite != "s. 6a" {
		t.Errorf("marketing in Ruritania: %+v", e)
	}
	if e := find("zz.ruritania", Ends, "marketing"); e != nil {
		t.Errorf("a value that another follows ends: %+v", e)
	}
	if e := find("in.dpdp", Starts, ""); e == nil || e.On != day("2027-05-13") {
		t.Errorf("India: %+v", e)
	}
	if e := find("eu.gdpr.omnibus2025", Proposes, ""); e == nil {
		t.Error("the proposed amendment is not named")
	}
	for i, e := range all {
		if e.Cite == "" || e.Title == "" || !e.On.IsZero() && e.Turn != Proposes && e.On.Before(day("2026-06-01")) {
			t.Errorf("%+v", e)
		}
		if i > 0 && !e.On.IsZero() && (all[i-1].On.IsZero() || e.On.Before(all[i-1].On)) {
			t.Errorf("%s comes after %s", e.On, all[i-1].On)
		}
	}
	for _, e := range l.Upcoming(day("2026-07-02")) {
		if e.Key == "marketing" {
			t.Errorf("what is over comes: %+v", e)
		}
	}
}

func TestAFolderOfPacksIsReadWholeOrNotAtAll(t *testing.T) {
	text := &fstest.MapFile{Data: []byte("x")}
	for name, c := range map[string]struct {
		files fstest.MapFS
		want  string
	}{
		"a misspelt pack":          {fstest.MapFS{"law.yml": text}, "law.yml: a pack is a file called NAME.yaml"},
		"a signature of nothing":   {fstest.MapFS{"law.yaml.sig": text}, "the pack it signs, law.yaml, is not there"},
		"a folder":                 {fstest.MapFS{"old/law.yaml": text}, "old: a pack is a file"},
		"a folder that looks like": {fstest.MapFS{"law.yaml/x": text}, "law.yaml: a pack is a file"},
	} {
		if _, err := ReadFolder(c.files, "laws"); !errors.Is(err, thimble.ErrInvalid) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	files, err := ReadFolder(fstest.MapFS{"a.yaml": text, "a.yaml.sig": text, "b.yaml": text, ".git/x": text, ".DS_Store": text}, "laws")
	if err != nil || len(files) != 2 || files[0].Name != "laws/a.yaml" || files[0].Signature == nil || files[1].Signature != nil {
		t.Errorf("%+v, %v", files, err)
	}
}

// A mover between layers is asked about where they live now.
func TestLayersAskAboutTheResidenceOfToday(t *testing.T) {
	l := ruritania(t)
	r := NewRegime(l, Shop{}, []Layer{{l, day("2026-01-02")}})
	moved := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	law, err := r.Law(Question{At: moved.Add(time.Hour), Residences: []Residence{
		{Place: "DE", Evidence: Declared, From: moved.AddDate(-1, 0, 0), Until: moved}, {Place: "ZZ", Evidence: Declared, From: moved},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(law.Ref(), "eu.gdpr") || !strings.Contains(law.Ref(), "zz.ruritania") {
		t.Errorf("the law of somebody who moved to Ruritania: %s", law.Ref())
	}
}

func hexOf(h [32]byte) string { return fmt.Sprintf("%x", h) }
