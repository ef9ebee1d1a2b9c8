package registry

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"thimble"
)

func card(version int64) Card {
	return Card{
		Model: "item-item", Version: version, Title: "Recommender", About: "Ranks items.", Uses: []string{"lists"}, Limits: []string{"sizes"},
		Explains: "a sum of integers", Data: Data{People: 3, Items: 2, Interactions: 4, Weights: 2, From: "2010-12", To: "2011-12"},
		Unmeasured: "nobody measured it", Unaudited: "nobody has looked",
	}
}

func lineage() Lineage {
	return Lineage{
		Recipe: json.RawMessage(`{"k":200,"name":"D200"}`), Code: "development", Uses: []LineageUse{{thimble.TrainAISystem, thimble.PurchaseHistory}},
		Consent: "of who permits it", Until: time.Unix(1_000_000, 0).UTC(), Reason: "a test", Forgets: Forgets{Kind: Refit, Latency: "seconds"},
	}
}

func packed(t testing.TB, s *Signer, version int64, weights string) []byte {
	t.Helper()
	content, err := Pack(s, card(version), lineage(), []byte(weights))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func released(content []byte, version int64, weights string) Release {
	return Release{Model: "item-item", Version: version, Stage: Champion, Package: sha256.Sum256(content), Weights: sha256.Sum256([]byte(weights)), Floor: 1}
}

func trusting(s ...*Signer) (t Trust) {
	for _, one := range s {
		t.Keys = append(t.Keys, one.Key())
	}
	return t
}

func TestPackedModelComesBackAsItWas(t *testing.T) {
	s := signer(t)
	content := packed(t, s, 7, "weights")
	if !bytes.Equal(content, packed(t, s, 7, "weights")) {
		t.Error("packing twice gives two packages")
	}
	p, err := Admit(content, trusting(s), released(content, 7, "weights"))
	if err != nil {
		t.Fatal(err)
	}
	if string(p.Weights) != "weights" || p.Card.Version != 7 || p.Lineage.Version != 7 || p.Signer != s.Key().Hint() || string(p.Lineage.Recipe) != string(lineage().Recipe) {
		t.Errorf("got %+v", p)
	}
}

func other(t testing.TB) *Signer {
	t.Helper()
	s, err := NewSigner(bytes.Repeat([]byte{9}, SeedSize))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Each of these is signed rightly by somebody, and none of them is what was released.
func TestRightSignatureIsNotEnough(t *testing.T) {
	s, foreign := signer(t), other(t)
	live := packed(t, s, 7, "weights")
	r := released(live, 7, "weights")
	older, foreigner := packed(t, s, 6, "weights"), packed(t, foreign, 7, "weights")
	revoked := trusting(s)
	revoked.Revoked = map[string]bool{s.Key().Hint(): true}
	in := func(change func(*Release)) Release { c := r; change(&c); return c }
	for name, c := range map[string]struct {
		content []byte
		trust   Trust
		release Release
		want    Rule
	}{
		"an older version of ours":       {older, trusting(s), r, RuleVersion},
		"older than all that is kept":    {older, trusting(s), in(func(r *Release) { r.Floor = 7 }), RuleFloor},
		"a row set back below the floor": {older, trusting(s), in(func(r *Release) { r.Version, r.Floor = 6, 7 }), RuleFloor},
		"a foreign key":                  {foreigner, trusting(s), r, RuleKey},
		"a foreign key that counts":      {foreigner, trusting(s, foreign), r, RuleFile},
		"a revoked key":                  {live, revoked, r, RuleRevokedKey},
		"a revoked version":              {live, trusting(s), in(func(r *Release) { r.Stage = Revoked }), RuleStage},
		"a destroyed version":            {live, trusting(s), in(func(r *Release) { r.Stage = Destroyed }), RuleStage},
		"another model":                  {live, trusting(s), in(func(r *Release) { r.Model = "prices" }), RuleModel},
		"other weights under its number": {packed(t, s, 7, "other"), trusting(s), r, RuleFile},
		"nobody is trusted":              {live, Trust{}, r, RuleKey},
		"nothing":                        {nil, trusting(s), r, RuleArchive},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Admit(c.content, c.trust, c.release); !refusedBy(err, c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func unpacked(t testing.TB, content []byte) []File {
	t.Helper()
	files, err := Unarchive(content)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func archived(t testing.TB, files ...File) []byte {
	t.Helper()
	content, err := Archive(files)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func TestEachChangedFileIsRefusedByItsRule(t *testing.T) {
	s := signer(t)
	with := func(change func(f []File) []File) []byte {
		return archived(t, change(unpacked(t, packed(t, s, 7, "weights")))...)
	}
	resign := func(files ...File) []byte {
		sig, err := Sign(s, "item-item", files)
		if err != nil {
			t.Fatal(err)
		}
		return sig
	}
	for name, c := range map[string]struct {
		content []byte
		want    Rule
	}{
		"changed weights":     {with(func(f []File) []File { f[3].Content = []byte("Weights"); return f }), RuleDigest},
		"a changed card":      {with(func(f []File) []File { f[0].Content[10] ^= 1; return f }), RuleDigest},
		"an extra file":       {with(func(f []File) []File { return append(f, File{"x", nil}) }), RuleUnlisted},
		"a file less":         {with(func(f []File) []File { return f[:3] }), RuleAbsent},
		"no signature":        {with(func(f []File) []File { return append(f[:2], f[3]) }), RuleUnsigned},
		"an empty signature":  {with(func(f []File) []File { f[2].Content = nil; return f }), RuleUnsigned},
		"blanks in signature": {with(func(f []File) []File { f[2].Content = append(f[2].Content, ' '); return f }), RuleBundle},
		"a foreign bundle":    {with(func(f []File) []File { f[2].Content = vector(t, "valid/key.bundle.json"); return f }), RuleKey},
		"swapped files": {with(func(f []File) []File {
			f[0].Content, f[1].Content = f[1].Content, f[0].Content
			return f
		}), RuleDigest},
		"a signed card of another form": {with(func(f []File) []File {
			f[0].Content = bytes.ReplaceAll(f[0].Content, []byte("\n"), nil)
			f[2].Content = resign(f...)
			return f
		}), RuleContent},
		"a signed card of another version": {with(func(f []File) []File {
			f[0].Content = bytes.Replace(f[0].Content, []byte(`"version": 7`), []byte(`"version": 8`), 1)
			f[2].Content = resign(f...)
			return f
		}), RuleContent},
		"a signed package of three files": {with(func(f []File) []File {
			f[2].Content = resign(f[0], f[1])
			return f[:3]
		}), RuleContent},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Open(c.content, trusting(s)); !refusedBy(err, c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

// mutate changes a package in one of the ways in which a disk or an attacker does.
func mutate(rng *rand.Rand, content, older, foreign []byte) (kind string, changed []byte) {
	changed = bytes.Clone(content)
	at := rng.IntN(len(content))
	switch rng.IntN(8) {
	case 0:
		changed[at] ^= 1 << rng.IntN(8)
		return "a bit", changed
	case 1:
		return "cut", changed[:at]
	case 2:
		n := min(1+rng.IntN(600), len(changed)-at)
		rng.Perm(n)
		for i := range n {
			changed[at+i] = byte(rng.Uint32())
		}
		return "noise", changed
	case 3:
		to := rng.IntN(len(content))
		changed[at], changed[to] = changed[to], changed[at]
		return "two bytes swapped", changed
	case 4:
		return "appended", append(changed, make([]byte, 1+rng.IntN(2048))...)
	case 5:
		n := min(len(older), len(content))
		from := rng.IntN(n)
		return "the end of an older one", append(changed[:from:from], older[from:]...)
	case 6:
		n := min(len(foreign), len(content))
		from := rng.IntN(n)
		return "the end of a foreign one", append(changed[:from:from], foreign[from:]...)
	}
	return "a block twice", append(append(changed[:at/512*512:at/512*512], content[max(0, at/512*512-512):at/512*512]...), content[at/512*512:]...)
}

// No mutation of a package is loaded, and each refusal names its rule. The release that
// it is held against is not asked for its digest: signature and form alone refuse.
func TestNoMutatedPackageIsLoaded(t *testing.T) {
	n, seed := 2_000, uint64(20261129)
	if os.Getenv("THIMBLE_SOAK") != "" {
		n = 10_000
	}
	t.Logf("%d mutations, seed %d", n, seed)
	s := signer(t)
	rng := rand.New(rand.NewPCG(seed, 1))
	weights := make([]byte, 3000)
	for i := range weights {
		weights[i] = byte(rng.Uint32())
	}
	content, older, foreign := packed(t, s, 7, string(weights)), packed(t, s, 6, string(weights[:2000])), packed(t, other(t), 7, string(weights))
	r := released(content, 7, string(weights))
	rules := map[Rule]int{}
	for tried := 0; tried < n; tried++ {
		kind, changed := mutate(rng, content, older, foreign)
		for bytes.Equal(changed, content) { // such as two equal bytes swapped: another is drawn
			kind, changed = mutate(rng, content, older, foreign)
		}
		p, err := Open(changed, trusting(s))
		if err == nil && p.Card.Version == 7 {
			t.Fatalf("%s: a changed package was opened", kind)
		}
		if _, err = Admit(changed, trusting(s), r); err == nil {
			t.Fatalf("%s: a changed package was loaded", kind)
		}
		refusal, ok := errors.AsType[*Refusal](err)
		if !ok || refusal.Rule == "" {
			t.Fatalf("%s: the refusal names no rule: %v", kind, err)
		}
		rules[refusal.Rule]++
	}
	for rule, n := range rules {
		t.Logf("%6d  %s", n, rule)
	}
	if len(rules) < 4 {
		t.Errorf("only %d rules refused: the mutations do not reach the signature", len(rules))
	}
}

func TestCardsAndLineagesThatSayTooLittleAreRefused(t *testing.T) {
	for name, change := range map[string]func(c *Card, l *Lineage){
		"no version":           func(c *Card, _ *Lineage) { c.Version = 0 },
		"a name with a slash":  func(c *Card, _ *Lineage) { c.Model = "a/b" },
		"no title":             func(c *Card, _ *Lineage) { c.Title = "" },
		"no limits":            func(c *Card, _ *Lineage) { c.Limits = nil },
		"months out of order":  func(c *Card, _ *Lineage) { c.Data.From = "2012-01" },
		"neither measured nor": func(c *Card, _ *Lineage) { c.Unmeasured = "" },
		"both audited and not": func(c *Card, _ *Lineage) { c.Audit = &Audit{} },
		"a report without sum": func(c *Card, _ *Lineage) { c.Unaudited, c.Audit = "", &Audit{Report: "x"} },
		"a long text":          func(c *Card, _ *Lineage) { c.About = string(make([]byte, maxText+1)) },
		"no recipe":            func(_ *Card, l *Lineage) { l.Recipe = nil },
		"a broken recipe":      func(_ *Card, l *Lineage) { l.Recipe = json.RawMessage("{") },
		"no end of data":       func(_ *Card, l *Lineage) { l.Until = time.Time{} },
		"no purpose":           func(_ *Card, l *Lineage) { l.Uses = nil },
		"derived from later":   func(_ *Card, l *Lineage) { l.DerivedFrom = 7 },
		"forgets somehow":      func(_ *Card, l *Lineage) { l.Forgets.Kind = "somehow" },
	} {
		c, l := card(7), lineage()
		change(&c, &l)
		if _, err := Pack(signer(t), c, l, nil); !errors.Is(err, thimble.ErrInvalid) {
			t.Errorf("%s: %v, want that it is invalid", name, err)
		}
	}
}

func TestNothingComesBackFromRevocation(t *testing.T) {
	for _, from := range []Stage{Revoked, Destroyed} {
		for _, to := range Stages() {
			if err := Move(from, to); !errors.Is(err, thimble.ErrConflict) {
				t.Errorf("%s to %s: %v", from, to, err)
			}
		}
	}
	for _, path := range [][]Stage{{Shadow, Challenger, Champion, Retired, Champion, Revoked}, {Retired, Destroyed}, {Shadow, Destroyed}} {
		from := Stage("")
		for _, to := range path {
			if err := Move(from, to); err != nil {
				t.Error(err)
			}
			from = to
		}
	}
}

func FuzzOpen(f *testing.F) {
	s := signer(f)
	f.Add(packed(f, s, 7, "weights"))
	f.Add([]byte{})
	f.Add(archived(f, File{"a", nil}))
	good := packed(f, s, 7, "weights")
	f.Fuzz(func(t *testing.T, content []byte) {
		if _, err := Open(content, trusting(s)); err == nil && !bytes.Equal(content, good) {
			t.Error("a package that nobody packed was opened")
		} else if _, ok := errors.AsType[*Refusal](err); err != nil && !ok {
			t.Errorf("an error that is no refusal: %v", err)
		}
	})
}

func FuzzParseBundle(f *testing.F) {
	for _, name := range []string{"valid/key", "valid/certificate", "valid/sigstore", "invalid/missing-envelope", "invalid-payload/wrong-predicate"} {
		text, err := os.ReadFile("testdata/vectors/" + name + ".bundle.json")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		e, err := ParseBundle(text)
		if err == nil {
			_, err = parseStatement(e.payload)
		}
		if _, ok := errors.AsType[*Refusal](err); err != nil && !ok {
			t.Errorf("an error that is no refusal: %v", err)
		}
	})
}

func BenchmarkAdmit(b *testing.B) {
	s := signer(b)
	weights := string(make([]byte, 4<<20))
	content := packed(b, s, 7, weights)
	r := released(content, 7, weights)
	b.SetBytes(int64(len(content)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Admit(content, trusting(s), r); err != nil {
			b.Fatal(err)
		}
	}
}
