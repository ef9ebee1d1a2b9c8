package recommend

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"thimble"
)

// aisles is a file of people who stay in one of ten aisles of sixty items, and one of
// what they buy next. Items at the end of an aisle are had by few.
func aisles(people int) (train, test, segments string) {
	rng := rand.New(rand.NewPCG(31, 0))
	var a, b strings.Builder
	for p := range people {
		fmt.Fprintf(&a, "u%d", p)
		home := rng.IntN(10)
		for range 6 + rng.IntN(6) {
			u := rng.Float64()
			fmt.Fprintf(&a, " i%03d", 60*home+int(u*u*u*60))
		}
		fmt.Fprintln(&a)
		fmt.Fprintf(&b, "u%d i%03d\n", p, 60*home+rng.IntN(10))
	}
	var of []string
	for i := range 600 {
		of = append(of, fmt.Sprintf(`"i%03d":[%d]`, i, i/60))
	}
	return a.String(), b.String(), "{" + strings.Join(of, ",") + "}"
}

func attackOn(t *testing.T, kind string, c AttackConfig) AttackMetrics {
	t.Helper()
	train, test, segments := aisles(1500)
	c.Train, c.Test, c.Segments, c.Kind = strings.NewReader(train), strings.NewReader(test), strings.NewReader(segments), kind
	out, err := EvaluateAttack(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestCapsAndDetectorKeepAPushedItemOutOfTheListsOfItsSegment(t *testing.T) {
	got := attackOn(t, "segment", AttackConfig{Share: 30, Targets: 3})
	t.Logf("seed %d: %+v", attackSeed, got)
	if got.Targets != 3 || got.Accounts != 45 {
		t.Fatalf("%d targets by %d accounts, want 3 by 45", got.Targets, got.Accounts)
	}
	if got.Attacked < got.Clean+20 {
		t.Errorf("undefended, %.1f %% after %.1f %%: the attack does nothing, and nothing is shown by the rest", got.Attacked, got.Clean)
	}
	if got.Detector > got.Clean+1 {
		t.Errorf("defended, %.1f %% after %.1f %%, want no rise above one point", got.Detector, got.Clean)
	}
	if got.Caps > (got.Clean+got.Attacked)/2 {
		t.Errorf("with caps, %.1f %%, of %.1f %% without", got.Caps, got.Attacked)
	}
	if got.Recall < 0.95 {
		t.Errorf("the detector finds %.2f of the accounts, want 0.95", got.Recall)
	}
}

func TestEveryKindOfAttackRuns(t *testing.T) {
	for _, kind := range AttackKinds() {
		if got := attackOn(t, kind, AttackConfig{Share: 30, Targets: 1}); got.Kind != kind || got.Targets != 1 || len(got.Rows()) == 0 {
			t.Errorf("%s: %+v", kind, got)
		}
	}
}

func TestAnAttackThatIsNoneIsRefused(t *testing.T) {
	for _, c := range []AttackConfig{{Kind: "flattery", Share: 30}, {Kind: "segment"}, {Kind: "segment", Share: 2000}} {
		c.Train, c.Test = strings.NewReader("u i"), strings.NewReader("u i")
		if _, err := EvaluateAttack(t.Context(), c); !errors.Is(err, thimble.ErrInvalid) {
			t.Errorf("%q of %d in 1000: error %v, want invalid", c.Kind, c.Share, err)
		}
	}
	c := AttackConfig{Kind: "segment", Share: 30, Train: strings.NewReader("u i"), Test: strings.NewReader("u i"), Segments: strings.NewReader("[]")}
	if _, err := EvaluateAttack(t.Context(), c); !errors.Is(err, thimble.ErrInvalid) {
		t.Errorf("segments that are none: error %v, want invalid", err)
	}
}
