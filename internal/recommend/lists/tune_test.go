package lists_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/recommend"
	"thimble/internal/recommend/lists"
	"thimble/internal/registry"
	"thimble/internal/thimbletest"
)

// twice has people buy in one season, and something of the same kind in the next.
func (l *learner) twice(people int) {
	l.TB.Helper()
	for i := range people {
		who, kind := l.person(), i%5
		l.BuysOn(time.Date(2026, 1, 1+i%20, 12, 0, 0, 0, time.UTC), who, thimble.ItemID(fmt.Sprintf("K%d-A", kind)), thimble.ItemID(fmt.Sprintf("K%d-%d", kind, i%3)))
		l.BuysOn(time.Date(2026, 6, 1+i%20, 12, 0, 0, 0, time.UTC), who, thimble.ItemID(fmt.Sprintf("K%d-B", kind)))
		if i%2 == 0 { // some knew it before, so that there is something to learn
			l.BuysOn(time.Date(2026, 2, 1+i%20, 12, 0, 0, 0, time.UTC), l.person(), thimble.ItemID(fmt.Sprintf("K%d-A", kind)), thimble.ItemID(fmt.Sprintf("K%d-B", kind)))
		}
	}
}

func TestRecipesAreTriedOnWhatIsPermittedAndJudgedOnWhatCameAfter(t *testing.T) {
	l := &learner{Shop: thimbletest.New(t)}
	l.twice(80)
	if _, err := l.App.Shop.Tune(t.Context(), nil); !errors.Is(err, lists.ErrFew) || !errors.Is(err, thimble.ErrInvalid) || strings.Contains(err.Error(), "80") {
		t.Fatalf("with 80 people: %v, want a refusal that does not count them", err)
	}
	l.twice(80)
	// Somebody who refuses buys a lot of what else nobody buys together, before and after.
	refuses := l.Subject("refuses", thimbletest.Allows(thimble.PersonalizeContent)...)
	tries := func() string {
		t.Helper()
		steps := 0
		report, err := l.App.Shop.Tune(t.Context(), func(done, total int) {
			if steps++; done > total {
				t.Errorf("%d of %d recipes", done, total)
			}
		})
		l.no(t, err)
		if steps != report.Tried || len(report.Points) != report.Tried || report.Judged < lists.LeastJudged || report.Best <= 0 {
			t.Errorf("told of %d recipes of %d, %d points, %d people, best %f", steps, report.Tried, len(report.Points), report.Judged, report.Best)
		}
		if s := report.Split; s.From != "2026-01" || s.Until != "2026-06" || s.Cut < "2026-02-20" || s.Cut > "2026-06-20" {
			t.Errorf("split %+v, want the summer to be judged", s)
		}
		text, err := json.Marshal(report)
		l.no(t, err)
		return string(text)
	}
	before := tries()
	for i := range 20 {
		l.BuysOn(time.Date(2026, time.Month(1+i/4), 3, 12, 0, 0, 0, time.UTC), refuses, "K0-A", "K1-B", "K2-2", "K3-1", "K4-0")
	}
	if after := tries(); after != before {
		t.Errorf("what somebody who refuses learning bought moves what is found:\n%s, want\n%s", after, before)
	}
	// What is done with products after the day of the split is in neither part; what was done
	// before it is learned from.
	ada := l.person()
	l.DoesOn(time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC), ada, "Product Added", "K0-A", "K1-B", "K2-2")
	if after := tries(); after != before {
		t.Errorf("what was done after the split moves what is found:\n%s, want\n%s", after, before)
	}
	for i := range 30 {
		l.DoesOn(time.Date(2026, 2, 1, 12, 0, 0, 0, time.UTC), l.person(), "Product Added", thimble.ItemID(fmt.Sprintf("K%d-A", i%5)), thimble.ItemID(fmt.Sprintf("K%d-B", (i+1)%5)))
	}
	if after := tries(); after == before {
		t.Error("what was put in the cart before the split is not learned from")
	}
	v, _ := l.App.Shop.Version()
	l.Works()
	if now, _ := l.App.Shop.Version(); v.Number > 0 && now.Lineage.Chosen != nil {
		t.Errorf("to try recipes has chosen one: %+v", now.Lineage.Chosen)
	}
}

func TestAChosenRecipeIsFrozenInTheNextVersionWithWhoChoseIt(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		l := &learner{Shop: s}
		l.crowd()
		l.Works()
		first := l.stage(registry.Champion)
		if first.Lineage.Chosen != nil {
			t.Errorf("before a choice: chosen by %+v", first.Lineage.Chosen)
		}
		better := recommend.DefaultRecipe()
		better.Name, better.Steps = "default-tuned", 4
		id, err := l.Tunings.Start(t.Context(), "mia")
		l.no(t, err)
		l.no(t, l.Tunings.Finish(t.Context(), id, recommend.TuneReport{Recipe: better, Points: []recommend.TunePoint{{Recipe: better}}}))
		choice, err := l.Tunings.Choose(t.Context(), id, better, "mia", "it was better on what came after")
		l.no(t, err)
		if now := l.stage(registry.Champion); now.Number != first.Number {
			t.Errorf("the choice alone made version %d", now.Number)
		}

		ada := l.person()
		l.Buys(ada, "shirt", "extra-1")
		l.later()
		made := l.stage(registry.Champion)
		if c := made.Lineage.Chosen; c == nil || c.By != "mia" || c.Choice != choice.Number || !c.At.Equal(choice.At) {
			t.Fatalf("the next version: chosen by %+v", c)
		}
		if r := l.recipe(); r.Steps != 4 || r.Name != "default-tuned" {
			t.Errorf("its recipe: %+v", r)
		}
		if back := l.stage(registry.Retired); back.Lineage.Chosen != nil || back.Number != first.Number {
			t.Errorf("the version before: %d, chosen by %+v", back.Number, back.Lineage.Chosen)
		}
		// Derived anew without somebody, it is still whose choice it was.
		l.Chooses(ada, thimbletest.Withdraws(thimble.TrainAISystem)...)
		l.Works()
		if now := l.stage(registry.Champion); now.Number == made.Number || now.Lineage.Chosen == nil || now.Lineage.Chosen.By != "mia" {
			t.Errorf("version %d, made anew: chosen by %+v", now.Number, now.Lineage.Chosen)
		}
		l.exact(t)
		_, err = l.Tunings.Choose(t.Context(), thimble.ID{}, recommend.DefaultRecipe(), "pia", "back to the one that ships")
		l.no(t, err)
		l.later()
		if now := l.stage(registry.Champion); now.Lineage.Chosen == nil || now.Lineage.Chosen.By != "pia" || l.recipe().Steps != recommend.DefaultRecipe().Steps {
			t.Errorf("after the choice back: %+v", now.Lineage.Chosen)
		}
	})
}
