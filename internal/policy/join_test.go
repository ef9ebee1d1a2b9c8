package policy

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"thimble"
	"thimble/internal/policy/calendar"
)

// seed is the seed of everything here that is drawn without rapid.
const seed = 20261121

// A drawer draws numbers from 0 to n-1: rapid's in tests, so that a failure
// shrinks; a plain generator's in a soak.
type drawer func(n int) int

func pick[T any](d drawer, from ...T) T { return from[d(len(from))] }

var (
	someUses       = []thimble.Purpose{"essential.service", "personalize", "personalize.content", "personalize.content.profiled", "marketing", "marketing.email", "resell", "essential.legal_obligation"}
	someCategories = []thimble.Category{"user.biometric", "user.biometric.face", "user", "user.location"}
	someRights     = []string{"access", "erase"}
	someZones      = []string{"UTC", "Europe/Berlin", "Pacific/Auckland"}
)

// randomPack draws a pack with values of all kinds, from few keys, so that packs
// meet in them.
func randomPack(d drawer, n int) *Pack {
	p := &Pack{
		Format: format, ID: fmt.Sprintf("p%d", n), Version: fmt.Sprint(1 + d(2)), Kind: pick(d, Privacy, Privacy, Pricing, BaselineK),
		Sources:   []Document{{ID: "act", Title: "Act"}},
		Effective: Effect{Period: Period{From: calendar.Date{Year: 2026, Month: 1, Day: 1}}, Cite: "s. 1"},
		Calendar:  Calendar{Rule: pick(d, calendar.Rules...), Zone: pick(d, someZones...), Cite: "s. 2"},
	}
	src := Source{Cite: fmt.Sprintf("s. %d of p%d", d(9), n), Period: p.Effective.Period}
	span := func() calendar.Span {
		return calendar.Span{N: 1 + d(60), Unit: pick(d, calendar.Days, calendar.Days, calendar.Business, calendar.Months, calendar.Hours)}
	}
	for _, use := range someUses {
		if d(3) > 0 {
			p.Purposes = append(p.Purposes, Rule{Use: use, Mode: Mode(d(6)), Basis: "b", Source: src})
		}
	}
	for _, c := range someCategories {
		if d(3) == 0 {
			p.Sensitive = append(p.Sensitive, Sensitive{Category: c, Mode: Mode(d(6)), Source: src})
		}
	}
	for _, right := range someRights {
		if d(2) == 0 {
			r := Right{Right: right, Respond: span(), FreePerYear: d(4) - 1, Absolute: d(2) == 0, Source: src}
			if d(2) == 0 {
				r.Extend = Extension{By: span(), Notice: span()}
			}
			p.Rights = append(p.Rights, r)
		}
	}
	if d(2) == 0 {
		p.StopClock = append(p.StopClock, Stop{Reason: "identity_doubt", Source: src})
	}
	for _, need := range []Need{OwnConsent, ParentalConsent} {
		if d(2) == 0 {
			p.Minors = append(p.Minors, Minor{Topic: "consent", Under: 1 + d(20), Needs: need, UnknownCounts: d(2) == 0, Source: src})
		}
	}
	if d(2) == 0 {
		p.Signals = append(p.Signals, Signal{Signal: "gpc", Objects: []thimble.Purpose{pick(d, someUses...)}, Display: d(2) == 0, Source: src})
		p.Breach = append(p.Breach, Breach{Tell: "authority", Within: span(), Source: src})
		p.Retention = append(p.Retention, Ceiling{Category: pick[thimble.Category](d, "*", "user"), Max: span(), After: "purpose_end", Source: src})
		p.Bounds = append(p.Bounds, Bound{Bound: "re_ask", AtLeast: span(), Source: src})
	}
	if d(2) == 0 {
		p.Keep = append(p.Keep, Keep{Record: "invoice", Category: "user", Min: span(), Source: src})
		p.Notices = append(p.Notices, Notify{Notice: "privacy", At: "collection", Must: []string{pick(d, "purposes", "rights")}, Source: src})
		p.Disclosures = append(p.Disclosures, Disclosure{Disclose: "price", At: "price", Text: pick(d, "", "A", "B"), Source: src})
		p.Records = append(p.Records, Record{Record: "ropa", Source: src})
	}
	var err error
	if p.compute, err = p.Calendar.compile(); err != nil {
		panic(err)
	}
	if err := p.seal(); err != nil {
		panic(err)
	}
	return p
}

var someDay = calendar.Date{Year: 2026, Month: 11, Day: 21}

func randomLaw(d drawer, from []*Pack) *Law {
	var chosen []*Pack
	for _, p := range from {
		if d(2) == 0 {
			chosen = append(chosen, p)
		}
	}
	return LawOf(someDay, chosen...)
}

func equal(t fataler, what string, a, b *Law) {
	t.Helper()
	if a.Ref() != b.Ref() || a.Digest() != b.Digest() {
		t.Fatalf("%s: %s %x is not %s %x", what, a.Ref(), a.Digest(), b.Ref(), b.Digest())
	}
	same := slices.EqualFunc(a.Values(), b.Values(), func(v, w Value) bool {
		return v.Dim == w.Dim && v.Key == w.Key && v.Text == w.Text && v.Origin == w.Origin && slices.Equal(v.Also, w.Also) &&
			slices.EqualFunc(v.Lost, w.Lost, func(x, y *Atom) bool { return x.Text == y.Text && x.Origin == y.Origin })
	})
	if !same {
		t.Fatalf("%s: values differ: %+v and %+v", what, a.Values(), b.Values())
	}
}

type fataler interface {
	Helper()
	Fatalf(string, ...any)
}

// holdJoin draws packs and laws and holds the join against what it owes.
func holdJoin(t fataler, d drawer) {
	packs := make([]*Pack, 1+d(4))
	for i := range packs {
		packs[i] = randomPack(d, i)
	}
	a, b, c := randomLaw(d, packs), randomLaw(d, packs), randomLaw(d, packs)
	ab := Join(a, b)
	equal(t, "a ∨ b = b ∨ a", ab, Join(b, a))
	equal(t, "(a ∨ b) ∨ c = a ∨ (b ∨ c)", Join(ab, c), Join(a, Join(b, c)))
	equal(t, "a ∨ a = a", Join(a, a), a)
	equal(t, "a ∨ (a ∨ b) = a ∨ b", Join(a, ab), ab)
	for _, part := range []*Law{a, b} {
		neverLooser(t, d, part, ab)
	}
	explained(t, ab)
}

// neverLooser holds a law against one that has more packs, by asking both: the
// answers count, and not how they are kept.
func neverLooser(t fataler, d drawer, less, more *Law) {
	t.Helper()
	known := slices.ContainsFunc(less.parts, func(p *portion) bool { return p.general })
	for _, use := range append(someUses, "personalize.content.other", "unheard_of") {
		for _, c := range [][]thimble.Category{nil, {"user.biometric"}, {"user.location", "user.biometric.face"}} {
			f, g := less.Find(use, c...), more.Find(use, c...)
			// Without a general law the answer is no for want of knowledge.
			if known && g.Mode < f.Mode {
				t.Fatalf("%s with %v: %s alone, %s joined", use, c, f.Mode, g.Mode)
			}
			if kept := more.FindKept(use, c...); kept.Mode < g.Mode || !use.Within(thimble.LegalObligation) && kept.Mode != Prohibited {
				t.Fatalf("%s kept: %s, else %s", use, kept.Mode, g.Mode)
			}
		}
	}
	for _, age := range []int{-1, 0, d(25), 30} {
		f, _ := less.NeedOf("consent", age)
		if g, _ := more.NeedOf("consent", age); g < f {
			t.Fatalf("consent at %d: %s alone, %s joined", age, f, g)
		}
	}
	uses, display := less.Objections("gpc")
	wider, shown := more.Objections("gpc")
	for _, use := range uses {
		if !slices.Contains(wider, use) || display && !shown {
			t.Fatalf("gpc objects to %v alone, to %v joined", uses, wider)
		}
	}
	at := time.Date(2026, time.Month(1+d(12)), 1+d(28), d(24), 0, 0, 0, time.UTC)
	h := History{}
	if d(2) == 0 {
		h.Told = at.Add(time.Duration(d(2000)) * time.Hour)
	}
	if d(2) == 0 {
		h.Stops = []Standstill{{"identity_doubt", at.Add(time.Hour), at.Add(time.Duration(2+d(300)) * time.Hour)}}
	}
	for _, key := range []string{"access", "erase", "breach/authority"} {
		alone, err := less.Due(key, at, h)
		if err != nil {
			continue
		}
		if joined, err := more.Due(key, at, h); err != nil || joined[0].By.After(alone[0].By) {
			t.Fatalf("%s: due by %s alone, %v joined, %v", key, alone[0].By, joined, err)
		}
	}
	short, long := less.Retention("user"), more.Retention("user")
	for _, m := range short.Max {
		if !slices.ContainsFunc(long.Max, func(n Ceiling) bool { return n.After == m.After && n.Max.Compare(m.Max) <= 0 }) {
			t.Fatalf("retention: %+v alone, %+v joined", short, long)
		}
	}
	if n := len(short.Min); n > 0 && (len(long.Min) == 0 || long.Min[0].Min.Compare(short.Min[0].Min) < 0) {
		t.Fatalf("keep duties: %+v alone, %+v joined", short, long)
	}
	if f, _ := less.ReAsk(); !f.IsZero() {
		if g, _ := more.ReAsk(); g.Compare(f) < 0 {
			t.Fatalf("re-ask: %s alone, %s joined", f, g)
		}
	}
	for _, c := range Diff(less, more) {
		if c.Loosens && known {
			t.Fatalf("adding packs changed %s from %s to %s", c.Name(), c.From, c.To)
		}
	}
}

// explained holds that each value names a pack of the law and an article, and
// that the pack says so itself.
func explained(t fataler, l *Law) {
	t.Helper()
	alone := make([]*Law, len(l.parts))
	for i := range alone {
		alone[i] = compose(l.parts[i : i+1])
	}
	for _, v := range l.Values() {
		if v.Origin.Cite == "" || !slices.Contains(l.Packs(), v.Origin.Pack) {
			t.Fatalf("%s/%s = %s by %+v", v.Dim, v.Key, v.Text, v.Origin)
		}
		i := slices.Index(l.Packs(), v.Origin.Pack)
		if v.Dim == "purpose" {
			if f, speaks := l.parts[i].find(thimble.Purpose(v.Key), nil); !speaks || f.Mode.String() != v.Text {
				t.Fatalf("%s says %s of %s, and not %s", v.Origin.Pack, f.Mode, v.Key, v.Text)
			}
			continue
		}
		if own := alone[i].value(v.Dim, v.Key); own == nil || own.Text != v.Text {
			t.Fatalf("%s does not say %s/%s = %s", v.Origin.Pack, v.Dim, v.Key, v.Text)
		}
		for _, lost := range v.Lost {
			if lost.Pack == "" || lost.Cite == "" {
				t.Fatalf("%s/%s: a loser without a name: %+v", v.Dim, v.Key, lost)
			}
		}
	}
}

// TestJoinNeverLoosens is the promise of the package, over random sets of packs;
// THIMBLE_SOAK=1 draws a million.
func TestJoinNeverLoosens(t *testing.T) {
	if os.Getenv("THIMBLE_SOAK") == "" {
		rapid.Check(t, func(t *rapid.T) {
			holdJoin(t, func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "n") })
		})
		return
	}
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	for range 1_000_000 {
		holdJoin(t, r.IntN)
	}
}

// TestShippedLawsJoin holds the same of the packs that ship, on random days.
func TestShippedLawsJoin(t *testing.T) {
	l := library(t)
	r := rand.New(rand.NewPCG(seed, 2))
	for range 60 {
		on := calendar.Date{Year: 2023 + r.IntN(6), Month: time.Month(1 + r.IntN(12)), Day: 1 + r.IntN(28)}
		law := func() *Law {
			var parts []*portion
			for range 1 + r.IntN(4) {
				if e := l.entries[r.IntN(len(l.entries))]; e.pack.Effective.Covers(on) {
					parts = append(parts, e.at(on))
				}
			}
			return compose(parts)
		}
		a, b, c := law(), law(), law()
		equal(t, "commutes", Join(a, b), Join(b, a))
		equal(t, "associates", Join(Join(a, b), c), Join(a, Join(b, c)))
		neverLooser(t, r.IntN, a, Join(a, b))
		explained(t, Join(Join(a, b), c))
	}
}

// holdAccept holds a change of law against what acceptance owes.
func holdAccept(t fataler, d drawer) {
	old := make([]*Pack, 1+d(3))
	next := make([]*Pack, 1+d(3))
	for i := range old {
		old[i] = randomPack(d, i)
	}
	for i := range next {
		if next[i] = randomPack(d, i); i < len(old) && d(3) == 0 {
			next[i] = old[i]
		}
	}
	before, after := LawOf(someDay, old...), LawOf(someDay, next...)
	effective, pending := Accept(before, after, nil)
	for _, c := range Diff(before, effective) {
		if c.Loosens {
			t.Fatalf("nothing was accepted, and %s went from %q to %q", c.Name(), c.From, c.To)
		}
	}
	neverLooser(t, d, before, effective)
	neverLooser(t, d, after, effective)
	for _, c := range Diff(after, effective) {
		if c.Loosens {
			t.Fatalf("the new law says %q of %s, what applies says %q", c.From, c.Name(), c.To)
		}
	}
	if loosened := slices.DeleteFunc(Diff(before, after), func(c Change) bool { return !c.Loosens }); len(loosened) != len(pending) {
		t.Fatalf("%d changes loosen, %d wait", len(loosened), len(pending))
	}
	if len(pending) == 0 {
		equal(t, "nothing waits", effective, after)
	}
	all, none := Accept(before, after, func(Change) bool { return true })
	if len(none) > 0 {
		t.Fatalf("all was accepted, and %v waits", none)
	}
	equal(t, "all was accepted", all, after)
	if len(pending) < 2 {
		return
	}
	yes := pending[d(len(pending))].Name()
	_, rest := Accept(before, after, func(c Change) bool { return c.Name() == yes })
	if slices.ContainsFunc(rest, func(c Change) bool { return c.Name() == yes }) || len(rest) != len(pending)-1 {
		t.Fatalf("%s was accepted: %d of %d wait", yes, len(rest), len(pending))
	}
}

func TestLooseningWaitsAndTighteningDoesNot(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		holdAccept(t, func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "n") })
	})
}

// A business day usually lasts seven fifths of a day, so fifteen and twenty-one
// tie. Which is shown may not depend on the names of packs.
func TestPeriodsThatUsuallyLastTheSameHaveOneOrder(t *testing.T) {
	bound := func(n int, s calendar.Span) *Pack {
		p := randomPack(func(int) int { return 0 }, n)
		p.Bounds = []Bound{{Bound: "re_ask", AtLeast: s, Source: Source{Cite: "c", Period: p.Effective.Period}}}
		return p
	}
	for n := range 2 {
		law := LawOf(someDay, bound(n, calendar.Span{N: 21, Unit: calendar.Days}), bound(1-n, calendar.Span{N: 15, Unit: calendar.Business}))
		if got, _ := law.ReAsk(); got.String() != "21d" {
			t.Errorf("pack %d first: %s", n, got)
		}
	}
}
