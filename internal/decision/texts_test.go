package decision_test

import (
	"errors"
	"strings"
	"testing"

	"thimble"
	"thimble/internal/decision"
	"thimble/internal/decision/decisiontest"
)

func types(tb testing.TB) *decision.Types {
	tb.Helper()
	contest := decision.Recourse{Right: decision.HumanReview, Effect: "you get another answer"}
	all, err := decision.NewTypes(
		decision.Type{Capability: "recommend", About: decision.Person, Title: "A list", Counter: decision.LeavesOut, Recourse: contest, Texts: decision.ListTexts("products")},
		decision.Type{Capability: "triage", Placement: "inbox", About: decision.Person, Title: "How soon", Counter: decision.Changes, Recourse: contest, Texts: decision.ScoreTexts("how soon we answer you")},
	)
	if err != nil {
		tb.Fatal(err)
	}
	return all
}

func TestTheTextForThePersonIsShortAndPlain(t *testing.T) {
	rng, runs := seeded(t, 3000, 100_000)
	ts, worst := types(t), 0.0
	for range runs {
		r := random(rng)
		text, err := ts.Text(r, decision.ForCustomer, decisiontest.Words())
		if err != nil {
			t.Fatal(err)
		}
		grade, words := decisiontest.Grade(text)
		worst = max(worst, grade)
		if words > 80 || grade > 8 {
			t.Fatalf("%d words of grade %.1f, want at most 80 of 8:\n%s", words, grade, text)
		}
	}
	t.Logf("the hardest has grade %.1f", worst)
}

func TestTheTextForThePersonRoundsWhatTheAuditorReadsExactly(t *testing.T) {
	rng, _ := seeded(t, 1, 1)
	ts := types(t)
	r := decisiontest.List(rng, 4, 5)
	customer, _ := ts.Text(r, decision.ForCustomer, decisiontest.Words())
	auditor, _ := ts.Text(r, decision.ForAuditor, decisiontest.Words())
	for _, term := range r.Results[0].Terms {
		share := strings.TrimLeft(strings.Split(strings.TrimSpace(auditorLine(auditor, string(term.Because))), " ")[0], "+-")
		if strings.Contains(customer, share) || !strings.Contains(auditor, string(term.Because)) {
			t.Errorf("the share %s is in %q, or not in %q", share, customer, auditor)
		}
	}
	if !strings.Contains(auditor, "replayed from itself: equal") {
		t.Errorf("the auditor is not told of the replay:\n%s", auditor)
	}
	r.Results[0].Score++
	if auditor, _ = ts.Text(r, decision.ForAuditor, decisiontest.Words()); !strings.Contains(auditor, "replayed from itself: DIFFERS") {
		t.Errorf("a record that differs is told as\n%s", auditor)
	}
}

func auditorLine(text, item string) string {
	for line := range strings.Lines(text) {
		if strings.Contains(line, item+" = ") {
			return line
		}
	}
	return ""
}

func TestATypeWithoutAPartIsNoType(t *testing.T) {
	whole := types(t).All()[0]
	for lacks, spoil := range map[string]func(*decision.Type){
		"three texts":                func(k *decision.Type) { k.Texts.Agent = nil },
		"policy for counterfactuals": func(k *decision.Type) { k.Counter = "" },
		"way to contest":             func(k *decision.Type) { k.Recourse = decision.Recourse{} },
		"title":                      func(k *decision.Type) { k.Title = "" },
		"what it is about":           func(k *decision.Type) { k.About = "" },
	} {
		k := whole
		spoil(&k)
		if _, err := decision.NewTypes(k); !errors.Is(err, thimble.ErrInvalid) || !strings.Contains(err.Error(), lacks) {
			t.Errorf("got %v, want %q", err, lacks)
		}
	}
	if _, err := decision.NewTypes(whole, whole); !errors.Is(err, thimble.ErrInvalid) {
		t.Errorf("the same type twice: %v", err)
	}
}

func TestARecordWithoutATypeIsNotToBeKept(t *testing.T) {
	rng, _ := seeded(t, 1, 1)
	ts := types(t)
	r := decisiontest.Scored(rng, 3)
	if err := ts.Fits(r); err != nil {
		t.Error(err)
	}
	r.Placement = "elsewhere"
	if err := ts.Fits(r); !errors.Is(err, thimble.ErrInvalid) {
		t.Errorf("got %v, want ErrInvalid", err)
	}
	r = decisiontest.List(rng, 3, 3)
	r.Placement = "anywhere"
	if err := ts.Fits(r); err != nil {
		t.Errorf("a type for everywhere: %v", err)
	}
}
