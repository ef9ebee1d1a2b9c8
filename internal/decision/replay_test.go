package decision_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"thimble"
	"thimble/internal/decision"
	"thimble/internal/decision/decisiontest"
)

var soak = os.Getenv("THIMBLE_SOAK") == "1"

// seeded returns a source whose seed is printed, and how often to draw.
func seeded(tb testing.TB, sample, full int) (*rand.Rand, int) {
	const seed = 20261129
	if soak {
		sample = full
	}
	tb.Logf("seed %d, %d runs", seed, sample)
	return rand.New(rand.NewPCG(seed, 0)), sample
}

func random(rng *rand.Rand) decision.Record {
	switch rng.IntN(4) {
	case 0:
		return decisiontest.List(rng, rng.IntN(12), 1+rng.IntN(12))
	case 1:
		return decisiontest.Arranged(rng, rng.IntN(12), 1+rng.IntN(12))
	}
	return decisiontest.Scored(rng, 1+rng.IntN(12))
}

// The sum is done again with numbers that know no bounds: what the record says is the
// sum to the last bit.
func TestRandomDecisionsReplayFromThemselvesAndAddUpExactly(t *testing.T) {
	rng, runs := seeded(t, 20_000, 1_000_000)
	for i := range runs {
		r := random(rng)
		if err := r.Check(); err != nil {
			t.Fatalf("run %d: %v", i, err)
		}
		for _, res := range r.Results {
			sum := big.NewInt(res.Base)
			for _, term := range res.Terms {
				sum.Add(sum, rounded(term.Weight, term.Value, r.Scale.Value))
			}
			if sum.Cmp(big.NewInt(res.Score)) != 0 {
				t.Fatalf("run %d: the score is %d, the sum %s", i, res.Score, sum)
			}
		}
	}
}

// rounded is weight times value over unit, half away from zero.
func rounded(weight, value, unit int64) *big.Int {
	p := new(big.Int).Mul(big.NewInt(weight), big.NewInt(value))
	half := big.NewInt(unit / 2)
	if p.Sign() < 0 {
		half.Neg(half)
	}
	return p.Quo(p.Add(p, half), big.NewInt(unit))
}

func TestARecordOfFormTwoComesBack(t *testing.T) {
	rng, runs := seeded(t, 2000, 100_000)
	for range runs {
		want := random(rng)
		b, err := want.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		got, err := decision.Unmarshal(b)
		again, _ := got.Marshal()
		if err != nil || string(again) != string(b) {
			t.Fatalf("Unmarshal: %v\n%s", err, cmp.Diff(string(b), string(again)))
		}
	}
}

// Whatever number of a record is changed, something comes out otherwise: the record
// holds nothing that the replay does not look at.
func TestAChangedNumberIsNoticedByTheReplay(t *testing.T) {
	rng, runs := seeded(t, 3000, 100_000)
	for range runs {
		r := random(rng)
		if len(r.Results) == 0 || len(r.Results[0].Terms) == 0 {
			continue
		}
		res := &r.Results[0]
		term := &res.Terms[rng.IntN(len(res.Terms))]
		what := rng.IntN(5)
		switch what {
		case 0:
			term.Share++
		case 1:
			term.Weight += 1 << 9
		case 2:
			res.Score--
		case 3:
			res.Base++
		case 4:
			res.Moved++
		}
		if err := r.Check(); !errors.Is(err, thimble.ErrInvalid) {
			t.Fatalf("change %d passed: %v", what, err)
		}
	}
}

func TestWhatARailsOrABandSaysIsHeldAgainstTheReplay(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 0))
	change := map[string]func(*decision.Record) bool{
		"fired": func(r *decision.Record) bool {
			i := slices.IndexFunc(r.Rails, func(rail decision.Rail) bool { return rail.Does != decision.Removes })
			if i >= 0 {
				r.Rails[i].Fired = !r.Rails[i].Fired
			}
			return i >= 0
		},
		"outcome": func(r *decision.Record) bool {
			other := r.Bands[0].Outcome
			if r.Results[0].Outcome == other {
				other = r.Bands[1].Outcome
			}
			r.Results[0].Outcome = other
			return true
		},
		"shown": func(r *decision.Record) bool { *r.Results[0].Shown++; return true },
		"goal": func(r *decision.Record) bool {
			if r.Counter.None != "" || len(r.Counter.Changes) == 0 {
				return false
			}
			r.Counter.Changes = r.Counter.Changes[1:]
			return true
		},
		"a change nobody could make": func(r *decision.Record) bool {
			if r.Counter.None != "" {
				return false
			}
			r.Counter.Changes[0].Weight++
			return true
		},
	}
	for name, f := range change {
		tried := 0
		for tried < 200 {
			r := decisiontest.Scored(rng, 6)
			if !f(&r) {
				continue
			}
			tried++
			if err := r.Check(); !errors.Is(err, thimble.ErrInvalid) {
				t.Fatalf("%s: %v, want ErrInvalid", name, err)
			}
		}
	}
}

func TestBadRecordsAreRefusedWithFieldAndRule(t *testing.T) {
	good := func() decision.Record { return decisiontest.Scored(rand.New(rand.NewPCG(3, 0)), 4) }
	for rule, spoil := range map[string]func(*decision.Record){
		"v: the form 3 is unknown":              func(r *decision.Record) { r.V = 3 },
		"capability and inputs are needed":      func(r *decision.Record) { r.Inputs = nil },
		"subject: ":                             func(r *decision.Record) { r.Subject = thimble.SubjectID{} },
		"about.kind: ":                          func(r *decision.Record) { r.About = &decision.About{Kind: "pet", ID: "1"} },
		"about.id: ":                            func(r *decision.Record) { r.About = &decision.About{Kind: decision.Order} },
		"scale.link: ":                          func(r *decision.Record) { r.Scale.Link = "probit" },
		"scale: unit and value":                 func(r *decision.Record) { r.Scale.Value = 0 },
		"scale.table: row 2 does not rise":      func(r *decision.Record) { r.Scale.Table[1].Score = -300_000 },
		"propensity: ":                          func(r *decision.Record) { r.Propensity = &decision.Propensity{Parts: 3, Of: 2} },
		"human.part: ":                          func(r *decision.Record) { r.Human = &decision.Human{Part: "some"} },
		"features[1].key: ":                     func(r *decision.Record) { r.Features[1].Key = r.Features[0].Key },
		"features[0]: a number is out of range": func(r *decision.Record) { r.Features[0].Value = 1 << 60 },
		"rails[0]: a name and words":            func(r *decision.Record) { r.Rails = []decision.Rail{{}} },
		"bands[2].at: ":                         func(r *decision.Record) { r.Bands[2].At = r.Bands[1].At },
		"guards: form 2 has rails":              func(r *decision.Record) { r.Guards = []string{"x"} },
		"results[0]: a number is out of range":  func(r *decision.Record) { r.Results[0].Base = 1 << 61 },
	} {
		r := good()
		spoil(&r)
		if err := r.Check(); !errors.Is(err, thimble.ErrInvalid) || !strings.Contains(fmt.Sprint(err), rule) {
			t.Errorf("got %v, want %q", err, rule)
		}
	}
}

// Form 1 was written before there was form 2; its bytes are in receipts.
func TestARecordOfFormOneIsWrittenAsEver(t *testing.T) {
	const kept = `{"v":1,"capability":"recommend","placement":"home","subject":"sub_04000000000000000000000000","at":"2026-11-22T08:00:00Z","model":{"name":"items","version":3,"sha256":"0011"},"inputs":[{"category":"user.behavior.purchase_history","purpose":"personalize.content.profiled","basis":"consent","cite":"GDPR Art. 6(1)(a)","count":2}],"guards":["left out"],"results":[{"item":"a","score":3,"terms":[{"because":"b","share":1},{"because":"c","share":2}]}],"packs":["p@1"]}`
	r, err := decision.Unmarshal([]byte(kept))
	if err != nil {
		t.Fatal(err)
	}
	if again, err := r.Marshal(); err != nil || string(again) != kept {
		t.Errorf("it is written as\n%s, %v, want\n%s", again, err, kept)
	}
	r.Bands = []decision.Band{{Outcome: "x", Words: "x"}}
	if err := r.Check(); !errors.Is(err, thimble.ErrInvalid) {
		t.Errorf("form 1 with bands: %v, want ErrInvalid", err)
	}
}

func TestATableLiesStraightBetweenItsPointsAndNeverFalls(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := decision.Record{V: 2}
		_ = s
		var table []decision.Point
		score, shown := rapid.Int64Range(-1<<40, 0).Draw(t, "first"), int64(0)
		for range rapid.IntRange(2, 6).Draw(t, "points") {
			table = append(table, decision.Point{Score: score, Shown: shown})
			score += rapid.Int64Range(1, 1<<40).Draw(t, "step")
			shown += rapid.Int64Range(0, 1<<40).Draw(t, "rise")
		}
		show := func(score int64) int64 {
			r := decision.Record{Scale: decision.Scale{Link: decision.Log, Unit: 1, Value: 1, Table: table}, Results: []decision.Result{{Base: score}}}
			return *r.Settle().Results[0].Shown
		}
		a := rapid.Int64Range(-1<<41, 1<<43).Draw(t, "a")
		b := rapid.Int64Range(a, 1<<43).Draw(t, "b")
		if show(a) > show(b) {
			t.Fatalf("%d shows %d, %d shows %d", a, show(a), b, show(b))
		}
		for _, p := range table {
			if got := show(p.Score); got != p.Shown {
				t.Fatalf("a point of the table shows %d, want %d", got, p.Shown)
			}
		}
	})
}

func FuzzReadingARecordNeverPanics(f *testing.F) {
	rng := rand.New(rand.NewPCG(1, 0))
	for range 4 {
		b, err := json.Marshal(random(rng))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := decision.Read(b)
		if err != nil {
			return
		}
		valid := r.Check() == nil
		for _, a := range decision.Audiences {
			text, err := (*decision.Types)(nil).Text(r, a, decision.Words{})
			if err != nil || text == "" {
				t.Errorf("for %s: %q, %v", a, text, err)
			}
		}
		if again := r.Settle().WithCounterfactual(); valid && len(r.Results) > 0 && r.V == decision.Form2 {
			if err := again.Check(); err != nil {
				t.Errorf("settled again: %v", err)
			}
		}
	})
}
